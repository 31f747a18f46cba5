import { type KeyCompressionType, KeyFormatType, ObjectType } from '../../codec/enums.ts';
import type { KeyBlock } from '../../codec/structures/key-block.ts';
import { hasKeyBlock, type ManagedObjectValue } from '../../codec/structures/managed-objects.ts';
import type { Version } from '../../codec/version.ts';
import { type CryptoProvider, plainKey } from '../crypto/provider.ts';
import { fail } from '../errors.ts';
import type { ManagedObject } from '../object/managed-object.ts';

/** Shared by the operations that let objects out. */

/** Sensitive objects leave only wrapped, those that are not extractable not at all. */
export function refuseSecret({ attributes }: ManagedObject): void {
  if (attributes.get('Extractable') === false) fail('NotExtractable', 'the object is not extractable');
  if (attributes.get('Sensitive') === true)
    fail('Sensitive', 'the object is sensitive: it leaves the server only wrapped');
}

export function isWrapped(value: ManagedObjectValue): boolean {
  return hasKeyBlock(value) && value.value.KeyBlock.KeyWrappingData !== undefined;
}

/**
 * Refuses what the client's version has no word for: an object type or a key format that came later. Another format may
 * be asked for.
 */
export function requireWords(value: ManagedObjectValue, version: Version): void {
  if (!ObjectType.introducedBy(value.type, version))
    fail('InvalidObjectType', `KMIP ${version} knows no ${value.type}`);
  if (hasKeyBlock(value) && !KeyFormatType.introducedBy(value.value.KeyBlock.KeyFormatType, version))
    fail('KeyFormatTypeNotSupported', `KMIP ${version} does not know the format the key is kept in`);
}

/** The value as a client wants it. Fails with KeyFormatTypeNotSupported. */
export function inFormat(
  value: ManagedObjectValue,
  format: KeyFormatType | undefined,
  compression: KeyCompressionType | undefined,
  crypto: CryptoProvider,
): ManagedObjectValue {
  if (!hasKeyBlock(value)) {
    if (format !== undefined && !fits(value, format))
      fail('KeyFormatTypeNotSupported', `a ${value.type} has no format ${format}`);
    return value;
  }
  const block = value.value.KeyBlock;
  const wanted = format ?? block.KeyFormatType;
  if (wanted === block.KeyFormatType && compression === undefined) return value;
  const key = plainKey(value.type, block);
  if (key === undefined) fail('KeyFormatTypeNotSupported', 'only a plain key can change its format');
  const converted: KeyBlock = {
    ...block,
    KeyFormatType: wanted,
    KeyCompressionType: compression,
    KeyValue: { KeyMaterial: crypto.convertKey(key, wanted, compression), Attributes: [] },
  };
  return { ...value, value: { ...value.value, KeyBlock: converted } } as ManagedObjectValue;
}

/** Objects without a Key Block come in one format only; asking for that one is no mistake. */
function fits(value: ManagedObjectValue, format: KeyFormatType): boolean {
  return (
    (value.type === 'Certificate' && format === 'X_509') ||
    (value.type === 'OpaqueObject' && format === 'Opaque')
  );
}
