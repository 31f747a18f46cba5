import { isDeepStrictEqual } from 'node:util';
import type { Config } from './index.ts';
import { configKeys } from './keys.ts';

/** A configuration that a running daemon can take over. */
export interface ReloadedConfig {
  /** The configuration in force after the reload. */
  readonly config: Config;
  /** Names of changed keys that take effect with the next start, such as `tls.profile`. */
  readonly ignoredKeys: readonly string[];
}

/**
 * Combines the configuration in force with a new one: the log level, certificates, roots, the mode of values,
 * roles, authorities, sinks of the audit log, `[destroy]`, `[crypto]` and `[certification]` but for the URL
 * are taken over, every other value stays. A key that is added to the configuration is therefore reported as
 * waiting for a restart until a reload takes it over here.
 */
export function takeOverReloadable(current: Config, next: Config): ReloadedConfig {
  const { log, tls, crypto, roles, authorities, auditSinks, destroy } = next;
  const config: Config = {
    ...current,
    log,
    vault: { ...current.vault, root: next.vault.root, values: next.vault.values },
    tls: { ...tls, profile: current.tls.profile },
    certification: { ...next.certification, crlUrl: current.certification.crlUrl },
    crypto,
    roles,
    authorities,
    auditSinks,
    destroy,
  };
  const ignoredKeys = [...configKeys.keys()].filter(
    (name) => !isDeepStrictEqual(valueAt(next, name), valueAt(config, name)),
  );
  return { config, ignoredKeys };
}

/** Returns the value of a dotted name, such as `log.level`. */
function valueAt(config: Config, name: string): unknown {
  const [first, second] = name.split('.') as [keyof Config, string?];
  const value = config[first];
  return second === undefined ? value : (value as unknown as Record<string, unknown>)[second];
}
