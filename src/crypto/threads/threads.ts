import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import {
  CryptographyBusyError,
  CryptographyFailedError,
  InvalidCertificateError,
  InvalidKeyMaterialError,
  InvalidParametersError,
  InvalidTagLengthError,
  MissingInputError,
  UnsupportedAlgorithmError,
  UnsupportedKeyFormatError,
} from '../errors.ts';
import type { Work } from './thread-work.ts';

/** What a thread is told: the work's name and its arguments, whose bytes are moved and not copied. */
export interface ThreadTask {
  readonly name: keyof Work;
  readonly values: readonly unknown[];
}

/** What it answers: a value, or an error by its name, because classes do not travel. */
export type Outcome =
  | { readonly value: unknown }
  | { readonly error: { readonly name: string; readonly message: string } };

interface Job {
  readonly order: ThreadTask;
  readonly transfer: ArrayBuffer[];
  resolve(value: unknown): void;
  reject(error: Error): void;
}

interface Options {
  /** Threads at most; each is started when there is work for it. */
  readonly size: number;
  /** Jobs that wait for a thread at most. */
  readonly waiting: number;
  /** Module that the threads run. */
  readonly module: URL;
}

/** Two at the least, so that one long job does not hold up all others; one core is left to the event loop. */
const usual: Options = {
  size: Math.min(8, Math.max(2, availableParallelism() - 1)),
  waiting: 1_024,
  module: new URL('./thread.ts', import.meta.url),
};

/** Errors of the port, made again on this side of the thread. */
const portErrors = new Map<string, new (message: string) => Error>(
  [
    UnsupportedAlgorithmError,
    InvalidCertificateError,
    CryptographyFailedError,
    MissingInputError,
    UnsupportedKeyFormatError,
    InvalidKeyMaterialError,
    InvalidParametersError,
    InvalidTagLengthError,
  ].map((type) => [type.name, type]),
);

/**
 * Threads for what would hold the event loop: private operations of RSA, arithmetic in BigInt, password-based key
 * derivation. They start with the first job, take one at a time, and do not keep the process alive. The price of handing
 * a job over is some 40 µs, of which the event loop pays 10: what costs less stays where it is.
 */
export class Threads {
  readonly #options: Options;
  readonly #idle: Worker[] = [];
  readonly #running = new Map<Worker, Job>();
  readonly #queue: Job[] = [];

  constructor(options: Partial<Options> = {}) {
    this.#options = { ...usual, ...options };
  }

  /**
   * Does the work in a thread. The arguments are copied, and the copies are wiped when it is done. Rejects with the port's
   * errors, with CryptographyBusy when too much waits already, and with another Error when the thread breaks down.
   */
  run<N extends keyof Work>(name: N, ...values: Parameters<Work[N]>): Promise<Awaited<ReturnType<Work[N]>>> {
    if (this.#queue.length >= this.#options.waiting)
      return Promise.reject(new CryptographyBusyError('too many keys are at work: try again'));
    const transfer: ArrayBuffer[] = [];
    const order: ThreadTask = { name, values: values.map((value) => ownCopy(value, transfer)) };
    return new Promise((resolve, reject) => {
      this.#queue.push({ order, transfer, resolve: resolve as Job['resolve'], reject });
      this.#next();
    });
  }

  /** Ends the threads. What is at work or waits fails; a later job starts threads again. */
  async close(): Promise<void> {
    const ended = new Error('the threads of the cryptography are closed');
    for (const { reject } of this.#queue.splice(0)) reject(ended);
    const workers = [...this.#idle.splice(0), ...this.#running.keys()];
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  #next(): void {
    while (this.#queue.length > 0) {
      const worker = this.#idle.pop() ?? this.#start();
      if (worker === undefined) return;
      const job = this.#queue.shift() as Job;
      this.#running.set(worker, job);
      worker.ref();
      worker.postMessage(job.order, job.transfer);
    }
  }

  /** Undefined when there are as many as there may be. */
  #start(): Worker | undefined {
    if (this.#running.size >= this.#options.size) return undefined;
    // Options of the process, such as those of a test runner, are none of the thread's.
    const worker = new Worker(this.#options.module, { execArgv: [] });
    let broken: Error | undefined;
    worker.on('message', (outcome: Outcome) => this.#done(worker, outcome));
    worker.on('error', (error: Error) => {
      broken = error;
    });
    worker.on('exit', () => this.#lost(worker, broken));
    return worker;
  }

  #done(worker: Worker, outcome: Outcome): void {
    const job = this.#running.get(worker);
    this.#running.delete(worker);
    this.#idle.push(worker);
    worker.unref();
    if ('value' in outcome) job?.resolve(outcome.value);
    else job?.reject(errorOf(outcome.error));
    this.#next();
  }

  /** A thread that ended takes its one job with it; the next job starts another. */
  #lost(worker: Worker, broken: Error | undefined): void {
    const job = this.#running.get(worker);
    this.#running.delete(worker);
    const at = this.#idle.indexOf(worker);
    if (at >= 0) this.#idle.splice(at, 1);
    job?.reject(new Error('a thread of the cryptography ended', { cause: broken }));
    this.#next();
  }
}

function errorOf({ name, message }: { name: string; message: string }): Error {
  const type = portErrors.get(name);
  return type === undefined
    ? new Error(`${name} in a thread of the cryptography: ${message}`)
    : new type(message);
}

/** A copy whose bytes are in buffers of their own, each of which is put on the list of what is moved. */
function ownCopy(value: unknown, transfer: ArrayBuffer[]): unknown {
  if (value instanceof Uint8Array) {
    const copy = new Uint8Array(value);
    transfer.push(copy.buffer);
    return copy;
  }
  if (Array.isArray(value)) return value.map((each) => ownCopy(each, transfer));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, ownCopy(each, transfer)]));
}
