import {
  createHash,
  createPrivateKey,
  createPublicKey,
  decapsulate as decapsulateNative,
  diffieHellman,
  encapsulate as encapsulateNative,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { concatBytes } from '../../common/bytes.ts';
import { InvalidKeyMaterialError } from '../errors.ts';
import type { Encapsulation } from '../provider.ts';

/*
 * X-Wing (draft-connolly-cfrg-xwing-kem): X25519 and ML-KEM-768 combined, secure as long as one of them is.
 * OpenSSL computes both in constant time; this file combines their bytes. A private key is a seed of 32
 * bytes.
 */

const kemType = 'ml-kem-768';
const curveType = 'x25519';
const kemPublicBytes = 1_184;
const kemCiphertextBytes = 1_088;
const label = new TextEncoder().encode('\\.//^\\');

/** Generates a seed and its public key. */
export function generateXWing(): { seed: Uint8Array; publicKey: Uint8Array } {
  const seed = new Uint8Array(randomBytes(32));
  return { seed, publicKey: computeXWingPublicKey(seed) };
}

/** Computes the public key, 1,216 bytes, of a seed. */
export function computeXWingPublicKey(seed: Uint8Array): Uint8Array {
  const { kem, curve } = expandSeed(seed);
  return concatBytes([exportRaw(createPublicKey(kem)), exportRaw(createPublicKey(curve))]);
}

/**
 * Creates a shared secret of 32 bytes and its ciphertext.
 * @throws {InvalidKeyMaterialError} when the public key is malformed
 */
export function encapsulateXWing(publicKey: Uint8Array): Encapsulation {
  const { kem, curve, rawCurve } = readXWingPublicKey(publicKey);
  const ephemeral = generateKeyPairSync(curveType);
  const { sharedKey, ciphertext } = encapsulateNative(kem);
  const agreedSecret = agree(ephemeral.privateKey, curve);
  const ephemeralKey = exportRaw(ephemeral.publicKey);
  return {
    sharedSecret: combineSecrets(sharedKey, agreedSecret, ephemeralKey, rawCurve),
    ciphertext: concatBytes([ciphertext, ephemeralKey]),
  };
}

/**
 * Recovers a shared secret. Throws OpenSSL's errors for a ciphertext of another length, or a point of low
 * order.
 */
export function decapsulateXWing(seed: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const { kem, curve } = expandSeed(seed);
  const ephemeralKey = ciphertext.subarray(kemCiphertextBytes);
  const secret = decapsulateNative(kem, ciphertext.subarray(0, kemCiphertextBytes));
  return combineSecrets(
    secret,
    agree(curve, importCurveKey(ephemeralKey)),
    ephemeralKey,
    exportRaw(createPublicKey(curve)),
  );
}

/**
 * Opens both halves of a public key.
 * @throws {InvalidKeyMaterialError} when one is malformed
 */
export function readXWingPublicKey(key: Uint8Array): {
  kem: KeyObject;
  curve: KeyObject;
  rawCurve: Uint8Array;
} {
  const rawCurve = key.subarray(kemPublicBytes);
  try {
    const half = Buffer.from(key.buffer, key.byteOffset, kemPublicBytes);
    const kem = createPublicKey({ key: half, format: 'raw-public', asymmetricKeyType: kemType });
    return { kem, curve: importCurveKey(rawCurve), rawCurve };
  } catch {
    throw new InvalidKeyMaterialError('the key cannot be used: its numbers do not make up a key');
  }
}

function expandSeed(seed: Uint8Array): { kem: KeyObject; curve: KeyObject } {
  const expanded = createHash('shake256', { outputLength: 96 }).update(seed).digest();
  const [half, scalar] = [expanded.subarray(0, 64), expanded.subarray(64)];
  const kem = createPrivateKey({ key: half, format: 'raw-seed', asymmetricKeyType: kemType });
  const curve = createPrivateKey({ key: scalar, format: 'raw-private', asymmetricKeyType: curveType });
  expanded.fill(0);
  return { kem, curve };
}

function importCurveKey(raw: Uint8Array): KeyObject {
  const key = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  return createPublicKey({ key, format: 'raw-public', asymmetricKeyType: curveType });
}

function agree(privateKey: KeyObject, publicKey: KeyObject): Uint8Array {
  return diffieHellman({ privateKey, publicKey });
}

function exportRaw(key: KeyObject): Uint8Array {
  return key.export({ format: 'raw-public' });
}

/** Combines both secrets by SHA3-256, and wipes them. */
function combineSecrets(
  kemSecret: Uint8Array,
  curveSecret: Uint8Array,
  ephemeralKey: Uint8Array,
  curvePublicKey: Uint8Array,
): Uint8Array {
  const hash = createHash('sha3-256').update(kemSecret).update(curveSecret).update(ephemeralKey);
  const secret = new Uint8Array(hash.update(curvePublicKey).update(label).digest());
  kemSecret.fill(0);
  curveSecret.fill(0);
  return secret;
}
