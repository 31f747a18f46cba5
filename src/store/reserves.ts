import type { Aliases } from './store.ts';

/** Returns `SqlUnit.reserves` for names or keys: one text for each, which all that stand for it have. */
export function reservesOf(aliases: Aliases): readonly string[] {
  return [...aliases].map(([key, others]) => [key, ...others].toSorted()[0] ?? key);
}
