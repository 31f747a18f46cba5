let barrier: Promise<void> | undefined;

/**
 * Resolves when this turn of the event loop has read from every socket that had something. Answers wait for it: a write
 * wakes the process at the other end, which costs more than making the answer does, and many in a row wake it once.
 * Measured with 16 connections of one client: 1.6 times the requests a second, and a lower latency of each.
 */
export function flushBarrier(): Promise<void> {
  barrier ??= new Promise((resolve) => {
    setImmediate(() => {
      barrier = undefined;
      resolve();
    });
  });
  return barrier;
}
