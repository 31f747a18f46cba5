import { FairQueue } from '../../common/fair-queue.ts';
import { CryptographyBusyError } from '../errors.ts';

/** Maximum number of long tasks at once: libuv's pool has four threads, and other work needs some. */
export const maxSlowTasks = 2;
/** Long tasks of one account at once: the other place is free for those who have none at work. */
const maxSlowTasksOfAccount = 1;
/** Maximum number of long tasks of one account that wait; they take a minute or two. */
export const maxWaitingTasks = 64;
/** Maximum number of short tasks of one account that wait for libuv's pool, and as many brief ones. */
export const maxWaitingPoolTasks = 1_024;
/**
 * Brief tasks in libuv's pool at once, more than it has threads: new ones start in the next turn of the event
 * loop only, and threads would stand idle until then. So many delay another task by a few milliseconds.
 */
const maxBriefTasks = 16;

const slowTasks = new FairQueue(maxSlowTasks, {
  maxRunning: maxSlowTasksOfAccount,
  maxWaiting: maxWaitingTasks,
  refusal: () => new CryptographyBusyError('too much slow cryptography of this client waits: try again'),
  // A client that gives up closes its connection, and only the next write to it would tell whether it reads.
  isKept: (requester) => requester.hasEnded?.() !== true,
});

/** Threads of libuv's pool (its documentation: "Thread pool work scheduling"). */
const poolThreads = Number(process.env.UV_THREADPOOL_SIZE) || 4;

const poolBounds = {
  maxWaiting: maxWaitingPoolTasks,
  refusal: () => new CryptographyBusyError('too much cryptography of this client waits: try again'),
};
/** One thread stays free for brief tasks, files and names of hosts; long tasks leave one more. */
const poolTasks = new FairQueue(Math.max(maxSlowTasks + 1, poolThreads - 1), poolBounds);
const briefTasks = new FairQueue(maxBriefTasks, poolBounds);

/**
 * Runs a task that occupies a thread for up to seconds: a search for primes, a signature of SLH-DSA, the key
 * derivations of a PKCS#12. Two such tasks run at once, of different accounts, so that threads stay free for
 * other work. The others wait, and accounts take turns.
 * @throws {CryptographyBusyError} when too many tasks of the current requester's account wait already
 * @throws {RequesterGoneError} when the requester has gone, or closed its side, before the task's turn
 */
export function limitConcurrency<T>(task: () => Promise<T>): Promise<T> {
  return slowTasks.run(() => poolTasks.runAtOnce(task));
}

/**
 * Runs a task on libuv's pool that takes up to a tenth of a second: an asynchronous function of node:crypto.
 * Libuv itself takes tasks in their order, so the tasks of one client would hold up everybody's. Here they
 * wait for a free thread, and accounts take turns.
 * @throws {CryptographyBusyError} when too many tasks of the current requester's account wait already
 * @throws {RequesterGoneError} when the requester has gone before the task's turn
 */
export function runOnPool<T>(task: () => Promise<T>): Promise<T> {
  return poolTasks.run(task);
}

/** The same for a task of a millisecond or less: a signature or an agreement on a curve, for example. */
export function runBriefly<T>(task: () => Promise<T>): Promise<T> {
  return briefTasks.run(task);
}
