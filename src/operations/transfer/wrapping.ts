import { type Attribute, type AttributeReference, attributeKey } from '../../../codec/attribute.ts';
import type { EncodingOption, WrappingMethod } from '../../../codec/enums.ts';
import {
  encodeKeyValue,
  type KeyBlock,
  type KeyWrappingSpecification,
  type PlainKeyValue,
} from '../../../codec/structures/key-block.ts';
import { hasKeyBlock, type ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import type { Version } from '../../../codec/version.ts';
import { fail } from '../../common/errors.ts';
import type { WrappedBytes } from '../../crypto/wrapping.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { countUse } from '../../object/usage.ts';
import type { Context } from '../context.ts';
import { failWithoutKeyValue } from '../usable-key.ts';
import { type KeyInformation, loadWrappingKey, type WrappingKey } from './wrapping-keys.ts';

/** Wrapping of keys that leave the server (KMIP 2.1 §3.1 and §7.12, 1.4 §2.1.5–2.1.6). */

/** What a Wrapping Method does to the Key Value; a MAC or signature is over the Key Value, plain or encrypted. */
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

/** Undefined for TR-31 and methods of vendors. */
export function findWrappingMethod(method: WrappingMethod): MethodEffects | undefined {
  return methods.get(method);
}

/** Whether nobody can read the value without a key: a MAC alone hides nothing. */
export function isEncrypted(value: ManagedObjectValue): boolean {
  const data = hasKeyBlock(value) ? value.value.KeyBlock.KeyWrappingData : undefined;
  return data !== undefined && methods.get(data.WrappingMethod)?.encrypts !== false;
}

/**
 * The object's value, already in the format wanted, wrapped as the client asks. Fails with InvalidObjectType for objects
 * without a Key Block, KeyValueNotPresent, FeatureNotSupported for other methods, EncodingOptionError, InvalidField for
 * key information too much or too little, and as `wrappingKey` does.
 */
export async function wrapObject(
  object: ManagedObject,
  value: ManagedObjectValue,
  specification: KeyWrappingSpecification,
  context: Context,
): Promise<ManagedObjectValue> {
  if (!hasKeyBlock(value)) fail('InvalidObjectType', `a ${value.type} cannot be wrapped`);
  const { WrappingMethod, EncodingOption } = specification;
  const method = methods.get(WrappingMethod);
  if (method === undefined) fail('FeatureNotSupported', `the server does not wrap by ${WrappingMethod}`);
  const content = selectContent(value.value.KeyBlock, object, specification, context.now);
  const { encryptionKey, macKey } = await loadWrappingKeys(specification, method, context);
  const bytes = encodeContent(content, specification, context.version);
  const body = encryptionKey && encrypt(encryptionKey, bytes, EncodingOption, context);
  const covered = method.authenticates === 'encrypted' && body !== undefined ? body.data : bytes;
  const MACSignature = macKey && (await authenticate(macKey, covered, context));
  // Encoded anew it is ours to wipe; else it is the stored key.
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

/** Plain Key Value with the attributes to be wrapped along with it. */
function selectContent(
  { KeyValue, KeyWrappingData }: KeyBlock,
  object: ManagedObject,
  { AttributeName }: KeyWrappingSpecification,
  now: number,
): PlainKeyValue {
  if (KeyValue === undefined) failWithoutKeyValue('IllegalOperation');
  if (KeyWrappingData !== undefined || KeyValue instanceof Uint8Array) {
    fail(
      'KeyWrapTypeNotSupported',
      'the key is wrapped already: with Key Wrap Type Not Wrapped it is unwrapped first',
      'IllegalOperation',
    );
  }
  return { KeyMaterial: KeyValue.KeyMaterial, Attributes: selectAttributes(AttributeName, object, now) };
}

/** Names of attributes that the object does not have are passed over, as Get Attributes does. */
function selectAttributes(
  names: readonly AttributeReference[],
  object: ManagedObject,
  now: number,
): readonly Attribute[] {
  if (names.length === 0) return [];
  const wanted = new Set(names.map(attributeKey));
  return object.attributesAt(now).filter((attribute) => wanted.has(attributeKey(attribute)));
}

/** Either key information that the method needs, and no other. */
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

/** What is wrapped: the Key Value item in TTLV, or nothing but the bytes of the key. */
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
      if (names.length > 0)
        fail('EncodingOptionError', 'attributes need TTLV Encoding: without it there is no room for them');
      if (!(content.KeyMaterial instanceof Uint8Array))
        fail('EncodingOptionError', 'a transparent key needs TTLV Encoding: it is not one byte string');
      return content.KeyMaterial;
    default:
      fail('EncodingOptionError', 'the Encoding Option is not one of the specification');
  }
}

function encrypt(
  { object, key, parameters }: WrappingKey,
  bytes: Uint8Array,
  option: EncodingOption | undefined,
  { crypto, now }: Context,
): WrappedBytes {
  const wholeBlocks = bytes.length >= 16 && bytes.length % 8 === 0;
  if (option === 'NoEncoding' && parameters.BlockCipherMode === 'NISTKeyWrap' && !wholeBlocks) {
    fail('EncodingOptionError', 'NIST key wrap takes 16, 24, 32, … bytes: use TTLV Encoding for this key');
  }
  countUse(object, bytes.length, now);
  return crypto.wrap(key, parameters, bytes);
}

function authenticate(
  { object, key, parameters }: WrappingKey,
  bytes: Uint8Array,
  { crypto, now }: Context,
): Promise<Uint8Array> | Uint8Array {
  countUse(object, bytes.length, now);
  return key.objectType === 'SymmetricKey'
    ? crypto.mac(key, parameters, bytes)
    : crypto.sign(key, parameters, { data: bytes });
}

/** Algorithm and length, which a wrapped key no longer shows of itself. */
function addDerivedAttributes(block: KeyBlock, { type, attributes }: ManagedObject): KeyBlock {
  if (type === 'SecretData') return block;
  return {
    ...block,
    CryptographicAlgorithm: block.CryptographicAlgorithm ?? attributes.get('CryptographicAlgorithm'),
    CryptographicLength: block.CryptographicLength ?? attributes.get('CryptographicLength'),
  };
}
