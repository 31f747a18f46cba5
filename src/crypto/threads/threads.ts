import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { FairQueue } from '../../common/fair-queue.ts';
import { CryptographyBusyError, createPortError } from '../errors.ts';

/** A message to a thread: the name of a function and its arguments, whose bytes are moved and not copied. */
export interface ThreadTask {
  readonly name: string;
  readonly values: readonly unknown[];
}

/**
 * The answer of a thread: a value, or an error as data, because classes do not cross threads. `code` is that
 * of the port's errors; another error has its class and text in `message`.
 */
export type Outcome =
  | { readonly value: unknown }
  | { readonly error: { readonly code: string | undefined; readonly message: string } };

/**
 * Functions that a module runs in threads, by name. Arguments and results can be copied by structured clone.
 */
type Functions<F> = { readonly [N in keyof F]: (...values: never[]) => unknown };

interface Job {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

interface Options {
  /** Module that the threads run: takes each ThreadTask, answers with an Outcome. */
  readonly module: URL;
  /** Maximum number of threads; each is started when there is work for it. */
  readonly size?: number;
  /** Maximum number of jobs of one account that wait for a thread. */
  readonly waiting?: number;
}

/** At least two, so that one long job does not hold up all others; one core is left to the event loop. */
const defaultSize = Math.min(8, Math.max(2, availableParallelism() - 1));
const defaultWaiting = 1_024;

/**
 * Threads for work that would block the event loop: private operations of RSA, arithmetic in BigInt,
 * password-based key derivation. They start with the first job, take one at a time, and do not keep the
 * process alive. Jobs that wait take turns by account. Handing over a job costs some 40 µs, 10 of them on the
 * event loop: cheaper work stays on the event loop.
 */
export class Threads<F extends Functions<F>> {
  readonly #module: URL;
  readonly #queue: FairQueue;
  readonly #idle: Worker[] = [];
  readonly #running = new Map<Worker, Job>();

  constructor({ module, size = defaultSize, waiting = defaultWaiting }: Options) {
    this.#module = module;
    this.#queue = new FairQueue(size, {
      maxWaiting: waiting,
      refusal: () => new CryptographyBusyError('too many keys of this client are at work: try again'),
    });
  }

  /**
   * Calls the function `name` in a thread and resolves with its result. The arguments are copied, and the
   * thread wipes the copies afterwards. The caller leaves its bytes as they are until then.
   * @throws {CryptographyBusyError} when too many jobs of the current requester's account wait already
   * @throws {RequesterGoneError} when the requester has gone before a thread is free
   * @throws the port's errors that the function throws; another Error when the function or the thread breaks
   * down
   */
  run<N extends keyof F & string>(name: N, ...values: Parameters<F[N]>): Promise<Awaited<ReturnType<F[N]>>> {
    return this.#queue.run(() => this.#start(name, values)) as Promise<Awaited<ReturnType<F[N]>>>;
  }

  /** Ends the threads. Running and waiting jobs fail; a later job starts threads again. */
  async close(): Promise<void> {
    const closed = new Error('the threads of the cryptography are closed');
    this.#queue.refuseWaiting(closed);
    const workers = [...this.#idle.splice(0), ...this.#running.keys()];
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  #start(name: string, values: readonly unknown[]): Promise<unknown> {
    const transfer: ArrayBuffer[] = [];
    const task: ThreadTask = { name, values: values.map((value) => copyForTransfer(value, transfer)) };
    const worker = this.#idle.pop() ?? this.#startWorker();
    return new Promise((resolve, reject) => {
      this.#running.set(worker, { resolve, reject });
      worker.ref();
      worker.postMessage(task, transfer);
    });
  }

  #startWorker(): Worker {
    // Options of the process, such as those of a test runner, are not meant for the thread.
    const worker = new Worker(this.#module, { execArgv: [] });
    let cause: Error | undefined;
    worker.on('message', (outcome: Outcome) => this.#finish(worker, outcome));
    worker.on('error', (error: Error) => {
      cause = error;
    });
    worker.on('exit', () => this.#removeWorker(worker, cause));
    return worker;
  }

  #finish(worker: Worker, outcome: Outcome): void {
    const job = this.#running.get(worker);
    this.#running.delete(worker);
    this.#idle.push(worker);
    worker.unref();
    if ('value' in outcome) job?.resolve(outcome.value);
    else job?.reject(errorOf(outcome.error));
  }

  /** Fails the one job of a thread that ended; the next job starts another thread. */
  #removeWorker(worker: Worker, cause: Error | undefined): void {
    const job = this.#running.get(worker);
    this.#running.delete(worker);
    const at = this.#idle.indexOf(worker);
    if (at >= 0) this.#idle.splice(at, 1);
    job?.reject(new Error('a thread of the cryptography ended', { cause }));
  }
}

function errorOf({ code, message }: { code: string | undefined; message: string }): Error {
  return createPortError(code, message) ?? new Error(`in a thread of the cryptography: ${message}`);
}

/**
 * Copies a value, its bytes into buffers of their own, and adds those buffers to the list of what is moved.
 */
function copyForTransfer(value: unknown, transfer: ArrayBuffer[]): unknown {
  if (value instanceof Uint8Array) {
    const copy = new Uint8Array(value);
    transfer.push(copy.buffer);
    return copy;
  }
  if (Array.isArray(value)) return value.map((each) => copyForTransfer(each, transfer));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, copyForTransfer(each, transfer)]),
  );
}
