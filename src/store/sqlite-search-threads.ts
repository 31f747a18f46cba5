import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Read, SqlRow, SqlValue } from './sql-driver.ts';
import { describeSqliteError, type SqliteSettings } from './sqlite-connection.ts';
import { identityOf } from './sqlite-file.ts';
import type { SearchReply, SearchRequest } from './sqlite-search.ts';
import { StoreUnavailableError } from './store.ts';

/** The threads that search a SQLite file. Each starts when it is needed, and is replaced when it ends. */
export class SqliteSearchThreads {
  readonly #settings: SqliteSettings;
  /** The file that the other connections have open, whatever its path is by now. */
  readonly #identity: string | undefined;
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();

  constructor(settings: SqliteSettings) {
    this.#settings = { ...settings, readOnly: true };
    this.#identity = identityOf(settings.file);
  }

  /**
   * Runs a statement that only reads.
   * @throws {StoreUnavailableError} when the file cannot be read, or is no longer that of the path
   */
  async search(sql: string, parameters: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    const worker = this.#idle.pop() ?? this.#start();
    try {
      return await this.#run(worker, sql, parameters);
    } finally {
      if (this.#all.has(worker)) this.#idle.push(worker);
    }
  }

  async #run(worker: Worker, sql: string, parameters: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    if (!this.#all.has(worker)) throw this.#unavailable('the search thread has ended');
    worker.postMessage({ sql, parameters } satisfies SearchRequest);
    const reply = await this.#replyOf(worker);
    if ('rows' in reply) return reply.rows;
    if (reply.failure === 'statement') throw new Error(`the database refused a search: ${reply.description}`);
    throw this.#unavailable(reply.description);
  }

  /** As `SqlDriver.snapshot`, in a thread of its own. */
  async snapshot<T>(work: (read: Read) => Promise<T>): Promise<T> {
    const worker = this.#start();
    const read: Read = (sql, parameters) => this.#run(worker, sql, parameters);
    try {
      await read('begin', []);
      return await work(read);
    } finally {
      await this.#end(worker);
    }
  }

  async #replyOf(worker: Worker): Promise<SearchReply> {
    const ended = new AbortController();
    const end = () => ended.abort();
    worker.once('exit', end);
    try {
      const [reply] = await once(worker, 'message', { signal: ended.signal });
      return reply;
    } catch (error) {
      throw this.#unavailable(
        ended.signal.aborted ? 'the search thread has ended' : describeSqliteError(error),
      );
    } finally {
      worker.off('exit', end);
    }
  }

  #start(): Worker {
    if (identityOf(this.#settings.file) !== this.#identity)
      throw this.#unavailable(
        'the file was renamed or replaced while kmipd runs; put it back, or stop kmipd first',
      );
    const worker = new Worker(new URL('./sqlite-search.ts', import.meta.url), { workerData: this.#settings });
    this.#all.add(worker);
    // A running statement rejects; without a listener an error beside it would end the process.
    worker.on('error', () => {});
    worker.on('exit', () => {
      this.#all.delete(worker);
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
    });
    return worker;
  }

  /** Waits for running statements, and ends the threads. */
  async close(): Promise<void> {
    await Promise.all([...this.#all].map((worker) => this.#end(worker)));
  }

  async #end(worker: Worker): Promise<void> {
    // A thread that is told twice to end fails.
    if (!this.#all.delete(worker)) return;
    const exited = once(worker, 'exit');
    worker.postMessage('close');
    await exited;
  }

  #unavailable(why: string): StoreUnavailableError {
    return new StoreUnavailableError(`cannot read ${this.#settings.file}: ${why}`);
  }
}
