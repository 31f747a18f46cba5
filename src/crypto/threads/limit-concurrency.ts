import { availableParallelism } from 'node:os';

/**
 * Maximum number of long tasks at once: libuv's pool has four threads, and other work needs some. One core is
 * left to the event loop.
 */
const maxConcurrent = Math.max(1, Math.min(2, availableParallelism() - 1));
let running = 0;
const waiting: (() => void)[] = [];

/**
 * Runs a task that occupies a thread of libuv's pool for up to seconds: a search for primes, a signature of
 * SLH-DSA. One or two such tasks run at once, the others wait in order, so that the pool keeps threads free
 * for other work.
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
