import {
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { xWing } from '../algorithm-table.ts';
import { InvalidDerError } from '../asn1/der.ts';
import { InvalidKeyMaterialError, UnsupportedKeyFormatError } from '../errors.ts';
import type { PlainKey } from '../plain-key.ts';
import type { ByteKeyType } from './byte-keys.ts';
import { findDerFormat, findFormatOfBytes } from './der-format.ts';
import { isEdwardsPublicKey } from './edwards-points.ts';
import { computePublicPoint } from './elliptic.ts';
import { checkModularKey } from './group-check.ts';
import type { EcPublicKey, KeyComponents } from './key-components.ts';
import { readKey } from './key-format.ts';
import { createKeyObject } from './key-objects.ts';
import { checkStatedPublicHalves } from './public-halves.ts';
import { checkRsaPrivateKey, checkRsaPublicKey } from './rsa-check.ts';
import { readXWingPublicKey } from './x-wing.ts';

/**
 * Checks an asymmetric key that comes from outside (SP 800-56A Rev. 3 §5.6.2.3, SP 800-56B Rev. 2 §6.4,
 * FIPS 186-5). Other keys, and those of a format, curve or algorithm that the server only stores, pass.
 * Takes up to 0.3 s, of SLH-DSA the time of one signature: for threads.
 * @throws {InvalidKeyMaterialError} with the reason
 */
export function checkKey(given: PlainKey): void {
  if (given.objectType !== 'PublicKey' && given.objectType !== 'PrivateKey') return;
  try {
    const key = { ...given, KeyFormatType: findActualFormat(given) };
    const components = readKey(key);
    if (components === undefined) return;
    checkComponents(key, components);
    if (key.objectType === 'PrivateKey') checkStatedPublicHalves(key, components);
  } catch (error) {
    if (error instanceof UnsupportedKeyFormatError) return;
    if (error instanceof InvalidDerError) throw new InvalidKeyMaterialError(`Key Material: ${error.message}`);
    throw error;
  }
}

/** The format of the bytes, also of DER that is called Raw. */
function findActualFormat(key: PlainKey): PlainKey['KeyFormatType'] {
  if (key.KeyFormatType !== 'Raw') return findFormatOfBytes(key);
  return findDerFormat(key.objectType, key.KeyMaterial) ?? 'Raw';
}

function checkComponents(key: PlainKey, components: KeyComponents): void {
  switch (components.kind) {
    case 'rsaPublic':
      return checkRsaPublicKey(components);
    case 'rsaPrivate':
      return checkRsaPrivateKey(components);
    case 'ecPublic':
      return checkPoint(key, components);
    case 'ecPrivate':
      computePublicPoint(components.curve, components.d);
      return;
    case 'dsaPublic':
    case 'dsaPrivate':
    case 'dhPublic':
    case 'dhPrivate':
      return checkModularKey(components);
    case 'bytePublic':
      return checkPublicBytes(key, components.type, components.key);
    case 'bytePrivate':
      return checkPrivateBytes(key, components.type);
    default:
      return;
  }
}

/** OpenSSL checks the key of the other side: on the curve, not infinity, of the right order. */
function checkPoint(key: PlainKey, { curve }: EcPublicKey): void {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: curve.openssl });
  requireAgreement(
    privateKey,
    createKeyObject(key),
    `the public key is not a point on ${curve.name} of its order`,
  );
}

function checkPublicBytes(
  key: PlainKey,
  { algorithm, nodeType, name }: ByteKeyType,
  bytes: Uint8Array,
): void {
  if (algorithm === xWing) return checkMontgomeryPoint('x25519', readXWingPublicKey(bytes).curve);
  if (algorithm === 'Ed25519' || algorithm === 'Ed448') {
    if (!isEdwardsPublicKey(algorithm, bytes))
      throw new InvalidKeyMaterialError(`the public key is not a point of ${algorithm} of its order`);
    return;
  }
  const object = createKeyObject(key);
  if (name !== undefined) checkMontgomeryPoint(nodeType as 'x25519', object);
}

/** A point of small order agrees on zeros with every key, which OpenSSL refuses (RFC 7748 §6). */
function checkMontgomeryPoint(type: 'x25519' | 'x448', publicKey: KeyObject): void {
  const { privateKey } = generateKeyPairSync(type as 'x25519');
  requireAgreement(privateKey, publicKey, `the public key is a point of small order on ${type}`);
}

function requireAgreement(privateKey: KeyObject, publicKey: KeyObject, reason: string): void {
  try {
    diffieHellman({ privateKey, publicKey });
  } catch {
    throw new InvalidKeyMaterialError(reason);
  }
}

/**
 * OpenSSL compares seed, expanded key and the digests in it. Of SLH-DSA only a signature shows whether the
 * public half is that of the seed (FIPS 140-3 IG 10.3.A).
 */
function checkPrivateBytes(key: PlainKey, { algorithm }: ByteKeyType): void {
  if (algorithm === xWing) return;
  const privateKey = createKeyObject(key);
  if (!String(algorithm).startsWith('SLH_DSA')) return;
  const text = randomBytes(16);
  if (!verify(undefined, text, createPublicKey(privateKey), sign(undefined, text, privateKey)))
    throw new InvalidKeyMaterialError('the public half of the SLH-DSA key is that of another key');
}
