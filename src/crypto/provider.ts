import type { StandardAttribute } from '../../codec/attribute.ts';
import type {
  CryptographicAlgorithm,
  DerivationMethod,
  HashingAlgorithm,
  KeyCompressionType,
  KeyFormatType,
  RecommendedCurve,
} from '../../codec/enums.ts';
import type { Digest } from '../../codec/structures/attribute-values.ts';
import type {
  CryptographicDomainParameters,
  CryptographicParameters,
  RNGParameters,
} from '../../codec/structures/cryptographic-parameters.ts';
import type { KeyMaterial } from '../../codec/structures/key-block.ts';
import type { Certificate, ManagedObjectValue } from '../../codec/structures/managed-objects.ts';
import type { PostQuantumAlgorithm } from './algorithms.ts';
import type { Certification } from './certification.ts';
import type { PlainKey } from './plain-key.ts';
import type { SecretLength, SecretSharingScheme, Share, SharedSecret } from './secret-sharing.ts';
import type {
  DecryptionStream,
  DigestStream,
  EncryptionStream,
  MacStream,
  Message,
  MessageStream,
} from './streams.ts';
import type { Wrapping } from './wrapping.ts';

/**
 * Port of the cryptography: random bytes, digests, key generation, key formats, certificates, and what is done with
 * keys. Adapter: `node.ts`.
 * Byte arrays that come back are in memory of their own: the caller owns them and may wipe them.
 */
export interface CryptoProvider extends Wrapping {
  /** What `random` is made of, for the attribute Random Number Generator and for Query. */
  readonly randomNumberGenerator: RNGParameters;
  /** Hashing algorithms that `digest` knows. */
  readonly hashingAlgorithms: readonly HashingAlgorithm[];
  /** Curves on which `generateKeyPair` makes keys. */
  readonly curves: readonly RecommendedCurve[];

  /** `length` bytes from the operating system's generator. */
  random(length: number): Uint8Array;
  /** Throws UnsupportedAlgorithmError for hashes that the platform no longer has (MD2, MD4, Tiger, Whirlpool). */
  digest(algorithm: HashingAlgorithm, data: Uint8Array): Uint8Array;
  /**
   * The Digest attribute of an object (KMIP 2.1 §4.17): SHA-256 over key material, certificate or opaque value.
   * Undefined where there is no plain value: wrapped keys, objects of which only metadata is stored, Templates.
   */
  digestObject(object: ManagedObjectValue): Digest | undefined;
  /**
   * A random key of `bits` by the count of KMIP (DES3: 112 or 168 without parity). Throws UnsupportedAlgorithmError when
   * the algorithm or the length is not one that `algorithms.ts` lets the server make.
   */
  generateSymmetric(algorithm: CryptographicAlgorithm, bits: number): Uint8Array;
  /** Runs on the thread pool; throws AlgorithmUnsupported as above. */
  generateKeyPair(request: KeyPairRequest): Promise<GeneratedKeyPair>;

  /**
   * What the key material says about the key, its claims (algorithm, length) filled in or cross-checked. Throws
   * KeyMaterialInvalid when the material is not what its format, object type, algorithm or length says.
   */
  describeKey(key: PlainKey): KeyDescription;
  /**
   * The key in another format. Throws UnsupportedKeyFormatError when there is no way, KeyCompressionUnsupported when
   * `compression` makes no sense for the key, KeyMaterialInvalid as `describeKey`.
   */
  convertKey(key: PlainKey, format: KeyFormatType, compression?: KeyCompressionType): KeyMaterial;
  /**
   * Attributes that a certificate decides, in the forms of 1.0 (names as text), 1.1 (names as DER) and 1.4 (one per part
   * of a name), its public key's algorithm and length and its signature algorithm. Of a PGP certificate only type and
   * length: it stays opaque. Throws InvalidCertificateError when X.509 cannot be read.
   */
  describeCertificate(certificate: Certificate): readonly StandardAttribute[];
  /** X.509 certificates made and judged. */
  readonly certification: Certification;

  /*
   * Uses of keys. `parameters` are whole: nothing is taken from elsewhere but the algorithm, which `key` knows. All throw
   * AlgorithmUnsupported and ParametersInvalid when parameters, key and server do not go together, InputMissing and
   * CryptographyFailed for the data, and what `describeKey` throws.
   */

  /**
   * With a symmetric key or an RSA public key. Makes a random Initialization Vector where one is needed and none was
   * given. Throws InvalidTagLengthError.
   */
  encrypt(key: PlainKey, parameters: CryptographicParameters, plaintext: Plaintext): Encrypted;
  /**
   * With a symmetric key or, on a thread, a private key of RSA or ML-KEM. Whatever is wrong with the encrypted data, the
   * error is that of `undecipherable()`; wrong PKCS #1 v1.5 padding is no error, but gives other data.
   */
  decrypt(key: PlainKey, parameters: CryptographicParameters, sealed: Ciphertext): Promise<Uint8Array>;
  /** A shared secret for the holder of the private key, who gets it by `decrypt` of the ciphertext. */
  encapsulate(key: PlainKey, parameters: CryptographicParameters): Encapsulation;
  /** Signatures of DSA and ECDSA are DER (RFC 3279 §2.2.2, §2.2.3), the others byte strings. */
  sign(key: PlainKey, parameters: CryptographicParameters, message: Message): Promise<Uint8Array>;
  verify(
    key: PlainKey,
    parameters: CryptographicParameters,
    message: Message,
    signature: Uint8Array,
  ): Promise<boolean>;
  /** HMAC or CMAC, as the algorithm in `parameters` or else that of the key says. */
  mac(key: PlainKey, parameters: CryptographicParameters, data: Uint8Array): Uint8Array;
  /** Compares in constant time. */
  verifyMac(key: PlainKey, parameters: CryptographicParameters, data: Uint8Array, given: Uint8Array): boolean;

  /**
   * Exactly `length` bytes derived from a key: the first of what the method gives. Throws CryptographyFailedError when it
   * gives fewer.
   */
  deriveKey(derivation: KeyDerivation): Promise<Uint8Array>;

  /** Divides a secret into shares, the first for Key Part Identifier 1; chooses the prime where one is needed and none given. */
  splitSecret(secret: Uint8Array, sharing: SecretSharingScheme): Promise<SharedSecret>;
  /**
   * The inverse, from `threshold` shares of different identifiers or more, which must agree.
   * Throws CryptographyFailedError when they do not, or are too few.
   */
  joinShares(shares: readonly Share[], sharing: SecretSharingScheme, length: SecretLength): Uint8Array;

  /*
   * The same for data that comes in parts. A stream is over after `final`, `verify` or the first error; those of ciphers
   * and MACs hold the key until then. CCM and RSA need the data whole: ParametersInvalid.
   */

  startEncryption(
    key: PlainKey,
    parameters: CryptographicParameters,
    plaintext: Omit<Plaintext, 'data'>,
  ): EncryptionStream;
  /** `appendedTag`: the last bytes of all are the tag, in modes that authenticate. */
  startDecryption(
    key: PlainKey,
    parameters: CryptographicParameters,
    sealed: Pick<Ciphertext, 'iv' | 'additionalData'> & { readonly appendedTag: boolean },
  ): DecryptionStream;
  /** Collects what `sign` or `verify` is then asked about, with the same key and parameters. */
  startMessage(key: PlainKey, parameters: CryptographicParameters): MessageStream;
  startMac(key: PlainKey, parameters: CryptographicParameters): MacStream;
  startDigest(algorithm: HashingAlgorithm): DigestStream;
}

export interface Plaintext {
  readonly data: Uint8Array;
  readonly iv?: Uint8Array | undefined;
  /** Authenticated, not encrypted. */
  readonly additionalData?: Uint8Array | undefined;
}

export interface Encrypted {
  readonly data: Uint8Array;
  /** The Initialization Vector, where the server made it. */
  readonly iv?: Uint8Array;
  /** Of a mode that authenticates. */
  readonly tag?: Uint8Array;
}

export interface Encapsulation {
  readonly ciphertext: Uint8Array;
  readonly sharedSecret: Uint8Array;
}

export interface Ciphertext {
  readonly data: Uint8Array;
  readonly iv?: Uint8Array | undefined;
  readonly additionalData?: Uint8Array | undefined;
  /** `appended`: the last bytes of `data`, in modes that authenticate. */
  readonly tag?: Uint8Array | 'appended' | undefined;
}

/** What a key is derived from, and how; each method takes what it needs of it. */
export interface KeyDerivation {
  readonly method: DerivationMethod;
  /** Symmetric key or secret data; for AsymmetricKey the private key. */
  readonly key: PlainKey;
  /** The public key of the other side, for AsymmetricKey. */
  readonly peer?: PlainKey | undefined;
  readonly parameters: CryptographicParameters;
  /** Pieces in their order. */
  readonly data: readonly Uint8Array[];
  readonly iv?: Uint8Array | undefined;
  readonly salt?: Uint8Array | undefined;
  readonly iterations?: number | undefined;
  /** Bytes to derive. */
  readonly length: number;
}

/** Values of the attributes that a key's material decides; claims are repeated where the material says nothing. */
export interface KeyDescription {
  readonly CryptographicAlgorithm?: CryptographicAlgorithm | undefined;
  /** Bits: modulus of RSA, prime of DSA and DH, field of EC, key without parity of DES, public key of ML-KEM and kin. */
  readonly CryptographicLength?: number | undefined;
  readonly CryptographicDomainParameters?: CryptographicDomainParameters | undefined;
}

export type KeyPairRequest =
  /** `exponent`: 65,537 when left out. */
  | { readonly algorithm: 'RSA'; readonly bits: number; readonly exponent?: number }
  | { readonly algorithm: 'EC' | 'ECDSA' | 'ECDH' | 'ECMQV'; readonly curve: RecommendedCurve }
  | { readonly algorithm: 'Ed25519' | 'Ed448' }
  /** `bits`: as the client counts them, of those that `algorithms.ts` knows. */
  | { readonly algorithm: PostQuantumAlgorithm; readonly bits?: number | undefined }
  /** `qLength`: bits of the subgroup, 256 when left out (160 for 1024 bits). */
  | { readonly algorithm: 'DSA'; readonly bits: number; readonly qLength?: number }
  /** In the group of RFC 3526 of that size. */
  | { readonly algorithm: 'DH'; readonly bits: number };

export interface GeneratedKeyPair {
  /** PKCS#8 PrivateKeyInfo in DER (format PKCS_8). */
  readonly privateKey: Uint8Array;
  /** SubjectPublicKeyInfo in DER (format X_509). */
  readonly publicKey: Uint8Array;
  /** Cryptographic Length in bits. */
  readonly bits: number;
}
