import type { AuditSinkSettings } from '../../../common/audit-sink-settings.ts';
import { BackOff } from '../../../common/back-off.ts';
import { SinkDeliveryError, type SinkOutput } from '../outputs/output.ts';
import type { AuditLogReader, ChainRange } from './audit-log-reader.ts';
import { type Batch, nextBatch } from './batch.ts';
import { BatchSize } from './batch-size.ts';
import { ChainPositions } from './chain-positions.ts';
import type { SinkCursor } from './cursor-file.ts';
import { DeliveryAttempts } from './delivery-attempts.ts';
import type { EntryBuffer } from './entry-buffer.ts';
import { SentHistory } from './sent-history.ts';
import { SinkHealth } from './sink-health.ts';
import type { SinkObserver } from './sink-observer.ts';
import { WaitingCheckpoints } from './waiting-checkpoints.ts';

export interface SinkTiming {
  /** Milliseconds that an attempt waits for further entries, so that a burst makes few attempts. */
  readonly lingerMilliseconds: number;
  /** The wait after the first failure; it doubles up to `maxRetryMilliseconds`. */
  readonly firstRetryMilliseconds: number;
  readonly maxRetryMilliseconds: number;
}

export interface SinkOptions {
  readonly output: SinkOutput;
  readonly reader: AuditLogReader;
  readonly buffer: EntryBuffer;
  readonly observer: SinkObserver;
  readonly timing: SinkTiming;
  /** Is called when the cursor has changed. */
  moved(): void;
  /** Is called when `refusal` may have changed. */
  changed(): void;
}

/** Delivers the log to one sink: in the order of each chain, every entry at least once. */
export class AuditSink {
  readonly settings: AuditSinkSettings;
  readonly #options: SinkOptions;
  readonly #positions: ChainPositions;
  readonly #checkpoints: WaitingCheckpoints;
  readonly #health: SinkHealth;
  readonly #attempts: DeliveryAttempts;
  readonly #backOff: BackOff;
  readonly #batchSize = new BatchSize();
  readonly #sent = new SentHistory();
  /** Milliseconds for which entries may be lost that were delivered; 0: none are. */
  #atRisk = 0;
  readonly #isNew: boolean;
  /** Milliseconds since 1970; when the oldest entry arrived that waited as the process began. */
  #since: number | undefined;
  readonly #begun = Promise.withResolvers<void>();
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #woken = Promise.withResolvers<void>();
  #isUpdated = false;
  #hasDroppedCheckpoints = false;

  /** `cursor`: where the sink has stopped before; undefined for a new one. */
  constructor(settings: AuditSinkSettings, cursor: SinkCursor | undefined, options: SinkOptions) {
    const { firstRetryMilliseconds, maxRetryMilliseconds } = options.timing;
    this.settings = settings;
    this.#options = options;
    this.#positions = new ChainPositions(cursor?.chains);
    this.#checkpoints = new WaitingCheckpoints(cursor?.checkpoints ?? []);
    this.#isNew = cursor === undefined;
    this.#since = cursor?.since;
    this.#health = new SinkHealth(settings, this.#positions, options.observer, options.changed);
    this.#attempts = new DeliveryAttempts(settings.timeoutSeconds * 1_000);
    this.#backOff = new BackOff({
      baseMilliseconds: firstRetryMilliseconds,
      maxMilliseconds: maxRetryMilliseconds,
    });
    options.output.watchLoss((milliseconds) => {
      this.#atRisk = Math.max(this.#atRisk, milliseconds);
      this.#wake();
    });
    this.#ended = this.#run();
  }

  /** As in `SinkHealth`. */
  get refusal(): string | undefined {
    return this.#health.refusal;
  }

  get isUp(): boolean {
    return this.#health.isUp;
  }

  /** Entries that wait. */
  get backlog(): number {
    return this.#positions.backlog;
  }

  /** Entries that were delivered since the process began. */
  get delivered(): number {
    return this.#positions.confirmed;
  }

  /** Undefined for a new sink that does not know yet where to begin. */
  get cursor(): SinkCursor | undefined {
    if (this.#isNew && !this.#isUpdated) return undefined;
    return {
      chains: this.settings.records ? this.#positions.cursors : undefined,
      since: this.#health.since,
      checkpoints: this.#checkpoints.texts,
    };
  }

  /** Takes what the log says of its chains; nothing is delivered before the first time. */
  update(ranges: readonly ChainRange[]): void {
    const before = this.#positions.arrived;
    if (this.settings.records) {
      const wrong = this.#positions.update(ranges);
      for (const chain of wrong) this.#options.observer.positionWrong({ sink: this.settings.name, chain });
      this.#takeArrivals(before);
    }
    if (this.#isUpdated && this.#positions.arrived === before) return;
    this.#isUpdated = true;
    this.#begun.resolve();
    this.#options.moved();
    this.#wake();
  }

  /** Takes note that the chains of the log cannot be read, so that nothing can be delivered. */
  failToBegin(reason: string): void {
    if (!this.#isUpdated) this.#health.failed(reason);
  }

  /** Takes durable entries of a chain, which are in the buffer or the log. */
  accept(chain: string, first: number, end: number): void {
    if (!this.settings.records) return;
    const before = this.#positions.arrived;
    this.#positions.extend(chain, first, end);
    this.#takeArrivals(before);
    this.#wake();
  }

  acceptCheckpoint(text: string): void {
    if (!this.settings.checkpoints) return;
    const hasDropped = this.#checkpoints.add({ text, after: this.#positions.arrived });
    if (hasDropped && !this.#hasDroppedCheckpoints) {
      this.#hasDroppedCheckpoints = true;
      this.#options.observer.checkpointsDropped({ sink: this.settings.name });
    }
    this.#options.moved();
    this.#wake();
  }

  /** Opens files and connections anew before the next attempt. */
  reopen(): void {
    this.#options.output.reopen();
  }

  /** Delivers what waits, within some milliseconds and as long as no attempt fails, and ends. */
  async close(milliseconds: number): Promise<void> {
    this.#closing.abort();
    this.#begun.resolve();
    this.#wake();
    const stop = setTimeout(() => this.#attempts.stop(), milliseconds);
    if (milliseconds === 0) this.#attempts.stop();
    await this.#ended;
    clearTimeout(stop);
    this.#health.close();
  }

  /** The first entries of a process may have waited before it. */
  #takeArrivals(before: number): void {
    if (this.#positions.arrived === before) return;
    this.#health.arrived(before, this.#since);
    this.#since = undefined;
  }

  #wake(): void {
    this.#woken.resolve();
  }

  async #run(): Promise<void> {
    const { lingerMilliseconds } = this.#options.timing;
    await this.#begun.promise;
    while (this.#isUpdated) {
      await this.#untilWork();
      if (!this.#hasWork || this.#attempts.isStopped) break;
      if (this.#positions.backlog < this.#batchSize.entries) await this.#pause(lingerMilliseconds);
      const milliseconds = await this.#attempt();
      if (milliseconds === 0) continue;
      if (this.#closing.signal.aborted) break;
      await this.#pause(milliseconds);
    }
    // Whatever the connection still says, this sink has ended; a restart goes on from what is certain.
    await this.#attempts.run((signal) => this.#options.output.close(signal)).catch(() => {});
    if (this.#atRisk > 0) this.#rewind();
  }

  get #hasWork(): boolean {
    return this.#positions.backlog > 0 || this.#checkpoints.first !== undefined || this.#atRisk > 0;
  }

  async #untilWork(): Promise<void> {
    while (!this.#hasWork && !this.#closing.signal.aborted) {
      this.#woken = Promise.withResolvers();
      await this.#woken.promise;
    }
  }

  /** Waits so long, or until the sink is closed. */
  async #pause(milliseconds: number): Promise<void> {
    const { signal } = this.#closing;
    if (milliseconds === 0 || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    const end = () => resolve();
    signal.addEventListener('abort', end, { once: true });
    await promise;
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }

  /** Makes one attempt; resolves to the milliseconds to wait before the next one. */
  async #attempt(): Promise<number> {
    const { output, reader, buffer } = this.#options;
    const source = { positions: this.#positions, checkpoints: this.#checkpoints, reader, buffer };
    let batch: Batch | undefined;
    try {
      if (this.#atRisk > 0) this.#rewind();
      this.#trim();
      batch = await this.#attempts.run(() => nextBatch(source, this.#batchSize.entries));
      const { events = [] } = batch ?? {};
      if (events.length > 0) await this.#attempts.run((signal) => output.send(events, signal));
    } catch (error) {
      return this.#fail(error, batch);
    }
    this.#succeed(batch);
    return 0;
  }

  /** Delivers again what a connection may have lost; it must not push entries out of the backlog. */
  #rewind(): void {
    const { chains, checkpoints } = this.#sent.read(this.#atRisk);
    this.#atRisk = 0;
    const before = this.#positions.arrived;
    for (const [chain, from] of chains)
      this.#positions.rewind(chain, from, Math.floor(this.settings.maxBacklog / 2));
    this.#checkpoints.restore(checkpoints);
    this.#takeArrivals(before);
  }

  /**
   * Gives up what is beyond the bound. A sixteenth more is given up, so that a sink that stays too slow does
   * not cause a record of each single entry.
   */
  #trim(): void {
    const { onFailure, maxBacklog } = this.settings;
    if (onFailure === 'alarm' && this.#positions.backlog > maxBacklog)
      this.#positions.trim(maxBacklog - Math.floor(maxBacklog / 16));
  }

  /** Without events nothing was sent, so that nothing is known of the sink. */
  #succeed(batch: Batch | undefined): void {
    const wasSent = (batch?.events.length ?? 0) > 0;
    const { chain, from, to, characters } = batch?.entries ?? { chain: '', from: 0, to: 0, characters: 0 };
    const gaps = this.#positions.confirm(chain, from, to);
    if (batch?.entries !== undefined) this.#sent.addEntries(chain, from, to, characters);
    else if (batch !== undefined) this.#confirmCheckpoint();
    if (wasSent) {
      this.#batchSize.succeed();
      this.#backOff.succeed();
    }
    this.#health.delivered(wasSent);
    this.#options.moved();
    for (const gap of gaps) this.#options.observer.sinkGap({ sink: this.settings.name, ...gap });
  }

  #confirmCheckpoint(): void {
    this.#sent.addCheckpoint(this.#checkpoints.first?.text ?? '');
    this.#checkpoints.removeFirst();
    this.#hasDroppedCheckpoints = false;
  }

  /** Returns the milliseconds to wait. */
  #fail(error: unknown, batch: Batch | undefined): number {
    const { isBatchRefused, retryMilliseconds, message } =
      error instanceof SinkDeliveryError
        ? error
        : // Other messages may quote what was to be delivered.
          new SinkDeliveryError(
            `it fails (${(error as NodeJS.ErrnoException).code ?? (error as Error).name})`,
          );
    const { from = 0, to = 0 } = batch?.entries ?? {};
    if (isBatchRefused && this.#batchSize.refuse(to - from)) return 0;
    this.#health.failed(message);
    this.#options.moved();
    return Math.max(this.#backOff.fail(), retryMilliseconds ?? 0);
  }
}
