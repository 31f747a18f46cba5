import * as direct from '../ciphers/encryption.ts';
import type { CryptoProvider } from '../provider.ts';
import * as signatures from '../signatures/signatures.ts';
import { Threads } from './threads.ts';

/**
 * Which uses of keys go to the threads: those that take several times as long as the way there (RSA-2048 0.35 ms,
 * RSA-4096 2.3 ms, a digest under ECDSA or DSA 0.9–4 ms, PKCS#12 20 ms and more). The rest stays: symmetric ciphers and
 * RSA's public operations take less, and what node:crypto does asynchronously is on threads already.
 */

const threads = new Threads();

/** Ends the threads; jobs that are not done fail. */
export const closeThreads = (): Promise<void> => threads.close();

/** See CryptoProvider.decrypt. */
export const decrypt: CryptoProvider['decrypt'] = async (key, parameters, sealed) =>
  key.objectType === 'PrivateKey'
    ? threads.run('decrypt', key, parameters, sealed)
    : direct.decrypt(key, parameters, sealed);

/** See Wrapping.unwrap. */
export const unwrap: CryptoProvider['unwrap'] = (key, parameters, { data, iv }) =>
  decrypt(key, parameters, { data, iv, tag: 'appended' });

/** See CryptoProvider.sign. node:crypto signs data asynchronously, but neither digests nor PSS with two hashes. */
export const sign: CryptoProvider['sign'] = async (key, parameters, message) => {
  const { HashingAlgorithm: hash, MaskGeneratorHashingAlgorithm: maskHash } = parameters;
  const native = 'data' in message && (maskHash === undefined || maskHash === hash);
  return native ? signatures.sign(key, parameters, message) : threads.run('sign', key, parameters, message);
};

/** See CryptoProvider.verify. */
export const verify: CryptoProvider['verify'] = async (key, parameters, message, signature) =>
  'data' in message || key.CryptographicAlgorithm === 'RSA'
    ? signatures.verify(key, parameters, message, signature)
    : threads.run('verify', key, parameters, message, signature);

/** See Wrapping.bundle. */
export const encodePkcs12: CryptoProvider['encodePkcs12'] = (key, parts) =>
  threads.run('encodePkcs12', key, parts);

/** See Wrapping.unbundle. */
export const decodePkcs12: CryptoProvider['decodePkcs12'] = (file, password) =>
  threads.run('decodePkcs12', file, password);
