import type { HashingAlgorithm } from '../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { InvalidParametersError, UnsupportedAlgorithmError } from '../errors.ts';
import { requireHash } from '../hashes/hashes.ts';
import { bitLength, type KeyComponents } from '../keys/key-components.ts';
import { schemeOfName } from '../parameter-names.ts';
import type { Message } from '../streams.ts';
import type { Pss } from './pss.ts';

/* The choice of a signature scheme (KMIP 2.1 §4.13). */

/** The signature scheme of a key and parameters. */
export type Scheme =
  | { readonly kind: 'pss'; readonly pss: Pss; readonly modulusBits: number }
  | { readonly kind: 'pkcs1'; readonly hash: HashingAlgorithm | undefined }
  | { readonly kind: 'ec' | 'dsa'; readonly hash: HashingAlgorithm | undefined }
  /** The data itself is signed, not a digest: EdDSA, ML-DSA, SLH-DSA. */
  | { readonly kind: 'pure' };

/** Returns the hash of a scheme; undefined for a digest of an unstated hash. */
export function hashOfScheme(scheme: Exclude<Scheme, { kind: 'pure' }>): HashingAlgorithm | undefined {
  return scheme.kind === 'pss' ? scheme.pss.hash : scheme.hash;
}

/**
 * Selects the scheme for a key and parameters.
 * @throws {UnsupportedAlgorithmError} when the key makes no such signatures
 * @throws {InvalidParametersError} when the parameters contradict each other or the key
 */
export function selectScheme(components: KeyComponents, parameters: CryptographicParameters): Scheme {
  const { DigitalSignatureAlgorithm: name, PaddingMethod: padding } = parameters;
  const scheme = schemeOfName(name);
  if (name !== undefined && scheme === undefined) {
    throw new UnsupportedAlgorithmError(`Digital Signature Algorithm ${name} is not offered`);
  }
  const kind = components.kind.replace(/Public|Private/, '');
  if (scheme !== undefined && scheme.kind !== kind) {
    throw new InvalidParametersError('Digital Signature Algorithm is not that of the key');
  }
  const hash = requireAgreement('Hashing Algorithm', scheme?.hash, parameters.HashingAlgorithm);
  switch (components.kind) {
    case 'rsaPublic':
    case 'rsaPrivate':
      return rsaScheme(
        components.n,
        requireAgreement('Padding Method', scheme?.padding, padding),
        hash,
        parameters,
      );
    case 'ecPublic':
    case 'ecPrivate':
      return { kind: 'ec', hash };
    case 'dsaPublic':
    case 'dsaPrivate':
      return { kind: 'dsa', hash };
    case 'bytePublic':
    case 'bytePrivate':
      if (components.type.use === 'signature') return { kind: 'pure' };
  }
  throw new UnsupportedAlgorithmError('such a key makes no signatures');
}

/** Returns the value that a named algorithm implies or the parameters state; both must be equal. */
function requireAgreement<T>(field: string, implied: T | undefined, stated: T | undefined): T | undefined {
  if (implied !== undefined && stated !== undefined && implied !== stated) {
    throw new InvalidParametersError(`${field} contradicts Digital Signature Algorithm`);
  }
  return implied ?? stated;
}

/** PKCS #1 v1.5 is the default padding, and the only one for a digest of an unstated hash. */
function rsaScheme(
  modulus: Uint8Array,
  padding: CryptographicParameters['PaddingMethod'],
  hash: HashingAlgorithm | undefined,
  { MaskGeneratorHashingAlgorithm, SaltLength, TrailerField }: CryptographicParameters,
): Scheme {
  if (padding === undefined || padding === 'PKCS1V1_5') return { kind: 'pkcs1', hash };
  if (padding !== 'PSS')
    throw new UnsupportedAlgorithmError(`RSA signatures are not offered with Padding Method ${padding}`);
  if (hash === undefined) throw new InvalidParametersError('Hashing Algorithm is missing');
  if (TrailerField !== undefined && TrailerField !== 1)
    throw new UnsupportedAlgorithmError('Trailer Field must be 1');
  if (SaltLength !== undefined && SaltLength < 0) throw new InvalidParametersError('Salt Length is negative');
  // The specification's default is SHA-1, but the signature in CS-AC-M-2 makes the mask with the hash of the
  // data.
  const pss: Pss = { hash, maskHash: MaskGeneratorHashingAlgorithm ?? hash, saltLength: SaltLength };
  return { kind: 'pss', pss, modulusBits: bitLength(modulus) };
}

/**
 * Checks that data or digest fits the scheme.
 * @throws {UnsupportedAlgorithmError} for a digest, when the scheme signs data only
 * @throws {InvalidParametersError} when the hash is missing, or the digest has another length
 */
export function requireDigest(scheme: Scheme, message: Message): void {
  if (scheme.kind === 'pure') {
    if ('digest' in message) throw new UnsupportedAlgorithmError('such a key signs data, not digests');
    return;
  }
  const hash = hashOfScheme(scheme);
  if (hash === undefined) {
    if ('data' in message) throw new InvalidParametersError('Hashing Algorithm is missing');
    return;
  }
  const { bytes } = requireHash(hash);
  if ('digest' in message && message.digest.length !== bytes) {
    throw new InvalidParametersError(
      `Digested Data has ${message.digest.length} bytes, a digest of ${hash} has ${bytes}`,
    );
  }
}

/** Tells whether node:crypto signs data by this scheme, and thus on the thread pool. */
export function isNative(scheme: Scheme): boolean {
  return scheme.kind !== 'pss' || scheme.pss.hash === scheme.pss.maskHash;
}
