import { availableParallelism } from 'node:os';

/**
 * Pieces of slow work that may run at once: the pool has four threads, and other work needs some of them too. One core is
 * left to the event loop, where there is another.
 */
const maxConcurrent = Math.max(1, Math.min(2, availableParallelism() - 1));
let running = 0;
const waiting: (() => void)[] = [];

/**
 * For work that takes a thread of libuv's pool for up to seconds: primes that are searched for, signatures of SLH-DSA. Such
 * pieces wait for each other, so that nothing else waits for them.
 */
export async function limitConcurrency<T>(work: () => Promise<T>): Promise<T> {
  if (running < maxConcurrent) running++;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}
