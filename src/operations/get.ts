import { KeyCompressionType, KeyFormatType, KeyWrapType, ObjectType } from '../../codec/enums.ts';
import { maybe, one, since, struct, text } from '../../codec/schema.ts';
import { identifier } from '../../codec/structures/identifier.ts';
import { type KeyBlock, KeyWrappingSpecification } from '../../codec/structures/key-block.ts';
import { hasKeyBlock, type ManagedObjectValue, managedObjectField } from '../../codec/structures/managed-objects.ts';
import { type CryptoProvider, plainKey } from '../crypto/provider.ts';
import { fail } from '../errors.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import { object, operation } from './operation.ts';

/**
 * Get (KMIP 2.1 §6.1.22, 1.4 §4.11): the object itself, in the format it came in unless another is asked for. Key
 * Value holds the material alone: the attributes are Get Attributes' business, and clients break on them here.
 */
export const Get = operation({
  name: 'Get',
  since: '1.0',
  request: struct({
    UniqueIdentifier: maybe(identifier),
    KeyFormatType: maybe(KeyFormatType),
    KeyWrapType: since('1.4', maybe(KeyWrapType)),
    KeyCompressionType: maybe(KeyCompressionType),
    KeyWrappingSpecification: maybe(KeyWrappingSpecification),
  }),
  response: struct({ ObjectType: one(ObjectType), UniqueIdentifier: one(text), Object: managedObjectField }),
  on: object(),
  handle(request, { object: target, crypto }) {
    refuseSecret(target);
    if (request.KeyWrappingSpecification !== undefined) fail('FeatureNotSupported', 'keys cannot be wrapped here yet');
    const value = target.value;
    if (value === undefined) fail('KeyValueNotPresent', 'only the attributes of the object are stored');
    if (request.KeyWrapType === 'NotWrapped' && isWrapped(value)) {
      fail('KeyWrapTypeNotSupported', 'the object was registered wrapped and cannot be unwrapped');
    }
    const shown = inFormat(value, request.KeyFormatType, request.KeyCompressionType, crypto);
    if (target.attributes.get('Fresh') === true) target.attributes.set('Fresh', false);
    return { ObjectType: target.type, UniqueIdentifier: target.id, Object: shown };
  },
});

/** Sensitive objects leave only wrapped, those that are not extractable not at all. */
function refuseSecret({ attributes }: ManagedObject): void {
  if (attributes.get('Extractable') === false) fail('NotExtractable', 'the object is not extractable');
  if (attributes.get('Sensitive') === true) fail('Sensitive', 'the object is sensitive: it leaves the server only wrapped');
}

function isWrapped(value: ManagedObjectValue): boolean {
  return hasKeyBlock(value) && value.value.KeyBlock.KeyWrappingData !== undefined;
}

function inFormat(
  value: ManagedObjectValue,
  format: KeyFormatType | undefined,
  compression: KeyCompressionType | undefined,
  crypto: CryptoProvider,
): ManagedObjectValue {
  if (!hasKeyBlock(value)) {
    if (format !== undefined && !fits(value, format)) fail('KeyFormatTypeNotSupported', `a ${value.type} has no format ${format}`);
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
  return (value.type === 'Certificate' && format === 'X_509') || (value.type === 'OpaqueObject' && format === 'Opaque');
}
