import type { Attribute } from '../../../codec/attribute.ts';
import {
  type CryptographicAlgorithm,
  type KeyFormatType,
  ObjectType,
  SecretDataType,
} from '../../../codec/enums.ts';
import { creationAttributes } from '../../../codec/eras.ts';
import { many, maybe, one, since, struct, text, until } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import type { KeyBlock } from '../../../codec/structures/key-block.ts';
import type { KeyedObjectValue, ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { ProtectionStorageMasks } from '../../../codec/structures/query.ts';
import { fail, KmipError } from '../../common/errors.ts';
import { algorithmKind, keyBits, keyBytes } from '../../crypto/algorithms.ts';
import {
  CryptographyFailedError,
  InvalidKeyMaterialError,
  UnsupportedAlgorithmError,
} from '../../crypto/errors.ts';
import { type PlainKey, plainKey } from '../../crypto/plain-key.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { SecretLength } from '../../crypto/secret-sharing.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { isProtected } from '../../object/protection.ts';
import { requireStateAllowed } from '../../object/roles/role-limits.ts';
import type { WholeType } from '../../object/share-origin.ts';
import { findShareSet, type ShareSet } from '../../object/share-sets.ts';
import { isSameLength } from '../../object/value-rules.ts';
import type { Context } from '../context.ts';
import { loadNamedObjects } from '../named-objects.ts';
import { createObject, requestedAttributes, valueOf } from '../new-object.ts';
import { creation, operation } from '../operation.ts';
import { requireStorage } from '../protection-storage.ts';
import { requireNoWiderUse } from '../twin-values.ts';
import { limitJoined, loadDivided } from './joined-keys.ts';
import { largestShare, readParts } from './shares.ts';
import { requireEffort, requireOneOrigin } from './split-keys.ts';
import { convertToStated, statedFormats } from './stated-formats.ts';

/**
 * Join Split Key (KMIP 2.1 §6.1.27, 1.4 §4.39): joins parts of a split key and stores the key as a new
 * object.
 */
export const JoinSplitKey = operation({
  name: 'JoinSplitKey',
  since: '1.2',
  request: struct({
    ObjectType: one(ObjectType),
    UniqueIdentifier: many(identifier),
    SecretDataType: maybe(SecretDataType),
    Attributes: creationAttributes('TemplateAttribute', 'Attributes'),
    ProtectionStorageMasks: since('2.0', maybe(ProtectionStorageMasks)),
  }),
  response: struct({ ObjectType: until('1.2', maybe(ObjectType)), UniqueIdentifier: one(text) }),
  target: creation(),
  limitedRight: 'objects',
  async handle(request, context) {
    const { ObjectType: type, SecretDataType: secretDataType } = request;
    requireStorage(request.ProtectionStorageMasks, 'ProtectionStorageUnavailable');
    if (type !== 'SymmetricKey' && type !== 'PrivateKey' && type !== 'SecretData')
      fail(
        'InvalidObjectType',
        'parts make up a Symmetric Key, a Private Key or Secret Data',
        'InvalidField',
      );
    if (secretDataType !== undefined && type !== 'SecretData')
      fail('InvalidField', `a ${type} has no Secret Data Type`);
    const objects = await loadNamedObjects(request.UniqueIdentifier, ['SplitKey'], context);
    for (const part of objects) requireStateAllowed(part, context);
    requireOneOrigin(objects, context);
    const stated = await requestedAttributes([request.Attributes], context);
    const joined = await joinKey(objects, { type, stated, secretDataType }, context);
    const value = convertToStated(joined, statedFormats(stated), context.crypto);
    const divided = await loadDivided(objects, context);
    const inputs = divided === undefined ? objects : [...objects, divided.origin];
    const specification = { type, attributes: addUsageMask(stated, objects), value, inputs };
    const object = await createObject({ operation: 'JoinSplitKey', ...specification }, context);
    await limitJoined(object, { parts: objects, divided, stated }, context);
    await requireNoWiderUse(object, context);
    return { ObjectType: type, UniqueIdentifier: object.id };
  },
});

/** What a request says of the key that the parts make up. */
interface Wanted {
  readonly type: WholeType;
  readonly stated: readonly Attribute[];
  readonly secretDataType: SecretDataType | undefined;
}

/**
 * Joins the parts. Failures are counted for the client and the set, and have one answer.
 * @throws {KmipError} CryptographicFailure, or a refusal of the request that no share has a part in
 */
async function joinKey(
  objects: readonly ManagedObject[],
  wanted: Wanted,
  context: Context,
): Promise<KeyedObjectValue> {
  const set = findShareSet(objects);
  try {
    const first = set?.id ?? (objects[0] as ManagedObject).id;
    return await context.attempts.decrypting(first, () => computeKey(objects, set, wanted, context));
  } catch (error) {
    const isFailure = error instanceof KmipError && error.reason === 'CryptographicFailure';
    if (isFailure || error instanceof CryptographyFailedError)
      fail('CryptographicFailure', 'the parts do not make up such a key');
    throw error;
  }
}

async function computeKey(
  objects: readonly ManagedObject[],
  set: ShareSet | undefined,
  { type, stated, secretDataType }: Wanted,
  { crypto, protection }: Context,
): Promise<KeyedObjectValue> {
  const { scheme, shares, key } = readParts(objects, set);
  const divided = set?.origins[0];
  const isBound = protection === 'strict' && objects.some(isProtected);
  if (isBound) requireType(type, divided?.type, key);
  if (set !== undefined) requireStatedLength(stated, key);
  const description = divided?.type === type ? key : { ...key, ...describeKey(type, stated, key) };
  requireEffort(largestShare(shares), scheme.prime, shares.length, scheme.threshold);
  const length = divided?.bytes ?? secretLength(type, description);
  const secret = crypto.joinShares(shares, scheme, length);
  const joined = buildValue(type, secret, description, secretDataType ?? 'Seed');
  await requireConsistentKey(joined, crypto);
  return joined;
}

/**
 * Refuses to join protected parts as an object of another type than what was divided, because the bytes of
 * the key decide whether it is one. An earlier kmipd has not kept the type; its private keys are in formats
 * of private keys, or of algorithms whose keys are any bytes.
 * @throws {KmipError} InvalidField
 */
function requireType(type: WholeType, divided: WholeType | undefined, key: KeyDescription): void {
  const { KeyFormatType: format, CryptographicAlgorithm: algorithm } = key;
  const mayBePrivate =
    privateDerFormats.includes(format) || (algorithm !== undefined && rawPrivateKeys.includes(algorithm));
  const isWrong = divided === undefined ? (type === 'PrivateKey') !== mayBePrivate : type !== divided;
  if (isWrong) fail('InvalidField', `such a key is no ${type}`);
}

/**
 * Refuses a length that is not that of the divided key before anything is computed.
 * @throws {KmipError} InvalidAttributeValue (1.x: InvalidField)
 */
function requireStatedLength(
  stated: readonly Attribute[],
  { CryptographicLength: bits = 0 }: KeyDescription,
) {
  const length = valueOf(stated, 'CryptographicLength');
  if (length !== undefined && !isSameLength(bits, length))
    fail('InvalidAttributeValue', 'CryptographicLength contradicts the object', 'InvalidField');
}

type KeyDescription = Pick<PlainKey, 'KeyFormatType' | 'CryptographicAlgorithm' | 'CryptographicLength'>;

/** Formats of private keys that are byte strings. */
const privateDerFormats: readonly KeyFormatType[] = ['PKCS_1', 'PKCS_8', 'ECPrivateKey'];

/**
 * Completes the description of the key from the request where the parts say nothing, or only that the format
 * is Raw: the bytes of a private key are then in the stated format.
 */
function describeKey(
  type: ManagedObjectValue['type'],
  attributes: readonly Attribute[],
  key: PlainKey,
): KeyDescription {
  const stated = valueOf(attributes, 'KeyFormatType');
  const isOpen = type === 'PrivateKey' && key.KeyFormatType === 'Raw';
  return {
    KeyFormatType:
      isOpen && stated !== undefined && privateDerFormats.includes(stated) ? stated : key.KeyFormatType,
    CryptographicAlgorithm: key.CryptographicAlgorithm ?? valueOf(attributes, 'CryptographicAlgorithm'),
    CryptographicLength: key.CryptographicLength ?? valueOf(attributes, 'CryptographicLength'),
  };
}

/**
 * Algorithms whose Raw private keys are byte strings of a known length; other private keys are DER or opaque.
 */
const rawPrivateKeys: readonly CryptographicAlgorithm[] = ['Ed25519', 'Ed448'];

/** Length of the secret in bytes, when the bytes are the key itself, whose Cryptographic Length is known. */
function secretLength(type: ManagedObjectValue['type'], description: KeyDescription): SecretLength {
  const { KeyFormatType: format, CryptographicAlgorithm: algorithm, CryptographicLength: bits } = description;
  if (type !== 'PrivateKey') return bits === undefined ? undefined : keyBytes(algorithm, bits);
  if (format !== 'Raw') return format === 'Opaque' ? undefined : 'der';
  return bits !== undefined && algorithm !== undefined && rawPrivateKeys.includes(algorithm)
    ? Math.ceil(bits / 8)
    : undefined;
}

function buildValue(
  type: 'SymmetricKey' | 'PrivateKey' | 'SecretData',
  secret: Uint8Array,
  { KeyFormatType, CryptographicAlgorithm, CryptographicLength }: KeyDescription,
  secretDataType: SecretDataType,
): KeyedObjectValue {
  const KeyValue = { KeyMaterial: secret, Attributes: [] };
  if (type === 'SecretData') {
    const block: KeyBlock = { KeyFormatType, KeyValue, CryptographicAlgorithm, CryptographicLength };
    return { type, value: { SecretDataType: secretDataType, KeyBlock: block } };
  }
  if (type === 'PrivateKey') {
    if (CryptographicAlgorithm !== undefined && algorithmKind(CryptographicAlgorithm) === 'symmetric')
      fail('InvalidField', `a private key cannot be for ${CryptographicAlgorithm}`);
    return {
      type,
      value: { KeyBlock: { KeyFormatType, KeyValue, CryptographicAlgorithm, CryptographicLength } },
    };
  }
  if (CryptographicAlgorithm === undefined) fail('InvalidField', 'Cryptographic Algorithm is missing');
  const bits = CryptographicLength ?? keyBits(CryptographicAlgorithm, secret.length);
  const block = {
    KeyFormatType: 'Raw' as const,
    KeyValue,
    CryptographicAlgorithm,
    CryptographicLength: bits,
  };
  return { type, value: { KeyBlock: block } };
}

/** Refuses a joined value that is no such key, as if there were too few parts. */
async function requireConsistentKey(value: ManagedObjectValue, crypto: CryptoProvider): Promise<void> {
  const key = plainKey(value.type, (value.value as { KeyBlock: KeyBlock }).KeyBlock);
  try {
    if (key !== undefined) crypto.describeKey(key);
    await crypto.checkObject(value);
  } catch (error) {
    if (!(error instanceof InvalidKeyMaterialError || error instanceof UnsupportedAlgorithmError))
      throw error;
    fail('CryptographicFailure', 'the parts do not make up such a key');
  }
}

/** Adds the Cryptographic Usage Mask of the parts when they agree and the request states none. */
function addUsageMask(stated: readonly Attribute[], objects: readonly ManagedObject[]): readonly Attribute[] {
  const [mask, ...others] = new Set(
    objects.map(({ attributes }) => attributes.get('CryptographicUsageMask')),
  );
  if (mask === undefined || others.length > 0) return stated;
  if (valueOf(stated, 'CryptographicUsageMask') !== undefined) return stated;
  return [...stated, { name: 'CryptographicUsageMask', value: mask }];
}
