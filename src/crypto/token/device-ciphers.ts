import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { concatBytes, isSameBytes } from '../../common/bytes.ts';
import { measureUnpadded, pad } from '../ciphers/block-padding.ts';
import {
  type CipherSuite,
  generateIv,
  prepareIv,
  requireLongIv,
  selectSuite,
} from '../ciphers/cipher-suites.ts';
import {
  decryptionFailed,
  InvalidParametersError,
  MissingInputError,
  UnsupportedAlgorithmError,
} from '../errors.ts';
import type { Ciphertext, Encrypted, Plaintext } from '../provider.ts';
import type { DeviceMechanism, TokenDevice } from '../token-device.ts';
import type { TokenKey } from '../token-keys.ts';
import { requireBytes } from './device-answers.ts';
import { deviceTypeOf } from './device-keys.ts';

/**
 * Symmetric encryption by a key in a token: AES in ECB, CBC, CTR and GCM. Padding is done here, so that it
 * is that of the other keys, and a wrong one cannot be told from other faults.
 */

/** Bytes of the Initialization Vectors that tokens choose themselves (SP 800-38D §8.2.2). */
const ownIvBytes = 12;

/** Encrypts as `CryptoProvider.encrypt`. */
export async function encryptInDevice(
  device: TokenDevice,
  key: TokenKey,
  parameters: CryptographicParameters,
  { data, iv, ivSeed, additionalData }: Plaintext,
): Promise<Encrypted> {
  const suite = suiteOf(key, parameters, additionalData);
  requireLongIv(suite, iv);
  const generatedIv = iv === undefined ? generateIv(suite, parameters, ivSeed) : undefined;
  const usedIv = prepareIv(suite, parameters, 'AES', iv ?? generatedIv);
  const mechanism = mechanismOf(suite, parameters, usedIv, {
    ...{ additionalData, mayChooseIv: iv === undefined && usedIv?.length === ownIvBytes },
  });
  const input = suite.kind === 'blocks' ? pad(data, suite.block, suite.padding) : data;
  try {
    const call = { function: 'encrypt', mechanism } as const;
    const answer = await device.use({ reference: key.reference, type: deviceTypeOf(key) }, call, input);
    if (answer === undefined) throw new InvalidParametersError('the token rejects the data');
    if (iv !== undefined && !isSameBytes(answer.iv ?? iv, iv))
      throw new UnsupportedAlgorithmError('the token has used another Initialization Vector: leave it out');
    if (answer.iv !== undefined && usedIv !== null) requireBytes(answer.iv, usedIv.length);
    const tagBytes = suite.kind === 'authenticated' ? suite.tagBytes : 0;
    const output = requireBytes(answer.output, input.length + tagBytes);
    const made = generatedIv === undefined ? {} : { iv: answer.iv ?? generatedIv };
    if (suite.kind !== 'authenticated') return { data: output, ...made };
    return { data: output.slice(0, input.length), tag: output.slice(input.length), ...made };
  } finally {
    if (input !== data) input.fill(0);
  }
}

/** Decrypts as `CryptoProvider.decrypt` does by a symmetric key. */
export async function decryptInDevice(
  device: TokenDevice,
  key: TokenKey,
  parameters: CryptographicParameters,
  ciphertext: Ciphertext,
): Promise<Uint8Array> {
  const { iv, additionalData } = ciphertext;
  const suite = suiteOf(key, parameters, additionalData);
  if (iv === undefined && suite.ivLengths !== 'none')
    throw new MissingInputError('IV/Counter/Nonce is missing');
  const usedIv = prepareIv(suite, parameters, 'AES', iv);
  const mechanism = mechanismOf(suite, parameters, usedIv, { additionalData, mayChooseIv: false });
  const input = withTag(suite, ciphertext);
  if (suite.kind === 'blocks' && input.length % suite.block !== 0) throw decryptionFailed();
  const call = { function: 'decrypt', mechanism } as const;
  const answer = await device.use({ reference: key.reference, type: deviceTypeOf(key) }, call, input);
  if (answer === undefined) throw decryptionFailed();
  const tagBytes = suite.kind === 'authenticated' ? suite.tagBytes : 0;
  const output = requireBytes(answer.output, input.length - tagBytes);
  if (suite.kind !== 'blocks') return output;
  const length = measureUnpadded(output, suite.block, suite.padding);
  if (length < 0) {
    output.fill(0);
    throw decryptionFailed();
  }
  return output.subarray(0, length);
}

function suiteOf(
  { CryptographicAlgorithm: algorithm, CryptographicLength: bits }: TokenKey,
  parameters: CryptographicParameters,
  additionalData: Uint8Array | undefined,
): CipherSuite {
  const { CryptographicAlgorithm: asked = algorithm } = parameters;
  if (algorithm !== 'AES') throw new UnsupportedAlgorithmError(`a key of ${algorithm} does not encrypt`);
  if (asked !== algorithm) throw new InvalidParametersError('Cryptographic Algorithm is not that of the key');
  // Of the key, its length alone decides.
  return selectSuite(new Uint8Array(bits / 8), algorithm, parameters, additionalData);
}

function mechanismOf(
  suite: CipherSuite,
  { BlockCipherMode: mode }: CryptographicParameters,
  iv: Uint8Array | null,
  options: { readonly additionalData: Uint8Array | undefined; readonly mayChooseIv: boolean },
): DeviceMechanism {
  if (mode === 'ECB') return { kind: 'ecb' };
  if (mode === 'CBC' && iv !== null) return { kind: 'cbc', iv };
  if (mode === 'CTR' && iv !== null) return { kind: 'ctr', iv };
  if (mode === 'GCM' && iv !== null) return { kind: 'gcm', iv, tagBytes: suite.tagBytes, ...options };
  throw new UnsupportedAlgorithmError(`a key in a token does not encrypt by Block Cipher Mode ${mode}`);
}

/** The tag behind the data, where the mode has one. */
function withTag(suite: CipherSuite, { data, tag }: Ciphertext): Uint8Array {
  if (suite.kind !== 'authenticated') return data;
  if (tag === undefined) throw new MissingInputError('Authenticated Encryption Tag is missing');
  const whole = tag === 'appended' ? data : concatBytes([data, tag]);
  const isTagWhole = tag === 'appended' || tag.length === suite.tagBytes;
  if (!isTagWhole || whole.length < suite.tagBytes) throw decryptionFailed();
  return whole;
}
