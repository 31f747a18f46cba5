import { constants, type KeyObject, privateDecrypt, publicEncrypt } from 'node:crypto';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import {
  CryptographyFailedError,
  decryptionFailed,
  InvalidParametersError,
  UnsupportedAlgorithmError,
} from '../errors.ts';
import { bitLength, type RsaPrivateKey, type RsaPublicKey } from '../keys/key-components.ts';
import {
  createKeyObject,
  isAlgorithmFor,
  requireComponents,
  requireShortModulus,
} from '../keys/key-objects.ts';
import type { PlainKey } from '../plain-key.ts';
import type { Ciphertext, CryptoProvider, Encrypted, Plaintext } from '../provider.ts';
import type { DecryptionStream, EncryptionStream } from '../streams.ts';
import { isKeyWrapMode, unwrapAes, wrapAes } from './aes-key-wrap.ts';
import { startSymmetricDecryption, startSymmetricEncryption } from './cipher-streams.ts';
import { decryptSymmetric, encryptSymmetric } from './ciphers.ts';
import { decapsulateSecret, isEncapsulationKey } from './encapsulation.ts';
import { decryptOaep, encryptOaep, type Oaep } from './oaep.ts';

/**
 * Encrypts with a symmetric key, by its mode or by key wrap, or with an RSA public key (KMIP 2.1 §6.1.18).
 * @throws {UnsupportedAlgorithmError} when the key does not support such encryption
 * @throws {InvalidParametersError} when parameters are missing or contradict each other or the key
 * @throws {InvalidTagLengthError} for a Tag Length that the mode does not offer
 * @throws {CryptographyFailedError} when the data does not fit key and parameters
 */
export function encrypt(key: PlainKey, parameters: CryptographicParameters, plaintext: Plaintext): Encrypted {
  const components = requireComponents(key);
  if (components.kind === 'symmetric') {
    const algorithm = symmetricAlgorithm(key, parameters);
    if (!isKeyWrapMode(parameters)) return encryptSymmetric(components.key, algorithm, parameters, plaintext);
    requireDataAlone(plaintext);
    return { data: wrapAes(components.key, algorithm, parameters, plaintext.data) };
  }
  if (isEncapsulationKey(components))
    throw new UnsupportedAlgorithmError('such a key encapsulates: it encrypts no data');
  if (components.kind !== 'rsaPublic') throw new UnsupportedAlgorithmError('such a key does not encrypt');
  const { data } = plaintext;
  requireRsa(components, parameters);
  const bytes = modulusBytes(components);
  switch (parameters.PaddingMethod) {
    case 'OAEP':
      return { data: encryptOaep(createKeyObject(key), bytes, readOaepParameters(parameters), data) };
    case 'PKCS1V1_5':
      return { data: encryptPkcs1(createKeyObject(key), bytes, data) };
    default:
      throw unsupportedRsaPadding(parameters);
  }
}

/**
 * Decrypts with a symmetric key or with a private key of RSA, ML-KEM or X-Wing.
 * @throws {UnsupportedAlgorithmError} when the key does not support such decryption
 * @throws {InvalidParametersError} when parameters are missing or contradict each other or the key
 * @throws {MissingInputError} without Initialization Vector or tag, in a mode that needs one
 * @throws {CryptographyFailedError} as `decryptionFailed()`, for every fault of the encrypted data
 */
export function decrypt(
  key: PlainKey,
  parameters: CryptographicParameters,
  ciphertext: Ciphertext,
): Uint8Array {
  const components = requireComponents(key);
  if (components.kind === 'symmetric') {
    const algorithm = symmetricAlgorithm(key, parameters);
    if (!isKeyWrapMode(parameters))
      return decryptSymmetric(components.key, algorithm, parameters, ciphertext);
    requireDataAlone(ciphertext);
    return unwrapAes(components.key, algorithm, parameters, ciphertext.data);
  }
  if (components.kind === 'bytePrivate' && isEncapsulationKey(components))
    return decapsulateSecret(key, components, parameters, ciphertext);
  if (components.kind !== 'rsaPrivate') throw new UnsupportedAlgorithmError('such a key does not decrypt');
  requireRsa(components, parameters);
  requireShortModulus(components.n);
  switch (parameters.PaddingMethod) {
    case 'OAEP':
      return decryptOaep(
        createKeyObject(key),
        modulusBytes(components),
        readOaepParameters(parameters),
        ciphertext.data,
      );
    case 'PKCS1V1_5':
      return decryptPkcs1(createKeyObject(key), modulusBytes(components), ciphertext.data);
    default:
      throw unsupportedRsaPadding(parameters);
  }
}

/**
 * Starts an encryption of data in parts with a symmetric key.
 * @throws {InvalidParametersError} for other keys and for key wrap
 */
export function startEncryption(
  key: PlainKey,
  parameters: CryptographicParameters,
  streamParameters: Parameters<CryptoProvider['startEncryption']>[2],
): EncryptionStream {
  const components = requireComponents(key);
  if (components.kind !== 'symmetric' || isKeyWrapMode(parameters)) throw wholeDataNeeded();
  return startSymmetricEncryption(
    components.key,
    symmetricAlgorithm(key, parameters),
    parameters,
    streamParameters,
  );
}

/**
 * Starts a decryption of data in parts with a symmetric key.
 * @throws {InvalidParametersError} for other keys and for key wrap
 */
export function startDecryption(
  key: PlainKey,
  parameters: CryptographicParameters,
  streamParameters: Parameters<CryptoProvider['startDecryption']>[2],
): DecryptionStream {
  const components = requireComponents(key);
  if (components.kind !== 'symmetric' || isKeyWrapMode(parameters)) throw wholeDataNeeded();
  return startSymmetricDecryption(
    components.key,
    symmetricAlgorithm(key, parameters),
    parameters,
    streamParameters,
  );
}

function wholeDataNeeded(): InvalidParametersError {
  return new InvalidParametersError('with such a key or mode the data must come in one piece');
}

/** Key wrap has a fixed initial value and authenticates nothing beside the data. */
function requireDataAlone({ iv, additionalData }: Omit<Plaintext, 'data'>): void {
  if (iv !== undefined || additionalData !== undefined)
    throw new InvalidParametersError('key wrap takes neither an Initialization Vector nor additional data');
}

function symmetricAlgorithm(key: PlainKey, { CryptographicAlgorithm: asked }: CryptographicParameters) {
  const algorithm = key.CryptographicAlgorithm ?? asked;
  if (algorithm === undefined) throw new InvalidParametersError('Cryptographic Algorithm is missing');
  if (asked !== undefined && asked !== algorithm) throw wrongAlgorithm();
  return algorithm;
}

function modulusBytes({ n }: RsaPublicKey | RsaPrivateKey): number {
  return Math.ceil(bitLength(n) / 8);
}

function requireRsa(key: RsaPublicKey | RsaPrivateKey, parameters: CryptographicParameters): void {
  if (!isAlgorithmFor(parameters.CryptographicAlgorithm, key)) throw wrongAlgorithm();
}

function wrongAlgorithm(): InvalidParametersError {
  return new InvalidParametersError('Cryptographic Algorithm is not that of the key');
}

function unsupportedRsaPadding({ PaddingMethod }: CryptographicParameters): Error {
  return PaddingMethod === undefined
    ? new InvalidParametersError('Padding Method is missing')
    : new UnsupportedAlgorithmError(`RSA is not offered with Padding Method ${PaddingMethod}`);
}

function readOaepParameters({
  HashingAlgorithm,
  MaskGeneratorHashingAlgorithm,
  PSource,
}: CryptographicParameters): Oaep {
  if (HashingAlgorithm === undefined) throw new InvalidParametersError('Hashing Algorithm is missing');
  return {
    hash: HashingAlgorithm,
    maskHash: MaskGeneratorHashingAlgorithm ?? HashingAlgorithm,
    label: PSource ?? new Uint8Array(),
  };
}

function encryptPkcs1(key: KeyObject, modulusBytes: number, data: Uint8Array): Uint8Array {
  // RFC 8017 §7.2.1: at least eleven bytes of padding.
  if (data.length > modulusBytes - 11) throw new CryptographyFailedError('the data is too long for this key');
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, data);
}

/**
 * Wrong padding is no error: OpenSSL then computes data from key and encrypted data, the same each time, so
 * that an attacker does not learn which texts are padded correctly (Bleichenbacher 1998, CVE-2023-46809;
 * implicit rejection, OpenSSL 3.2).
 */
function decryptPkcs1(key: KeyObject, modulusBytes: number, encrypted: Uint8Array): Uint8Array {
  // RFC 8017 §7.2.2; the length is public.
  if (encrypted.length !== modulusBytes) throw decryptionFailed();
  try {
    return privateDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, encrypted);
  } catch {
    throw decryptionFailed();
  }
}
