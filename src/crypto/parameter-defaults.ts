import type { CryptographicAlgorithm, DerivationMethod, HashingAlgorithm } from '../../codec/enums.ts';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { hashOfHmac, schemeOfName } from './parameter-names.ts';

/*
 * The defaults of Cryptographic Parameters, for what neither the request nor the key states
 * (docs/cryptographic-parameters.md). Defaults that need more than the algorithm and its length are those of
 * the families: the lengths of salt, tag and Initialization Vector, and the hash of a mask.
 */

/** The use of a key that the defaults distinguish; `signDigest`: the client has hashed the data itself. */
export type ParameterUse =
  | 'encrypt'
  | 'sign'
  | 'signDigest'
  | 'mac'
  | 'hash'
  | 'wrap'
  | 'certify'
  | Exclude<DerivationMethod, number>;

/** The key as far as defaults depend on it. */
export interface ParameterSubject {
  readonly algorithm: CryptographicAlgorithm | undefined;
  /** Cryptographic Length in bits. */
  readonly bits: number | undefined;
}

type Defaults = (key: ParameterSubject, stated: CryptographicParameters) => CryptographicParameters;

const oaep: Defaults = (_key, { PaddingMethod }) =>
  PaddingMethod === undefined || PaddingMethod === 'OAEP'
    ? { PaddingMethod: 'OAEP', HashingAlgorithm: 'SHA_256' }
    : {};

/**
 * CBC is the best that such ciphers have; a stated mode without padding has none, as in the cases of OASIS.
 */
const cbc: Defaults = (_key, { BlockCipherMode }) =>
  BlockCipherMode === undefined ? { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' } : {};

/** A padding makes sense in CBC only. */
const gcm: Defaults = (key, stated) =>
  stated.PaddingMethod === undefined || stated.PaddingMethod === 'None'
    ? { BlockCipherMode: 'GCM' }
    : cbc(key, stated);

/** AES of 512 bits are the two keys of XTS. */
const gcmOrXts: Defaults = (key, stated) =>
  key.bits === 512 ? { BlockCipherMode: 'XTS' } : gcm(key, stated);

const encryptions = new Map<CryptographicAlgorithm | undefined, Defaults>([
  ['AES', gcmOrXts],
  ['ARIA', gcm],
  ['SM4', gcm],
  // OpenSSL has no GCM for these two.
  ['Camellia', cbc],
  ['DES3', cbc],
  ['RSA', oaep],
]);

const encrypt: Defaults = (key, stated) =>
  encryptions.get(key.algorithm ?? stated.CryptographicAlgorithm)?.(key, stated) ?? {};

/** Every bit of a key derived by CBC depends on the key, also when one vector is used twice. */
const deriveEncrypt: Defaults = (key, stated) =>
  encrypt(key, stated).BlockCipherMode === undefined ? {} : cbc(key, stated);

const wrap: Defaults = (key, stated) =>
  key.algorithm === 'AES' ? { BlockCipherMode: 'NISTKeyWrap' } : encrypt(key, stated);

/** The hash that reaches the strength of the key (SP 800-57 part 1, table 3); SHA-256 up to 128 bits. */
function hashOfStrength({ algorithm, bits = 0 }: ParameterSubject): HashingAlgorithm {
  const [medium, strong] = algorithm === 'RSA' || algorithm === 'DSA' ? [3_073, 7_681] : [257, 385];
  if (bits < medium) return 'SHA_256';
  return bits < strong ? 'SHA_384' : 'SHA_512';
}

const hashedSignatures: readonly unknown[] = ['RSA', 'DSA', 'EC', 'ECDSA', 'ECDH', 'ECMQV'];

const signDigest: Defaults = (key, { PaddingMethod, DigitalSignatureAlgorithm: name }) => {
  if (key.algorithm !== 'RSA') return {};
  const padding = PaddingMethod ?? schemeOfName(name)?.padding ?? 'PKCS1V1_5';
  // Under PKCS #1 v1.5 a digest of an unstated hash is signed as it is (TC-RSA-SIGN-DIGESTEDDATA-1).
  return padding === 'PSS'
    ? { PaddingMethod: padding, HashingAlgorithm: hashOfStrength(key) }
    : { PaddingMethod: padding };
};

const sign: Defaults = (key, stated) => {
  const { hash } = schemeOfName(stated.DigitalSignatureAlgorithm) ?? {};
  return hashedSignatures.includes(key.algorithm)
    ? { ...signDigest(key, stated), HashingAlgorithm: hash ?? hashOfStrength(key) }
    : {};
};

const mac: Defaults = ({ algorithm }, { CryptographicAlgorithm: stated = algorithm }) =>
  stated === 'AES' || stated === 'DES3' ? { BlockCipherMode: 'CMAC' } : {};

/** The stated hash wins, then that of the stated algorithm, then that of an HMAC key, then the default. */
const hashed =
  (hash: HashingAlgorithm): Defaults =>
  ({ algorithm }, { CryptographicAlgorithm: stated }) =>
    hashOfHmac(stated) === undefined && (stated !== undefined || hashOfHmac(algorithm) === undefined)
      ? { HashingAlgorithm: hash }
      : {};

/** These two have never asked an HMAC key for its hash: keys that were derived must come out again. */
const hashedAlike =
  (hash: HashingAlgorithm): Defaults =>
  (_key, { CryptographicAlgorithm: stated }) =>
    hashOfHmac(stated) === undefined ? { HashingAlgorithm: hash } : {};

/** A stated cipher means CMAC. */
const pseudorandom: Defaults = (key, stated) =>
  stated.BlockCipherMode !== undefined || stated.CryptographicAlgorithm !== undefined
    ? {}
    : hashed('SHA_256')(key, stated);

const none: Defaults = () => ({});

const defaults: Readonly<Record<ParameterUse, Defaults>> = {
  encrypt,
  wrap,
  sign,
  signDigest,
  mac,
  // The issuer's key decides (x509/certificate-issue.ts): its hash is that of a certificate, not of a
  // signature.
  certify: none,
  hash: () => ({ HashingAlgorithm: 'SHA_256' }),
  // RFC 8018 appendix A.2, and TC-DERIVEKEY-3.
  PBKDF2: hashedAlike('SHA_1'),
  HKDF: hashedAlike('SHA_256'),
  HASH: hashed('SHA_256'),
  HMAC: hashed('SHA_256'),
  ENCRYPT: deriveEncrypt,
  NIST800_108_C: pseudorandom,
  NIST800_108_F: pseudorandom,
  NIST800_108_DPI: pseudorandom,
  AsymmetricKey: none,
  AWSSignatureVersion4: none,
};

/** Adds the default of every field that is not stated and that the use of the key needs. */
export function completeParameters(
  use: ParameterUse,
  key: ParameterSubject,
  stated: CryptographicParameters,
): CryptographicParameters {
  const added = defaults[use](key, stated);
  const missing = Object.entries(added).filter(
    ([field]) => stated[field as keyof CryptographicParameters] === undefined,
  );
  return missing.length === 0 ? stated : { ...stated, ...Object.fromEntries(missing) };
}
