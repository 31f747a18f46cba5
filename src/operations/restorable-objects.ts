import { readJson, writeJson } from '../common/json.ts';
import type { Retention } from '../object/maker.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import type { Context } from './context.ts';
import { keyCopiesKind, originOf } from './key-copies.ts';

/**
 * Destroyed objects in their waiting period. The row has the attributes as clients see them, what the object
 * was, and the value, which none of them reaches. A record says which rows these are, so that they are found;
 * nothing rests on it.
 */

/** Kind of the records, by the identifier of the object. */
export const restorableKind = 'restorable';

/** What lists show of a destroyed object that can be restored. */
export interface RestorableObject {
  readonly type: string;
  /** The client that has destroyed it. */
  readonly client: string;
  /** POSIX seconds: when it was destroyed, and from when on it is not restored any more. */
  readonly destroyedAt: number;
  readonly until: number;
}

/**
 * Says how the value of an object is kept that is about to be destroyed, if the operator wants that, and
 * records it. Undefined when it is not.
 */
export async function keepRestorable(
  object: ManagedObject,
  { work, now, principal: { client }, restorableUntil: until }: Context,
): Promise<Omit<Retention, 'attributes'> | undefined> {
  if (until === undefined || !object.hasContent) return undefined;
  const restorable: RestorableObject = { type: object.type, client, destroyedAt: now, until };
  work.records.put(restorableKind, object.id, writeJson(restorable));
  const copies = await work.records.load(keyCopiesKind, originOf(object));
  return { until, copies: copiesText(copies) };
}

/** The record of the copies of a key as a text that can be compared; null: there is none. */
export function copiesText(content: Uint8Array | undefined): string | null {
  return content === undefined ? null : new TextDecoder().decode(content);
}

/** Decodes the content of a record. */
export function readRestorable(content: Uint8Array): RestorableObject {
  return readJson(content);
}
