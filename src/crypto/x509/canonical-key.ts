import { createPublicKey, type KeyObject } from 'node:crypto';
import { toBigInt, toBytes } from '../asn1/big-integers.ts';
import { InvalidDerError } from '../asn1/der.ts';
import { InvalidKeyMaterialError, UnsupportedKeyFormatError } from '../errors.ts';
import { curves } from '../keys/curves.ts';
import { readSpki, writeSpki } from '../keys/der-keys.ts';
import { convertPoint } from '../keys/elliptic.ts';
import { type KeyComponents, padToLength } from '../keys/key-components.ts';

/**
 * Returns a public key, SubjectPublicKeyInfo in DER, in the encoding that its numbers alone decide: RSA under
 * rsaEncryption, whatever the key is for; points uncompressed on a curve by its name; groups of
 * Diffie-Hellman without a subgroup, which PKCS#3 leaves out; numbers and coordinates reduced. A key that
 * neither the server nor OpenSSL reads stays as it is.
 */
export function canonicalKey(publicKey: Uint8Array): Uint8Array {
  const key = attempt(() => reduce(readSpki(publicKey))) ?? attempt(() => readByOpenSsl(publicKey));
  return (key && writeSpki(key)) ?? publicKey;
}

function attempt(read: () => KeyComponents | undefined): KeyComponents | undefined {
  try {
    return read();
  } catch (error) {
    if (unreadable.some((kind) => error instanceof kind)) return undefined;
    throw error;
  }
}

const unreadable = [InvalidDerError, InvalidKeyMaterialError, UnsupportedKeyFormatError];

/** Brings the parts of a key, which several encodings hold in several forms, into one. */
function reduce(key: KeyComponents): KeyComponents {
  switch (key.kind) {
    case 'ecPublic':
      return { ...key, point: convertPoint(key.curve, key.point, 'uncompressed') };
    case 'dsaPublic':
      return { ...key, y: reduceInGroup(key.y, key.p) };
    case 'dhPublic':
      return { kind: key.kind, p: key.p, g: key.g, y: reduceInGroup(key.y, key.p) };
    case 'bytePublic': {
      const prime = coordinatePrimes.get(key.type.name);
      return prime === undefined ? key : { ...key, key: reduceCoordinate(key.key, prime) };
    }
    default:
      return key;
  }
}

/** Bytes of numbers that are reduced: OpenSSL uses groups of 10,000 bits; the time grows by the square. */
const maxReducedBytes = 2_048;

function reduceInGroup(magnitude: Uint8Array, prime: Uint8Array): Uint8Array {
  const isLong = Math.max(magnitude.length, prime.length) > maxReducedBytes;
  return isLong ? magnitude : reduceModulo(magnitude, toBigInt(prime));
}

function reduceModulo(magnitude: Uint8Array, modulus: bigint): Uint8Array {
  return toBytes(toBigInt(magnitude) % modulus);
}

/** Fields of the curves of which keys are one coordinate; receivers reduce it (RFC 7748 §5). */
const coordinatePrimes: ReadonlyMap<string | undefined, bigint> = new Map([
  ['CURVE25519', 2n ** 255n - 19n],
  ['CURVE448', 2n ** 448n - 2n ** 224n - 1n],
]);

/** Reduces a coordinate, little-endian; the highest bit of X25519 is ignored (RFC 7748 §5). */
function reduceCoordinate(coordinate: Uint8Array, prime: bigint): Uint8Array {
  const bytes = coordinate.toReversed();
  if (bytes.length === 32) bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return padToLength(reduceModulo(bytes, prime), bytes.length).reverse();
}

/**
 * Reads encodings that OpenSSL accepts in certificates and the server does not as keys: other object
 * identifiers of RSA and DSA, parameters of a named curve in full, and other names of a curve.
 * @throws {UnsupportedKeyFormatError} when OpenSSL does not read the key or name its curve
 */
function readByOpenSsl(publicKey: Uint8Array): KeyComponents {
  const key = openKey(publicKey);
  if (key.asymmetricKeyType !== 'ec') return reduce(readSpki(key.export({ type: 'spki', format: 'der' })));
  const stated = key.asymmetricKeyDetails?.namedCurve ?? '';
  const name = curveAliases[stated] ?? stated;
  const curve = curves.find(({ openssl }) => openssl === name);
  if (curve === undefined) throw new UnsupportedKeyFormatError('the curve is not known to KMIP');
  return { kind: 'ecPublic', curve, point: key.export({ format: 'raw-public', type: 'uncompressed' }) };
}

function openKey(publicKey: Uint8Array): KeyObject {
  const key = Buffer.from(publicKey.buffer, publicKey.byteOffset, publicKey.byteLength);
  try {
    return createPublicKey({ key, format: 'der', type: 'spki' });
  } catch {
    throw new UnsupportedKeyFormatError('OpenSSL does not read the key');
  }
}

/** Curves of the Wireless Transport Layer Security (WAP-261) that are others of the table. */
const curveAliases: Readonly<Record<string, string>> = {
  'wap-wsg-idm-ecid-wtls3': 'sect163k1',
  'wap-wsg-idm-ecid-wtls4': 'sect113r1',
  'wap-wsg-idm-ecid-wtls5': 'c2pnb163v1',
  'wap-wsg-idm-ecid-wtls6': 'secp112r1',
  'wap-wsg-idm-ecid-wtls7': 'secp160r2',
  'wap-wsg-idm-ecid-wtls10': 'sect233k1',
  'wap-wsg-idm-ecid-wtls11': 'sect233r1',
  'wap-wsg-idm-ecid-wtls12': 'secp224r1',
};
