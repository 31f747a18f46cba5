import type { Attribute } from '../../../codec/attribute.ts';
import { ObjectType } from '../../../codec/enums.ts';
import {
  hasKeyBlock,
  type ManagedObjectValue,
  type SplitKey,
} from '../../../codec/structures/managed-objects.ts';
import { isWithin, type Version } from '../../../codec/version.ts';
import { fail } from '../../common/errors.ts';
import { normalisePkcs12 } from './pkcs12.ts';

/** Functions shared by the operations that accept object values from clients. */

/** Returns the attributes inside the Key Value, where clients may state them too. */
export function attributesInKeyValue(value: ManagedObjectValue): readonly Attribute[] {
  const keyValue = hasKeyBlock(value) ? value.value.KeyBlock.KeyValue : undefined;
  return keyValue === undefined || keyValue instanceof Uint8Array ? [] : keyValue.Attributes;
}

/**
 * Removes the attributes inside the Key Value, which are stored beside the key, and puts a PKCS#12 into its
 * stored form. Values under a MAC or signature stay whole.
 */
export function removeAttributes(given: ManagedObjectValue): ManagedObjectValue {
  const value = normalisePkcs12(given);
  if (!hasKeyBlock(value)) return value;
  const block = value.value.KeyBlock;
  if (block.KeyValue === undefined || block.KeyValue instanceof Uint8Array) return value;
  if (block.KeyWrappingData !== undefined) return value;
  const KeyBlock = { ...block, KeyValue: { ...block.KeyValue, Attributes: [] } };
  return { ...value, value: { ...value.value, KeyBlock } } as ManagedObjectValue;
}

/** From 1.2 on a Template may not contain a Name (KMIP 1.2–1.4, Register), and a Key Value may be absent. */
const metadata = { since: '1.2' } as const;

function needsPrime({ SplitKeyMethod, PrimeFieldSize }: SplitKey): boolean {
  return SplitKeyMethod === 'PolynomialSharingPrimeField' && PrimeFieldSize === undefined;
}

/**
 * Refuses values that the schema cannot detect: an object type unknown to the version, a Template with a
 * Name, a key without a value in versions that require one, and attributes beside a key that was wrapped
 * without encoding.
 * @throws {KmipError} InvalidObjectType (1.x: InvalidField), InvalidField or EncodingOptionError
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
  // PKCS#12 is encrypted by itself and may replace a wrapped key (TC-PKCS12-1).
  if (KeyValue instanceof Uint8Array && KeyWrappingData === undefined && KeyFormatType !== 'PKCS_12')
    fail('InvalidField', 'a Key Value of bytes needs Key Wrapping Data');
  const option = KeyWrappingData?.EncodingOption;
  if (typeof option === 'number')
    fail('EncodingOptionError', 'the Encoding Option is not one of the specification');
  if (option === 'NoEncoding' && attributesInKeyValue(value).length > 0)
    fail('EncodingOptionError', 'attributes need TTLV Encoding');
}
