import { joinBytes, splitBytes } from '../common/bytes.ts';
import { readJson, writeJson } from '../common/json.ts';
import { type AttributeSet, decodeAttributeSet, encodeAttributeSet } from '../object/attribute-set.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import type { Retention } from '../object/provenance.ts';
import type { Context } from './context.ts';

/**
 * Destroyed objects in their waiting period. The row has the attributes as clients see them, and the value,
 * which none of them reaches; a record has the attributes that the object had, because clients may change
 * those of a destroyed one, and the rules that bind attributes to the value do not see it.
 */

/** Kind of the records, by the identifier of the object. */
export const restorableKind = 'restorable';

/** What is known of a destroyed object that can be restored. */
export interface RestorableObject extends Retention {
  readonly type: string;
  /** The client that has destroyed it. */
  readonly client: string;
  /** POSIX seconds. */
  readonly destroyedAt: number;
}

/**
 * Keeps what an object is, in the commit that destroys it, if the operator wants that: returns how its value
 * is kept. Undefined when it is not.
 */
export function keepRestorable(
  object: ManagedObject,
  { work, now, principal, restorableUntil: until }: Context,
): Retention | undefined {
  if (until === undefined || !object.hasContent) return undefined;
  const { id, type, version } = object;
  const { client } = principal;
  const restorable: RestorableObject = { type, client, destroyedAt: now, until, version };
  const attributes = encodeAttributeSet(object.attributes);
  work.records.put(restorableKind, id, joinBytes(writeJson(restorable), attributes));
  return { until, version };
}

/** Decodes the content of a record, without the attributes. */
export function readRestorable(content: Uint8Array): RestorableObject {
  return readJson(splitBytes(content)[0]);
}

/**
 * Decodes the attributes of a record, for the object of that identifier.
 * @throws {WireError} when they cannot be decoded
 */
export function readKeptAttributes(id: string, content: Uint8Array): AttributeSet {
  return decodeAttributeSet(id, splitBytes(content)[1]);
}
