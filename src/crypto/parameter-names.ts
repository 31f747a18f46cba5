import type {
  CryptographicAlgorithm,
  DigitalSignatureAlgorithm,
  HashingAlgorithm,
} from '../../codec/enums.ts';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';

/* Names in Cryptographic Parameters that stand for other fields (KMIP 2.1 §4.13, §11.19). */

/** The parts of a signature scheme that the name of a Digital Signature Algorithm states. */
export interface NamedScheme {
  readonly kind: 'rsa' | 'ec' | 'dsa';
  readonly hash?: HashingAlgorithm;
  /**
   * Only RSASSA-PSS states its padding; `SHA-n with RSA Encryption` is PKCS #1 v1.5 unless a padding is
   * stated.
   */
  readonly padding?: 'PSS';
}

const rsa = (hash: HashingAlgorithm): NamedScheme => ({ kind: 'rsa', hash });
const ec = (hash: HashingAlgorithm): NamedScheme => ({ kind: 'ec', hash });
const dsa = (hash: HashingAlgorithm): NamedScheme => ({ kind: 'dsa', hash });

const schemesByName: Partial<Record<Exclude<DigitalSignatureAlgorithm, number>, NamedScheme>> = {
  MD5WithRSAEncryption: rsa('MD5'),
  SHA_1WithRSAEncryption: rsa('SHA_1'),
  SHA_224WithRSAEncryption: rsa('SHA_224'),
  SHA_256WithRSAEncryption: rsa('SHA_256'),
  SHA_384WithRSAEncryption: rsa('SHA_384'),
  SHA_512WithRSAEncryption: rsa('SHA_512'),
  SHA3_256WithRSAEncryption: rsa('SHA3_256'),
  SHA3_384WithRSAEncryption: rsa('SHA3_384'),
  SHA3_512WithRSAEncryption: rsa('SHA3_512'),
  RSASSA_PSS: { kind: 'rsa', padding: 'PSS' },
  DSAWithSHA_1: dsa('SHA_1'),
  DSAWithSHA224: dsa('SHA_224'),
  DSAWithSHA256: dsa('SHA_256'),
  ECDSAWithSHA_1: ec('SHA_1'),
  ECDSAWithSHA224: ec('SHA_224'),
  ECDSAWithSHA256: ec('SHA_256'),
  ECDSAWithSHA384: ec('SHA_384'),
  ECDSAWithSHA512: ec('SHA_512'),
};

/**
 * Returns what the name of a Digital Signature Algorithm states; undefined for none, and for one not offered.
 */
export function schemeOfName(name: DigitalSignatureAlgorithm | undefined): NamedScheme | undefined {
  return typeof name === 'string' ? schemesByName[name] : undefined;
}

const hmacs = new Map<CryptographicAlgorithm, HashingAlgorithm>([
  ['HMAC_MD5', 'MD5'],
  ['HMAC_SHA1', 'SHA_1'],
  ['HMAC_SHA224', 'SHA_224'],
  ['HMAC_SHA256', 'SHA_256'],
  ['HMAC_SHA384', 'SHA_384'],
  ['HMAC_SHA512', 'SHA_512'],
  ['HMAC_SHA3_224', 'SHA3_224'],
  ['HMAC_SHA3_256', 'SHA3_256'],
  ['HMAC_SHA3_384', 'SHA3_384'],
  ['HMAC_SHA3_512', 'SHA3_512'],
]);

/** Returns the hash of an HMAC algorithm; undefined for every other algorithm. */
export function hashOfHmac(algorithm: CryptographicAlgorithm | undefined): HashingAlgorithm | undefined {
  return algorithm === undefined ? undefined : hmacs.get(algorithm);
}

const hmacsByHash = new Map([...hmacs].map(([hmac, hash]) => [hash, hmac]));

/** Returns the HMAC algorithm with a hash; undefined where KMIP has no name for it. */
export function hmacOfHash(hash: HashingAlgorithm | undefined): CryptographicAlgorithm | undefined {
  return hash === undefined ? undefined : hmacsByHash.get(hash);
}

/**
 * Whether the cipher reveals data where an Initialization Vector repeats, and takes so short ones that random
 * ones repeat in time: GCM, CCM and ChaCha20.
 */
export function needsUniqueIv(
  algorithm: CryptographicAlgorithm | undefined,
  { BlockCipherMode: mode }: CryptographicParameters,
): boolean {
  return mode === 'GCM' || mode === 'CCM' || algorithm === 'ChaCha20' || algorithm === 'ChaCha20Poly1305';
}

/**
 * Shortest Initialization Vector in bytes that a number of bits is read as: 7 is the shortest that a mode
 * takes by the specification of the mode (CCM). Below, IV Length can only be a number of bytes.
 */
const shortestIvBytes = 7;

/**
 * Reads an IV Length as bytes. The specification counts bits; many clients send bytes (12 for GCM, 16 for
 * CBC). A number is read as bits where they make an Initialization Vector of at least 7 whole bytes, else as
 * bytes.
 */
export function ivBytesOf(length: number): number {
  const bytes = length / 8;
  return Number.isInteger(bytes) && bytes >= shortestIvBytes ? bytes : length;
}

/** Reads a Tag Length as bytes. The specification counts bytes; some clients send bits (128). */
export function tagBytesOf(length: number): number {
  return length > 16 && length % 8 === 0 ? length / 8 : length;
}
