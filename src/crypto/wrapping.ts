import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import type { PlainKey } from './plain-key.ts';

/**
 * Part of CryptoProvider: keys that travel under another key or under a password. Errors are those of the
 * uses of keys.
 */
export interface Wrapping {
  /**
   * Wraps the bytes of a key: by NIST key wrap (RFC 3394) or AES key wrap with padding (RFC 5649) with an AES
   * key, in every other mode and with RSA as `encrypt`, the tag of a mode that authenticates behind the data.
   * An Initialization Vector is the beginning of `ivSeed`, of 16 bytes or more, else random.
   */
  wrap(
    key: PlainKey,
    parameters: CryptographicParameters,
    data: Uint8Array,
    ivSeed?: Uint8Array,
  ): WrappedBytes;
  /**
   * Unwraps the bytes of a key. Every fault of the wrapped bytes leads to the error of `decryptionFailed()`.
   */
  unwrap(key: PlainKey, parameters: CryptographicParameters, wrapped: WrappedBytes): Promise<Uint8Array>;
  /**
   * Encodes a private key and its certificates as PKCS#12 in DER (RFC 7292) with PBES2, AES-256 and
   * HMAC-SHA-256.
   * @throws {UnsupportedAlgorithmError} for a key that is not private, or a DH key
   * @throws {InvalidCertificateError} when a certificate of the chain is not X.509
   * @throws {InvalidParametersError} when the password is not UTF-8 text
   * @throws {InvalidKeyMaterialError} when key and certificate are no pair
   */
  encodePkcs12(key: PlainKey, parts: Pkcs12Parts): Promise<Uint8Array>;
  /**
   * Returns the PKCS#8 form of the private key in a PKCS#12 file; undefined for a file that cannot be read.
   * @throws {InvalidParametersError} when the password is not UTF-8 text
   * @throws {CryptographyFailedError} when the password is wrong
   */
  decodePkcs12(file: Uint8Array, password: Uint8Array): Promise<Uint8Array | undefined>;
}

/** A wrapped key. */
export interface WrappedBytes {
  readonly data: Uint8Array;
  /** IV/Counter/Nonce, where the mode has one. */
  readonly iv?: Uint8Array | undefined;
}

/** The content of a PKCS#12 file beside its key. */
export interface Pkcs12Parts {
  /** DER of the key's own certificate, then of its issuers' certificates. */
  readonly certificates: readonly Uint8Array[];
  /** UTF-8. */
  readonly password: Uint8Array;
  readonly friendlyName?: string | undefined;
}
