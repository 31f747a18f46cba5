import type { FirstKeys } from './closure-keys.ts';
import type { Shared } from './closure-outcomes.ts';
import type { CapturingService } from './closure-planting.ts';
import { SaturatedChanges } from './closure-saturated-changes.ts';
import { SaturatedReads } from './closure-saturated-reads.ts';
import { Saturation } from './closure-saturation.ts';

/** How a saturation went. */
export interface Saturated {
  readonly saturation: Saturation;
  /** Numbers of objects that are reached by so many steps. */
  readonly sizes: readonly number[];
  /** Whether further steps reach nothing more. */
  readonly isComplete: boolean;
  readonly done: ReadonlyMap<string, number>;
}

/** Reaches everything that at most `maxDepth` steps lead to; `only` selects steps by their names. */
export async function saturate(
  server: CapturingService,
  first: FirstKeys,
  shared: Shared,
  { maxDepth, only, log }: { maxDepth: number; only?: RegExp; log?: (text: string) => void },
): Promise<Saturated> {
  const saturation = await Saturation.begin(server, first, shared);
  const reads = new SaturatedReads(saturation);
  const changes = new SaturatedChanges(saturation, reads, only);
  await reads.run();
  const sizes = [saturation.objects.length];
  let isComplete = false;
  for (let depth = 1; depth <= maxDepth && !isComplete; depth += 1) {
    const before = [saturation.objects.length, saturation.pool.wrapped.size];
    await changes.run(depth);
    await reads.run();
    const after = [saturation.objects.length, saturation.pool.wrapped.size];
    isComplete = before.every((size, at) => size === after[at]);
    sizes.push(saturation.objects.length);
    if (log === undefined) continue;
    const { leaks, computed } = saturation.findLeaks();
    log(`depth ${depth}: ${saturation.summary}, ${computed} strings computed, ${leaks.length} pieces`);
  }
  return { saturation, sizes, isComplete, done: changes.done };
}
