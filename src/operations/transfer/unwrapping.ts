import type { EncodingOption } from '../../../codec/enums.ts';
import {
  decodeKeyValue,
  encodeKeyValue,
  type KeyBlock,
  type KeyValue,
  type KeyWrappingData,
  keyValueVersions,
  type PlainKeyValue,
} from '../../../codec/structures/key-block.ts';
import type { KeyedObjectValue, ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { fail } from '../../common/errors.ts';
import {
  CryptographyFailedError,
  InvalidKeyMaterialError,
  UnsupportedAlgorithmError,
  UnsupportedKeyFormatError,
} from '../../crypto/errors.ts';
import { plainKey } from '../../crypto/plain-key.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { Context } from '../context.ts';
import { decryptingWith } from '../usable-key.ts';
import { requireIntegrity } from './exposure.ts';
import { recogniseValue, type WrappedValue } from './wrapped-values.ts';
import { findWrappingMethod } from './wrapping.ts';
import { loadWrappingKey, type WrappingKey } from './wrapping-keys.ts';

/** Unwrapping of wrapped keys (KMIP 2.1 §3.1, 1.4 §2.1.5), with keys of the server. */

/** An unwrapped object. */
export interface UnwrappedObject {
  readonly value: ManagedObjectValue;
  /** The key that decrypted it; undefined when it was not encrypted. */
  readonly key: ManagedObject | undefined;
  /** What the value was when it left before, the objects of the same type and format first. */
  readonly known: readonly WrappedValue[];
}

/** Describes an object that is taken as it is. */
export function notUnwrapped(value: ManagedObjectValue): UnwrappedObject {
  return { value, key: undefined, known: [] };
}

/**
 * Unwraps an object's key; attributes that were wrapped with the key stay in the Key Value.
 * @throws {KmipError} KeyWrapTypeNotSupported when the server does not know the method, as `loadWrappingKey`
 *   does for the keys named, else the same CryptographicFailure for every defect: key, parameters, MAC,
 *   padding, encoding and content are not distinguished; BadCryptographicParameters as
 *   `requireIntegrity`
 */
export async function unwrapObject(value: KeyedObjectValue, context: Context): Promise<UnwrappedObject> {
  const { KeyWrappingData: data, ...block } = value.value.KeyBlock;
  if (data === undefined || block.KeyValue === undefined) return notUnwrapped(value);
  const { KeyValue } = block;
  const keys = await loadUnwrappingKeys(data, context);
  const unwrap = async () => {
    const opened = await openKeyValue(data, KeyValue, keys, context);
    const known = await recogniseValue(
      value,
      data.EncodingOption,
      { ...opened, iv: data.IVCounterNonce },
      context,
    );
    const KeyBlock = completeBlock({ ...block, KeyValue: opened.keyValue }, known[0]);
    const unwrapped = { ...value, value: { ...value.value, KeyBlock } } as ManagedObjectValue;
    await requireConsistentKey(unwrapped, KeyBlock, context);
    return { value: unwrapped, key: opened.key, known };
  };
  try {
    const objects = [keys.encryptionKey, keys.macKey].flatMap((key) =>
      key === undefined ? [] : [key.object],
    );
    return await decryptingWith(objects, unwrap, context.attempts);
  } catch (error) {
    if (error instanceof CryptographyFailedError) failUnwrap();
    throw error;
  }
}

/** Fills in what the Key Block leaves open of a key that is known. */
function completeBlock(block: KeyBlock, known: WrappedValue | undefined): KeyBlock {
  const { CryptographicAlgorithm = known?.algorithm, CryptographicLength = known?.bits } = block;
  return { ...block, CryptographicAlgorithm, CryptographicLength };
}

/** The keys that unwrap and verify, and what the MAC covers. */
interface UnwrappingKeys {
  readonly encryptionKey: WrappingKey | undefined;
  readonly macKey: WrappingKey | undefined;
  readonly authenticates: 'plain' | 'encrypted' | undefined;
}

/** Loads the keys that the Wrapping Method needs; information about others is ignored. */
async function loadUnwrappingKeys(data: KeyWrappingData, context: Context): Promise<UnwrappingKeys> {
  const method = findWrappingMethod(data.WrappingMethod);
  const { EncryptionKeyInformation, MACSignatureKeyInformation } = data;
  if (
    method === undefined ||
    (method.encrypts && EncryptionKeyInformation === undefined) ||
    (method.authenticates !== undefined && MACSignatureKeyInformation === undefined)
  ) {
    fail('KeyWrapTypeNotSupported', 'the server cannot unwrap the key: it does not know how');
  }
  const encryptionKey =
    method.encrypts && EncryptionKeyInformation !== undefined
      ? await loadWrappingKey(EncryptionKeyInformation, 'unwrap', context)
      : undefined;
  const macKey =
    method.authenticates !== undefined && MACSignatureKeyInformation !== undefined
      ? await loadWrappingKey(MACSignatureKeyInformation, 'verify', context)
      : undefined;
  return { encryptionKey, macKey, authenticates: method.authenticates };
}

async function openKeyValue(
  data: KeyWrappingData,
  keyValue: KeyValue,
  { encryptionKey, macKey, authenticates }: UnwrappingKeys,
  context: Context,
): Promise<{ readonly keyValue: PlainKeyValue; readonly key?: ManagedObject }> {
  if (encryptionKey === undefined) {
    const inputs = listMacInputs(keyValue, data.EncodingOption);
    await requireAuthentic(macKey, inputs, data, context);
    const isEncoded = keyValue instanceof Uint8Array;
    return { keyValue: isEncoded ? decodeContent(keyValue, data.EncodingOption, context) : keyValue };
  }
  await requireIntegrity(encryptionKey, context);
  const body = extractWrappedBytes(keyValue);
  if (authenticates === 'encrypted') await requireAuthentic(macKey, [body], data, context);
  const { key, parameters } = encryptionKey;
  const bytes = await context.crypto.unwrap(key, parameters, { data: body, iv: data.IVCounterNonce });
  if (authenticates === 'plain') await requireAuthentic(macKey, [bytes], data, context);
  return { keyValue: decodeContent(bytes, data.EncodingOption, context), key: encryptionKey.object };
}

/** Wrapped bytes replace the Key Value; some clients put them into Key Material instead (TC-WRAP-1). */
function extractWrappedBytes(keyValue: KeyValue): Uint8Array {
  if (keyValue instanceof Uint8Array) return keyValue;
  return keyValue.KeyMaterial instanceof Uint8Array ? keyValue.KeyMaterial : failUnwrap();
}

/** Lists the inputs that the MAC of a key in the clear may cover: the Key Value as either era encodes it. */
function listMacInputs(keyValue: KeyValue, option: EncodingOption | undefined): readonly Uint8Array[] {
  if (keyValue instanceof Uint8Array) return [keyValue];
  if (option === 'NoEncoding') return [extractWrappedBytes(keyValue)];
  return keyValueVersions.map((version) => encodeKeyValue(keyValue, version));
}

async function requireAuthentic(
  macKey: WrappingKey | undefined,
  inputs: readonly Uint8Array[],
  { MACSignature }: KeyWrappingData,
  { crypto }: Context,
): Promise<void> {
  if (macKey === undefined || MACSignature === undefined) return failUnwrap();
  const { key, parameters } = macKey;
  for (const data of inputs) {
    const valid =
      key.objectType === 'SymmetricKey'
        ? crypto.verifyMac(key, parameters, data, MACSignature)
        : await crypto.verify(key, parameters, { data }, MACSignature);
    if (valid) return;
  }
  failUnwrap();
}

function decodeContent(
  bytes: Uint8Array,
  option: EncodingOption | undefined,
  { limits }: Context,
): PlainKeyValue {
  if (option === 'NoEncoding') return { KeyMaterial: bytes, Attributes: [] };
  return decodeKeyValue(bytes, limits) ?? failUnwrap();
}

/**
 * Without authentication any input decrypts to some bytes, so the result must be a key as the Key Block
 * describes it.
 */
async function requireConsistentKey(
  value: ManagedObjectValue,
  block: KeyBlock,
  { crypto }: Context,
): Promise<void> {
  const key = plainKey(value.type, block) ?? failUnwrap();
  try {
    crypto.describeKey(key);
    await crypto.checkObject(value);
  } catch (error) {
    const defects = [InvalidKeyMaterialError, UnsupportedKeyFormatError, UnsupportedAlgorithmError];
    if (defects.some((defect) => error instanceof defect)) failUnwrap();
    throw error;
  }
}

function failUnwrap(): never {
  fail('CryptographicFailure', 'the key cannot be unwrapped');
}
