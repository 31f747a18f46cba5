let barrier: Promise<void> | undefined;
let isReleased = false;
const actions: (() => void)[] = [];

/**
 * Resolves when the current iteration of the event loop has read from every readable socket. Responses wait
 * for the barrier: a write wakes the peer's process, which costs more than computing the response, and many
 * writes in a row wake it once. Measured with 16 connections of one client: 1.6 times the requests per second
 * at a lower latency. Whoever has waited for it need not wait for another one: until the event loop goes on
 * it resolves at once.
 */
export function flushBarrier(): Promise<void> {
  return isReleased ? Promise.resolve() : nextBarrier();
}

function nextBarrier(): Promise<void> {
  barrier ??= new Promise((resolve) => {
    setImmediate(() => {
      barrier = undefined;
      isReleased = true;
      for (const action of actions.splice(0)) action();
      resolve();
    });
    // What waits for the promise runs between the two.
    setImmediate(() => {
      isReleased = false;
    });
  });
  return barrier;
}

/** Runs an action, which must not throw, when the next barrier is reached; resolves after it. */
export function beforeFlush(action: () => void): Promise<void> {
  actions.push(action);
  return nextBarrier();
}
