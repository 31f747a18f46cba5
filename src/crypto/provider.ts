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
import type { PostQuantumAlgorithm } from './algorithm-table.ts';
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
 * Port of the cryptography: random bytes, digests, key generation, key formats, certificates and uses of
 * keys. Its adapter is `node/node.ts`; `policy/policy.ts` restricts a provider to what the operator allows.
 *
 * An operation takes the plain key out of a Key Block, uses it, and wipes every secret that it received:
 *
 *     const key = plainKey('SymmetricKey', keyBlock); // undefined for a wrapped key
 *     const { data, iv, tag } = crypto.encrypt(key, { BlockCipherMode: 'GCM' }, { data: plaintext });
 *     const decrypted = await crypto.decrypt(key, { BlockCipherMode: 'GCM' }, { data, iv, tag });
 *     decrypted.fill(0);
 *
 * Results are byte arrays in memory of their own: the caller owns them and may wipe them.
 */
export interface CryptoProvider extends Wrapping {
  /** The generator behind `random`, for the attribute Random Number Generator and for Query. */
  readonly randomNumberGenerator: RNGParameters;
  /** Hashing algorithms that `digest` offers. */
  readonly hashingAlgorithms: readonly HashingAlgorithm[];
  /** Curves on which `generateKeyPair` generates keys. */
  readonly curves: readonly RecommendedCurve[];

  /** Returns `length` bytes from the operating system's generator. */
  random(length: number): Uint8Array;
  /**
   * @throws {UnsupportedAlgorithmError} for hashes that the platform no longer has (MD2, MD4, Tiger,
   * Whirlpool)
   */
  digest(algorithm: HashingAlgorithm, data: Uint8Array): Uint8Array;
  /**
   * Computes the Digest attribute of an object (KMIP 2.1 §4.17): SHA-256 of key material, certificate or
   * opaque value. Returns undefined for objects without a plain value: wrapped keys, objects stored as
   * metadata only, Templates.
   */
  digestObject(object: ManagedObjectValue): Digest | undefined;
  /**
   * Generates a random key of `bits` in the count of KMIP (DES3: 112 or 168 without parity).
   * @throws {UnsupportedAlgorithmError} when `generatesLength` of `algorithms.ts` is false
   */
  generateSymmetric(algorithm: CryptographicAlgorithm, bits: number): Uint8Array;
  /**
   * Generates a key pair on the thread pool.
   * @throws {UnsupportedAlgorithmError} for an algorithm, length, curve or exponent that is not offered
   */
  generateKeyPair(request: KeyPairRequest): Promise<GeneratedKeyPair>;

  /**
   * Reads a key's attributes from its material, and checks them against the key's claims; a claim is returned
   * where the material tells nothing.
   * @throws {InvalidKeyMaterialError} when the material contradicts its format, object type, algorithm or
   * length
   */
  describeKey(key: PlainKey): KeyDescription;
  /**
   * Checks the key of an object that comes from outside: the numbers of an asymmetric key, those of a
   * certificate's public key, the field of a Split Key (SP 800-56A §5.6.2.3, SP 800-56B §6.4). Symmetric
   * keys, wrapped ones and those that the server cannot read pass. `describeKey` has accepted the key before.
   * @throws {InvalidKeyMaterialError} with the reason
   */
  checkObject(object: ManagedObjectValue): Promise<void>;
  /**
   * Returns a copy of the key material in a format, from what its bytes are, whatever its own format says.
   * @throws {UnsupportedKeyFormatError} when there is no conversion
   * @throws {UnsupportedKeyCompressionError} when `compression` makes no sense for the key
   * @throws {InvalidKeyMaterialError} as `describeKey`
   */
  convertKey(key: PlainKey, format: KeyFormatType, compression?: KeyCompressionType): KeyMaterial;
  /**
   * Reads the attributes that a certificate decides: names in the forms of 1.0 (text), 1.1 (DER) and 1.4 (one
   * per part of a name), its public key's algorithm and length and its signature algorithm. A PGP certificate
   * stays opaque: only its type and length are returned.
   * @throws {InvalidCertificateError} when an X.509 certificate cannot be read
   */
  describeCertificate(certificate: Certificate): readonly StandardAttribute[];
  /** Issues, reads and validates X.509 certificates. */
  readonly certification: Certification;

  /*
   * Uses of keys. `parameters` are complete: of the key's own attributes only the algorithm is added. All
   * throw UnsupportedAlgorithmError and InvalidParametersError when parameters, key and server do not fit
   * each other, MissingInputError and CryptographyFailedError for the data, and the errors of `describeKey`.
   */

  /**
   * Encrypts with a symmetric key or an RSA public key. Generates a random Initialization Vector where the
   * mode needs one and none is given.
   * @throws {InvalidTagLengthError} for a Tag Length that the mode does not offer
   */
  encrypt(key: PlainKey, parameters: CryptographicParameters, plaintext: Plaintext): Encrypted;
  /**
   * Decrypts with a symmetric key or, on a thread, a private key of RSA, ML-KEM or X-Wing. Every fault of the
   * encrypted data leads to the error of `decryptionFailed()`; wrong PKCS #1 v1.5 padding is no error, but
   * yields other data.
   * @throws {InvalidTagLengthError} for a Tag Length that the mode does not offer
   */
  decrypt(key: PlainKey, parameters: CryptographicParameters, ciphertext: Ciphertext): Promise<Uint8Array>;
  /**
   * Creates a shared secret; `decrypt` of the ciphertext with the private key yields the same (FIPS 203 §7).
   */
  encapsulate(key: PlainKey, parameters: CryptographicParameters): Encapsulation;
  /** Signs. Signatures of DSA and ECDSA are DER (RFC 3279 §2.2.2, §2.2.3), the others byte strings. */
  sign(key: PlainKey, parameters: CryptographicParameters, message: Message): Promise<Uint8Array>;
  /** Returns whether the signature is the key's signature of the message. */
  verify(
    key: PlainKey,
    parameters: CryptographicParameters,
    message: Message,
    signature: Uint8Array,
  ): Promise<boolean>;
  /** Computes an HMAC or CMAC, by the algorithm of `parameters`, else by that of the key. */
  mac(key: PlainKey, parameters: CryptographicParameters, data: Uint8Array): Uint8Array;
  /** Compares `given` with the MAC in constant time. */
  verifyMac(key: PlainKey, parameters: CryptographicParameters, data: Uint8Array, given: Uint8Array): boolean;

  /**
   * Derives exactly `length` bytes from a key: the first bytes of the method's output (KMIP 2.1 §6.1.17).
   * @throws {CryptographyFailedError} when the method yields fewer bytes
   */
  deriveKey(derivation: KeyDerivation): Promise<Uint8Array>;

  /**
   * Divides a secret into shares, the first for Key Part Identifier 1. Chooses the prime where one is needed
   * and none is given.
   */
  splitSecret(secret: Uint8Array, scheme: SecretSharingScheme): Promise<SharedSecret>;
  /**
   * Restores a secret from at least `threshold` shares of different identifiers.
   * @throws {CryptographyFailedError} when the shares are too few or contradict each other
   */
  joinShares(shares: readonly Share[], scheme: SecretSharingScheme, length: SecretLength): Uint8Array;

  /*
   * The same uses for data in parts (`streams.ts`). XTS and RSA need the data whole, CCM to encrypt:
   * InvalidParametersError.
   */

  /** Starts `encrypt` for data in parts. */
  startEncryption(
    key: PlainKey,
    parameters: CryptographicParameters,
    plaintext: Omit<Plaintext, 'data'>,
  ): EncryptionStream;
  /**
   * Starts `decrypt` for data in parts, CCM included. `appendedTag`: in modes that authenticate, the last
   * bytes of all are the tag.
   */
  startDecryption(
    key: PlainKey,
    parameters: CryptographicParameters,
    ciphertext: Pick<Ciphertext, 'iv' | 'additionalData'> & { readonly appendedTag: boolean },
  ): DecryptionStream;
  /** Collects the message for a call of `sign` or `verify` with the same key and parameters. */
  startMessage(key: PlainKey, parameters: CryptographicParameters): MessageStream;
  /** Starts `mac` or `verifyMac` for data in parts. */
  startMac(key: PlainKey, parameters: CryptographicParameters): MacStream;
  /** Starts `digest` for data in parts. */
  startDigest(algorithm: HashingAlgorithm): DigestStream;
}

/** The input of an encryption. */
export interface Plaintext {
  readonly data: Uint8Array;
  readonly iv?: Uint8Array | undefined;
  /**
   * 16 bytes or more whose beginning is the Initialization Vector, where `iv` is left out; else that is
   * random.
   */
  readonly ivSeed?: Uint8Array | undefined;
  /** Authenticated, not encrypted. */
  readonly additionalData?: Uint8Array | undefined;
}

/** The result of an encryption. */
export interface Encrypted {
  readonly data: Uint8Array;
  /** The Initialization Vector, where the server generated it. */
  readonly iv?: Uint8Array;
  /** The tag of a mode that authenticates. */
  readonly tag?: Uint8Array;
}

/** The result of a key encapsulation: a secret, and the ciphertext for the holder of the private key. */
export interface Encapsulation {
  readonly ciphertext: Uint8Array;
  readonly sharedSecret: Uint8Array;
}

/** The input of a decryption. */
export interface Ciphertext {
  readonly data: Uint8Array;
  readonly iv?: Uint8Array | undefined;
  readonly additionalData?: Uint8Array | undefined;
  /** The tag of a mode that authenticates; `appended`: the last bytes of `data` are the tag. */
  readonly tag?: Uint8Array | 'appended' | undefined;
}

/** A derivation: method, key and data; each method uses the fields that it needs. */
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
  /** Algorithm and length in bits of the key that the bytes become; absent for bytes without an algorithm. */
  readonly result?: { readonly algorithm: CryptographicAlgorithm; readonly bits: number } | undefined;
}

/** Attributes that a key's material decides; the key's claims where the material tells nothing. */
export interface KeyDescription {
  readonly CryptographicAlgorithm?: CryptographicAlgorithm | undefined;
  /**
   * Bits: modulus of RSA, prime of DSA and DH, field of EC, key without parity of DES, public key of ML-KEM
   * and the other post-quantum algorithms.
   */
  readonly CryptographicLength?: number | undefined;
  readonly CryptographicDomainParameters?: CryptographicDomainParameters | undefined;
}

/** The parameters of a new key pair, by algorithm. */
export type KeyPairRequest =
  /** `exponent`: 65,537 by default. */
  | { readonly algorithm: 'RSA'; readonly bits: number; readonly exponent?: number }
  | { readonly algorithm: 'EC' | 'ECDSA' | 'ECDH' | 'ECMQV'; readonly curve: RecommendedCurve }
  | { readonly algorithm: 'Ed25519' | 'Ed448' }
  /** `bits`: in the client's count, one of the lengths in `algorithm-table.ts`. */
  | { readonly algorithm: PostQuantumAlgorithm; readonly bits?: number | undefined }
  /** `qLength`: bits of the subgroup, 256 by default (160 for 1024 bits). */
  | { readonly algorithm: 'DSA'; readonly bits: number; readonly qLength?: number }
  /** In the group of RFC 3526 of that size. */
  | { readonly algorithm: 'DH'; readonly bits: number };

/** A new key pair. */
export interface GeneratedKeyPair {
  /** PKCS#8 PrivateKeyInfo in DER (format PKCS_8). */
  readonly privateKey: Uint8Array;
  /** SubjectPublicKeyInfo in DER (format X_509). */
  readonly publicKey: Uint8Array;
  /** Cryptographic Length in bits. */
  readonly bits: number;
}
