import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { fail } from '../common/errors.ts';
import { InvalidParametersError } from '../crypto/errors.ts';
import type { PlainKey } from '../crypto/plain-key.ts';
import type { Ciphertext, Encrypted, Plaintext } from '../crypto/provider.ts';
import type {
  DecryptionStream,
  EncryptionStream,
  MacStream,
  Message,
  MessageStream,
} from '../crypto/streams.ts';
import type { TokenKey, TokenKeys } from '../crypto/token-keys.ts';
import type { Context } from './context.ts';

/**
 * Uses of a key wherever it is: by the cryptography of the server where its value is at hand, else in the
 * token that has it. Operations do not know the difference.
 */

/** A key for use: its value, or the place in a token where it is. */
export type UsableKey = PlainKey | TokenKey;

type UseContext = Pick<Context, 'crypto' | 'tokenKeys'>;

export function isTokenKey(key: UsableKey): key is TokenKey {
  return 'reference' in key;
}

/** As `CryptoProvider.encrypt`. */
export async function encryptBy(
  key: UsableKey,
  parameters: CryptographicParameters,
  plaintext: Plaintext,
  context: UseContext,
): Promise<Encrypted> {
  return isTokenKey(key)
    ? requireToken(context).encrypt(key, parameters, plaintext)
    : context.crypto.encrypt(key, parameters, plaintext);
}

/** As `CryptoProvider.decrypt`. */
export async function decryptBy(
  key: UsableKey,
  parameters: CryptographicParameters,
  ciphertext: Ciphertext,
  context: UseContext,
): Promise<Uint8Array> {
  return isTokenKey(key)
    ? requireToken(context).decrypt(key, parameters, ciphertext)
    : context.crypto.decrypt(key, parameters, ciphertext);
}

/** As `CryptoProvider.sign`. */
export async function signBy(
  key: UsableKey,
  parameters: CryptographicParameters,
  message: Message,
  context: UseContext,
): Promise<Uint8Array> {
  return isTokenKey(key)
    ? requireToken(context).sign(key, parameters, message)
    : context.crypto.sign(key, parameters, message);
}

/** As `CryptoProvider.mac`. */
export async function macBy(
  key: UsableKey,
  parameters: CryptographicParameters,
  data: Uint8Array,
  context: UseContext,
): Promise<Uint8Array> {
  return isTokenKey(key)
    ? requireToken(context).mac(key, parameters, data)
    : context.crypto.mac(key, parameters, data);
}

/** As `CryptoProvider.verifyMac`. */
export async function verifyMacBy(
  key: UsableKey,
  parameters: CryptographicParameters,
  data: Uint8Array,
  given: Uint8Array,
  context: UseContext,
): Promise<boolean> {
  return isTokenKey(key)
    ? requireToken(context).verifyMac(key, parameters, data, given)
    : context.crypto.verifyMac(key, parameters, data, given);
}

/** As `CryptoProvider.startMessage`: data to sign may come in parts, because the token gets a digest. */
export function startMessageBy(
  key: UsableKey,
  parameters: CryptographicParameters,
  context: UseContext,
): MessageStream {
  return isTokenKey(key)
    ? requireToken(context).startMessage(key, parameters)
    : context.crypto.startMessage(key, parameters);
}

/** As `CryptoProvider.startEncryption`; not for keys in a token. */
export function startEncryptionBy(
  key: UsableKey,
  parameters: CryptographicParameters,
  plaintext: Omit<Plaintext, 'data'>,
  { crypto }: UseContext,
): EncryptionStream {
  return crypto.startEncryption(requireNoToken(key), parameters, plaintext);
}

/** As `CryptoProvider.startDecryption`; not for keys in a token. */
export function startDecryptionBy(
  key: UsableKey,
  parameters: CryptographicParameters,
  ciphertext: Pick<Ciphertext, 'iv' | 'additionalData'> & { readonly appendedTag: boolean },
  { crypto }: UseContext,
): DecryptionStream {
  return crypto.startDecryption(requireNoToken(key), parameters, ciphertext);
}

/** As `CryptoProvider.startMac`; not for keys in a token. */
export function startMacBy(
  key: UsableKey,
  parameters: CryptographicParameters,
  { crypto }: UseContext,
): MacStream {
  return crypto.startMac(requireNoToken(key), parameters);
}

function requireNoToken(key: UsableKey): PlainKey {
  if (!isTokenKey(key)) return key;
  throw new InvalidParametersError('with a key in a token the data must come in one piece');
}

/**
 * Returns the token of a key.
 * @throws {KmipError} GeneralFailure when the operator has configured none any more
 */
function requireToken({ tokenKeys }: UseContext): TokenKeys {
  return (
    tokenKeys?.keys ??
    fail(
      'GeneralFailure',
      'the key is in a token, and the server has none: its operator must set tokenKeys.token',
    )
  );
}
