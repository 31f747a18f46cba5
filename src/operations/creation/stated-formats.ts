import type { Attribute } from '../../../codec/attribute.ts';
import type { KeyFormatType } from '../../../codec/enums.ts';
import type { KeyBlock } from '../../../codec/structures/key-block.ts';
import type { KeyedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { fail } from '../../common/errors.ts';
import { UnsupportedKeyFormatError } from '../../crypto/errors.ts';
import { type PlainKey, plainKey } from '../../crypto/plain-key.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import { valueOf } from '../new-object.ts';

/** Key Format Types for a key that the server makes (KMIP 2.1 §4.27). */
export interface StatedFormats {
  /** The format that the client states for this key. */
  readonly required?: KeyFormatType | undefined;
  /**
   * Formats that are not stated for this key alone: that of both halves of a pair, of the group's
   * defaults, of the key that is replaced. The first that can hold the key is used.
   */
  readonly preferred?: readonly (KeyFormatType | undefined)[];
}

/** Returns the format that a request states, else that of the group's defaults. */
export function statedFormats(
  stated: readonly Attribute[],
  effective: readonly Attribute[] = stated,
): StatedFormats {
  return {
    required: valueOf(stated, 'KeyFormatType'),
    preferred: [valueOf(effective, 'KeyFormatType')],
  };
}

/**
 * Converts a new key into the stated format; into a preferred one when none is stated. The key is returned as
 * it is when neither applies.
 * @throws {KmipError} KeyFormatTypeNotSupported when the stated format cannot hold the key
 */
export function convertToStated<V extends KeyedObjectValue>(
  value: V,
  { required, preferred = [] }: StatedFormats,
  crypto: CryptoProvider,
): V {
  if (required !== undefined)
    return (
      convert(value, required, crypto) ??
      fail('KeyFormatTypeNotSupported', `Key Format Type ${required} cannot hold this ${value.type}`)
    );
  for (const format of preferred) {
    const converted = format === undefined ? undefined : convert(value, format, crypto);
    if (converted !== undefined) return converted;
  }
  return value;
}

/** Returns the key in another format; undefined when the format cannot hold it. */
function convert<V extends KeyedObjectValue>(
  value: V,
  format: KeyFormatType,
  crypto: CryptoProvider,
): V | undefined {
  const block = value.value.KeyBlock;
  const key = plainKey(value.type, block);
  if (key === undefined || format === block.KeyFormatType) return value;
  try {
    const KeyMaterial = crypto.convertKey(key, format);
    if (losesCurve(key, { ...key, KeyFormatType: format, KeyMaterial }, crypto)) return undefined;
    const KeyBlock: KeyBlock = { ...block, KeyFormatType: format, KeyValue: { KeyMaterial, Attributes: [] } };
    return { ...value, value: { ...value.value, KeyBlock } };
  } catch (error) {
    if (error instanceof UnsupportedKeyFormatError) return undefined;
    throw error;
  }
}

/** Raw keys on Curve25519 and Curve448 do not tell their curve, so nobody could use them. */
function losesCurve(key: PlainKey, converted: PlainKey, crypto: CryptoProvider): boolean {
  if (converted.KeyFormatType !== 'Raw' || key.objectType === 'SymmetricKey') return false;
  const hasCurve = (each: PlainKey) => crypto.describeKey(each).CryptographicDomainParameters !== undefined;
  return hasCurve(key) && !hasCurve(converted);
}

/**
 * Drops a Key Format Type that is stated for both halves of a pair and that can hold only the other half.
 */
export function withoutUnusedFormat(
  attributes: readonly Attribute[],
  common: KeyFormatType | undefined,
  value: KeyedObjectValue,
): readonly Attribute[] {
  if (common === undefined || value.value.KeyBlock.KeyFormatType === common) return attributes;
  return attributes.filter(
    (each) => each.vendor !== undefined || each.name !== 'KeyFormatType' || each.value !== common,
  );
}
