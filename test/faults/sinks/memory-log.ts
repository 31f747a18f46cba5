import { EventEmitter, once } from 'node:events';
import type { AuditOutlet, ChainedEntry } from '../../../src/audit/audit.ts';
import { AuditSinks, type AuditSinksTiming } from '../../../src/audit/sinks/audit-sinks.ts';
import type { AuditLogReader, ChainRange } from '../../../src/audit/sinks/delivery/audit-log-reader.ts';
import type { SinkOutput } from '../../../src/audit/sinks/outputs/output.ts';
import type { AuditSinkSettings, FileSinkSettings } from '../../../src/common/audit-sink-settings.ts';

/** What is the same for every sink of these tests, unless a test says otherwise. */
export const common: Omit<FileSinkSettings, 'name' | 'type' | 'format' | 'path'> = {
  ...{ records: true, checkpoints: true, onFailure: 'alarm' },
  ...{ deadlineSeconds: 3_600, timeoutSeconds: 600, maxBacklog: 10_000_000 },
};

export const noTls = { ca: undefined, certificate: undefined, key: undefined };

/** An audit log in memory, which can be cut and which counts what is read back. */
export class MemoryLog implements AuditLogReader {
  readonly #chains = new Map<string, { first: number; entries: ChainedEntry[] }>();
  outlet: AuditOutlet | undefined;
  reads = 0;
  /** While it is set, reads wait for it. */
  hindrance: Promise<void> | undefined;

  /** Appends entries to a chain, and gives them to the outlet if there is one. */
  append(count: number, chain = 'c0ffee'): void {
    const { first, entries } = this.#chain(chain);
    const begin = first + entries.length;
    const added = Array.from({ length: count }, (_, at) => entryOf(chain, begin + at));
    entries.push(...added);
    for (let at = 0; at < count; at += 256)
      this.outlet?.accept({ chain, first: begin + at, entries: added.slice(at, at + 256) });
  }

  /** Removes the entries below a number. */
  cut(number: number, chain = 'c0ffee'): void {
    const kept = this.#chain(chain);
    kept.entries.splice(0, number - kept.first);
    kept.first = number;
  }

  async chains(): Promise<readonly ChainRange[]> {
    await this.hindrance;
    return [...this.#chains].map(([chain, { first, entries }]) => ({
      chain,
      first,
      next: first + entries.length,
    }));
  }

  async readFrom(chain: string, number: number, limit: number): Promise<readonly ChainedEntry[]> {
    await this.hindrance;
    this.reads += 1;
    const { first, entries } = this.#chain(chain);
    const begin = Math.max(0, number - first);
    return entries.slice(begin, begin + limit);
  }

  #chain(chain: string): { first: number; entries: ChainedEntry[] } {
    const found = this.#chains.get(chain) ?? { first: 0, entries: [] };
    this.#chains.set(chain, found);
    return found;
  }
}

/** Returns the entry of a number; its time is the number too. */
export function entryOf(chain: string, number: number): ChainedEntry {
  const items = [{ operation: 'Get', objects: [{ id: `key-${number}` }], result: 'Success' }];
  return { chain, number, text: JSON.stringify({ time: number, kind: 'message', node: 'n', items }) };
}

/** One event of the observer of the sinks. */
export interface Observed {
  readonly type: string;
  readonly event: Record<string, unknown>;
}

/** Sinks whose events can be waited for. */
export class TestSinks {
  readonly sinks: AuditSinks;
  readonly events: Observed[] = [];
  readonly #emitter = new EventEmitter();

  constructor(
    file: string,
    reader: AuditLogReader,
    createOutput: (settings: AuditSinkSettings) => SinkOutput,
    timing: Partial<AuditSinksTiming> = {},
  ) {
    const note = (type: string) => (event: object) => {
      this.events.push({ type, event: { ...event } });
      this.#emitter.emit('event');
    };
    const names = [
      ...['sinkFailed', 'sinkOverdue', 'sinkWorks', 'sinkRecovered', 'sinkGap'],
      ...['checkpointsDropped', 'positionWrong', 'cursorsUnusable', 'cursorsNotSaved'],
    ];
    this.sinks = new AuditSinks({
      ...{ file, reader, createOutput },
      observer: Object.fromEntries(names.map((name) => [name, note(name)])) as never,
      timing: {
        ...{ lingerMilliseconds: 0, firstRetryMilliseconds: 2, maxRetryMilliseconds: 20 },
        ...{ saveMilliseconds: 5, ...timing },
      },
    });
  }

  /** Events of a type, without the type. */
  of(type: string): readonly Record<string, unknown>[] {
    return this.events.filter((each) => each.type === type).map(({ event }) => event);
  }

  /** Resolves once so many events of a type were observed. */
  async until(type: string, count = 1): Promise<void> {
    while (this.of(type).length < count) await once(this.#emitter, 'event');
  }
}
