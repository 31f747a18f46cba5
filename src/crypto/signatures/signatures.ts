import {
  constants,
  type KeyObject,
  privateDecrypt,
  privateEncrypt,
  publicDecrypt,
  publicEncrypt,
  sign as signNative,
  verify as verifyNative,
} from 'node:crypto';
import type { HashingAlgorithm } from '../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { encodeDer, makeNull, makeOctets, makeOid, makeSequence } from '../asn1/der.ts';
import { CryptographyFailedError, InvalidParametersError, UnsupportedAlgorithmError } from '../errors.ts';
import { digest, requireHash } from '../hashes/hashes.ts';
import { bitLength, type KeyComponents } from '../keys/key-components.ts';
import {
  createKeyObject,
  isAlgorithmFor,
  requireComponents,
  requireShortModulus,
} from '../keys/key-objects.ts';
import type { PlainKey } from '../plain-key.ts';
import type { Message } from '../streams.ts';
import { limitConcurrency, runBriefly, runOnPool } from '../threads/limit-concurrency.ts';
import { signDigest, verifyDigest } from './digest-signatures.ts';
import { defaultSaltLength, encodePss, verifyPss } from './pss.ts';
import { isNative, requireDigest, type Scheme, selectScheme } from './schemes.ts';

/**
 * Signs data or a digest (KMIP 2.1 §6.1.59).
 * @throws {UnsupportedAlgorithmError} when the key makes no such signatures
 * @throws {InvalidParametersError} when parameters, message and key contradict each other
 * @throws {CryptographyFailedError} when the key cannot sign with these parameters
 */
export async function sign(
  key: PlainKey,
  parameters: CryptographicParameters,
  message: Message,
): Promise<Uint8Array> {
  const components = requireComponents(key);
  if (!isAlgorithmFor(parameters.CryptographicAlgorithm, components)) {
    throw new InvalidParametersError('Cryptographic Algorithm is not that of the key');
  }
  const scheme = selectScheme(components, parameters);
  requireDigest(scheme, message);
  const object = createKeyObject(key);
  const isOnPool = 'data' in message && isNative(scheme);
  const run = async (): Promise<Uint8Array> => {
    try {
      if (isOnPool) return await signData(scheme, object, message.data);
      return signEncoded(scheme, components, object, encodeDigest(scheme, message));
    } catch (error) {
      if (error instanceof UnsupportedAlgorithmError || error instanceof InvalidParametersError) throw error;
      throw new CryptographyFailedError('the key cannot make a signature with these parameters');
    }
  };
  if (isSlow(components)) return limitConcurrency(run);
  if (!isOnPool) return run();
  return isBrief(components) ? runBriefly(run) : runOnPool(run);
}

/**
 * Tells whether a signature is the key's signature of data or of a digest.
 * @throws {UnsupportedAlgorithmError} when the key makes no such signatures
 * @throws {InvalidParametersError} when parameters, message and key contradict each other
 */
export async function verify(
  key: PlainKey,
  parameters: CryptographicParameters,
  message: Message,
  signature: Uint8Array,
): Promise<boolean> {
  const components = requireComponents(key);
  // As in TC-ECDSA-SIGN-DIGESTEDDATA-1: a signature of another algorithm is not valid, and no error.
  if (!isAlgorithmFor(parameters.CryptographicAlgorithm, components)) return false;
  const scheme = selectScheme(components, parameters);
  requireDigest(scheme, message);
  // RFC 8017 §8.1.2 and §8.2.2; OpenSSL would add missing leading zeros.
  if ('n' in components && signature.length !== Math.ceil(bitLength(components.n) / 8)) return false;
  const object = createKeyObject(key);
  const isOnPool = 'data' in message && isNative(scheme);
  const run = async (): Promise<boolean> => {
    try {
      if (isOnPool) return await verifyData(scheme, object, message.data, signature);
      return verifyEncoded(scheme, components, object, encodeDigest(scheme, message), signature);
    } catch (error) {
      if (error instanceof UnsupportedAlgorithmError || error instanceof InvalidParametersError) throw error;
      return false;
    }
  };
  return isOnPool ? runBriefly(run) : run();
}

/** A signature of SLH-DSA takes 15 ms to more than a second. */
function isSlow(key: KeyComponents): boolean {
  return key.kind === 'bytePrivate' && String(key.type.algorithm).startsWith('SLH_');
}

/** A signature of RSA-3072 takes 2 ms, of RSA-8192 more than 20. */
function isBrief(key: KeyComponents): boolean {
  return !('n' in key) || bitLength(key.n) <= 2_048;
}

function signData(scheme: Scheme, key: KeyObject, data: Uint8Array): Promise<Uint8Array> {
  const { hash, options } = nativeOptions(scheme, 'sign');
  return new Promise((resolve, reject) => {
    signNative(hash, data, { key, ...options }, (error, signature) =>
      error ? reject(error) : resolve(signature),
    );
  });
}

function verifyData(
  scheme: Scheme,
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const { hash, options } = nativeOptions(scheme, 'verify');
  return new Promise((resolve, reject) => {
    verifyNative(hash, data, { key, ...options }, signature, (error, valid) =>
      error ? reject(error) : resolve(valid),
    );
  });
}

function nativeOptions(scheme: Scheme, use: 'sign' | 'verify') {
  switch (scheme.kind) {
    case 'pure':
      return { hash: null, options: {} };
    case 'pss': {
      const { pss, modulusBits } = scheme;
      const saltLength =
        use === 'sign' ? defaultSaltLength(modulusBits, pss.hash) : constants.RSA_PSS_SALTLEN_AUTO;
      const options = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: pss.saltLength ?? saltLength };
      return { hash: requireHash(pss.hash).name, options };
    }
    default:
      return { hash: requireHash(scheme.hash as HashingAlgorithm).name, options: {} };
  }
}

/** Returns the digest to sign; for PKCS #1 v1.5 inside a DigestInfo that names the hash (RFC 8017 §9.2). */
function encodeDigest(scheme: Scheme, message: Message): Uint8Array {
  if (scheme.kind === 'pss')
    return 'digest' in message ? message.digest : digest(scheme.pss.hash, message.data);
  const digested = (message as { readonly digest: Uint8Array }).digest;
  if (scheme.kind !== 'pkcs1' || scheme.hash === undefined) return digested;
  const algorithm = makeSequence(makeOid(requireHash(scheme.hash).oid), makeNull());
  return encodeDer(makeSequence(algorithm, makeOctets(digested)));
}

function signEncoded(
  scheme: Scheme,
  components: KeyComponents,
  key: KeyObject,
  encoded: Uint8Array,
): Uint8Array {
  if (components.kind === 'rsaPrivate') requireShortModulus(components.n);
  switch (scheme.kind) {
    case 'pss':
      return privateDecrypt(
        { key, padding: constants.RSA_NO_PADDING },
        encodePss(scheme.modulusBits, scheme.pss, encoded),
      );
    case 'pkcs1':
      return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, encoded);
    default:
      return signDigest(components, key, encoded);
  }
}

function verifyEncoded(
  scheme: Scheme,
  components: KeyComponents,
  key: KeyObject,
  encoded: Uint8Array,
  signature: Uint8Array,
): boolean {
  switch (scheme.kind) {
    case 'pss': {
      const block = publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, signature);
      return verifyPss(block, scheme.modulusBits, scheme.pss, encoded);
    }
    case 'pkcs1':
      return publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature).equals(encoded);
    default:
      return verifyDigest(components, encoded, signature);
  }
}
