import { Counter, Gauge, type Registry } from 'prom-client';

/** State of a sink of the audit log; operators choose the names. */
interface AuditSinkState {
  readonly sink: string;
  readonly isUp: boolean;
  readonly backlog: number;
  readonly delivered: number;
}

/** The metrics of the audit log. */
export class AuditMetrics {
  readonly #registry: Registry;
  readonly #failing: Gauge;
  readonly #unsigned: Gauge;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#failing = new Gauge({
      name: 'kmipd_audit_failing',
      help: '1 while records of the audit log cannot be written; else 0.',
      registers: [registry],
    });
    this.#unsigned = new Gauge({
      name: 'kmipd_audit_checkpoints_failing',
      help: '1 while no checkpoint of the audit log can be signed; else 0.',
      registers: [registry],
    });
  }

  /** Exports the entries of the audit log that wait in the journal; `pending` is called at every scrape. */
  watchJournal(pending: () => number): void {
    this.#failing.set(0);
    new Gauge({
      name: 'kmipd_audit_pending_records',
      help: 'Records of the audit log that are in the journal of this node and not in the database yet.',
      registers: [this.#registry],
      collect() {
        this.set(pending());
      },
    });
  }

  /** Records whether the audit log cannot be written. */
  readonly failed = (isFailing: boolean): void => this.#failing.set(isFailing ? 1 : 0);

  /** Records whether no checkpoint can be signed. */
  readonly checkpointsFailed = (isFailing: boolean): void => this.#unsigned.set(isFailing ? 1 : 0);

  /** Exports the state of each sink of the audit log; `list` is called at every scrape. */
  watchSinks(list: () => readonly AuditSinkState[]): void {
    const labelNames = ['sink'] as const;
    const add = (
      type: typeof Gauge | typeof Counter,
      name: string,
      help: string,
      valueOf: (state: AuditSinkState) => number,
    ) =>
      new type({
        ...{ name, help, labelNames, registers: [this.#registry] },
        collect() {
          this.reset();
          for (const state of list()) this.inc({ sink: state.sink }, valueOf(state));
        },
      });
    const upHelp = '1 when a sink of the audit log has taken the last entries in time; else 0.';
    add(Gauge, 'kmipd_audit_sink_up', upHelp, ({ isUp }) => (isUp ? 1 : 0));
    const backlogHelp = 'Entries of the audit log that wait for a sink.';
    add(Gauge, 'kmipd_audit_sink_backlog', backlogHelp, ({ backlog }) => backlog);
    const deliveredHelp = 'Entries of the audit log that a sink has taken.';
    add(Counter, 'kmipd_audit_sink_delivered_total', deliveredHelp, ({ delivered }) => delivered);
  }
}
