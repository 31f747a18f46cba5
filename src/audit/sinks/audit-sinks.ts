import { isDeepStrictEqual } from 'node:util';
import type { AuditSinkSettings } from '../../common/audit-sink-settings.ts';
import { BackOff } from '../../common/back-off.ts';
import type { AuditOutlet, DurableEntries } from '../audit.ts';
import type { AuditLogReader } from './delivery/audit-log-reader.ts';
import { AuditSink, type SinkTiming } from './delivery/audit-sink.ts';
import { CursorFile, type CursorFileObserver, type SinkCursor } from './delivery/cursor-file.ts';
import { DeliveryAttempts } from './delivery/delivery-attempts.ts';
import { EntryBuffer } from './delivery/entry-buffer.ts';
import type { SinkObserver } from './delivery/sink-observer.ts';
import type { SinkOutput } from './outputs/output.ts';

export interface AuditSinksOptions {
  /** Path of the file with the positions of the sinks. */
  readonly file: string;
  readonly reader: AuditLogReader;
  readonly createOutput: (settings: AuditSinkSettings) => SinkOutput;
  readonly observer: SinkObserver & CursorFileObserver;
  readonly timing?: Partial<AuditSinksTiming>;
}

export interface AuditSinksTiming extends SinkTiming {
  /** Milliseconds between looks for chains that other processes of the node have written. */
  readonly updateMilliseconds: number;
  /** Milliseconds that the end of the daemon waits for deliveries. */
  readonly closeMilliseconds: number;
  /** Milliseconds between writes of the positions. */
  readonly saveMilliseconds: number;
}

const defaultTiming: AuditSinksTiming = {
  ...{ lingerMilliseconds: 100, firstRetryMilliseconds: 1_000, maxRetryMilliseconds: 60_000 },
  ...{ updateMilliseconds: 60_000, closeMilliseconds: 3_000, saveMilliseconds: 1_000 },
};

/** Milliseconds that the log may take to name its chains. */
const maxUpdateMilliseconds = 10_000;

/** Position of sinks when the file with the positions cannot be used: whatever the log has is delivered. */
const fromTheBeginning: SinkCursor = { chains: new Map(), since: undefined, checkpoints: [] };

/** State of a sink, for metrics. */
export interface SinkStatus {
  readonly sink: string;
  readonly isUp: boolean;
  /** Entries that wait. */
  readonly backlog: number;
  /** Entries that were delivered since the process began. */
  readonly delivered: number;
}

/**
 * Delivers the audit log to the sinks of the configuration. Taking entries over costs each sink a few
 * assignments, and neither waits nor fails; all else happens beside the work of the server.
 */
export class AuditSinks implements AuditOutlet {
  readonly #options: AuditSinksOptions;
  readonly #timing: AuditSinksTiming;
  readonly #buffer = new EntryBuffer();
  readonly #file: CursorFile;
  /** Positions that the file had when the process began; undefined where it cannot be used. */
  #loaded: ReadonlyMap<string, SinkCursor> | undefined;
  readonly #attempts = new DeliveryAttempts(maxUpdateMilliseconds);
  readonly #backOff: BackOff;
  #sinks = new Map<string, AuditSink>();
  /** Sinks that end after a change of the configuration. */
  readonly #ending = new Set<Promise<void>>();
  #refusal: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The question to the log that has not been answered yet. */
  #updating: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: AuditSinksOptions) {
    this.#options = options;
    this.#timing = { ...defaultTiming, ...options.timing };
    const { firstRetryMilliseconds, maxRetryMilliseconds } = this.#timing;
    this.#backOff = new BackOff({
      baseMilliseconds: firstRetryMilliseconds,
      maxMilliseconds: maxRetryMilliseconds,
    });
    this.#file = new CursorFile(options.file, options.observer, this.#timing.saveMilliseconds);
    this.#loaded = this.#file.load();
  }

  /**
   * Why kmipd must refuse service, one line; undefined when no sink is a reason. It is asked before every
   * message, so it only reads a field.
   */
  refusal(): string | undefined {
    return this.#refusal;
  }

  accept({ chain, first, entries }: DurableEntries): void {
    const takers = [...this.#sinks.values()].filter(({ settings }) => settings.records);
    if (takers.length === 0) return;
    for (const [at, { text }] of entries.entries()) this.#buffer.add({ chain, number: first + at, text });
    for (const sink of takers) sink.accept(chain, first, first + entries.length);
  }

  acceptCheckpoint(text: string): void {
    for (const sink of this.#sinks.values()) sink.acceptCheckpoint(text);
  }

  /**
   * Puts the sinks of a configuration in force. Sinks with settings that stay open their files and
   * connections anew; a changed one goes on where it was, and one that is removed is forgotten.
   */
  configure(settings: readonly AuditSinkSettings[]): void {
    const previous = this.#sinks;
    this.#sinks = new Map();
    for (const each of settings) {
      const present = previous.get(each.name);
      if (present !== undefined && isDeepStrictEqual(present.settings, each)) {
        previous.delete(each.name);
        present.reopen();
        this.#sinks.set(each.name, present);
      } else this.#sinks.set(each.name, this.#create(each, present));
    }
    for (const sink of previous.values()) this.#end(sink);
    // A sink that is removed and comes back later is a new one.
    this.#loaded = new Map();
    this.#updateRefusal();
    this.#save();
    clearTimeout(this.#timer);
    if (this.#sinks.size > 0) this.#updating ??= this.#update();
  }

  /** The state of each sink. */
  status(): readonly SinkStatus[] {
    return [...this.#sinks].map(([sink, { isUp, backlog, delivered }]) => ({
      sink,
      isUp,
      backlog,
      delivered,
    }));
  }

  /** Delivers what waits for some seconds, and writes the positions down. */
  async close(): Promise<void> {
    const { closeMilliseconds } = this.#timing;
    const stop = setTimeout(() => this.#attempts.stop(), closeMilliseconds);
    await this.#updating;
    clearTimeout(stop);
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await Promise.all([
      ...[...this.#sinks.values()].map((sink) => sink.close(closeMilliseconds)),
      ...this.#ending,
    ]);
    this.#save();
    // A disk that hangs must not hold the end of the daemon up.
    const last = new DeliveryAttempts(closeMilliseconds);
    await last.run(() => this.#file.flush()).catch(() => {});
  }

  #create(settings: AuditSinkSettings, previous: AuditSink | undefined): AuditSink {
    const { name } = settings;
    const loaded = this.#loaded === undefined ? fromTheBeginning : this.#loaded.get(name);
    const { reader, observer, createOutput } = this.#options;
    return new AuditSink(settings, previous?.cursor ?? loaded, {
      ...{ reader, observer, buffer: this.#buffer, timing: this.#timing, output: createOutput(settings) },
      moved: () => this.#save(),
      changed: () => this.#updateRefusal(),
    });
  }

  #end(sink: AuditSink): void {
    const ending = sink.close(0).finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  /** Asks the log for its chains, now and again. */
  async #update(): Promise<void> {
    // The answer may be older than the positions of sinks that are added meanwhile.
    const asked = [...this.#sinks.values()];
    let milliseconds = this.#timing.updateMilliseconds;
    try {
      const ranges = await this.#attempts.run(() => this.#options.reader.chains());
      for (const sink of this.#present(asked)) sink.update(ranges);
      // Where a new sink begins must not be decided again after a crash.
      void this.#file.flush();
      this.#backOff.succeed();
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? (error as Error).name;
      milliseconds = this.#backOff.fail();
      for (const sink of this.#present(asked)) sink.failToBegin(`the audit log cannot be read (${code})`);
    }
    this.#updating = undefined;
    if (this.#isClosed || this.#sinks.size === 0) return;
    if (this.#present(asked).length < this.#sinks.size) milliseconds = 0;
    this.#timer = setTimeout(() => {
      this.#updating = this.#update();
    }, milliseconds).unref();
  }

  /** Those of the sinks that are in force. */
  #present(sinks: readonly AuditSink[]): readonly AuditSink[] {
    return this.#isClosed ? [] : sinks.filter((sink) => this.#sinks.get(sink.settings.name) === sink);
  }

  #updateRefusal(): void {
    this.#refusal = undefined;
    for (const { refusal } of this.#sinks.values()) this.#refusal ??= refusal;
  }

  #save(): void {
    this.#file.save(() => this.#cursors());
  }

  #cursors(): ReadonlyMap<string, SinkCursor> {
    const cursors = new Map<string, SinkCursor>();
    for (const [name, { cursor }] of this.#sinks) if (cursor !== undefined) cursors.set(name, cursor);
    return cursors;
  }
}
