import { createHash, hash } from 'node:crypto';
import type { HashingAlgorithm } from '../../../codec/enums.ts';
import { UnsupportedAlgorithmError } from '../errors.ts';
import type { DigestStream } from '../streams.ts';

interface Hash {
  /** Name in OpenSSL. */
  readonly name: string;
  /** Bytes of a digest. */
  readonly bytes: number;
  /** Object identifier in a DigestInfo (RFC 8017 §9.2). */
  readonly oid: string;
}

type Row = readonly [algorithm: HashingAlgorithm, name: string, bytes: number, oid: string];

// MD2, MD4, Tiger and Whirlpool are missing in OpenSSL, or only in its legacy provider.
const rows: readonly Row[] = [
  ['MD5', 'md5', 16, '1.2.840.113549.2.5'],
  ['SHA_1', 'sha1', 20, '1.3.14.3.2.26'],
  ['SHA_224', 'sha224', 28, '2.16.840.1.101.3.4.2.4'],
  ['SHA_256', 'sha256', 32, '2.16.840.1.101.3.4.2.1'],
  ['SHA_384', 'sha384', 48, '2.16.840.1.101.3.4.2.2'],
  ['SHA_512', 'sha512', 64, '2.16.840.1.101.3.4.2.3'],
  ['RIPEMD_160', 'ripemd160', 20, '1.3.36.3.2.1'],
  ['SHA_512_224', 'sha512-224', 28, '2.16.840.1.101.3.4.2.5'],
  ['SHA_512_256', 'sha512-256', 32, '2.16.840.1.101.3.4.2.6'],
  ['SHA3_224', 'sha3-224', 28, '2.16.840.1.101.3.4.2.7'],
  ['SHA3_256', 'sha3-256', 32, '2.16.840.1.101.3.4.2.8'],
  ['SHA3_384', 'sha3-384', 48, '2.16.840.1.101.3.4.2.9'],
  ['SHA3_512', 'sha3-512', 64, '2.16.840.1.101.3.4.2.10'],
];

const hashes = new Map<HashingAlgorithm, Hash>(
  rows.map(([algorithm, name, bytes, oid]) => [algorithm, { name, bytes, oid }]),
);

/** Hashing algorithms that OpenSSL offers, in the order of KMIP. */
export const hashingAlgorithms: readonly HashingAlgorithm[] = [...hashes.keys()];

/**
 * Returns OpenSSL's name, the size and the object identifier of a hash.
 * @throws {UnsupportedAlgorithmError} for a hash that OpenSSL does not offer
 */
export function requireHash(algorithm: HashingAlgorithm): Hash {
  const found = hashes.get(algorithm);
  if (found === undefined) throw new UnsupportedAlgorithmError(`there is no hashing algorithm ${algorithm}`);
  return found;
}

/**
 * Hashes data. The digest is in memory of its own.
 * @throws {UnsupportedAlgorithmError} for a hash that OpenSSL does not offer
 */
export function digest(algorithm: HashingAlgorithm, data: Uint8Array): Uint8Array {
  return new Uint8Array(hash(requireHash(algorithm).name, data, 'buffer'));
}

/**
 * Starts a digest of data in parts.
 * @throws {UnsupportedAlgorithmError} for a hash that OpenSSL does not offer
 */
export function startDigest(algorithm: HashingAlgorithm): DigestStream {
  const stream = createHash(requireHash(algorithm).name);
  return {
    update(data) {
      stream.update(data);
    },
    final: () => new Uint8Array(stream.digest()),
  };
}
