import type { Attribute } from '../../../codec/attribute.ts';
import { mask } from '../operations/transfer/wrapping-keys.ts';
import type { Blob, Kind } from './closure-reads.ts';
import type { Held, Item, Reply, World } from './closure-world.ts';

/** A step of the search, and what the steps have in common. */

/** A step by names, so that it can be done again with other keys. */
export interface Change {
  readonly kind: Kind;
  /** Names the step; equal in every world. */
  readonly name: string;
  /** A wrapped key that the step needs. */
  readonly blob?: Blob | undefined;
  /** What decides the answer, by the descriptions of a world. */
  decided(world: World): string;
  item(world: World): Item;
  /** The terms of the objects that the step makes; none for a change of an object. */
  readonly terms: readonly string[];
  /** The object that changes. */
  readonly changes?: string;
  /** How the step derives or divides a key. */
  readonly method?: string;
}

/** Reads the identifiers of the objects that a step has made. */
export function madeIds(reply: Reply): string[] {
  return [reply.payload?.UniqueIdentifier ?? []].flat();
}

export const uses = {
  none: [],
  wrap: [mask('WrapKey', 'UnwrapKey')],
  all: [
    mask('Encrypt', 'Decrypt', 'WrapKey', 'UnwrapKey', 'MACGenerate', 'MACVerify', 'DeriveKey', 'Export'),
  ],
} as const;
export const allUses = uses.all[0];
export type Uses = keyof typeof uses;
export const open: readonly Attribute[] = [
  { name: 'Sensitive', value: false },
  { name: 'Extractable', value: true },
];
export const sensitive: Attribute = { name: 'Sensitive', value: true };

export const idOf = (world: World, name: string) => (world.objects.get(name) as Held).id;
export const described = (world: World, names: readonly string[]) =>
  names.map((name) => world.descriptions.get(name)).join(' + ');

/** Descriptions of all objects with a value: copies are bound by each other. */
export function others(world: World, term: string): string {
  const same = [...world.objects.values()].filter((each) => each.term === term);
  return described(
    world,
    same.map(({ name }) => name),
  );
}
