import { encodeDer, makeOid } from '../asn1/der.ts';
import { UnsupportedAlgorithmError } from '../errors.ts';
import { findCurve } from '../keys/curves.ts';
import { writeSpki } from '../keys/der-keys.ts';
import { checkKey } from '../keys/key-check.ts';
import { bitLength, type KeyComponents } from '../keys/key-components.ts';
import { hashOfHmac } from '../parameter-names.ts';
import type { KeyPairRequest } from '../provider.ts';
import type { DeviceKeySpecification, DevicePublicKey } from '../token-device.ts';
import type { GeneratedTokenKey, TokenKey, TokenKeyRequest } from '../token-keys.ts';

/** Keys of KMIP as keys of a token: AES, HMAC with SHA-1 and SHA-2, RSA, and ECDSA on curves of NIST. */

const aesBits: readonly number[] = [128, 192, 256];
const hmacHashes: readonly unknown[] = ['SHA_1', 'SHA_224', 'SHA_256', 'SHA_384', 'SHA_512'];
const maxHmacBits = 4_096;
const minRsaBits = 2_048;
const maxRsaBits = 8_192;
const curveNames: readonly unknown[] = ['P_224', 'P_256', 'P_384', 'P_521'];
const curveAlgorithms: readonly unknown[] = ['EC', 'ECDSA'];

/**
 * Returns what the token is to make.
 * @throws {UnsupportedAlgorithmError} for kinds and sizes of keys that are made by software only
 */
export function specifyDeviceKey({ key, pair }: TokenKeyRequest): DeviceKeySpecification {
  if (pair !== undefined) return specifyPair(pair);
  const { algorithm, bits } = key;
  if (algorithm === 'AES' && aesBits.includes(bits)) return { type: 'aes', bytes: bits / 8 };
  const hash = hashOfHmac(algorithm);
  const isSize = bits >= 112 && bits <= maxHmacBits && bits % 8 === 0;
  if (hash !== undefined && hmacHashes.includes(hash) && isSize)
    return { type: 'generic', bytes: bits / 8, hash };
  throw notMade(`${algorithm} keys of ${bits} bits`);
}

function specifyPair(pair: KeyPairRequest): DeviceKeySpecification {
  if (pair.algorithm === 'RSA') {
    const { bits, exponent = 65_537 } = pair;
    if (bits >= minRsaBits && bits <= maxRsaBits && bits % 256 === 0 && exponent === 65_537)
      return { type: 'rsa', bits };
    throw notMade(`RSA keys of ${bits} bits`);
  }
  if ('curve' in pair && curveAlgorithms.includes(pair.algorithm) && curveNames.includes(pair.curve)) {
    const curve = findCurve(pair.curve);
    if (curve !== undefined) return { type: 'ec', parameters: encodeDer(makeOid(curve.oid)) };
  }
  throw notMade(`${pair.algorithm} keys${'curve' in pair ? ` on ${pair.curve}` : ''}`);
}

function notMade(keys: string): UnsupportedAlgorithmError {
  return new UnsupportedAlgorithmError(`no ${keys} are made in a token`);
}

/** Returns the kind of a key that a token has made. */
export function deviceTypeOf({ CryptographicAlgorithm: algorithm, objectType }: TokenKey) {
  if (objectType === 'PrivateKey') return algorithm === 'RSA' ? 'rsa' : 'ec';
  return algorithm === 'AES' ? 'aes' : 'generic';
}

/**
 * Returns what is known of a pair for the choice of a signature: a modulus of its size, or its curve; no
 * secret number.
 */
export function componentsOf({
  objectType,
  CryptographicAlgorithm: algorithm,
  CryptographicLength: bits,
  CryptographicDomainParameters: domain,
}: TokenKey): KeyComponents {
  if (objectType === 'SymmetricKey') return { kind: 'symmetric', key: new Uint8Array(bits / 8) };
  if (algorithm === 'RSA') return { kind: 'rsaPrivate', n: new Uint8Array(bits / 8).fill(0xff) };
  const curve = domain?.RecommendedCurve === undefined ? undefined : findCurve(domain.RecommendedCurve);
  if (curve === undefined) throw new UnsupportedAlgorithmError('the curve of the key is not known');
  return { kind: 'ecPrivate', curve, d: new Uint8Array() };
}

/**
 * Returns the length of a new key and its public half, which is checked: a token that has a defect must not
 * make a pair that signs nothing.
 * @throws {InvalidKeyMaterialError} when the token has answered with another key than was asked for
 */
export function describeMadeKey(
  { key, pair }: TokenKeyRequest,
  made: DevicePublicKey | undefined,
): GeneratedTokenKey {
  if (pair === undefined) return { bits: key.bits };
  const components = publicComponents(pair, made);
  const publicKey = writeSpki(components);
  if (publicKey === undefined) throw new UnsupportedAlgorithmError('the token has made no public key');
  checkKey({ objectType: 'PublicKey', KeyFormatType: 'X_509', KeyMaterial: publicKey });
  const bits = components.kind === 'rsaPublic' ? bitLength(components.n) : bitsOfCurve(components);
  if (pair.algorithm === 'RSA' && bits !== pair.bits)
    throw new UnsupportedAlgorithmError(`the token has made a key of ${bits} bits`);
  return { bits, publicKey };
}

function bitsOfCurve(components: KeyComponents): number {
  return components.kind === 'ecPublic' ? components.curve.bits : 0;
}

function publicComponents(pair: KeyPairRequest, made: DevicePublicKey | undefined): KeyComponents {
  if (made?.type === 'rsa' && pair.algorithm === 'RSA')
    return { kind: 'rsaPublic', n: withoutLeadingZeros(made.modulus), e: withoutLeadingZeros(made.exponent) };
  const curve = 'curve' in pair ? findCurve(pair.curve) : undefined;
  if (made?.type !== 'ec' || curve === undefined)
    throw new UnsupportedAlgorithmError('the token has made another key');
  return { kind: 'ecPublic', curve, point: made.point };
}

function withoutLeadingZeros(magnitude: Uint8Array): Uint8Array {
  const first = magnitude.findIndex((byte) => byte !== 0);
  return first < 0 ? new Uint8Array() : magnitude.subarray(first);
}
