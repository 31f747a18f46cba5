import type { Aliases } from './store.ts';

/**
 * Returns `SqlUnit.reserves` for names or keys: the hash in the oldest index, which every process knows until
 * nobody uses it any more.
 */
export function reservesOf(aliases: Aliases): readonly string[] {
  return [...aliases.values()].flatMap(([oldest]) => oldest ?? []);
}

/** Returns the hashes in other indexes of a name or key. */
export function othersOf(aliases: Aliases, own: string): readonly string[] {
  return aliases.get(own)?.filter((each) => each !== own) ?? [];
}
