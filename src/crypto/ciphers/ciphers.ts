import type { CryptographicAlgorithm } from '../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { CryptographyFailedError, decryptionFailed, MissingInputError } from '../errors.ts';
import type { Ciphertext, Encrypted, Plaintext } from '../provider.ts';
import { measureUnpadded, pad } from './block-padding.ts';
import {
  type CipherSuite,
  createCipher,
  createDecipher,
  generateIv,
  prepareIv,
  requireLongIv,
  selectSuite,
} from './cipher-suites.ts';

/* Symmetric encryption of whole data (KMIP 2.1 §4.13, §11.5). */

/**
 * Encrypts; generates an Initialization Vector where the mode needs one and none is given.
 * @throws {UnsupportedAlgorithmError} and other errors as `selectSuite`
 * @throws {CryptographyFailedError} when OpenSSL rejects data, key or parameters
 */
export function encryptSymmetric(
  key: Uint8Array,
  algorithm: CryptographicAlgorithm,
  parameters: CryptographicParameters,
  { data, iv, ivSeed, additionalData }: Plaintext,
): Encrypted {
  const suite = selectSuite(key, algorithm, parameters, additionalData);
  requireLongIv(suite, iv);
  const generatedIv = iv === undefined ? generateIv(suite, parameters, ivSeed) : undefined;
  const preparedIv = prepareIv(suite, parameters, algorithm, iv ?? generatedIv);
  const input = suite.kind === 'blocks' ? pad(data, suite.block, suite.padding) : data;
  try {
    const cipher = createCipher(suite, key, preparedIv);
    if (additionalData !== undefined) cipher.setAAD(additionalData, { plaintextLength: data.length });
    const output = cipher.update(input);
    cipher.final();
    const tag = suite.kind === 'authenticated' ? { tag: new Uint8Array(cipher.getAuthTag()) } : {};
    return { data: output, ...(generatedIv === undefined ? {} : { iv: generatedIv }), ...tag };
  } catch {
    throw new CryptographyFailedError('the data cannot be encrypted with this key and these parameters');
  } finally {
    if (input !== data) input.fill(0);
  }
}

/**
 * Decrypts.
 * @throws {UnsupportedAlgorithmError} and other errors as `selectSuite`
 * @throws {MissingInputError} without Initialization Vector or tag, in a mode that needs one
 * @throws {CryptographyFailedError} as `decryptionFailed()`, for every fault of key or encrypted data
 */
export function decryptSymmetric(
  key: Uint8Array,
  algorithm: CryptographicAlgorithm,
  parameters: CryptographicParameters,
  ciphertext: Ciphertext,
): Uint8Array {
  const { iv, additionalData } = ciphertext;
  const suite = selectSuite(key, algorithm, parameters, additionalData);
  if (iv === undefined && suite.ivLengths !== 'none') {
    throw new MissingInputError('IV/Counter/Nonce is missing');
  }
  const preparedIv = prepareIv(suite, parameters, algorithm, iv);
  const { data, tag } = splitTag(suite, ciphertext);
  let output: Uint8Array;
  try {
    const decipher = createDecipher(suite, key, preparedIv);
    if (tag !== undefined) decipher.setAuthTag(tag);
    if (additionalData !== undefined) decipher.setAAD(additionalData, { plaintextLength: data.length });
    output = decipher.update(data);
    try {
      decipher.final();
    } catch (error) {
      output.fill(0);
      throw error;
    }
  } catch {
    throw decryptionFailed();
  }
  if (suite.kind !== 'blocks') return output;
  const length = measureUnpadded(output, suite.block, suite.padding);
  if (length < 0) {
    output.fill(0);
    throw decryptionFailed();
  }
  return output.subarray(0, length);
}

function splitTag(suite: CipherSuite, { data, tag }: Ciphertext): { data: Uint8Array; tag?: Uint8Array } {
  if (suite.kind !== 'authenticated') return { data };
  if (tag === undefined) throw new MissingInputError('Authenticated Encryption Tag is missing');
  if (tag !== 'appended') {
    if (tag.length !== suite.tagBytes) throw decryptionFailed();
    return { data, tag };
  }
  const end = data.length - suite.tagBytes;
  if (end < 0) throw decryptionFailed();
  return { data: data.subarray(0, end), tag: data.subarray(end) };
}
