import type { AsymmetricKeyType } from 'node:crypto';
import type { RecommendedCurve } from '../../../codec/enums.ts';
import { type PostQuantumAlgorithm, xWing } from '../algorithms.ts';
import {
  encode,
  InvalidDerError,
  implicitOctets,
  items,
  makeImplicitOctets,
  makeOctets,
  octets,
  parse,
} from '../asn1/der.ts';
import { InvalidKeyMaterialError, UnsupportedKeyFormatError } from '../errors.ts';

/** Asymmetric keys that are byte strings and not numbers: those of RFC 7748 and RFC 8032, and of FIPS 203, 204 and 205. */
export interface ByteKeySort {
  readonly algorithm: 'Ed25519' | 'Ed448' | 'ECDH' | PostQuantumAlgorithm;
  /** RecommendedCurve, where KMIP has one. */
  readonly name?: 'CURVE25519' | 'CURVE448';
  /** In OpenSSL, where it has them. */
  readonly nodeType?: AsymmetricKeyType;
  readonly oid: string;
  readonly use: 'signature' | 'agreement' | 'encapsulation';
  /** Cryptographic Length: bits of the public key, as far as they count. */
  readonly bits: number;
  readonly publicBytes: number;
  readonly privateBytes: number;
  /** Of the private key with everything worked out, where that of `privateBytes` is the seed it is made from. */
  readonly expandedBytes?: number;
  /**
   * Within PKCS#8. `octets`: an OCTET STRING (RFC 8410 §7). `choice`: seed, expanded key or both (RFC 9881 §6,
   * RFC 9935 §6). `bare`: the bytes themselves (RFC 9909 §5).
   */
  readonly pkcs8: 'octets' | 'choice' | 'bare';
}

type Curve = Omit<ByteKeySort, 'publicBytes' | 'privateBytes' | 'expandedBytes' | 'pkcs8'>;

function onCurve(bytes: number, curve: Curve): ByteKeySort {
  return { ...curve, publicBytes: bytes, privateBytes: bytes, pkcs8: 'octets' };
}

type Lattice = readonly [set: string, publicBytes: number, expandedBytes: number];

function mlKem([set, publicBytes, expandedBytes]: Lattice, at: number): ByteKeySort {
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

function mlDsa([set, publicBytes, expandedBytes]: Lattice, at: number): ByteKeySort {
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
function slhDsa(set: string, at: number): ByteKeySort {
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

export const byteKeySorts: readonly ByteKeySort[] = [
  onCurve(32, { ...ed25519, oid: '1.3.101.112', bits: 256 }),
  onCurve(57, { ...ed448, oid: '1.3.101.113', bits: 456 }),
  onCurve(32, { ...x25519, oid: '1.3.101.110', bits: 256 }),
  onCurve(56, { ...x448, oid: '1.3.101.111', bits: 448 }),
  ...latticeKem.map(mlKem),
  ...latticeDsa.map(mlDsa),
  ...hashSets.map(slhDsa),
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

/** Keys on the curve of that name. */
export function byteKeysOn(curve: RecommendedCurve): ByteKeySort | undefined {
  return byteKeySorts.find(({ name }) => name === curve);
}

/** Keys whose algorithm alone says all about them. */
export function byteKeysFor(algorithm: unknown): ByteKeySort | undefined {
  return byteKeySorts.find((sort) => sort.name === undefined && sort.algorithm === algorithm);
}

export function byteKeysOfOid(oid: string): ByteKeySort {
  const found = byteKeySorts.find((sort) => sort.oid === oid);
  if (found === undefined) throw new UnsupportedKeyFormatError(`keys of algorithm ${oid} are not understood`);
  return found;
}

/** Throws InvalidKeyMaterialError. */
export function requireLength(sort: ByteKeySort, isPublic: boolean, key: Uint8Array): void {
  const { publicBytes, privateBytes, expandedBytes } = sort;
  const lengths = isPublic ? [publicBytes] : [privateBytes, expandedBytes];
  if (lengths.includes(key.length)) return;
  const wanted = lengths.filter((length) => length !== undefined).join(' or ');
  throw new InvalidKeyMaterialError(`the key has ${key.length} bytes, not ${wanted}`);
}

/** A private key from its place in PKCS#8; the seed where there is one. A view. */
export function readPrivate(sort: ByteKeySort, content: Uint8Array): Uint8Array {
  const key = privateOf(sort, content);
  requireLength(sort, false, key);
  return key;
}

function privateOf(sort: ByteKeySort, content: Uint8Array): Uint8Array {
  if (sort.pkcs8 === 'bare') return content;
  const inner = parse(content);
  if (sort.pkcs8 === 'octets' || (inner.idBlock.tagClass === 1 && inner.idBlock.tagNumber === 4))
    return octets(inner);
  if (inner.idBlock.tagClass === 3) return implicitOctets(inner, 0);
  const [seed, expanded] = items(inner);
  if (octets(expanded).length !== sort.expandedBytes)
    throw new InvalidDerError('its expanded key is too short or too long');
  return octets(seed);
}

/** For its place in PKCS#8; a copy. */
export function writePrivate(sort: ByteKeySort, key: Uint8Array): Uint8Array {
  if (sort.pkcs8 === 'bare') return new Uint8Array(key);
  const isSeed = sort.pkcs8 === 'choice' && key.length === sort.privateBytes;
  return encode(isSeed ? makeImplicitOctets(0, key) : makeOctets(key));
}
