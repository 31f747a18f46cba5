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
import { fail } from '../../common/errors.ts';
import { algorithmKind, keyBits, keyBytes } from '../../crypto/algorithms.ts';
import { InvalidKeyMaterialError } from '../../crypto/errors.ts';
import { type PlainKey, plainKey } from '../../crypto/plain-key.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { SecretLength, SecretSharingScheme, Share } from '../../crypto/secret-sharing.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { isProtected } from '../../object/protection.ts';
import { loadNamedObjects } from '../named-objects.ts';
import { createObject, requestedAttributes, valueOf } from '../new-object.ts';
import { creation, operation } from '../operation.ts';
import { requireStorage } from '../protection-storage.ts';
import { requireNoWiderUse } from '../twin-values.ts';
import { requireEffort, requirePlainKey, requireSilentJoin, statedPolynomial } from './split-keys.ts';
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
    const { scheme, shares, key } = readParts(objects);
    const stated = await requestedAttributes([request.Attributes], context);
    const description = { ...key, ...describeKey(type, stated, key) };
    requireEffort(largestShare(shares), scheme.prime, shares.length, scheme.threshold);
    const length = secretLength(type, description);
    const isUnstructured = type !== 'PrivateKey' && byteFormats.includes(description.KeyFormatType);
    const whole = { shareLength: largestShare(shares).length, length: length === 'der' ? undefined : length };
    requireSilentJoin({ parts: objects, method: scheme.method, isUnstructured, ...whole }, context);
    const secret = context.crypto.joinShares(shares, scheme, length);
    const joined = buildValue(type, secret, description, secretDataType ?? 'Seed');
    requireConsistentKey(joined, context.crypto);
    const value = convertToStated(joined, statedFormats(stated), context.crypto);
    const specification = { type, attributes: addUsageMask(stated, objects), value, inputs: objects };
    const object = await createObject({ operation: 'JoinSplitKey', ...specification }, context);
    await requireNoWiderUse(object, context);
    return { ObjectType: type, UniqueIdentifier: object.id };
  },
});

/** Parts of one split key. */
interface Parts {
  readonly scheme: SecretSharingScheme;
  /** One for each Key Part Identifier. */
  readonly shares: readonly Share[];
  /** Format, algorithm and length of the key, as the first part states them, if possible a protected one. */
  readonly key: PlainKey;
}

/** Reads the parts; fails with CryptographicFailure unless all are of one key. */
function readParts(objects: readonly ManagedObject[]): Parts {
  const parts = objects.map(readPart);
  const [{ scheme }] = parts as [Part];
  const { key } = parts[Math.max(0, objects.findIndex(isProtected))] as Part;
  const shares = new Map<number, Uint8Array>();
  for (const { scheme: other, identifier: id, bytes } of parts) {
    const same =
      other.method === scheme.method &&
      other.parts === scheme.parts &&
      other.threshold === scheme.threshold &&
      other.polynomial === scheme.polynomial &&
      equalBytes(other.prime, scheme.prime);
    const known = shares.get(id);
    if (!same || (known !== undefined && !equalBytes(known, bytes)))
      fail('CryptographicFailure', 'the parts are not of one key');
    shares.set(id, bytes);
  }
  return { scheme, shares: [...shares].map(([id, bytes]) => ({ identifier: id, bytes })), key };
}

function largestShare(shares: readonly Share[]): Uint8Array {
  return shares.reduce((a, b) => (b.bytes.length > a.bytes.length ? b : a)).bytes;
}

interface Part extends Share {
  readonly scheme: SecretSharingScheme;
  readonly key: PlainKey;
}

function readPart(object: ManagedObject): Part {
  const key = requirePlainKey(object);
  if (object.value?.type !== 'SplitKey' || !(key.KeyMaterial instanceof Uint8Array))
    fail('InvalidField', 'the Key Material of a part must be a byte string');
  const { value } = object.value;
  return {
    scheme: {
      method: value.SplitKeyMethod,
      parts: value.SplitKeyParts,
      threshold: value.SplitKeyThreshold,
      polynomial: statedPolynomial(object.attributes.list()),
      prime: value.PrimeFieldSize,
    },
    identifier: value.KeyPartIdentifier,
    bytes: key.KeyMaterial,
    key,
  };
}

/**
 * Compares every byte, so that the time does not tell a client how many bytes of another part it has guessed.
 */
function equalBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.reduce((differs, byte, at) => differs | (byte ^ (b[at] ?? 0)), 0) === 0;
}

type KeyDescription = Pick<PlainKey, 'KeyFormatType' | 'CryptographicAlgorithm' | 'CryptographicLength'>;

/** Formats of keys that any bytes are. */
const byteFormats: readonly (KeyFormatType | undefined)[] = ['Raw', 'Opaque'];

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
function requireConsistentKey(value: ManagedObjectValue, crypto: CryptoProvider): void {
  const key = plainKey(value.type, (value.value as { KeyBlock: KeyBlock }).KeyBlock);
  try {
    if (key !== undefined) crypto.describeKey(key);
  } catch (error) {
    if (!(error instanceof InvalidKeyMaterialError)) throw error;
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
