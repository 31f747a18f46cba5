import type { SealingObserver } from '../vault/local-vault.ts';
import type { Logger } from '../watch/log.ts';
import type { Metrics } from '../watch/metrics.ts';

/** The reports of whether the vault is sealed. */
export interface SealingReports extends SealingObserver {
  /** Calls `ready` as soon as the vault is unsealed again. */
  whenUnsealed(ready: () => void): void;
}

/** Logs why the vault is sealed, each reason once, and when it is unsealed; the metric says which. */
export function reportSealing(log: Logger, metrics: Pick<Metrics, 'vaultSealed'>): SealingReports {
  let ready: () => void = () => {};
  metrics.vaultSealed(false);
  return {
    sealed(reason) {
      metrics.vaultSealed(true);
      log.warn(`the vault is sealed, only Discover Versions, Query and Ping are answered: ${reason}`);
    },
    unsealed() {
      metrics.vaultSealed(false);
      log.info('the vault is unsealed');
      ready();
    },
    whenUnsealed(callback) {
      ready = callback;
    },
  };
}
