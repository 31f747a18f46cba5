import type { HashingAlgorithm } from '../../codec/enums.ts';

/**
 * Port of a hardware token, as far as keys are made and used in it. It knows keys by their reference, and
 * nothing of KMIP; `token/token-keys.ts` makes KMIP's uses of keys from it. Its adapter is `src/token/keys`.
 *
 * Every method rejects with TokenUnavailableError while the token cannot be used, and with
 * CryptographyBusyError when too many calls of the client wait, or one has waited too long for its turn.
 */
export interface TokenDevice {
  /** Resolves to the serial number of the token. */
  serial(): Promise<string>;
  /**
   * Makes a key that never leaves the token under an identifier that no key has; one that an interrupted call
   * has left there is removed before. Resolves to the public half of a pair.
   * @throws {UnsupportedAlgorithmError} when the token makes no such key
   */
  make(
    reference: TokenKeyReference,
    key: DeviceKeySpecification,
    uses: DeviceKeyUses,
  ): Promise<DevicePublicKey | undefined>;
  /**
   * Resolves to the output of at most `maxDeviceBytes` bytes; undefined when the token rejects the data.
   * @throws {UnsupportedAlgorithmError} when the token has no such mechanism, or the key not that use
   * @throws {TokenKeyMissingError} when the token has no such key
   */
  use(key: DeviceKey, call: DeviceCall, data: Uint8Array): Promise<DeviceOutput | undefined>;
  /**
   * Removes a key; resolves without an error when it is not there.
   * @throws {TokenKeyMissingError} when the key is of another token
   * @throws {TokenKeyKeptError} when the token refuses to remove it
   */
  remove(reference: TokenKeyReference): Promise<void>;
  /** Lists the keys that `make` has made for this server. */
  list(): Promise<readonly DeviceKeyEntry[]>;
}

/** Where the value of a key is that never leaves its token. */
export interface TokenKeyReference {
  /** CKA_ID: 16 random bytes as lowercase hexadecimal digits. */
  readonly id: string;
  /** Serial number of the token in which the key was made. */
  readonly token: string;
}

/** The most bytes that a key in a token takes at once. */
export const maxDeviceBytes = 1_048_576;

/** The kinds of keys that are made in tokens, with their sizes. */
export type DeviceKeySpecification =
  | { readonly type: 'aes'; readonly bytes: number }
  /** A key of HMAC with that hash. */
  | { readonly type: 'generic'; readonly bytes: number; readonly hash: HashingAlgorithm }
  | { readonly type: 'rsa'; readonly bits: number }
  /** `parameters`: the object identifier of the curve in DER. */
  | { readonly type: 'ec'; readonly parameters: Uint8Array };

export type DeviceKeyType = DeviceKeySpecification['type'];

/** What the token lets the key do, for its whole life. */
export interface DeviceKeyUses {
  readonly encrypt: boolean;
  readonly decrypt: boolean;
  readonly sign: boolean;
}

/** Numbers are big-endian magnitudes; `point` is the uncompressed point of SEC 1. */
export type DevicePublicKey =
  | { readonly type: 'rsa'; readonly modulus: Uint8Array; readonly exponent: Uint8Array }
  | { readonly type: 'ec'; readonly point: Uint8Array };

export interface DeviceKey {
  readonly reference: TokenKeyReference;
  readonly type: DeviceKeyType;
}

export interface DeviceCall {
  readonly function: 'encrypt' | 'decrypt' | 'sign';
  readonly mechanism: DeviceMechanism;
}

/** Mechanisms; padding of blocks, hashing of data, and the form of signatures are left to the caller. */
export type DeviceMechanism =
  | { readonly kind: 'ecb' }
  | { readonly kind: 'cbc' | 'ctr'; readonly iv: Uint8Array }
  /** The tag stands behind the data. */
  | {
      readonly kind: 'gcm';
      readonly iv: Uint8Array;
      readonly additionalData?: Uint8Array | undefined;
      readonly tagBytes: number;
      /** Whether the token may take another Initialization Vector, of its own. */
      readonly mayChooseIv: boolean;
    }
  | { readonly kind: 'cmac' }
  | { readonly kind: 'hmac'; readonly hash: HashingAlgorithm }
  | { readonly kind: 'oaep'; readonly hash: HashingAlgorithm; readonly label: Uint8Array }
  /** Of a DigestInfo. */
  | { readonly kind: 'pkcs1' }
  /** Of a digest. */
  | { readonly kind: 'pss'; readonly hash: HashingAlgorithm; readonly saltBytes: number }
  /** Of a digest; the signature is r ‖ s. */
  | { readonly kind: 'ecdsa' };

export interface DeviceOutput {
  readonly output: Uint8Array;
  /** The Initialization Vector of GCM that was used. */
  readonly iv?: Uint8Array | undefined;
}

export interface DeviceKeyEntry {
  readonly reference: TokenKeyReference;
  /** POSIX seconds at which the server asked for it. */
  readonly made: number;
}

/**
 * `TOKEN_UNAVAILABLE`: the token that has the key is away, fails or refuses the login; the log has the
 * reason. GeneralFailure.
 */
export class TokenUnavailableError extends Error {
  override readonly name = 'TokenUnavailableError';
  readonly code = 'TOKEN_UNAVAILABLE';

  constructor(options?: ErrorOptions) {
    super('the token that has the key cannot be used now: try again', options);
  }
}

/** `TOKEN_ANSWER`: the output of a token has a length that it cannot have. GeneralFailure; the log has it. */
export class TokenAnswerError extends Error {
  override readonly name = 'TokenAnswerError';
  readonly code = 'TOKEN_ANSWER';
}

/** `TOKEN_KEY_KEPT`: the token does not let a key be removed; the log has the key and the return value. */
export class TokenKeyKeptError extends Error {
  override readonly name = 'TokenKeyKeptError';
  readonly code = 'TOKEN_KEY_KEPT';
}

/** `TOKEN_KEY_MISSING`: the token has no key that a row refers to. GeneralFailure; the log has the key. */
export class TokenKeyMissingError extends Error {
  override readonly name = 'TokenKeyMissingError';
  readonly code = 'TOKEN_KEY_MISSING';
}
