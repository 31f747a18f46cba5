const { setTimeout: startTimer } = globalThis;

/** Items in the order of their arrival. A test waits for the nth item instead of for a time. */
export class Arrivals<T> {
  readonly items: T[] = [];
  readonly #waiting = new Map<number, PromiseWithResolvers<T>>();

  add(item: T): void {
    this.items.push(item);
    this.#waiting.get(this.items.length)?.resolve(item);
  }

  /** Resolves with the nth item, counted from 1, which may have arrived already. */
  nth(number: number): Promise<T> {
    const item = this.items[number - 1];
    if (item !== undefined) return Promise.resolve(item);
    const waiting = this.#waiting.get(number) ?? Promise.withResolvers<T>();
    this.#waiting.set(number, waiting);
    return waiting.promise;
  }
}

/** Resolves when a condition that no event announces holds; the bound is the time limit of the test file. */
export async function until(condition: () => boolean): Promise<void> {
  // The timer of before any mock, so that a test may stop the clock of the server.
  while (!condition()) await new Promise((resolve) => startTimer(resolve, 5));
}
