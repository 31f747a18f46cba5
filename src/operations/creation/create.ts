import type { Attribute } from '../../../codec/attribute.ts';
import { ObjectType } from '../../../codec/enums.ts';
import { creationAttributes } from '../../../codec/eras.ts';
import { maybe, one, since, struct, text } from '../../../codec/schema.ts';
import type { KeyedObjectValue, ObjectTypeName } from '../../../codec/structures/managed-objects.ts';
import { ProtectionStorageMasks } from '../../../codec/structures/query.ts';
import { fail } from '../../common/errors.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { checkStated } from '../../object/storage-mask.ts';
import type { Context } from '../context.ts';
import {
  algorithmOf,
  applyDefaults,
  createObject,
  type NewObjectRequest,
  type ResolvedAttributes,
  requestedAttributes,
  valueOf,
} from '../new-object.ts';
import { creation, operation } from '../operation.ts';
import { chooseStorage, type KeyStorage, requireStorage } from '../protection-storage.ts';
import { defaultLength } from './defaults.ts';
import { convertToStated, statedFormats } from './stated-formats.ts';
import { generateSymmetricKey } from './symmetric-key.ts';
import { createSymmetricInToken } from './token-objects.ts';

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
    const masks = request.ProtectionStorageMasks;
    const type = request.ObjectType as ObjectTypeName;
    const attributes = await requestedAttributes([request.Attributes], context);
    const resolved = await applyDefaults(type, attributes, context);
    const object = await createBy(storageOf(type, masks, context), request.ObjectType, resolved, context);
    return { ObjectType: object.type, UniqueIdentifier: object.id };
  },
});

/** Only keys are made in a token. */
function storageOf(
  type: ObjectTypeName,
  masks: ProtectionStorageMasks | undefined,
  context: Context,
): KeyStorage {
  const reason = 'ProtectionStorageUnavailable';
  if (type === 'SymmetricKey') return chooseStorage([{ masks, reason }], context);
  requireStorage(masks, reason);
  return 'software';
}

async function createBy(
  storage: KeyStorage,
  type: ObjectType,
  { stated: attributes, effective, policy }: ResolvedAttributes,
  context: Context,
): Promise<ManagedObject> {
  const formats = statedFormats(attributes, effective);
  const create = (made: Pick<NewObjectRequest, 'value' | 'token' | 'id'>) => {
    const request = { operation: 'Create', type: made.value.type, attributes, inputs: [] } as const;
    return createObject({ ...request, ...made, generated: true }, context, policy);
  };
  if (storage === 'token') {
    checkStated(attributes, { operation: 'Create', type: 'SymmetricKey', isInToken: true });
    return createSymmetricInToken(
      sizeOf(effective),
      { attributes: effective, stated: attributes, formats },
      context,
      create,
    );
  }
  const value = convertToStated(generateValue(type, effective, context.crypto), formats, context.crypto);
  return create({ value });
}

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
  const { algorithm, bits } = sizeOf(attributes);
  return generateSymmetricKey(algorithm, bits, crypto);
}

function sizeOf(attributes: readonly Attribute[]) {
  const algorithm = algorithmOf(attributes);
  const bits = valueOf(attributes, 'CryptographicLength') ?? defaultLength(algorithm);
  if (bits === undefined)
    fail('InvalidField', `Cryptographic Length is missing, and ${algorithm} has no default`);
  return { algorithm, bits };
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
