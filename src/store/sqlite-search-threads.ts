import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Read, SqlRow, SqlValue } from './sql-driver.ts';
import { describeSqliteError, type SqliteSettings } from './sqlite-connection.ts';
import { identityOf } from './sqlite-file.ts';
import type { SearchReply, SearchRequest } from './sqlite-search.ts';
import { StoreUnavailableError } from './store.ts';

/** A thread that runs statements, in the order in which they were given to it. */
class SearchThread {
  readonly #worker: Worker;
  readonly #file: string;
  /** For the replies that are to come. */
  readonly #waiting: PromiseWithResolvers<SearchReply>[] = [];
  /** Why no reply comes any more. */
  #ended: string | undefined;
  readonly #exited: Promise<unknown>;

  constructor(settings: SqliteSettings) {
    this.#file = settings.file;
    this.#worker = new Worker(new URL('./sqlite-search.ts', import.meta.url), { workerData: settings });
    this.#exited = once(this.#worker, 'exit');
    this.#worker.on('message', (reply: SearchReply) => this.#waiting.shift()?.resolve(reply));
    // Without a listener an error beside a statement would end the process.
    this.#worker.on('error', (error) => this.#fail(describeSqliteError(error)));
    this.#worker.on('exit', () => this.#fail('the search thread has ended'));
  }

  get isEnded(): boolean {
    return this.#ended !== undefined;
  }

  async run(sql: string, parameters: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    if (this.#ended !== undefined) throw unavailable(this.#file, this.#ended);
    const waiting = Promise.withResolvers<SearchReply>();
    this.#waiting.push(waiting);
    this.#worker.postMessage({ sql, parameters } satisfies SearchRequest);
    const reply = await waiting.promise;
    if ('rows' in reply) return reply.rows;
    if (reply.failure === 'statement') throw new Error(`the database refused a search: ${reply.description}`);
    throw unavailable(this.#file, reply.description);
  }

  /** Waits for running statements, and ends the thread. */
  async end(): Promise<void> {
    // A thread that is told twice to end fails.
    if (this.#ended === undefined) this.#worker.postMessage('close');
    this.#ended ??= 'the search thread has ended';
    await this.#exited;
  }

  #fail(why: string): void {
    this.#ended ??= why;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(unavailable(this.#file, why));
  }
}

/** The threads that search a SQLite file. Each starts when it is needed, and is replaced when it ends. */
export class SqliteSearchThreads {
  readonly #settings: SqliteSettings;
  /** The file that the other connections have open, whatever its path is by now. */
  readonly #identity: string | undefined;
  readonly #idle: SearchThread[] = [];
  readonly #all = new Set<SearchThread>();

  constructor(settings: SqliteSettings) {
    this.#settings = { ...settings, readOnly: true };
    this.#identity = identityOf(settings.file);
  }

  /**
   * Runs a statement that only reads.
   * @throws {StoreUnavailableError} when the file cannot be read, or is no longer that of the path
   */
  async search(sql: string, parameters: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    const thread = this.#takeIdle() ?? this.#start();
    try {
      return await thread.run(sql, parameters);
    } finally {
      if (thread.isEnded) this.#all.delete(thread);
      else this.#idle.push(thread);
    }
  }

  #takeIdle(): SearchThread | undefined {
    for (let thread = this.#idle.pop(); thread !== undefined; thread = this.#idle.pop()) {
      if (!thread.isEnded) return thread;
      this.#all.delete(thread);
    }
    return undefined;
  }

  /** As `SqlDriver.snapshot`, in a thread of its own. */
  async snapshot<T>(work: (read: Read) => Promise<T>): Promise<T> {
    const thread = this.#start();
    try {
      await thread.run('begin', []);
      return await work((sql, parameters) => thread.run(sql, parameters));
    } finally {
      await this.#end(thread);
    }
  }

  #start(): SearchThread {
    if (identityOf(this.#settings.file) !== this.#identity)
      throw unavailable(
        this.#settings.file,
        'the file was renamed or replaced while kmipd runs; put it back, or stop kmipd first',
      );
    const thread = new SearchThread(this.#settings);
    this.#all.add(thread);
    return thread;
  }

  /** Waits for running statements, and ends the threads. */
  async close(): Promise<void> {
    await Promise.all([...this.#all].map((thread) => this.#end(thread)));
  }

  async #end(thread: SearchThread): Promise<void> {
    this.#all.delete(thread);
    await thread.end();
  }
}

function unavailable(file: string, why: string): StoreUnavailableError {
  return new StoreUnavailableError(`cannot read ${file}: ${why}`);
}
