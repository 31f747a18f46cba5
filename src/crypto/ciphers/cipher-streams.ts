import type { DecipherCCM } from 'node:crypto';
import type { CryptographicAlgorithm } from '../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { ByteCollector, concatBytes } from '../../common/bytes.ts';
import { decryptionFailed, InvalidParametersError, MissingInputError } from '../errors.ts';
import type { Ciphertext } from '../provider.ts';
import type { DecryptionStream, EncryptionStream } from '../streams.ts';
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
import { decryptSymmetric } from './ciphers.ts';

/* Symmetric encryption of data in parts: each output as early as mode and padding allow. */

const nothing = new Uint8Array();

interface StreamParameters {
  readonly iv?: Uint8Array | undefined;
  readonly additionalData?: Uint8Array | undefined;
}

interface DecryptionParameters extends StreamParameters {
  readonly appendedTag: boolean;
}

/**
 * Starts an encryption; generates the Initialization Vector where none is given.
 * @throws {UnsupportedAlgorithmError} and other errors as `selectSuite`
 * @throws {InvalidParametersError} when the mode needs the data whole, or the Initialization Vector does not
 * fit
 */
export function startSymmetricEncryption(
  key: Uint8Array,
  algorithm: CryptographicAlgorithm,
  parameters: CryptographicParameters,
  { iv, additionalData }: StreamParameters,
): EncryptionStream {
  const suite = selectSuite(key, algorithm, parameters, additionalData);
  requireStreamable(suite);
  requireLongIv(suite, iv);
  const generatedIv = iv === undefined ? generateIv(suite, parameters) : undefined;
  const cipher = createCipher(suite, key, prepareIv(suite, parameters, algorithm, iv ?? generatedIv));
  if (additionalData !== undefined) cipher.setAAD(additionalData, { plaintextLength: 0 });
  let length = 0;
  return {
    iv: generatedIv,
    update(data) {
      length += data.length;
      return cipher.update(data);
    },
    final() {
      if (suite.kind !== 'blocks') {
        cipher.final();
        return {
          data: nothing,
          tag: suite.kind === 'authenticated' ? copyBytes(cipher.getAuthTag()) : undefined,
        };
      }
      // The cipher already holds the first bytes of the last block, so it needs their padding only.
      const rest = length % suite.block;
      const padded = pad(new Uint8Array(rest), suite.block, suite.padding);
      const data = cipher.update(padded.subarray(rest));
      cipher.final();
      return { data, tag: undefined };
    },
  };
}

/**
 * Starts a decryption. In modes that authenticate, the encrypted data is collected and decrypted at the end:
 * nothing is released before the tag has been verified. `appendedTag`: the last bytes of all are the tag. The
 * stream refers to `parameters`, `iv` and `additionalData` then, and to no other bytes.
 * @throws {UnsupportedAlgorithmError} and other errors as `selectSuite`
 * @throws {InvalidParametersError} when the mode needs the data whole, or the Initialization Vector does not
 * fit
 * @throws {MissingInputError} without Initialization Vector, in a mode that needs one
 */
export function startSymmetricDecryption(
  key: Uint8Array,
  algorithm: CryptographicAlgorithm,
  parameters: CryptographicParameters,
  { iv, additionalData, appendedTag }: DecryptionParameters,
): DecryptionStream {
  const suite = selectSuite(key, algorithm, parameters, additionalData);
  if (iv === undefined && suite.ivLengths !== 'none')
    throw new MissingInputError('IV/Counter/Nonce is missing');
  const preparedIv = prepareIv(suite, parameters, algorithm, iv);
  if (suite.kind === 'authenticated')
    return collectCiphertext(new Uint8Array(key), algorithm, parameters, { iv, additionalData, appendedTag });
  requireStreamable(suite);
  return decryptParts(suite, createDecipher(suite, key, preparedIv));
}

/**
 * Decrypts everything at the end. The stream refers to all that is passed, so the key has to be a copy: that
 * of the object is part of a larger buffer.
 */
function collectCiphertext(
  key: Uint8Array,
  algorithm: CryptographicAlgorithm,
  parameters: CryptographicParameters,
  { iv, additionalData, appendedTag }: DecryptionParameters,
): DecryptionStream {
  const parts = new ByteCollector();
  return {
    collects: true,
    update(data) {
      parts.add(data);
      return nothing;
    },
    final(tag) {
      const ciphertext = { data: parts.takeAll(), iv, additionalData, tag: appendedTag ? 'appended' : tag };
      return decryptSymmetric(key, algorithm, parameters, ciphertext as Ciphertext);
    },
  };
}

/** A function of its own, so that the stream refers to neither the key nor what came with the first part. */
function decryptParts(suite: CipherSuite, decipher: DecipherCCM): DecryptionStream {
  const output = new TailBuffer(suite.kind === 'blocks' && suite.padding !== 'None' ? suite.block : 0);
  return {
    collects: false,
    update(data) {
      try {
        return output.push(decipher.update(data));
      } catch {
        throw decryptionFailed();
      }
    },
    final() {
      try {
        decipher.final();
      } catch {
        throw decryptionFailed();
      }
      return removePadding(output.rest, suite);
    },
  };
}

/** Refuses CCM, which needs the length of the data at its start, and XTS, which needs the end of the data. */
function requireStreamable({ name }: CipherSuite): void {
  if (/-(ccm|xts)$/.test(name))
    throw new InvalidParametersError('in this mode the data must come in one piece');
}

function removePadding(block: Uint8Array, suite: CipherSuite): Uint8Array {
  if (suite.padding === 'None') return nothing;
  const length = measureUnpadded(block, suite.block, suite.padding);
  if (length < 0) throw decryptionFailed();
  return block.subarray(0, length);
}

/** Passes bytes on and holds back the last `length` ones, because more may follow. */
class TailBuffer {
  readonly #length: number;
  rest: Uint8Array = nothing;

  constructor(length: number) {
    this.#length = length;
  }

  push(bytes: Uint8Array): Uint8Array {
    if (this.#length === 0) return bytes;
    const all = concatBytes([this.rest, bytes]);
    const end = Math.max(all.length - this.#length, 0);
    this.rest = all.slice(end);
    return all.subarray(0, end);
  }
}

function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
