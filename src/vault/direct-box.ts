import { hash, randomFillSync } from 'node:crypto';
import { concatBytes } from '../common/bytes.ts';
import { allocateSecretBytes } from '../common/secret.ts';
import { decryptGcm, encryptGcm } from './aead.ts';
import { type BoxKeys, boxFormat, computeNonce, encodeAad, padSecret, takeRandom, unpad } from './box.ts';
import { deriveVaultKey } from './keyed-hash.ts';
import {
  boxEpoch,
  boxHeaderBytes,
  directKind,
  isDirectValue,
  nonceBytes,
  tagBytes,
  typesOfSecretLength,
  type ValueContext,
} from './vault.ts';

/**
 * The box of a value in direct mode, AES-256-GCM under a key of its own:
 *
 *     2 | 5 | epoch of the seal secret (u32) | nonce (12)
 *       | id of the root (8) | length (u16) | data secret, wrapped by the key in the token
 *       | ciphertext | tag (16)
 *     data secret, before it is wrapped:
 *         "kmipd2" | id of the store (16) | 255 | epoch (u32) | 32 random bytes
 *     key: HKDF-SHA256 of these 32 bytes and the direct key of the epoch, label "kmipd/2 direct data"
 *     AAD: AAD of a value | id of the root | length | wrapped data secret
 *
 * Neither the token nor the keyring alone yields the key, and no wrapped secret of the keyring is taken for
 * a data secret. The tag says nothing of the wrapped secret before the token was asked, therefore the box of
 * the attributes is bound to the SHA-256 of all these bytes: see `directBinding`.
 */

/** Bytes of a data secret before it is wrapped. */
const dataSecretBytes = 59;

const randomBytes = 32;
const rootBytes = 8;
/** Not the number of a kind of secrets in the keyring. */
const dataSecretKind = 255;
const wrappedOffset = boxHeaderBytes + nonceBytes + rootBytes + 2;

/** A data secret as the token has wrapped it. */
export interface WrappedDataSecret {
  /** Id of the root, 16 hexadecimal digits. */
  readonly root: string;
  readonly wrapped: Uint8Array;
}

/** Returns a new data secret of an epoch; the caller wipes it. */
export function makeDataSecret(storeId: Uint8Array, epoch: number): Uint8Array {
  const secret = allocateSecretBytes(dataSecretBytes);
  secret.set(dataSecretPrefix(storeId, epoch));
  randomFillSync(secret, dataSecretBytes - randomBytes);
  return secret;
}

function dataSecretPrefix(storeId: Uint8Array, epoch: number): Uint8Array {
  const number = new Uint8Array(5);
  number[0] = dataSecretKind;
  new DataView(number.buffer).setUint32(1, epoch);
  return concatBytes([new TextEncoder().encode('kmipd2'), storeId, number]);
}

/** The epoch of a box, its seal keys, and the id of the store. */
export interface DirectKeys {
  readonly epoch: number;
  readonly keys: BoxKeys;
  readonly storeId: Uint8Array;
}

/** Encrypts a value under a data secret of `makeDataSecret`. */
export function sealDirectBox(
  { epoch, keys, storeId }: DirectKeys,
  secret: Uint8Array,
  { root, wrapped }: WrappedDataSecret,
  context: ValueContext,
  plain: Uint8Array,
): Uint8Array {
  const header = new Uint8Array(boxHeaderBytes);
  header.set([boxFormat, directKind]);
  new DataView(header.buffer).setUint32(boxHeaderBytes - 4, epoch);
  const envelope = encodeWrapped(root, wrapped);
  const aad = concatBytes([encodeAad(context), envelope]);
  const isPadded = typesOfSecretLength.has(context.objectType);
  const padded = isPadded ? padSecret(plain) : plain;
  const key = deriveDataKey(secret, keys, storeId);
  try {
    const nonce = computeNonce(keys.nonce, header, aad, padded, takeRandom);
    const sealed = encryptGcm(key, header, nonce, aad, padded);
    const start = boxHeaderBytes + nonceBytes;
    return concatBytes([sealed.subarray(0, start), envelope, sealed.subarray(start)]);
  } finally {
    key.fill(0);
    if (isPadded) padded.fill(0);
  }
}

/** See `DirectValues.bindingOf`. */
export function directBinding(sealed: Uint8Array): Uint8Array {
  return Uint8Array.fromHex(hash('sha256', sealed, 'hex'));
}

/** Returns epoch and wrapped data secret of a box; undefined for other bytes. */
export function readDirectBox(
  sealed: Uint8Array,
): (WrappedDataSecret & { readonly epoch: number }) | undefined {
  const end = endOfWrapped(sealed);
  if (end === undefined) return undefined;
  const rootOffset = boxHeaderBytes + nonceBytes;
  return {
    epoch: boxEpoch(sealed),
    root: new Uint8Array(sealed.subarray(rootOffset, rootOffset + rootBytes)).toHex(),
    wrapped: sealed.slice(wrappedOffset, end),
  };
}

/**
 * Decrypts a box by what the token has unwrapped; undefined when it belongs to another row or epoch, was
 * changed, or the secret is none of this kind.
 */
export function openDirectBox(
  { epoch, keys, storeId }: DirectKeys,
  secret: Uint8Array,
  context: ValueContext,
  sealed: Uint8Array,
): Uint8Array | undefined {
  const end = endOfWrapped(sealed);
  const prefix = dataSecretPrefix(storeId, epoch);
  const isNamed = secret.length === dataSecretBytes && prefix.every((byte, at) => secret[at] === byte);
  if (end === undefined || !isNamed || boxEpoch(sealed) !== epoch) return undefined;
  const start = boxHeaderBytes + nonceBytes;
  const aad = concatBytes([encodeAad(context), sealed.subarray(start, end)]);
  const key = deriveDataKey(secret, keys, storeId);
  const inner = concatBytes([sealed.subarray(0, start), sealed.subarray(end)]);
  const plain = decryptGcm(key, boxHeaderBytes, aad, inner);
  key.fill(0);
  return plain !== undefined && typesOfSecretLength.has(context.objectType) ? unpad(plain) : plain;
}

function encodeWrapped(root: string, wrapped: Uint8Array): Uint8Array {
  const length = Uint8Array.of(wrapped.length >>> 8, wrapped.length);
  return concatBytes([Uint8Array.fromHex(root), length, wrapped]);
}

function endOfWrapped(sealed: Uint8Array): number | undefined {
  if (sealed[0] !== boxFormat || !isDirectValue(sealed) || sealed.length < wrappedOffset + tagBytes)
    return undefined;
  const { buffer, byteOffset, length } = sealed;
  const end = wrappedOffset + new DataView(buffer, byteOffset, length).getUint16(wrappedOffset - 2);
  return end + tagBytes > length || end === wrappedOffset ? undefined : end;
}

function deriveDataKey(secret: Uint8Array, keys: BoxKeys, storeId: Uint8Array): Uint8Array {
  const both = allocateSecretBytes(randomBytes + keys.direct.length);
  both.set(secret.subarray(dataSecretBytes - randomBytes));
  both.set(keys.direct, randomBytes);
  try {
    return deriveVaultKey(both, storeId, 'kmipd/2 direct data');
  } finally {
    both.fill(0);
  }
}
