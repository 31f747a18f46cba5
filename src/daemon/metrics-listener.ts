import type { AuditRecorder } from '../audit/audit.ts';
import type { Address } from '../common/address.ts';
import { parseRootUri, partsOf } from '../common/root-uri.ts';
import type { ManagedTokens } from '../management/api.ts';
import type { Store } from '../store/store.ts';
import type { LocalVault } from '../vault/local-vault.ts';
import { type Readiness, startHttpServer } from '../watch/http.ts';
import type { Backends } from './backends.ts';
import { bind } from './bind.ts';
import type { StartContext } from './start-context.ts';
import { describeTokens } from './token-reports.ts';

/** Decides whether the daemon can answer requests, for `/readyz`. */
export class ReadinessCheck {
  readonly #store: Pick<Store, 'ping'>;
  readonly #vault: Pick<LocalVault, 'unsealed' | 'status'>;
  readonly #lanes: Backends['lanes'];
  readonly #tokens: Pick<ManagedTokens, 'list'>;
  readonly #audit: Pick<AuditRecorder, 'refusal'> | undefined;
  #isDraining = false;

  constructor({
    store,
    vault,
    lanes,
    tokens,
    audit,
  }: Pick<Backends, 'store' | 'lanes'> & {
    readonly vault: Pick<LocalVault, 'unsealed' | 'status'>;
    readonly tokens: Pick<ManagedTokens, 'list'>;
    readonly audit: Pick<AuditRecorder, 'refusal'> | undefined;
  }) {
    this.#audit = audit;
    this.#tokens = tokens;
    this.#store = store;
    this.#vault = vault;
    this.#lanes = lanes;
  }

  /** Makes every later check report that the daemon is draining. */
  startDraining(): void {
    this.#isDraining = true;
  }

  async check(): Promise<Readiness> {
    if (this.#isDraining) return { ready: false, reason: 'draining' };
    if (!this.#vault.unsealed) {
      const kinds = this.#vault.status().configured.flatMap(kindsOf).join(', ');
      const reason = `the vault is sealed: its root (${kinds}) is not available`;
      return { ready: false, reason: reason + describeTokens(this.#tokens) };
    }
    // Its text names a place of the operator.
    if (this.#audit?.refusal !== undefined)
      return { ready: false, reason: 'every request is refused: a sink of the audit log is behind' };
    try {
      await this.#store.ping();
      return { ready: true };
    } catch {
      // Errors of the database may name its server, which whoever reads this need not know.
      return { ready: false, reason: this.#lanes.stopped ?? 'the store does not answer' };
    }
  }
}

/** Returns what kinds of roots a URI needs; their places are no business of whoever asks. */
function kindsOf(text: string): readonly string[] {
  const uri = parseRootUri(text, '/');
  return typeof uri === 'string' ? [] : partsOf(uri).map(({ kind }) => kind);
}

/**
 * Serves metrics and health over HTTP where an address is configured, and returns the address that was bound.
 * @throws {CommandError} when the address cannot be bound.
 */
export async function startMetricsListener(
  { config, metrics, closing }: StartContext,
  readiness: ReadinessCheck,
): Promise<Address | undefined> {
  if (config.metrics === undefined) return undefined;
  const options = { ...config.metrics, registry: metrics.registry, ready: () => readiness.check() };
  const { server, host, port } = await bind(config.metrics, '--metrics', () => startHttpServer(options));
  closing.defer(() => server.closeAllConnections());
  closing.defer(() => void server.close());
  return { host, port };
}
