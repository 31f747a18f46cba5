import type { AsymmetricKeyType } from 'node:crypto';
import type { RecommendedCurve } from '../../../codec/enums.ts';
import { type PostQuantumAlgorithm, xWing } from '../algorithm-table.ts';
import {
  encodeDer,
  InvalidDerError,
  makeImplicitOctets,
  makeOctets,
  parseDer,
  readImplicitOctets,
  readOctets,
  readSequence,
} from '../asn1/der.ts';
import { InvalidKeyMaterialError, UnsupportedKeyFormatError } from '../errors.ts';

/**
 * A type of asymmetric keys that are byte strings, not numbers: RFC 7748, RFC 8032, FIPS 203, 204 and 205.
 */
export interface ByteKeyType {
  readonly algorithm: 'Ed25519' | 'Ed448' | 'ECDH' | PostQuantumAlgorithm;
  /** Recommended Curve, where KMIP has one. */
  readonly name?: 'CURVE25519' | 'CURVE448';
  /** Name in node:crypto, where OpenSSL supports the type. */
  readonly nodeType?: AsymmetricKeyType;
  readonly oid: string;
  readonly use: 'signature' | 'agreement' | 'encapsulation';
  /** Cryptographic Length: bits of the public key. */
  readonly bits: number;
  readonly publicBytes: number;
  readonly privateBytes: number;
  /** Bytes of the expanded private key, where `privateBytes` is the length of its seed. */
  readonly expandedBytes?: number;
  /**
   * Encoding inside PKCS#8. `octets`: an OCTET STRING (RFC 8410 §7). `choice`: seed, expanded key or both
   * (RFC 9881 §6, RFC 9935 §6). `bare`: the bytes themselves (RFC 9909 §5).
   */
  readonly pkcs8: 'octets' | 'choice' | 'bare';
}

type CurveKeys = Omit<ByteKeyType, 'publicBytes' | 'privateBytes' | 'expandedBytes' | 'pkcs8'>;

function createCurveType(bytes: number, curve: CurveKeys): ByteKeyType {
  return { ...curve, publicBytes: bytes, privateBytes: bytes, pkcs8: 'octets' };
}

type Lattice = readonly [set: string, publicBytes: number, expandedBytes: number];

function createMlKemType([set, publicBytes, expandedBytes]: Lattice, at: number): ByteKeyType {
  return {
    algorithm: `ML_KEM_${set}` as PostQuantumAlgorithm,
    nodeType: `ml-kem-${set}` as AsymmetricKeyType,
    oid: `2.16.840.1.101.3.4.4.${at + 1}`,
    use: 'encapsulation',
    bits: publicBytes * 8,
    publicBytes,
    privateBytes: 64,
    expandedBytes,
    pkcs8: 'choice',
  };
}

function createMlDsaType([set, publicBytes, expandedBytes]: Lattice, at: number): ByteKeyType {
  return {
    algorithm: `ML_DSA_${set}` as PostQuantumAlgorithm,
    nodeType: `ml-dsa-${set}` as AsymmetricKeyType,
    oid: `2.16.840.1.101.3.4.3.${at + 17}`,
    use: 'signature',
    bits: publicBytes * 8,
    publicBytes,
    privateBytes: 32,
    expandedBytes,
    pkcs8: 'choice',
  };
}

/** `set`: as FIPS 205 table 2 names it, without SLH-DSA. */
function createSlhDsaType(set: string, at: number): ByteKeyType {
  const n = Number.parseInt(set.split('-')[1] ?? '', 10) / 8;
  return {
    algorithm: `SLH_DSA_${set.replace('-', '_')}` as PostQuantumAlgorithm,
    nodeType: `slh-dsa-${set.toLowerCase()}` as AsymmetricKeyType,
    oid: `2.16.840.1.101.3.4.3.${at + 20}`,
    use: 'signature',
    bits: n * 16,
    publicBytes: 2 * n,
    privateBytes: 4 * n,
    pkcs8: 'bare',
  };
}

const latticeKem: readonly Lattice[] = [
  ['512', 800, 1632],
  ['768', 1184, 2400],
  ['1024', 1568, 3168],
];
const latticeDsa: readonly Lattice[] = [
  ['44', 1312, 2560],
  ['65', 1952, 4032],
  ['87', 2592, 4896],
];
const sizes = ['128s', '128f', '192s', '192f', '256s', '256f'];
const hashSets = ['SHA2', 'SHAKE'].flatMap((hash) => sizes.map((size) => `${hash}-${size}`));

const x25519 = { algorithm: 'ECDH', name: 'CURVE25519', nodeType: 'x25519', use: 'agreement' } as const;
const x448 = { algorithm: 'ECDH', name: 'CURVE448', nodeType: 'x448', use: 'agreement' } as const;
const ed25519 = { algorithm: 'Ed25519', nodeType: 'ed25519', use: 'signature' } as const;
const ed448 = { algorithm: 'Ed448', nodeType: 'ed448', use: 'signature' } as const;

/** All types of keys that are byte strings. */
export const byteKeyTypes: readonly ByteKeyType[] = [
  createCurveType(32, { ...ed25519, oid: '1.3.101.112', bits: 256 }),
  createCurveType(57, { ...ed448, oid: '1.3.101.113', bits: 456 }),
  createCurveType(32, { ...x25519, oid: '1.3.101.110', bits: 256 }),
  createCurveType(56, { ...x448, oid: '1.3.101.111', bits: 448 }),
  ...latticeKem.map(createMlKemType),
  ...latticeDsa.map(createMlDsaType),
  ...hashSets.map(createSlhDsaType),
  {
    algorithm: xWing,
    oid: '1.3.6.1.4.1.62253.25722',
    use: 'encapsulation',
    bits: 9_728,
    publicBytes: 1_216,
    privateBytes: 32,
    pkcs8: 'bare',
  },
];

/** Returns the key type of a curve; undefined for curves whose keys are numbers. */
export function findTypeOfCurve(curve: RecommendedCurve): ByteKeyType | undefined {
  return byteKeyTypes.find(({ name }) => name === curve);
}

/** Returns the key type of an algorithm; undefined where the algorithm alone does not determine it. */
export function findTypeOfAlgorithm(algorithm: unknown): ByteKeyType | undefined {
  return byteKeyTypes.find((type) => type.name === undefined && type.algorithm === algorithm);
}

/**
 * Returns the key type of an AlgorithmIdentifier's object identifier, in dotted form.
 * @throws {UnsupportedKeyFormatError} for other algorithms
 */
export function requireTypeOfOid(oid: string): ByteKeyType {
  const found = byteKeyTypes.find((type) => type.oid === oid);
  if (found === undefined) throw new UnsupportedKeyFormatError(`keys of algorithm ${oid} are not understood`);
  return found;
}

/**
 * Checks the length of a key.
 * @throws {InvalidKeyMaterialError} when it is not that of the type
 */
export function requireKeyLength(type: ByteKeyType, isPublic: boolean, key: Uint8Array): void {
  const { publicBytes, privateBytes, expandedBytes } = type;
  const lengths = isPublic ? [publicBytes] : [privateBytes, expandedBytes];
  if (lengths.includes(key.length)) return;
  const wanted = lengths.filter((length) => length !== undefined).join(' or ');
  throw new InvalidKeyMaterialError(`the key has ${key.length} bytes, not ${wanted}`);
}

/**
 * Reads a private key from the content of PKCS#8, its seed where there is one (RFC 8410 §7, 9881 §6, 9935 §6,
 * 9909 §5). A view.
 * @throws {InvalidKeyMaterialError} when the key has another length
 * @throws {InvalidDerError} when the content is malformed
 */
export function readPrivateContent(type: ByteKeyType, content: Uint8Array): Uint8Array {
  const key = extractPrivate(type, content);
  requireKeyLength(type, false, key);
  return key;
}

function extractPrivate(type: ByteKeyType, content: Uint8Array): Uint8Array {
  if (type.pkcs8 === 'bare') return content;
  const inner = parseDer(content);
  if (type.pkcs8 === 'octets' || (inner.idBlock.tagClass === 1 && inner.idBlock.tagNumber === 4))
    return readOctets(inner);
  if (inner.idBlock.tagClass === 3) return readImplicitOctets(inner, 0);
  const [seed, expanded] = readSequence(inner);
  if (readOctets(expanded).length !== type.expandedBytes)
    throw new InvalidDerError('its expanded key is too short or too long');
  return readOctets(seed);
}

/** Encodes a private key as content of PKCS#8. A copy, which the caller wipes. */
export function writePrivateContent(type: ByteKeyType, key: Uint8Array): Uint8Array {
  if (type.pkcs8 === 'bare') return new Uint8Array(key);
  const isSeed = type.pkcs8 === 'choice' && key.length === type.privateBytes;
  return encodeDer(isSeed ? makeImplicitOctets(0, key) : makeOctets(key));
}
