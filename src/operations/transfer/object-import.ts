import type { Attribute } from '../../../codec/attribute.ts';
import { ObjectType } from '../../../codec/enums.ts';
import {
  hasKeyBlock,
  type ManagedObjectValue,
  type SplitKey,
} from '../../../codec/structures/managed-objects.ts';
import { isWithin, type Version } from '../../../codec/version.ts';
import { fail } from '../../common/errors.ts';

/** Shared by the operations that take in objects which clients bring. */

/** Attributes that came inside Key Value, where clients may put them too. */
export function attributesInKeyValue(value: ManagedObjectValue): readonly Attribute[] {
  const keyValue = hasKeyBlock(value) ? value.value.KeyBlock.KeyValue : undefined;
  return keyValue === undefined || keyValue instanceof Uint8Array ? [] : keyValue.Attributes;
}

/** The object as it is kept: attributes live beside the key. Under a MAC or signature nothing may be taken away. */
export function removeAttributes(value: ManagedObjectValue): ManagedObjectValue {
  if (!hasKeyBlock(value)) return value;
  const block = value.value.KeyBlock;
  if (block.KeyValue === undefined || block.KeyValue instanceof Uint8Array) return value;
  if (block.KeyWrappingData !== undefined) return value;
  const KeyBlock = { ...block, KeyValue: { ...block.KeyValue, Attributes: [] } };
  return { ...value, value: { ...value.value, KeyBlock } } as ManagedObjectValue;
}

/** From here on a Template may not hold a Name of its own (KMIP 1.2–1.4, Register), and a Key Value may stay with the client. */
const metadata = { since: '1.2' } as const;

function needsPrime({ SplitKeyMethod, PrimeFieldSize }: SplitKey): boolean {
  return SplitKeyMethod === 'PolynomialSharingPrimeField' && PrimeFieldSize === undefined;
}

/**
 * Refuses what the schema cannot see: an object of which the version knows nothing, a Template that holds a Name, a key without a value in versions that know none, and
 * attributes beside a key that was wrapped without encoding. Fails with InvalidObjectType (1.x:
 * InvalidField), InvalidField or EncodingOptionError.
 */
export function requireWellFormed(value: ManagedObjectValue, version: Version): void {
  if (!ObjectType.isKnownIn(value.type, version))
    fail('InvalidObjectType', `KMIP ${version} knows no ${value.type}`, 'InvalidField');
  const since12 = isWithin(version, metadata.since);
  if (value.type === 'Template' && since12) {
    const named = value.value.Attributes.some(({ name, vendor }) => name === 'Name' && vendor === undefined);
    if (named) fail('InvalidField', 'a Template holds no Name: its own stands in the Template-Attribute');
  }
  if (!hasKeyBlock(value)) return;
  if (value.type === 'SplitKey' && needsPrime(value.value))
    fail('InvalidField', 'a Split Key over a prime field needs Prime Field Size');
  const { KeyFormatType, KeyValue, KeyWrappingData } = value.value.KeyBlock;
  if (KeyValue === undefined && !since12) fail('InvalidField', 'Key Value is missing');
  // PKCS#12 is encrypted by itself and may stand where a wrapped key does (TC-PKCS12-1).
  if (KeyValue instanceof Uint8Array && KeyWrappingData === undefined && KeyFormatType !== 'PKCS_12')
    fail('InvalidField', 'a Key Value of bytes needs Key Wrapping Data');
  const option = KeyWrappingData?.EncodingOption;
  if (typeof option === 'number')
    fail('EncodingOptionError', 'the Encoding Option is not one of the specification');
  if (option === 'NoEncoding' && attributesInKeyValue(value).length > 0)
    fail('EncodingOptionError', 'attributes need TTLV Encoding: without it there is no room for them');
}
