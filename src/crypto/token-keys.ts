import type { CryptographicAlgorithm } from '../../codec/enums.ts';
import type {
  CryptographicDomainParameters,
  CryptographicParameters,
} from '../../codec/structures/cryptographic-parameters.ts';
import type { Ciphertext, Encrypted, KeyPairRequest, Plaintext } from './provider.ts';
import type { Message, MessageStream } from './streams.ts';
import type { DeviceKeyUses, TokenKeyReference } from './token-device.ts';

/** A key in a token, with what the server states of it. */
export interface TokenKey {
  readonly reference: TokenKeyReference;
  readonly objectType: 'SymmetricKey' | 'PrivateKey';
  readonly CryptographicAlgorithm: CryptographicAlgorithm;
  /** Bits. */
  readonly CryptographicLength: number;
  readonly CryptographicDomainParameters?: CryptographicDomainParameters | undefined;
}

/** A symmetric key to make; `bits` in the count of KMIP. */
export interface SymmetricTokenKey {
  readonly algorithm: CryptographicAlgorithm;
  readonly bits: number;
}

/** A key to make, and what the token lets it do. */
export type TokenKeyRequest = { readonly uses: DeviceKeyUses } & (
  | { readonly key: SymmetricTokenKey; readonly pair?: undefined }
  | { readonly pair: KeyPairRequest; readonly key?: undefined }
);

export interface GeneratedTokenKey {
  /** Cryptographic Length in bits. */
  readonly bits: number;
  /** SubjectPublicKeyInfo of a pair in DER. */
  readonly publicKey?: Uint8Array;
}

/**
 * Port: keys that are made and used in a token. Uses are as those of the same name in `CryptoProvider`, for
 * what the token can do; data comes in one piece of at most 1 MiB. Beside the errors of these, all reject as
 * `TokenDevice` does.
 */
export interface TokenKeys {
  /** Resolves to the serial number of the token. */
  serial(): Promise<string>;
  /** Resolves to a reference that no key has. */
  newReference(): Promise<TokenKeyReference>;
  /**
   * Makes a key under a new reference.
   * @throws {UnsupportedAlgorithmError} when no token makes such keys, or this one does not
   */
  generate(reference: TokenKeyReference, request: TokenKeyRequest): Promise<GeneratedTokenKey>;
  /** @throws {UnsupportedAlgorithmError} when no token makes such keys */
  requireOffered(request: TokenKeyRequest): void;
  encrypt(key: TokenKey, parameters: CryptographicParameters, plaintext: Plaintext): Promise<Encrypted>;
  decrypt(key: TokenKey, parameters: CryptographicParameters, ciphertext: Ciphertext): Promise<Uint8Array>;
  sign(key: TokenKey, parameters: CryptographicParameters, message: Message): Promise<Uint8Array>;
  /** Collects the digest of a message for `sign`. */
  startMessage(key: TokenKey, parameters: CryptographicParameters): MessageStream;
  mac(key: TokenKey, parameters: CryptographicParameters, data: Uint8Array): Promise<Uint8Array>;
  verifyMac(
    key: TokenKey,
    parameters: CryptographicParameters,
    data: Uint8Array,
    given: Uint8Array,
  ): Promise<boolean>;
  /** Removes the key from its token; resolves as well when it is not there. */
  destroy(reference: TokenKeyReference): Promise<void>;
}
