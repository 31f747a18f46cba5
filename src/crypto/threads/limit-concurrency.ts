import { availableParallelism } from 'node:os';

/**
 * Maximum number of long tasks at once: libuv's pool has four threads, the server's own one has two at least,
 * and other work needs some. One core is left to the event loop.
 */
const maxConcurrent = Math.max(1, Math.min(2, availableParallelism() - 1));
let running = 0;
const waiting: (() => void)[] = [];

/**
 * Runs a task that occupies a thread for up to seconds: a search for primes, a signature of SLH-DSA, the key
 * derivations of a PKCS#12. One or two such tasks run at once, the others wait in order, so that
 * threads stay free for other work.
 */
export async function limitConcurrency<T>(task: () => Promise<T>): Promise<T> {
  if (running < maxConcurrent) running++;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await task();
  } finally {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}
