/**
 * UTF-16 units that the readers of XML and JSON take between two yields. The work of one step is bounded by a
 * small multiple of it, so that a large body never holds the event loop.
 */
export const maxStepUnits = 16_384;

/** Runs a reader to its end at once and returns its result. */
export function runToEnd<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
