import { availableParallelism } from 'node:os';
import { FairQueue } from '../../common/fair-queue.ts';
import { CryptographyBusyError } from '../errors.ts';

/**
 * Maximum number of long tasks at once: libuv's pool has four threads, the server's own one has two at least,
 * and other work needs some. One core is left to the event loop.
 */
const maxConcurrent = Math.max(1, Math.min(2, availableParallelism() - 1));
/** Maximum number of long tasks of one account that wait; they take a minute or two. */
export const maxWaitingTasks = 64;

const queue = new FairQueue(maxConcurrent, {
  maxWaiting: maxWaitingTasks,
  refusal: () => new CryptographyBusyError('too much slow cryptography of this client waits: try again'),
  // A client that gives up closes its connection, and only the next write to it would tell whether it reads.
  isKept: (requester) => requester.hasEnded?.() !== true,
});

/**
 * Runs a task that occupies a thread for up to seconds: a search for primes, a signature of SLH-DSA, the key
 * derivations of a PKCS#12. One or two such tasks run at once, so that threads stay free for other work. The
 * others wait, and accounts take turns.
 * @throws {CryptographyBusyError} when too many tasks of the current requester's account wait already
 * @throws {RequesterGoneError} when the requester has gone, or closed its side, before the task's turn
 */
export function limitConcurrency<T>(task: () => Promise<T>): Promise<T> {
  return queue.run(task);
}
