import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import type { PlainKey } from './plain-key.ts';

/** What CryptoProvider does to keys that travel under another key or a password; errors as its uses of keys have them. */
export interface Wrapping {
  /**
   * Wraps the bytes of a key: NIST key wrap (RFC 3394) and AES key wrap with padding (RFC 5649) with an AES key, any
   * other mode and RSA as `encrypt` does it, the tag of a mode that authenticates behind the data.
   */
  wrap(key: PlainKey, parameters: CryptographicParameters, data: Uint8Array): WrappedBytes;
  /** The inverse. Whatever is wrong with the wrapped bytes, the error is that of `undecipherable()`. */
  unwrap(key: PlainKey, parameters: CryptographicParameters, wrapped: WrappedBytes): Promise<Uint8Array>;
  /**
   * PKCS#12 (RFC 7292) with PBES2, AES-256 and an HMAC of SHA-256, DER. Throws UnsupportedAlgorithmError, CertificateInvalid,
   * ParametersInvalid for a password that is not text, KeyMaterialInvalid when key and certificate are no pair.
   */
  encodePkcs12(key: PlainKey, parts: Pkcs12Parts): Promise<Uint8Array>;
  /**
   * PKCS#8 of the private key in a PKCS#12 file; undefined for one that is not understood. Throws InvalidParametersError as
   * `bundle`, CryptographyFailed when the password does not fit.
   */
  decodePkcs12(file: Uint8Array, password: Uint8Array): Promise<Uint8Array | undefined>;
}

export interface WrappedBytes {
  readonly data: Uint8Array;
  /** IV/Counter/Nonce, where the mode has one. */
  readonly iv?: Uint8Array | undefined;
}

export interface Pkcs12Parts {
  /** DER of the key's own certificate, then of those above it. */
  readonly certificates: readonly Uint8Array[];
  /** UTF-8. */
  readonly password: Uint8Array;
  readonly friendlyName?: string | undefined;
}
