/*
 * Data that arrives in parts. A stream is over after `final`, `verify` or the first error; streams of ciphers
 * and MACs hold the key until then.
 */

/** Encrypts data in parts. */
export interface EncryptionStream {
  /** The Initialization Vector, where the server generated it. */
  readonly iv: Uint8Array | undefined;
  /** Returns the ciphertext that is complete so far, perhaps no bytes. */
  update(data: Uint8Array): Uint8Array;
  /** Returns the rest of the ciphertext, with the tag in a mode that authenticates. */
  final(): { readonly data: Uint8Array; readonly tag: Uint8Array | undefined };
}

/**
 * Decrypts data in parts. In a mode that authenticates, `update` returns nothing: the data is collected, and
 * `final` decrypts it once the tag has been verified.
 */
export interface DecryptionStream {
  /** Whether the stream keeps all data until `final`; the caller bounds it. */
  readonly collects: boolean;
  /** @throws {CryptographyFailedError} when the data cannot be decrypted */
  update(data: Uint8Array): Uint8Array;
  /**
   * Takes the tag, unless the tag is appended to the data.
   * @throws {MissingInputError} without the tag of a mode that authenticates
   * @throws {CryptographyFailedError} when tag or padding is wrong
   */
  final(tag: Uint8Array | undefined): Uint8Array;
}

/** The input of a signature: data that is hashed first, or the digest of such data. */
export type Message = { readonly data: Uint8Array } | { readonly digest: Uint8Array };

/** Collects the input of `sign` or `verify`. */
export interface MessageStream {
  /** Whether the stream keeps all data until `final`, because the algorithm signs data and not digests. */
  readonly collects: boolean;
  update(data: Uint8Array): void;
  final(): Message;
}

/** Authenticates data in parts. */
export interface MacStream {
  update(data: Uint8Array): void;
  /** Returns the MAC. */
  final(): Uint8Array;
  /** Compares `given` with the MAC in constant time. */
  verify(given: Uint8Array): boolean;
}

/** Hashes data in parts. */
export interface DigestStream {
  update(data: Uint8Array): void;
  final(): Uint8Array;
}
