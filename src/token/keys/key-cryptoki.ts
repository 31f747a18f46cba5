import { ckm, oaep } from '../cryptoki.ts';

/**
 * Numbers of PKCS #11 for keys that are made and used in the token: OASIS PKCS #11 2.40 and 3.1, appendix of
 * the mechanisms; beside those of `cryptoki.ts`, which the wrapping of the keyring needs as well.
 */
export const keyMechanisms = {
  rsaPkcsKeyPairGen: 0x0000,
  rsaPkcs: 0x0001,
  rsaPkcsPss: 0x000d,
  sha1Hmac: 0x0221,
  sha224Hmac: 0x0256,
  sha256Hmac: 0x0251,
  sha384Hmac: 0x0261,
  sha512Hmac: 0x0271,
  genericSecretKeyGen: 0x0350,
  ecKeyPairGen: 0x1040,
  ecdsa: 0x1041,
  aesEcb: 0x1081,
  aesCbc: 0x1082,
  aesCtr: 0x1086,
  aesCmac: 0x108a,
} as const;

/** Attributes (CKA_…) beside those of `cryptoki.ts`. */
export const keyAttributes = {
  modulusBits: 0x121,
  alwaysSensitive: 0x165,
  ecParams: 0x180,
  ecPoint: 0x181,
} as const;

/** CKK_EC. */
export const ecKeyType = 0x03;

/** CKM_…, CKG_MGF1_… and CKM_…_HMAC of a hash, by its name in KMIP. */
export const hashMechanisms: Readonly<
  Record<string, { readonly digest: number; readonly mgf: number; readonly hmac: number }>
> = {
  SHA_1: { digest: ckm.sha1, mgf: oaep.mgf1Sha1, hmac: keyMechanisms.sha1Hmac },
  SHA_224: { digest: 0x0255, mgf: 5, hmac: keyMechanisms.sha224Hmac },
  SHA_256: { digest: ckm.sha256, mgf: oaep.mgf1Sha256, hmac: keyMechanisms.sha256Hmac },
  SHA_384: { digest: 0x0260, mgf: 3, hmac: keyMechanisms.sha384Hmac },
  SHA_512: { digest: 0x0270, mgf: 4, hmac: keyMechanisms.sha512Hmac },
};

/**
 * Return values (CKR_…) beside those of `cryptoki.ts`, by which tokens say that they do not offer a call with
 * this key or these parameters, or make no such key.
 */
export const keyReturnValues = {
  argumentsBad: 0x07,
  attributeReadOnly: 0x10,
  attributeValueInvalid: 0x13,
  actionProhibited: 0x1b,
  keySizeRange: 0x62,
  templateIncomplete: 0xd0,
  templateInconsistent: 0xd1,
  domainParamsInvalid: 0x130,
  curveNotSupported: 0x140,
} as const;
