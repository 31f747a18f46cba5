import type { Attribute } from '../../../codec/attribute.ts';
import { ObjectType } from '../../../codec/enums.ts';
import { creationAttributes } from '../../../codec/eras.ts';
import { maybe, one, since, struct, text } from '../../../codec/schema.ts';
import type { KeyedObjectValue, ObjectTypeName } from '../../../codec/structures/managed-objects.ts';
import { ProtectionStorageMasks } from '../../../codec/structures/query.ts';
import { fail } from '../../common/errors.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import { algorithmOf, applyDefaults, createObject, requestedAttributes, valueOf } from '../new-object.ts';
import { creation, operation } from '../operation.ts';
import { requireStorage } from '../protection-storage.ts';
import { defaultLength } from './defaults.ts';
import { convertToStated, statedFormats } from './stated-formats.ts';
import { generateSymmetricKey } from './symmetric-key.ts';

/** Create (KMIP 2.1 §6.1.8, 1.4 §4.1): a new symmetric key, or random secret data. */
export const Create = operation({
  name: 'Create',
  since: '1.0',
  request: struct({
    ObjectType: one(ObjectType),
    Attributes: creationAttributes('TemplateAttribute', 'Attributes'),
    ProtectionStorageMasks: since('2.0', maybe(ProtectionStorageMasks)),
  }),
  response: struct({ ObjectType: one(ObjectType), UniqueIdentifier: one(text) }),
  target: creation(),
  limitedRight: 'new-objects',
  async handle(request, context) {
    requireStorage(request.ProtectionStorageMasks, 'ProtectionStorageUnavailable');
    const type = request.ObjectType as ObjectTypeName;
    const attributes = await requestedAttributes([request.Attributes], context);
    const { effective, policy } = await applyDefaults(type, attributes, context);
    const generatedValue = generateValue(request.ObjectType, effective, context.crypto);
    const value = convertToStated(generatedValue, statedFormats(attributes, effective), context.crypto);
    const object = await createObject(
      { operation: 'Create', type: value.type, attributes, value, inputs: [], generated: true },
      context,
      policy,
    );
    return { ObjectType: object.type, UniqueIdentifier: object.id };
  },
});

function generateValue(
  type: ObjectType,
  attributes: readonly Attribute[],
  crypto: CryptoProvider,
): KeyedObjectValue {
  switch (type) {
    case 'SymmetricKey':
      return symmetricKey(attributes, crypto);
    case 'SecretData':
      return secretData(attributes, crypto);
    default:
      fail('InvalidObjectType', 'only Symmetric Keys and Secret Data can be created', 'InvalidField');
  }
}

function symmetricKey(attributes: readonly Attribute[], crypto: CryptoProvider): KeyedObjectValue {
  const algorithm = algorithmOf(attributes);
  const bits = valueOf(attributes, 'CryptographicLength') ?? defaultLength(algorithm);
  if (bits === undefined)
    fail('InvalidField', `Cryptographic Length is missing, and ${algorithm} has no default`);
  return generateSymmetricKey(algorithm, bits, crypto);
}

/** Random bytes for use as a password or seed; 256 bits unless the client states another length. */
function secretData(attributes: readonly Attribute[], crypto: CryptoProvider): KeyedObjectValue {
  const bits = valueOf(attributes, 'CryptographicLength') ?? 256;
  if (bits <= 0 || bits % 8 !== 0 || bits > 65_536)
    fail('InvalidField', 'Cryptographic Length must be whole bytes, at most 8,192');
  return {
    type: 'SecretData',
    value: {
      SecretDataType: 'Password',
      KeyBlock: {
        KeyFormatType: 'Opaque',
        KeyValue: { KeyMaterial: crypto.random(bits / 8), Attributes: [] },
      },
    },
  };
}
