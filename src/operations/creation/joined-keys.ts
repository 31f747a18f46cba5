import type { Attribute } from '../../../codec/attribute.ts';
import { type KeyObjects, keepMaskHistory, limitCopy, limitLife, limitMask } from '../../object/copies.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { isProtected } from '../../object/protection.ts';
import { findShareSet } from '../../object/share-sets.ts';
import type { Context } from '../context.ts';
import { loadCopies, recordCopy, requireMayEndKey } from '../key-copies.ts';
import { valueOf } from '../new-object.ts';

/** Rights of a key that is joined from protected parts: it is a copy of the key that was divided. */

/**
 * Identifier of the first object with the key of protected parts: the key that was divided, or the first part
 * of one that was generated for its parts; undefined when none is known.
 */
function findOrigin(parts: readonly ManagedObject[], { protection }: Context): string | undefined {
  if (protection === 'kmip' || !parts.some(isProtected)) return undefined;
  const set = findShareSet(parts);
  return set?.origins[0]?.source ?? set?.id;
}

/**
 * Loads the objects of the key that was divided into these parts; undefined when it is not known.
 * @throws {KmipError} as `loadCopies`
 */
export async function loadDivided(
  parts: readonly ManagedObject[],
  context: Context,
): Promise<KeyObjects | undefined> {
  const origin = findOrigin(parts, context);
  return origin === undefined ? undefined : loadCopies(origin, context);
}

/** What a key is joined from. */
interface Joined {
  readonly parts: readonly ManagedObject[];
  readonly divided: KeyObjects | undefined;
  readonly stated: readonly Attribute[];
}

/**
 * Reduces the rights of a joined key to those of the key that was divided and of the parts, and records it as
 * copy.
 * @throws {KmipError} as `limitCopy`, `recordCopy` and `requireMayEndKey`
 */
export async function limitJoined(
  joined: ManagedObject,
  { parts, divided, stated }: Joined,
  context: Context,
): Promise<void> {
  if (context.protection === 'kmip' || !parts.some(isProtected)) return;
  const statedMask = valueOf(stated, 'CryptographicUsageMask');
  const masks = parts.map(
    ({ provenance, attributes }) => provenance.share?.mask ?? attributes.get('CryptographicUsageMask'),
  );
  for (const mask of masks) limitMask(joined.attributes, mask, statedMask);
  if (divided !== undefined) await requireMayEndKey(joined, divided, context);
  for (const part of parts) limitLife(joined, part, context.now);
  if (divided === undefined) return keepMaskHistory(joined, parts, []);
  limitCopy({ object: joined, statedMask, now: context.now }, divided);
  keepMaskHistory(joined, [...parts, divided.origin], [divided.history]);
  await recordCopy(joined, divided.origin.id, context);
}
