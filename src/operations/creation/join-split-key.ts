import type { Attribute } from '../../../codec/attribute.ts';
import { type CryptographicAlgorithm, ObjectType, SecretDataType } from '../../../codec/enums.ts';
import { creationAttributes } from '../../../codec/eras.ts';
import { many, maybe, one, since, struct, text, until } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import type { KeyBlock } from '../../../codec/structures/key-block.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { ProtectionStorageMasks } from '../../../codec/structures/query.ts';
import { fail } from '../../common/errors.ts';
import { algorithmKind, keyBits, keyBytes } from '../../crypto/algorithms.ts';
import {
  type CryptoProvider,
  InvalidKeyMaterialError,
  type PlainKey,
  plainKey,
} from '../../crypto/provider.ts';
import type { SecretLength, SecretSharingScheme, Share } from '../../crypto/secret-sharing.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { inheritHistory, inheritProtection } from '../../object/protection.ts';
import { namedObjects } from '../named-objects.ts';
import { createObject, requestedAttributes, valueOf } from '../new-object.ts';
import { creation, operation } from '../operation.ts';
import { requireStorage } from '../protection-storage.ts';
import { plainKeyOf, polynomialOf, requireEffort } from './split-keys.ts';

/** Join Split Key (KMIP 2.1 §6.1.28, 1.4 §4.39): the key that the parts make up, as a new object. */
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
    const objects = await namedObjects(request.UniqueIdentifier, ['SplitKey'], context);
    const { sharing, shares, key } = partsOf(objects);
    const requested = await requestedAttributes([request.Attributes], context);
    const stated = { ...key, ...statedAbout(requested, key) };
    requireEffort(maxSecretBytes(shares), sharing.prime, shares.length, sharing.threshold);
    const secret = context.crypto.joinShares(shares, sharing, lengthOf(type, stated));
    const value = joined(type, secret, stated, secretDataType ?? 'Seed');
    requireKey(value, context.crypto);
    const attributes = inheritProtection(withMask(requested, objects), objects, true);
    const object = await createObject({ operation: 'JoinSplitKey', type, attributes, value }, context);
    inheritHistory(object, objects);
    return { ObjectType: type, UniqueIdentifier: object.id };
  },
});

interface Parts {
  readonly sharing: SecretSharingScheme;
  /** One for each Key Part Identifier. */
  readonly shares: readonly Share[];
  /** What the parts say about the key. */
  readonly key: PlainKey;
}

/** Fails with CryptographicFailure when the parts are not of one key. */
function partsOf(objects: readonly ManagedObject[]): Parts {
  const parts = objects.map(partOf);
  const [{ sharing, key }] = parts as [Part];
  const shares = new Map<number, Uint8Array>();
  for (const { sharing: other, identifier: id, bytes } of parts) {
    const same =
      other.method === sharing.method &&
      other.parts === sharing.parts &&
      other.threshold === sharing.threshold &&
      other.polynomial === sharing.polynomial &&
      sameBytes(other.prime, sharing.prime);
    const known = shares.get(id);
    if (!same || (known !== undefined && !sameBytes(known, bytes)))
      fail('CryptographicFailure', 'the parts are not of one key');
    shares.set(id, bytes);
  }
  return { sharing, shares: [...shares].map(([id, bytes]) => ({ identifier: id, bytes })), key };
}

function maxSecretBytes(shares: readonly Share[]): Uint8Array {
  return shares.reduce((a, b) => (b.bytes.length > a.bytes.length ? b : a)).bytes;
}

interface Part extends Share {
  readonly sharing: SecretSharingScheme;
  readonly key: PlainKey;
}

function partOf(object: ManagedObject): Part {
  const key = plainKeyOf(object);
  if (object.value?.type !== 'SplitKey' || !(key.KeyMaterial instanceof Uint8Array))
    fail('InvalidField', 'the Key Material of a part must be a byte string');
  const { value } = object.value;
  return {
    sharing: {
      method: value.SplitKeyMethod,
      parts: value.SplitKeyParts,
      threshold: value.SplitKeyThreshold,
      polynomial: polynomialOf(object.attributes.list()),
      prime: value.PrimeFieldSize,
    },
    identifier: value.KeyPartIdentifier,
    bytes: key.KeyMaterial,
    key,
  };
}

/** Looks at every byte: whoever brings a part must not learn by the clock how much of a hidden one it has guessed. */
function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.reduce((differs, byte, at) => differs | (byte ^ (b[at] ?? 0)), 0) === 0;
}

type Claims = Pick<PlainKey, 'KeyFormatType' | 'CryptographicAlgorithm' | 'CryptographicLength'>;

/** Where the parts say nothing, or no more than that they are bytes, the request's word counts. */
function statedAbout(attributes: readonly Attribute[], key: PlainKey): Claims {
  const format = valueOf(attributes, 'KeyFormatType');
  return {
    KeyFormatType: key.KeyFormatType === 'Raw' ? (format ?? 'Raw') : key.KeyFormatType,
    CryptographicAlgorithm: key.CryptographicAlgorithm ?? valueOf(attributes, 'CryptographicAlgorithm'),
    CryptographicLength: key.CryptographicLength ?? valueOf(attributes, 'CryptographicLength'),
  };
}

/** Private keys whose bytes are the number itself; the others are DER or nothing the server knows. */
const byteKeys: readonly CryptographicAlgorithm[] = ['Ed25519', 'Ed448'];

/** Cryptographic Length is that of the key, and says how many bytes there are where these are the key itself. */
function lengthOf(type: ManagedObjectValue['type'], claims: Claims): SecretLength {
  const { KeyFormatType: format, CryptographicAlgorithm: algorithm, CryptographicLength: bits } = claims;
  if (type !== 'PrivateKey') return bits === undefined ? undefined : keyBytes(algorithm, bits);
  if (format !== 'Raw') return format === 'Opaque' ? undefined : 'der';
  return bits !== undefined && algorithm !== undefined && byteKeys.includes(algorithm)
    ? Math.ceil(bits / 8)
    : undefined;
}

function joined(
  type: 'SymmetricKey' | 'PrivateKey' | 'SecretData',
  secret: Uint8Array,
  { KeyFormatType, CryptographicAlgorithm, CryptographicLength }: Claims,
  secretDataType: SecretDataType,
): ManagedObjectValue {
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

/** Parts that fit by their numbers and yet make up no such key are as good as too few. */
function requireKey(value: ManagedObjectValue, crypto: CryptoProvider): void {
  const key = plainKey(value.type, (value.value as { KeyBlock: KeyBlock }).KeyBlock);
  try {
    if (key !== undefined) crypto.describeKey(key);
  } catch (error) {
    if (!(error instanceof InvalidKeyMaterialError)) throw error;
    fail('CryptographicFailure', 'the parts do not make up such a key');
  }
}

/** The mask of the parts, where they agree about it and the request says nothing. */
function withMask(requested: readonly Attribute[], objects: readonly ManagedObject[]): readonly Attribute[] {
  const [mask, ...others] = new Set(
    objects.map(({ attributes }) => attributes.get('CryptographicUsageMask')),
  );
  if (mask === undefined || others.length > 0) return requested;
  if (valueOf(requested, 'CryptographicUsageMask') !== undefined) return requested;
  return [...requested, { name: 'CryptographicUsageMask', value: mask }];
}
