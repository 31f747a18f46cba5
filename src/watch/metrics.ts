import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { Operation, ResultReason, ResultStatus } from '../../codec/enums.ts';
import { versions } from '../../codec/version.ts';
import { AuditMetrics } from './audit-metrics.ts';
import type { EndpointObserver, ListenerObserver, RequestObserver } from './observer.ts';

/** Upper bounds in seconds, from a read of one object to the generation of a large key pair. */
const durationBuckets = [
  0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5,
];

const operations = new Set<string>(Operation.members);
const results = new Set<string>(ResultStatus.members);
const reasons = new Set<string>(ResultReason.members);
const protocols = new Set<string>(versions);

const toLabel = (list: ReadonlySet<string>, value: string): string => (list.has(value) ? value : 'other');

/** The daemon's metrics. Labels come from fixed vocabularies, so that clients cannot create time series. */
export class Metrics {
  readonly registry = new Registry();
  readonly #requests = new Counter({
    name: 'kmipd_requests_total',
    help: 'Batch items answered, by operation, protocol version and result.',
    labelNames: ['operation', 'version', 'result'] as const,
    registers: [this.registry],
  });
  readonly #requestSeconds = new Histogram({
    name: 'kmipd_request_duration_seconds',
    help: 'Time from the arrival of a message to its durable commit, by operation of its items.',
    labelNames: ['operation'] as const,
    buckets: durationBuckets,
    registers: [this.registry],
  });
  readonly #decodeErrors = new Counter({
    name: 'kmipd_decode_errors_total',
    help: 'Messages refused as a whole, by reason.',
    labelNames: ['reason'] as const,
    registers: [this.registry],
  });
  readonly #authenticationFailures = new Counter({
    name: 'kmipd_credentials_refused_total',
    help: 'Messages whose credentials or ticket were wrong or missing, by reason.',
    labelNames: ['reason'] as const,
    registers: [this.registry],
  });
  readonly #permissionsRefused = new Counter({
    name: 'kmipd_permissions_refused_total',
    help: 'Batch items refused because the role of the client lacks a permission, by permission.',
    labelNames: ['operation'] as const,
    registers: [this.registry],
  });
  readonly #attemptsExhausted = new Counter({
    name: 'kmipd_attempts_exhausted_total',
    help: 'Clients refused for a minute after too many failures to decrypt, unwrap or verify with a key.',
    registers: [this.registry],
  });
  readonly #quotaRefusals = new Counter({
    name: 'kmipd_quota_refusals_total',
    help: 'Batch items refused because the group of the client has as many objects as its quota allows.',
    registers: [this.registry],
  });
  readonly #failures = new Counter({
    name: 'kmipd_unexpected_failures_total',
    help: 'Requests that failed because of an internal error or an unavailable store or vault.',
    registers: [this.registry],
  });
  /** Of the audit log. */
  readonly audit = new AuditMetrics(this.registry);
  readonly #otherPolicies = new Gauge({
    name: 'kmipd_other_policy_nodes',
    help: 'Nodes that stated other roles than this one when they wrote last.',
    registers: [this.registry],
  });
  readonly #connections = new Gauge({
    name: 'kmipd_connections',
    help: 'Open connections of authenticated clients.',
    registers: [this.registry],
  });
  readonly #handshakes = new Counter({
    name: 'kmipd_handshakes_total',
    help: 'TLS handshakes, by result: full, resumed or refused, and the reason.',
    labelNames: ['result', 'reason'] as const,
    registers: [this.registry],
  });
  readonly #serverRequests = new Counter({
    name: 'kmipd_client_requests_total',
    help: 'Requests of the server that clients have answered, by operation and result.',
    labelNames: ['operation', 'result'] as const,
    registers: [this.registry],
  });
  readonly #droppedChanges = new Counter({
    name: 'kmipd_client_changes_forgotten_total',
    help: 'Changes that clients were not notified of, because too many waited.',
    registers: [this.registry],
  });
  readonly #unreachable = new Counter({
    name: 'kmipd_client_unreachable_total',
    help: 'Attempts to connect to a client that failed.',
    registers: [this.registry],
  });
  readonly #storeSeconds = new Histogram({
    name: 'kmipd_store_duration_seconds',
    help: 'Time of calls of the store: load, find, record, records, commit (durable), sweep, ping.',
    labelNames: ['call'] as const,
    buckets: durationBuckets,
    registers: [this.registry],
  });
  readonly #storeFailures = new Counter({
    name: 'kmipd_store_failures_total',
    help: 'Calls of the store that failed.',
    labelNames: ['call'] as const,
    registers: [this.registry],
  });
  readonly #forgedRows = new Counter({
    name: 'kmipd_store_forged_total',
    help: 'Rows of the database that were altered outside kmipd and refused, by table.',
    labelNames: ['table'] as const,
    registers: [this.registry],
  });
  readonly #rollbacks = new Counter({
    name: 'kmipd_store_rollback_total',
    help: 'Rollbacks of the database that were found; nothing is written after one.',
    registers: [this.registry],
  });
  readonly #writesStopped = new Gauge({
    name: 'kmipd_store_writes_stopped',
    help: '1 when this process writes nothing any more: after a rollback, the removal of its node, or a commit of another process under its name; else 0.',
    registers: [this.registry],
  });
  readonly #vaultSealed = new Gauge({
    name: 'kmipd_vault_sealed',
    help: '1 while the vault is sealed, because its root is not available; else 0.',
    registers: [this.registry],
  });
  readonly #verificationProblems = new Gauge({
    name: 'kmipd_store_verification_problems',
    help: 'Problems that the last verification of all rows has found.',
    registers: [this.registry],
  });
  readonly #verifiedAt = new Gauge({
    name: 'kmipd_store_verified_timestamp_seconds',
    help: 'When all rows were verified last.',
    registers: [this.registry],
  });
  /** Expiry of a role's certificate, in milliseconds since 1970. */
  readonly #certificateExpiries = new Map<string, number>();

  constructor() {
    // Includes the lag of the event loop, for example kmipd_nodejs_eventloop_lag_p99_seconds.
    collectDefaultMetrics({ register: this.registry, prefix: 'kmipd_' });
    const ends = this.#certificateExpiries;
    new Gauge({
      name: 'kmipd_certificate_expiry_seconds',
      help: 'Seconds until a certificate expires, by role: server, ca. Negative once it has.',
      labelNames: ['role'] as const,
      registers: [this.registry],
      collect() {
        for (const [role, at] of ends) this.set({ role }, Math.round((at - Date.now()) / 1000));
      },
    });
  }

  /** Exports the number of pending jobs; `pending` is called at every scrape. */
  watchJobs(pending: () => number): void {
    new Gauge({
      name: 'kmipd_pending_jobs',
      help: 'Messages that were answered as pending and are not completed yet.',
      registers: [this.registry],
      collect() {
        this.set(pending());
      },
    });
  }

  /**
   * Exports whether the tokens that have roots are up; `areUp` is called at every scrape, because a root may
   * move into a token or out of it. Without a value while it returns undefined.
   */
  watchTokens(areUp: () => boolean | undefined): void {
    new Gauge({
      name: 'kmipd_token_up',
      help: '1 when each token with the root or keys could be used the last time, or is there; else 0.',
      registers: [this.registry],
      collect() {
        const isUp = areUp();
        if (isUp === undefined) this.remove();
        else this.set(isUp ? 1 : 0);
      },
    });
  }

  /** Sets the expiry of a role's certificate. */
  recordCertificateExpiry(role: 'server' | 'ca', at: Date): void {
    this.#certificateExpiries.set(role, at.getTime());
  }

  /** Records one call of the store; `call` is the label. */
  readonly storeCall = (call: string, seconds: number, failed: boolean): void => {
    this.#storeSeconds.observe({ call }, seconds);
    if (failed) this.#storeFailures.inc({ call });
  };

  /** Counts a row that was refused; `table` is the label. */
  readonly forgedRow = (table: string): void => this.#forgedRows.inc({ table });

  /** Records that all rows were verified, and the number of problems. */
  readonly verified = (problems: number): void => {
    this.#verificationProblems.set(problems);
    this.#verifiedAt.setToCurrentTime();
  };

  /** Counts a rollback of the database. */
  readonly rollback = (): void => this.#rollbacks.inc();

  /** Records that nothing is written any more, until the process ends. */
  readonly writesStopped = (): void => this.#writesStopped.set(1);

  /** Records how many other nodes state other roles. */
  readonly otherPolicies = (nodes: number): void => this.#otherPolicies.set(nodes);

  /** Records whether the vault is sealed. */
  readonly vaultSealed = (isSealed: boolean): void => this.#vaultSealed.set(isSealed ? 1 : 0);

  /** Counts batch items and failures of requests. */
  readonly requests: RequestObserver = {
    answered: ({ operation, version, result, milliseconds }) => {
      const name = toLabel(operations, operation);
      this.#requests.inc({
        operation: name,
        version: toLabel(protocols, version),
        result: toLabel(results, result),
      });
      this.#requestSeconds.observe({ operation: name }, milliseconds / 1000);
    },
    refused: ({ reason }) => this.#decodeErrors.inc({ reason: toLabel(reasons, reason) }),
    authenticationFailed: ({ reason }) => this.#authenticationFailures.inc({ reason }),
    permissionRefused: ({ operation }) =>
      this.#permissionsRefused.inc({ operation: toLabel(operations, operation) }),
    attemptsExhausted: () => this.#attemptsExhausted.inc(),
    quotaExhausted: () => this.#quotaRefusals.inc(),
    requestFailed: () => this.#failures.inc(),
  };

  /** Counts connections and handshakes. */
  readonly listener: ListenerObserver = {
    connectionOpened: ({ resumed }) => {
      this.#connections.inc();
      this.#handshakes.inc({ result: resumed ? 'resumed' : 'full', reason: '' });
    },
    connectionClosed: () => this.#connections.dec(),
    connectionEnded: () => {},
    handshakeRefused: ({ reason }) => this.#handshakes.inc({ result: 'refused', reason }),
    listenerFailed: () => {},
  };

  /** Counts the server's requests to clients. */
  readonly endpoints: EndpointObserver = {
    endpointReady: () => {},
    requestAnswered: ({ operation, result }) =>
      this.#serverRequests.inc({
        operation: toLabel(operations, operation),
        result: toLabel(results, result),
      }),
    changesDropped: ({ changes }) => this.#droppedChanges.inc(changes),
    unreachable: () => this.#unreachable.inc(),
    failed: () => this.#failures.inc(),
  };
}
