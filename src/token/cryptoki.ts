/**
 * Numbers of PKCS #11 that both sides of the token process need: OASIS PKCS #11 2.40 and 3.1, appendix of
 * the base specification and of the mechanisms. The parent has no other source for them, because it never
 * loads pkcs11js.
 */

/** Return values (CKR_…). */
export const ckr = {
  hostMemory: 0x02,
  slotIdInvalid: 0x03,
  generalError: 0x05,
  functionFailed: 0x06,
  attributeSensitive: 0x11,
  attributeTypeInvalid: 0x12,
  dataInvalid: 0x20,
  dataLenRange: 0x21,
  deviceError: 0x30,
  deviceRemoved: 0x32,
  encryptedDataInvalid: 0x40,
  encryptedDataLenRange: 0x41,
  aeadDecryptFailed: 0x42,
  functionNotSupported: 0x54,
  keyHandleInvalid: 0x60,
  keyTypeInconsistent: 0x63,
  keyFunctionNotPermitted: 0x68,
  mechanismInvalid: 0x70,
  mechanismParamInvalid: 0x71,
  objectHandleInvalid: 0x82,
  operationActive: 0x90,
  pinIncorrect: 0xa0,
  pinInvalid: 0xa1,
  pinLenRange: 0xa2,
  pinExpired: 0xa3,
  pinLocked: 0xa4,
  sessionClosed: 0xb0,
  sessionHandleInvalid: 0xb3,
  tokenNotPresent: 0xe0,
  unwrappingKeyHandleInvalid: 0xf0,
  userAlreadyLoggedIn: 0x100,
  userNotLoggedIn: 0x101,
  wrappedKeyInvalid: 0x110,
  wrappedKeyLenRange: 0x112,
  wrappingKeyHandleInvalid: 0x113,
} as const;

/** Mechanisms (CKM_…) that kmipd uses. */
export const ckm = {
  rsaPkcsOaep: 0x0009,
  sha1: 0x0220,
  sha256: 0x0250,
  aesKeyGen: 0x1080,
  aesGcm: 0x1087,
  aesKeyWrap: 0x2109,
  aesKeyWrapPad: 0x210a,
  aesKeyWrapKwp: 0x210b,
} as const;

/** Flags of a mechanism (CKF_…, CK_MECHANISM_INFO). */
export const mechanismFlags = {
  encrypt: 0x0000_0100,
  decrypt: 0x0000_0200,
  sign: 0x0000_0800,
  verify: 0x0000_2000,
  generate: 0x0000_8000,
  generateKeyPair: 0x0001_0000,
  wrap: 0x0002_0000,
  unwrap: 0x0004_0000,
  derive: 0x0008_0000,
} as const;

/** Flags of a token (CKF_…, CK_TOKEN_INFO). */
export const tokenFlags = {
  loginRequired: 0x0000_0004,
  userPinInitialized: 0x0000_0008,
  tokenInitialized: 0x0000_0400,
  userPinCountLow: 0x0001_0000,
  userPinFinalTry: 0x0002_0000,
  userPinLocked: 0x0004_0000,
} as const;

/** Attributes (CKA_…). */
export const cka = {
  class: 0x00,
  token: 0x01,
  private: 0x02,
  label: 0x03,
  value: 0x11,
  keyType: 0x100,
  id: 0x102,
  sensitive: 0x103,
  encrypt: 0x104,
  decrypt: 0x105,
  wrap: 0x106,
  unwrap: 0x107,
  sign: 0x108,
  verify: 0x10a,
  derive: 0x10c,
  modulus: 0x120,
  publicExponent: 0x122,
  valueLen: 0x161,
  extractable: 0x162,
  local: 0x163,
  neverExtractable: 0x164,
} as const;

/** Classes of objects (CKO_…). */
export const cko = { publicKey: 2, privateKey: 3, secretKey: 4 } as const;

/** Types of keys (CKK_…). */
export const ckk = { rsa: 0x00, genericSecret: 0x10, aes: 0x1f } as const;

/** Flags of a session (CKF_…). */
export const sessionFlags = { readWrite: 0x02, serial: 0x04 } as const;

/** The type of user (CKU_USER) that has private keys. */
export const userTypeUser = 1;

/** Mask generation functions of OAEP (CKG_MGF1_…), and where its label comes from (CKZ_DATA_SPECIFIED). */
export const oaep = { mgf1Sha1: 1, mgf1Sha256: 2, dataSpecified: 1 } as const;
