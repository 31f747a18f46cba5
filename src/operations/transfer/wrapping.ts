import { type Attribute, type AttributeReference, attributeKey } from '../../../codec/attribute.ts';
import type { EncodingOption, WrappingMethod } from '../../../codec/enums.ts';
import {
  encodeKeyValue,
  type KeyBlock,
  type KeyWrappingData,
  type KeyWrappingSpecification,
  type PlainKeyValue,
} from '../../../codec/structures/key-block.ts';
import { hasKeyBlock, type ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import type { Version } from '../../../codec/version.ts';
import { fail } from '../../common/errors.ts';
import { needsUniqueIv } from '../../crypto/parameter-names.ts';
import type { WrappedBytes } from '../../crypto/wrapping.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { shownAttributes } from '../../object/shown-attributes.ts';
import { countUse } from '../../object/usage.ts';
import type { Context } from '../context.ts';
import { failWithoutKeyValue } from '../usable-key.ts';
import { recordDisclosure } from './disclosure.ts';
import { checkWrapping, findExposure } from './exposure.ts';
import { deriveIvSeed, mayBeGuessed, recordWrapped, type WrappedValue } from './wrapped-values.ts';
import {
  describeWrappingKey,
  type KeyInformation,
  loadWrappingKey,
  type WrappingKey,
} from './wrapping-keys.ts';

/** Wrapping of keys in answers (KMIP 2.1 §3.1 and §7.12, 1.4 §2.1.5–2.1.6). */

/**
 * The effects of a Wrapping Method on the Key Value; a MAC or signature covers the Key Value, plain or
 * encrypted.
 */
interface MethodEffects {
  readonly encrypts: boolean;
  readonly authenticates?: 'plain' | 'encrypted';
}

const methods = new Map<WrappingMethod, MethodEffects>([
  ['Encrypt', { encrypts: true }],
  ['MACSign', { encrypts: false, authenticates: 'plain' }],
  ['EncryptThenMACSign', { encrypts: true, authenticates: 'encrypted' }],
  ['MACSignThenEncrypt', { encrypts: true, authenticates: 'plain' }],
]);

/**
 * Looks up a Wrapping Method; undefined for TR-31 and methods of vendors, which the server does not support.
 */
export function findWrappingMethod(method: WrappingMethod): MethodEffects | undefined {
  return methods.get(method);
}

/** Whether the key in the value is encrypted; a MAC or signature alone does not encrypt. */
export function isEncrypted(value: ManagedObjectValue): boolean {
  const data = hasKeyBlock(value) ? value.value.KeyBlock.KeyWrappingData : undefined;
  return data !== undefined && methods.get(data.WrappingMethod)?.encrypts !== false;
}

/** A value in its final format. */
export interface LeavingValue {
  readonly value: ManagedObjectValue;
  /** The value is protected, so the wrapping must be one that keeps it from clients. */
  readonly isSensitive: boolean;
  /** What it was when it left before, if it has been unwrapped for this answer. */
  readonly known: readonly WrappedValue[];
}

/**
 * Wraps the object's value, which is in its final format already, by a Key Wrapping Specification, and
 * records that it has left.
 * @throws {KmipError} InvalidObjectType for objects without a Key Block, KeyValueNotPresent,
 *   FeatureNotSupported for other methods, EncodingOptionError, InvalidField for missing or excess key
 *   information, or as `loadWrappingKey` and `checkWrapping` do
 */
export async function wrapObject(
  object: ManagedObject,
  { value, isSensitive, known }: LeavingValue,
  specification: KeyWrappingSpecification,
  context: Context,
): Promise<ManagedObjectValue> {
  if (!hasKeyBlock(value)) fail('InvalidObjectType', `a ${value.type} cannot be wrapped`);
  const { WrappingMethod, EncodingOption } = specification;
  const method = methods.get(WrappingMethod);
  if (method === undefined) fail('FeatureNotSupported', `the server does not wrap by ${WrappingMethod}`);
  const content = selectContent(value.value.KeyBlock, object, specification, context);
  const { encryptionKey, macKey } = await loadWrappingKeys(specification, method, context);
  const isGuessable = mayBeGuessed(value, content.KeyMaterial);
  const use = { encryptionKey, authenticates: method.authenticates, isGuessable };
  const isKept = await checkWrapping(object, isSensitive, use, context);
  const bytes = encodeContent(content, specification, context.version);
  const leaving = { object, value, material: content.KeyMaterial, known };
  const ivSeed = isKept && isGuessable ? await deriveIvSeed(leaving, bytes, context) : undefined;
  const body = encryptionKey && (await encrypt(encryptionKey, { bytes, ivSeed }, EncodingOption, context));
  const covered = method.authenticates === 'encrypted' && body !== undefined ? body.data : bytes;
  const MACSignature = macKey && (await authenticate(macKey, covered, context));
  recordDisclosure(object, isKept ? 'wrapped' : 'clear', context);
  if (isKept) await recordWrapped(leaving, body?.iv, context);
  // An encoding made here can be wiped; without encoding the bytes are those of the stored key.
  if (bytes !== content.KeyMaterial) bytes.fill(0);
  const KeyBlock: KeyBlock = {
    ...addDerivedAttributes(value.value.KeyBlock, object),
    KeyValue: body?.data ?? content,
    KeyWrappingData: {
      WrappingMethod,
      EncryptionKeyInformation: encryptionKey?.information,
      MACSignatureKeyInformation: macKey?.information,
      MACSignature,
      IVCounterNonce: body?.iv,
      EncodingOption,
    },
  };
  return { ...value, value: { ...value.value, KeyBlock } } as ManagedObjectValue;
}

/**
 * Returns why clients may know a stored key that a client has wrapped; undefined when it is wrapped as
 * `strict` protection demands. Its keys are looked up without checks of their states, because nothing is done
 * with them.
 */
export async function findStoredExposure(
  object: ManagedObject,
  data: KeyWrappingData | undefined,
  context: Context,
): Promise<string | undefined> {
  const encryptionKey = await describeWrappingKey(data?.EncryptionKeyInformation, context);
  if (encryptionKey === undefined) return 'the server does not know the key that wraps it';
  const authenticates = data && methods.get(data.WrappingMethod)?.authenticates;
  const isGuessable = object.value !== undefined && hasKeyBlock(object.value) && mayBeGuessed(object.value);
  return findExposure(object, { encryptionKey, authenticates, isGuessable }, context);
}

/** Selects the plain key material and the attributes to be wrapped with it. */
function selectContent(
  { KeyValue, KeyWrappingData }: KeyBlock,
  object: ManagedObject,
  { AttributeName }: KeyWrappingSpecification,
  context: Context,
): PlainKeyValue {
  if (KeyValue === undefined) failWithoutKeyValue('IllegalOperation');
  if (KeyWrappingData !== undefined || KeyValue instanceof Uint8Array) {
    fail(
      'KeyWrapTypeNotSupported',
      'the key is wrapped already: with Key Wrap Type Not Wrapped it is unwrapped first',
      'IllegalOperation',
    );
  }
  return { KeyMaterial: KeyValue.KeyMaterial, Attributes: selectAttributes(AttributeName, object, context) };
}

/** Selects attributes by name; names without an attribute are ignored, as in Get Attributes. */
function selectAttributes(
  names: readonly AttributeReference[],
  object: ManagedObject,
  context: Context,
): readonly Attribute[] {
  if (names.length === 0) return [];
  const wanted = new Set(names.map(attributeKey));
  return shownAttributes(object, context.now, context).filter((attribute) =>
    wanted.has(attributeKey(attribute)),
  );
}

/** Loads the keys that the method needs. Key information must be given for these and no others. */
async function loadWrappingKeys(
  specification: KeyWrappingSpecification,
  { encrypts, authenticates }: MethodEffects,
  context: Context,
): Promise<{ encryptionKey: WrappingKey | undefined; macKey: WrappingKey | undefined }> {
  const { EncryptionKeyInformation, MACSignatureKeyInformation } = specification;
  requireInformation('Encryption Key Information', EncryptionKeyInformation, encrypts);
  requireInformation(
    'MAC/Signature Key Information',
    MACSignatureKeyInformation,
    authenticates !== undefined,
  );
  const encryptionKey =
    EncryptionKeyInformation && (await loadWrappingKey(EncryptionKeyInformation, 'wrap', context));
  const macKey =
    MACSignatureKeyInformation &&
    (await loadWrappingKey(MACSignatureKeyInformation, 'authenticate', context));
  return { encryptionKey, macKey };
}

function requireInformation(what: string, given: KeyInformation | undefined, needed: boolean): void {
  if ((given !== undefined) === needed) return;
  fail('InvalidField', `the Wrapping Method ${needed ? 'needs' : 'takes no'} ${what}`);
}

/** Encodes the bytes to be wrapped: the Key Value in TTLV, or only the bytes of the key. */
function encodeContent(
  content: PlainKeyValue,
  { EncodingOption: option, AttributeName: names }: KeyWrappingSpecification,
  version: Version,
): Uint8Array {
  switch (option) {
    case undefined:
    case 'TTLVEncoding':
      return encodeKeyValue(content, version);
    case 'NoEncoding':
      if (names.length > 0) fail('EncodingOptionError', 'attributes need TTLV Encoding');
      if (!(content.KeyMaterial instanceof Uint8Array))
        fail('EncodingOptionError', 'a transparent key needs TTLV Encoding: it is not one byte string');
      return content.KeyMaterial;
    default:
      fail('EncodingOptionError', 'the Encoding Option is not one of the specification');
  }
}

async function encrypt(
  { object, key, parameters }: WrappingKey,
  { bytes, ivSeed }: { readonly bytes: Uint8Array; readonly ivSeed: Uint8Array | undefined },
  option: EncodingOption | undefined,
  context: Context,
): Promise<WrappedBytes> {
  const wholeBlocks = bytes.length >= 16 && bytes.length % 8 === 0;
  if (option === 'NoEncoding' && parameters.BlockCipherMode === 'NISTKeyWrap' && !wholeBlocks) {
    fail('EncodingOptionError', 'NIST key wrap takes 16, 24, 32, … bytes: use TTLV Encoding for this key');
  }
  countUse(object, bytes.length, context);
  const wrapped = context.crypto.wrap(key, parameters, bytes, ivSeed);
  if (wrapped.iv !== undefined && needsUniqueIv(key.CryptographicAlgorithm, parameters))
    await context.randomIvUses.count(object.id);
  return wrapped;
}

function authenticate(
  { object, key, parameters }: WrappingKey,
  bytes: Uint8Array,
  context: Context,
): Promise<Uint8Array> | Uint8Array {
  const { crypto } = context;
  countUse(object, bytes.length, context);
  return key.objectType === 'SymmetricKey'
    ? crypto.mac(key, parameters, bytes)
    : crypto.sign(key, parameters, { data: bytes });
}

/** Adds algorithm and length, which cannot be derived from a wrapped key. */
function addDerivedAttributes(block: KeyBlock, { type, attributes }: ManagedObject): KeyBlock {
  if (type === 'SecretData') return block;
  return {
    ...block,
    CryptographicAlgorithm: block.CryptographicAlgorithm ?? attributes.get('CryptographicAlgorithm'),
    CryptographicLength: block.CryptographicLength ?? attributes.get('CryptographicLength'),
  };
}
