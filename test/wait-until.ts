import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds that what is waited for may take, on a loaded machine too. */
const deadline = 120_000;

/** Milliseconds between looks. */
const pause = 20;

/**
 * Looks again and again for what no event announces, and resolves to what `look` returns as soon as that is
 * something. Rejects as `look` does, and when it takes too long; `what` says then what did not come.
 */
export async function waitUntil<T>(
  what: string,
  look: () => T | Promise<T>,
): Promise<Exclude<T, false | undefined>> {
  for (const end = performance.now() + deadline; ; ) {
    const found = await look();
    if (found !== false && found !== undefined) return found as Exclude<T, false | undefined>;
    if (performance.now() > end) throw new Error(`${what} did not come within ${deadline} ms`);
    await sleep(pause);
  }
}
