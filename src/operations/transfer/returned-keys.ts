import type { Attribute } from '../../../codec/attribute.ts';
import { fail } from '../../common/errors.ts';
import { type KeyObjects, keepMaskHistory, limitCopy } from '../../object/copies.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { Context } from '../context.ts';
import { loadCopies, recordCopy, requireMayEndKey } from '../key-copies.ts';
import { valueOf } from '../new-object.ts';
import type { WrappedValue } from './wrapped-values.ts';

/** What Import makes of a value that is recognised: a copy of the objects that it left from. */

/**
 * Loads the objects of the protected keys that a value was.
 * @throws {KmipError} as `loadCopies`
 */
export async function loadSources(
  known: readonly WrappedValue[],
  context: Context,
): Promise<readonly KeyObjects[]> {
  const origins = [...new Set(known.map(({ origin }) => origin))];
  const found = await Promise.all(origins.map((origin) => loadCopies(origin, context)));
  return found.filter((each) => each !== undefined);
}

/** A recognised value, its objects, and the attributes that the request states. */
interface Returned {
  readonly known: readonly WrappedValue[];
  readonly sources: readonly KeyObjects[];
  readonly stated: readonly Attribute[];
}

/** Attributes that say which key it is. */
const identities = ['ObjectType', 'KeyFormatType', 'CryptographicAlgorithm', 'CryptographicLength'] as const;

/**
 * Reduces the rights of an imported object to those of the objects of the same key, and records it as copy.
 * A part of a split key belongs to its set again.
 * @throws {KmipError} InvalidAttributeValue (1.x: InvalidField) when the request states another key, or as
 *   `limitCopy`, `recordCopy` and `requireMayEndKey`
 */
export async function bindToSources(
  imported: ManagedObject,
  { known: [same], sources, stated }: Returned,
  context: Context,
): Promise<void> {
  if (same === undefined || sources.length === 0) return;
  const described = {
    ObjectType: same.type,
    KeyFormatType: same.format,
    CryptographicAlgorithm: same.algorithm,
    CryptographicLength: same.bits,
  };
  for (const name of identities) {
    const value = valueOf(stated, name);
    if (value !== undefined && described[name] !== undefined && value !== described[name])
      fail('InvalidAttributeValue', `${name} contradicts the key that was wrapped`, 'InvalidField');
  }
  const { attributes } = imported;
  const statedMask = valueOf(stated, 'CryptographicUsageMask');
  const ownMask = sources[0]?.origin.attributes.get('CryptographicUsageMask');
  if (statedMask === undefined && ownMask !== undefined) attributes.set('CryptographicUsageMask', ownMask);
  for (const source of sources) await requireMayEndKey(imported, source, context);
  for (const source of sources) limitCopy({ object: imported, statedMask, now: context.now }, source);
  keepMaskHistory(
    imported,
    sources.map(({ origin }) => origin),
    sources.map(({ history }) => history),
  );
  const { madeWith, share } = same;
  if (madeWith !== undefined) imported.changeProvenance({ madeWith, share });
  await recordCopy(imported, same.origin, context);
}
