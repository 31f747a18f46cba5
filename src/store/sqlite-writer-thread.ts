import { Worker } from 'node:worker_threads';
import type { UnitOutcome } from './group-commit.ts';
import { type LaneConnection, maxLaneAttempts } from './lanes/lane-ports.ts';
import type { LaneEnd } from './lanes/lane-writer.ts';
import { SequenceError } from './row-numbers.ts';
import type { SqlUnit } from './sql-driver.ts';
import { describeSqliteError, type SqliteSettings } from './sqlite-connection.ts';
import type { ThreadOutcome, WriterReply, WriterRequest } from './sqlite-writer.ts';
import { StoreUnavailableError } from './store.ts';

type GroupReply = Exclude<WriterReply, 'ready'>;
type GroupResult = Extract<GroupReply, { readonly outcomes: unknown }>;

/** The main thread's side of `sqlite-writer.ts`. The keys of the lane stay here. */
export class SqliteWriterThread {
  readonly ready: Promise<void>;
  readonly #path: string;
  readonly #lane: LaneConnection;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #group = 0;
  #waiting: PromiseWithResolvers<GroupResult> | undefined;
  /** Why no further commit is possible; only a restart recovers the log. */
  #broken: string | undefined;

  constructor(settings: SqliteSettings, lane: LaneConnection) {
    this.#path = settings.file;
    this.#lane = lane;
    this.#worker = new Worker(new URL('./sqlite-writer.ts', import.meta.url), { workerData: settings });
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.#exited = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    this.#worker.on('message', (reply: WriterReply) => {
      if (reply === 'ready') ready.resolve();
      else this.#settle(reply);
    });
    const failPermanently = (why: string) => {
      this.#broken ??= why;
      ready.reject(this.#unavailable(why));
      this.#waiting?.reject(this.#unavailable(why));
    };
    this.#worker.on('error', (error) => failPermanently(describeSqliteError(error)));
    this.#worker.on('exit', () => failPermanently('the writer thread has ended'));
  }

  /**
   * Commits a group durably; resolves with one outcome per unit.
   *
   * @throws {StoreUnavailableError} when nothing was committed as far as SQLite reports.
   */
  async write(units: readonly SqlUnit[]): Promise<readonly UnitOutcome[]> {
    for (let attempt = 1; attempt <= maxLaneAttempts; attempt += 1) {
      const { outcomes, state } = await this.#attempt(units);
      if (state === 'committed') return outcomes.map(toUnitOutcome);
      await this.#lane.resolveConflict();
    }
    throw this.#unavailable('its row of table lane is replaced again and again');
  }

  async close(): Promise<void> {
    this.#worker.postMessage('close');
    await this.#exited;
  }

  async #attempt(units: readonly SqlUnit[]): Promise<GroupResult> {
    const last = this.#lane.createEnd(units);
    const steps = units.map((unit) => ({ steps: unit.steps }));
    const result = await this.#send({ units: steps, last: last?.steps }, last);
    if (result.state !== 'open') return result;
    const end = this.#createEnd(units.filter((_, at) => result.outcomes[at] === 'committed'));
    if (end instanceof Error) {
      await this.#send({ end: 'rollback' }, undefined);
      throw end;
    }
    return this.#send({ end: end?.steps ?? 'commit' }, end);
  }

  /** The last statements for the units that went through, or why there are none. */
  #createEnd(units: readonly SqlUnit[]): LaneEnd | undefined | Error {
    try {
      return this.#lane.createEnd(units);
    } catch (error) {
      return error as Error;
    }
  }

  /** Sends a request; `lane` is the end in it. */
  async #send(
    request: DistributiveOmit<WriterRequest, 'group'>,
    lane: LaneEnd | undefined,
  ): Promise<GroupResult> {
    if (this.#broken !== undefined) throw this.#unavailable(this.#broken);
    this.#group += 1;
    this.#waiting = Promise.withResolvers();
    this.#worker.postMessage({ ...request, group: this.#group } satisfies WriterRequest);
    const result = await this.#waiting.promise;
    // Where it rejects, SQLite has written nothing, or is not used any more.
    if (lane !== undefined && result.state === 'committed') this.#lane.accept(lane);
    return result;
  }

  #settle(reply: GroupReply): void {
    if (reply.group !== this.#group) return;
    if ('outcomes' in reply) {
      this.#waiting?.resolve(reply);
      return;
    }
    if (reply.failure === 'broken')
      this.#broken = `${reply.description}; restart kmipd when the disk works again`;
    this.#waiting?.reject(this.#unavailable(this.#broken ?? reply.description));
  }

  #unavailable(why: string): StoreUnavailableError {
    return new StoreUnavailableError(`cannot write ${this.#path}: ${why}`);
  }
}

function toUnitOutcome(outcome: ThreadOutcome): UnitOutcome {
  if (typeof outcome === 'string' || 'error' in outcome) return outcome;
  return { error: new SequenceError(outcome.misnumbered) };
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
