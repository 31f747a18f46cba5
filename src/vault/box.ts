import { randomFillSync } from 'node:crypto';
import { concatBytes } from '../common/bytes.ts';
import { decryptGcm, encryptGcm } from './aead.ts';
import { deriveVaultKey, keyedHash, lengthAndText } from './keyed-hash.ts';
import {
  boxEpoch,
  boxHeaderBytes,
  directBindingBytes,
  nonceBytes,
  type SealContext,
  tagBytes,
  typesOfSecretLength,
} from './vault.ts';

/**
 * A box, AES-256-GCM under a key that HKDF-SHA256 derives from a seal secret for each kind.
 *
 *     2 | kind (u8) | epoch of the seal secret (u32) | nonce (12) | ciphertext | tag (16)
 *     AAD of an object: lp("object") | lp(id) | lp(group) | lp(type) | version (u64)
 *                       | 0, 1 and the binding of a value (28), or 2 and that of one in direct mode (32)
 *     AAD of a value:   lp("value") | lp(id) | lp(group) | lp(type)
 *     AAD of a record:  lp("record") | lp(kind) | lp(key) | lp(group) | version (u64)
 *                       | expires (i64; -1: none)
 *     AAD of a lane:    lp("lane") | lp(name) | seq (u64) | era (u64)
 *     AAD of a block:   lp("audit") | lp(chain) | first (u64) | count (u64) | time (i64)
 *
 * Kind and epoch choose the key, so that another one does not open. Kind 5 is in direct-box.ts. The reasons
 * are in docs/decisions/47-sealed-boxes.md.
 */

export const boxFormat = 2;
const epochOffset = 2;

const kinds: Readonly<Record<SealContext['kind'], number>> = {
  ...{ value: 1, record: 2, object: 3, lane: 4, audit: 6 },
};

/**
 * The keys that are derived from one seal secret: one for each kind of box, one for their nonces, and one
 * that takes part in the keys of values in direct mode.
 */
export type BoxKeys = Readonly<Record<SealContext['kind'] | 'nonce' | 'direct', Uint8Array>>;

/** Derives the keys from a seal secret; `salt` identifies the database. */
export function deriveBoxKeys(secret: Uint8Array, salt: Uint8Array): BoxKeys {
  const derive = (purpose: string) => deriveVaultKey(secret, salt, `kmipd/2 ${purpose}`);
  return {
    object: derive('object'),
    value: derive('value'),
    record: derive('record'),
    lane: derive('lane'),
    audit: derive('audit'),
    nonce: derive('nonce'),
    direct: derive('direct'),
  };
}

/** Overwrites the keys. */
export function wipeBoxKeys(keys: BoxKeys): void {
  for (const key of Object.values<Uint8Array>({ ...keys })) key.fill(0);
}

/**
 * Encrypts `plain` for one row under the keys of one epoch. `random` fills a buffer with random bytes;
 * only tests use another one.
 */
export function sealBox(
  keys: BoxKeys,
  epoch: number,
  context: SealContext,
  plain: Uint8Array,
  random: (buffer: Uint8Array) => void = takeRandom,
): Uint8Array {
  const header = new Uint8Array(boxHeaderBytes);
  header.set([boxFormat, kinds[context.kind]]);
  new DataView(header.buffer).setUint32(epochOffset, epoch);
  const aad = encodeAad(context);
  const padded = hasSecretLength(context) ? padSecret(plain) : plain;
  const nonce = computeNonce(keys.nonce, header, aad, padded, random);
  const sealed = encryptGcm(keys[context.kind], header, nonce, aad, padded);
  if (padded !== plain) padded.fill(0);
  return sealed;
}

/** Returns the epoch of a box; undefined for bytes that are no box. */
export function readEpoch(sealed: Uint8Array): number | undefined {
  if (sealed[0] !== boxFormat || sealed.length < boxHeaderBytes + nonceBytes + tagBytes) return undefined;
  return boxEpoch(sealed);
}

/** Decrypts a box; undefined when it belongs to another row, is of another kind, or was changed. */
export function openBox(keys: BoxKeys, context: SealContext, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed[0] !== boxFormat || sealed[1] !== kinds[context.kind] || !isExact(context)) return undefined;
  const plain = decryptGcm(keys[context.kind], boxHeaderBytes, encodeAad(context), sealed);
  return plain !== undefined && hasSecretLength(context) ? unpad(plain) : plain;
}

/**
 * Computes a nonce (12 bytes) of random bytes and of everything that it encrypts: a machine restored from a
 * snapshot of its memory, or a random source that repeats, repeats a nonce for equal contents only. The key
 * (32 bytes) serves nothing else.
 */
export function computeNonce(
  key: Uint8Array,
  header: Uint8Array,
  aad: Uint8Array,
  plain: Uint8Array,
  random: (buffer: Uint8Array) => void,
): Uint8Array {
  const randomBytes = new Uint8Array(16);
  random(randomBytes);
  const length = Uint8Array.of(aad.length >>> 24, aad.length >>> 16, aad.length >>> 8, aad.length);
  const digest = keyedHash(key, 'kmipd/2 nonce', header, randomBytes, length, aad, plain);
  return Uint8Array.fromHex(digest.slice(0, 2 * nonceBytes));
}

/** Random bytes for nonces: one call of the random source for 256 boxes, of which each would cost 5 µs. */
const randomPool = new Uint8Array(4096);
let randomUsed = randomPool.length;

/** Fills a small buffer with random bytes that nobody else gets. They are not secret, and not for keys. */
export function takeRandom(buffer: Uint8Array): void {
  if (randomUsed + buffer.length > randomPool.length) {
    randomFillSync(randomPool);
    randomUsed = 0;
  }
  buffer.set(randomPool.subarray(randomUsed, (randomUsed += buffer.length)));
}

const paddedBytes = 64;

function hasSecretLength(context: SealContext): boolean {
  const isOfObject = context.kind === 'object' || context.kind === 'value';
  return isOfObject && typesOfSecretLength.has(context.objectType);
}

/** Appends 0x80 and zeros (ISO/IEC 9797-1, padding method 2) up to a multiple of 64 bytes. */
export function padSecret(plain: Uint8Array): Uint8Array {
  const padded = new Uint8Array(plain.length + paddedBytes - (plain.length % paddedBytes));
  padded.set(plain);
  padded[plain.length] = 0x80;
  return padded;
}

/** Removes what `pad` has appended. The result is in memory of its own, so that wiping wipes all. */
export function unpad(plain: Uint8Array): Uint8Array {
  const unpadded = plain.slice(0, plain.lastIndexOf(0x80));
  plain.fill(0);
  return unpadded;
}

/** Whether numbers of a row that was read are whole ones, as those of all that are written. */
function isExact(context: SealContext): boolean {
  return Object.values(context).every((value) => typeof value !== 'number' || Number.isSafeInteger(value));
}

const unbound = Uint8Array.of(0);
const bound = Uint8Array.of(1);
const boundDirect = Uint8Array.of(2);

/** Returns the bytes that bind a box to its row. */
export function encodeAad(context: SealContext): Uint8Array {
  const { kind } = context;
  switch (kind) {
    case 'object': {
      const { id, group, objectType, version, valueBinding } = context;
      const row = withNumbers(lengthAndText(kind, id, group, objectType), version);
      if (valueBinding === null) return concatBytes([row, unbound]);
      return concatBytes([
        row,
        valueBinding.length === directBindingBytes ? boundDirect : bound,
        valueBinding,
      ]);
    }
    case 'value':
      return lengthAndText(kind, context.id, context.group, context.objectType);
    case 'record': {
      const { recordKind, key, group, version, expires } = context;
      return withNumbers(lengthAndText(kind, recordKind, key, group), version, expires ?? -1);
    }
    case 'lane':
      return withNumbers(lengthAndText(kind, context.name), context.seq, context.era);
    case 'audit':
      return withNumbers(lengthAndText(kind, context.chain), context.first, context.count, context.time);
  }
}

/** Appends numbers, 64 bits each. */
export function withNumbers(bytes: Uint8Array, ...numbers: readonly number[]): Uint8Array {
  const result = new Uint8Array(bytes.length + 8 * numbers.length);
  result.set(bytes);
  const view = new DataView(result.buffer);
  for (const [at, number] of numbers.entries()) view.setBigInt64(bytes.length + 8 * at, BigInt(number));
  return result;
}
