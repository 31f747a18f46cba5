import { enumeration, type MemberOf } from './enumeration.ts';

/*
 * Every enumeration of KMIP 1.0 to 2.1 (KMIP 2.1 §11, 1.4 §9.1.3.2), with the names of the XML encoding. A
 * row has the number on the wire, the name, the first version (1.0 when left out) and the last version, if
 * any.
 */

export const AdjustmentType = enumeration('AdjustmentType', [
  [0x1, 'Increment', '2.0'],
  [0x2, 'Decrement', '2.0'],
  [0x3, 'Negate', '2.0'],
]);
export type AdjustmentType = MemberOf<typeof AdjustmentType>;

export const AlternativeNameType = enumeration('AlternativeNameType', [
  [0x1, 'UninterpretedTextString', '1.2'],
  [0x2, 'URI', '1.2'],
  [0x3, 'ObjectSerialNumber', '1.2'],
  [0x4, 'EmailAddress', '1.2'],
  [0x5, 'DNSName', '1.2'],
  [0x6, 'X_500DistinguishedName', '1.2'],
  [0x7, 'IPAddress', '1.2'],
]);
export type AlternativeNameType = MemberOf<typeof AlternativeNameType>;

export const AsynchronousIndicator = enumeration('AsynchronousIndicator', [
  [0x1, 'Mandatory', '2.0'],
  [0x2, 'Optional', '2.0'],
  [0x3, 'Prohibited', '2.0'],
]);
export type AsynchronousIndicator = MemberOf<typeof AsynchronousIndicator>;

export const AttestationType = enumeration('AttestationType', [
  [0x1, 'TPMQuote', '1.2'],
  [0x2, 'TCGIntegrityReport', '1.2'],
  [0x3, 'SAMLAssertion', '1.2'],
]);
export type AttestationType = MemberOf<typeof AttestationType>;

export const BatchErrorContinuationOption = enumeration('BatchErrorContinuationOption', [
  [0x1, 'Continue'],
  [0x2, 'Stop'],
  [0x3, 'Undo'],
]);
export type BatchErrorContinuationOption = MemberOf<typeof BatchErrorContinuationOption>;

export const BlockCipherMode = enumeration('BlockCipherMode', [
  [0x1, 'CBC'],
  [0x2, 'ECB'],
  [0x3, 'PCBC'],
  [0x4, 'CFB'],
  [0x5, 'OFB'],
  [0x6, 'CTR'],
  [0x7, 'CMAC'],
  [0x8, 'CCM'],
  [0x9, 'GCM'],
  [0xa, 'CBC_MAC'],
  [0xb, 'XTS'],
  [0xc, 'AESKeyWrapPadding'],
  [0xd, 'NISTKeyWrap'],
  [0xe, 'X9_102AESKW'],
  [0xf, 'X9_102TDKW'],
  [0x10, 'X9_102AKW1'],
  [0x11, 'X9_102AKW2'],
  [0x12, 'AEAD', '1.4'],
]);
export type BlockCipherMode = MemberOf<typeof BlockCipherMode>;

export const CancellationResult = enumeration('CancellationResult', [
  [0x1, 'Canceled'],
  [0x2, 'UnableToCancel'],
  [0x3, 'Completed'],
  [0x4, 'Failed'],
  [0x5, 'Unavailable'],
]);
export type CancellationResult = MemberOf<typeof CancellationResult>;

export const CertificateRequestType = enumeration('CertificateRequestType', [
  [0x1, 'CRMF'],
  [0x2, 'PKCS_10'],
  [0x3, 'PEM'],
  [0x4, 'PGP', '1.0', '1.4'],
]);
export type CertificateRequestType = MemberOf<typeof CertificateRequestType>;

export const CertificateType = enumeration('CertificateType', [
  [0x1, 'X_509'],
  [0x2, 'PGP'],
]);
export type CertificateType = MemberOf<typeof CertificateType>;

export const ClientRegistrationMethod = enumeration('ClientRegistrationMethod', [
  [0x1, 'Unspecified', '1.3'],
  [0x2, 'ServerPreGenerated', '1.3'],
  [0x3, 'ServerOnDemand', '1.3'],
  [0x4, 'ClientGenerated', '1.3'],
  [0x5, 'ClientRegistered', '1.3'],
]);
export type ClientRegistrationMethod = MemberOf<typeof ClientRegistrationMethod>;

export const CredentialType = enumeration('CredentialType', [
  [0x1, 'UsernameAndPassword'],
  [0x2, 'Device', '1.1'],
  [0x3, 'Attestation', '1.2'],
  [0x4, 'OneTimePassword', '2.0'],
  [0x5, 'HashedPassword', '2.0'],
  [0x6, 'Ticket', '2.0'],
]);
export type CredentialType = MemberOf<typeof CredentialType>;

export const CryptographicAlgorithm = enumeration('CryptographicAlgorithm', [
  [0x1, 'DES'],
  [0x2, 'DES3'],
  [0x3, 'AES'],
  [0x4, 'RSA'],
  [0x5, 'DSA'],
  [0x6, 'ECDSA'],
  [0x7, 'HMAC_SHA1'],
  [0x8, 'HMAC_SHA224'],
  [0x9, 'HMAC_SHA256'],
  [0xa, 'HMAC_SHA384'],
  [0xb, 'HMAC_SHA512'],
  [0xc, 'HMAC_MD5'],
  [0xd, 'DH'],
  [0xe, 'ECDH'],
  [0xf, 'ECMQV'],
  [0x10, 'Blowfish'],
  [0x11, 'Camellia'],
  [0x12, 'CAST5'],
  [0x13, 'IDEA'],
  [0x14, 'MARS'],
  [0x15, 'RC2'],
  [0x16, 'RC4'],
  [0x17, 'RC5'],
  [0x18, 'SKIPJACK'],
  [0x19, 'Twofish'],
  [0x1a, 'EC', '1.2'],
  [0x1b, 'OneTimePad', '1.3'],
  [0x1c, 'ChaCha20', '1.4'],
  [0x1d, 'Poly1305', '1.4'],
  [0x1e, 'ChaCha20Poly1305', '1.4'],
  [0x1f, 'SHA3_224', '1.4'],
  [0x20, 'SHA3_256', '1.4'],
  [0x21, 'SHA3_384', '1.4'],
  [0x22, 'SHA3_512', '1.4'],
  [0x23, 'HMAC_SHA3_224', '1.4'],
  [0x24, 'HMAC_SHA3_256', '1.4'],
  [0x25, 'HMAC_SHA3_384', '1.4'],
  [0x26, 'HMAC_SHA3_512', '1.4'],
  [0x27, 'SHAKE_128', '1.4'],
  [0x28, 'SHAKE_256', '1.4'],
  [0x29, 'ARIA', '2.0'],
  [0x2a, 'SEED', '2.0'],
  [0x2b, 'SM2', '2.0'],
  [0x2c, 'SM3', '2.0'],
  [0x2d, 'SM4', '2.0'],
  [0x2e, 'GOSTR34_10_2012', '2.0'],
  [0x2f, 'GOSTR34_11_2012', '2.0'],
  [0x30, 'GOSTR34_13_2015', '2.0'],
  [0x31, 'GOST28147_89', '2.0'],
  [0x32, 'XMSS', '2.0'],
  [0x33, 'SPHINCS_256', '2.0'],
  [0x34, 'McEliece', '2.0'],
  [0x35, 'McEliece_6960119', '2.0'],
  [0x36, 'McEliece_8192128', '2.0'],
  [0x37, 'Ed25519', '2.0'],
  [0x38, 'Ed448', '2.0'],
  // Values of 3.0, which clients of 2.1 use already: docs/decisions/20-post-quantum.md.
  [0x39, 'ML_KEM_512', '2.1'],
  [0x3a, 'ML_KEM_768', '2.1'],
  [0x3b, 'ML_KEM_1024', '2.1'],
  [0x3c, 'ML_DSA_44', '2.1'],
  [0x3d, 'ML_DSA_65', '2.1'],
  [0x3e, 'ML_DSA_87', '2.1'],
  [0x3f, 'SLH_DSA_SHA2_128s', '2.1'],
  [0x40, 'SLH_DSA_SHA2_128f', '2.1'],
  [0x41, 'SLH_DSA_SHA2_192s', '2.1'],
  [0x42, 'SLH_DSA_SHA2_192f', '2.1'],
  [0x43, 'SLH_DSA_SHA2_256s', '2.1'],
  [0x44, 'SLH_DSA_SHA2_256f', '2.1'],
  [0x45, 'SLH_DSA_SHAKE_128s', '2.1'],
  [0x46, 'SLH_DSA_SHAKE_128f', '2.1'],
  [0x47, 'SLH_DSA_SHAKE_192s', '2.1'],
  [0x48, 'SLH_DSA_SHAKE_192f', '2.1'],
  [0x49, 'SLH_DSA_SHAKE_256s', '2.1'],
  [0x4a, 'SLH_DSA_SHAKE_256f', '2.1'],
]);
export type CryptographicAlgorithm = MemberOf<typeof CryptographicAlgorithm>;

export const DRBGAlgorithm = enumeration('DRBGAlgorithm', [
  [0x1, 'Unspecified', '1.3'],
  [0x2, 'Dual_EC', '1.3'],
  [0x3, 'Hash', '1.3'],
  [0x4, 'HMAC', '1.3'],
  [0x5, 'CTR', '1.3'],
]);
export type DRBGAlgorithm = MemberOf<typeof DRBGAlgorithm>;

export const Data = enumeration(
  'Data',
  [
    [0x1, 'Decrypt', '2.0'],
    [0x2, 'Encrypt', '2.0'],
    [0x3, 'Hash', '2.0'],
    [0x4, 'MACMACData', '2.0'],
    [0x5, 'RNGRetrieve', '2.0'],
    [0x6, 'SignSignatureData', '2.0'],
    [0x7, 'SignatureVerify', '2.0'],
  ],
  { MAC: 'MACMACData', Sign: 'SignSignatureData' },
);
export type Data = MemberOf<typeof Data>;

export const DerivationMethod = enumeration('DerivationMethod', [
  [0x1, 'PBKDF2'],
  [0x2, 'HASH'],
  [0x3, 'HMAC'],
  [0x4, 'ENCRYPT'],
  [0x5, 'NIST800_108_C'],
  [0x6, 'NIST800_108_F'],
  [0x7, 'NIST800_108_DPI'],
  [0x8, 'AsymmetricKey', '1.4'],
  [0x9, 'AWSSignatureVersion4', '2.0'],
  [0xa, 'HKDF', '2.0'],
]);
export type DerivationMethod = MemberOf<typeof DerivationMethod>;

export const DestroyAction = enumeration('DestroyAction', [
  [0x1, 'Unspecified', '1.3'],
  [0x2, 'KeyMaterialDeleted', '1.3'],
  [0x3, 'KeyMaterialShredded', '1.3'],
  [0x4, 'MetaDataDeleted', '1.3'],
  [0x5, 'MetaDataShredded', '1.3'],
  [0x6, 'Deleted', '1.3'],
  [0x7, 'Shredded', '1.3'],
]);
export type DestroyAction = MemberOf<typeof DestroyAction>;

export const DigitalSignatureAlgorithm = enumeration(
  'DigitalSignatureAlgorithm',
  [
    [0x1, 'MD2WithRSAEncryption', '1.1'],
    [0x2, 'MD5WithRSAEncryption', '1.1'],
    [0x3, 'SHA_1WithRSAEncryption', '1.1'],
    [0x4, 'SHA_224WithRSAEncryption', '1.1'],
    [0x5, 'SHA_256WithRSAEncryption', '1.1'],
    [0x6, 'SHA_384WithRSAEncryption', '1.1'],
    [0x7, 'SHA_512WithRSAEncryption', '1.1'],
    [0x8, 'RSASSA_PSS', '1.1'],
    [0x9, 'DSAWithSHA_1', '1.1'],
    [0xa, 'DSAWithSHA224', '1.1'],
    [0xb, 'DSAWithSHA256', '1.1'],
    [0xc, 'ECDSAWithSHA_1', '1.1'],
    [0xd, 'ECDSAWithSHA224', '1.1'],
    [0xe, 'ECDSAWithSHA256', '1.1'],
    [0xf, 'ECDSAWithSHA384', '1.1'],
    [0x10, 'ECDSAWithSHA512', '1.1'],
    [0x11, 'SHA3_256WithRSAEncryption', '1.4'],
    [0x12, 'SHA3_384WithRSAEncryption', '1.4'],
    [0x13, 'SHA3_512WithRSAEncryption', '1.4'],
  ],
  {
    MD2WithRSAEncryptionPKCS_1V1_5: 'MD2WithRSAEncryption',
    MD5WithRSAEncryptionPKCS_1V1_5: 'MD5WithRSAEncryption',
    SHA_1WithRSAEncryptionPKCS_1V1_5: 'SHA_1WithRSAEncryption',
    SHA_224WithRSAEncryptionPKCS_1V1_5: 'SHA_224WithRSAEncryption',
    SHA_256WithRSAEncryptionPKCS_1V1_5: 'SHA_256WithRSAEncryption',
    SHA_384WithRSAEncryptionPKCS_1V1_5: 'SHA_384WithRSAEncryption',
    SHA_512WithRSAEncryptionPKCS_1V1_5: 'SHA_512WithRSAEncryption',
    RSASSA_PSSPKCS_1V2_1: 'RSASSA_PSS',
  },
);
export type DigitalSignatureAlgorithm = MemberOf<typeof DigitalSignatureAlgorithm>;

export const EncodingOption = enumeration('EncodingOption', [
  [0x1, 'NoEncoding', '1.1'],
  [0x2, 'TTLVEncoding', '1.1'],
]);
export type EncodingOption = MemberOf<typeof EncodingOption>;

export const EndpointRole = enumeration('EndpointRole', [
  [0x1, 'Client', '2.0'],
  [0x2, 'Server', '2.0'],
]);
export type EndpointRole = MemberOf<typeof EndpointRole>;

export const FIPS186Variation = enumeration('FIPS186Variation', [
  [0x1, 'Unspecified', '1.3'],
  [0x2, 'GPXOriginal', '1.3'],
  [0x3, 'GPXChangeNotice', '1.3'],
  [0x4, 'XOriginal', '1.3'],
  [0x5, 'XChangeNotice', '1.3'],
  [0x6, 'KOriginal', '1.3'],
  [0x7, 'KChangeNotice', '1.3'],
]);
export type FIPS186Variation = MemberOf<typeof FIPS186Variation>;

export const HashingAlgorithm = enumeration(
  'HashingAlgorithm',
  [
    [0x1, 'MD2'],
    [0x2, 'MD4'],
    [0x3, 'MD5'],
    [0x4, 'SHA_1'],
    [0x5, 'SHA_224'],
    [0x6, 'SHA_256'],
    [0x7, 'SHA_384'],
    [0x8, 'SHA_512'],
    [0x9, 'RIPEMD_160'],
    [0xa, 'Tiger'],
    [0xb, 'Whirlpool'],
    [0xc, 'SHA_512_224', '1.2'],
    [0xd, 'SHA_512_256', '1.2'],
    [0xe, 'SHA3_224', '1.4'],
    [0xf, 'SHA3_256', '1.4'],
    [0x10, 'SHA3_384', '1.4'],
    [0x11, 'SHA3_512', '1.4'],
  ],
  { SHA_3_224: 'SHA3_224', SHA_3_256: 'SHA3_256', SHA_3_384: 'SHA3_384', SHA_3_512: 'SHA3_512' },
);
export type HashingAlgorithm = MemberOf<typeof HashingAlgorithm>;

export const InteropFunction = enumeration('InteropFunction', [
  [0x1, 'Begin', '2.0'],
  [0x2, 'End', '2.0'],
  [0x3, 'Reset', '2.0'],
]);
export type InteropFunction = MemberOf<typeof InteropFunction>;

export const ItemType = enumeration('ItemType', [
  [0x1, 'Structure', '2.0'],
  [0x2, 'Integer', '2.0'],
  [0x3, 'LongInteger', '2.0'],
  [0x4, 'BigInteger', '2.0'],
  [0x5, 'Enumeration', '2.0'],
  [0x6, 'Boolean', '2.0'],
  [0x7, 'TextString', '2.0'],
  [0x8, 'ByteString', '2.0'],
  [0x9, 'DateTime', '2.0'],
  [0xa, 'Interval', '2.0'],
  [0xb, 'DateTimeExtended', '2.0'],
]);
export type ItemType = MemberOf<typeof ItemType>;

export const KeyCompressionType = enumeration('KeyCompressionType', [
  [0x1, 'ECPublicKeyTypeUncompressed'],
  [0x2, 'ECPublicKeyTypeX9_62CompressedPrime'],
  [0x3, 'ECPublicKeyTypeX9_62CompressedChar2'],
  [0x4, 'ECPublicKeyTypeX9_62Hybrid'],
]);
export type KeyCompressionType = MemberOf<typeof KeyCompressionType>;

export const KeyFormatType = enumeration('KeyFormatType', [
  [0x1, 'Raw'],
  [0x2, 'Opaque'],
  [0x3, 'PKCS_1'],
  [0x4, 'PKCS_8'],
  [0x5, 'X_509'],
  [0x6, 'ECPrivateKey'],
  [0x7, 'TransparentSymmetricKey'],
  [0x8, 'TransparentDSAPrivateKey'],
  [0x9, 'TransparentDSAPublicKey'],
  [0xa, 'TransparentRSAPrivateKey'],
  [0xb, 'TransparentRSAPublicKey'],
  [0xc, 'TransparentDHPrivateKey'],
  [0xd, 'TransparentDHPublicKey'],
  [0xe, 'TransparentECDSAPrivateKey', '1.0', '1.4'],
  [0xf, 'TransparentECDSAPublicKey', '1.0', '1.4'],
  [0x10, 'TransparentECDHPrivateKey', '1.0', '1.4'],
  [0x11, 'TransparentECDHPublicKey', '1.0', '1.4'],
  [0x12, 'TransparentECMQVPrivateKey', '1.0', '1.4'],
  [0x13, 'TransparentECMQVPublicKey', '1.0', '1.4'],
  [0x14, 'TransparentECPrivateKey', '1.3'],
  [0x15, 'TransparentECPublicKey', '1.3'],
  [0x16, 'PKCS_12', '1.4'],
  [0x17, 'PKCS_10', '2.0'],
]);
export type KeyFormatType = MemberOf<typeof KeyFormatType>;

export const KeyRoleType = enumeration('KeyRoleType', [
  [0x1, 'BDK'],
  [0x2, 'CVK'],
  [0x3, 'DEK'],
  [0x4, 'MKAC'],
  [0x5, 'MKSMC'],
  [0x6, 'MKSMI'],
  [0x7, 'MKDAC'],
  [0x8, 'MKDN'],
  [0x9, 'MKCP'],
  [0xa, 'MKOTH'],
  [0xb, 'KEK'],
  [0xc, 'MAC16609'],
  [0xd, 'MAC97971'],
  [0xe, 'MAC97972'],
  [0xf, 'MAC97973'],
  [0x10, 'MAC97974'],
  [0x11, 'MAC97975'],
  [0x12, 'ZPK'],
  [0x13, 'PVKIBM'],
  [0x14, 'PVKPVV'],
  [0x15, 'PVKOTH'],
  [0x16, 'DUKPT', '1.4'],
  [0x17, 'IV', '1.4'],
  [0x18, 'TRKBK', '1.4'],
]);
export type KeyRoleType = MemberOf<typeof KeyRoleType>;

export const KeyValueLocationType = enumeration('KeyValueLocationType', [
  [0x1, 'UninterpretedTextString', '1.2'],
  [0x2, 'URI', '1.2'],
]);
export type KeyValueLocationType = MemberOf<typeof KeyValueLocationType>;

export const KeyWrapType = enumeration('KeyWrapType', [
  [0x1, 'NotWrapped', '1.4'],
  [0x2, 'AsRegistered', '1.4'],
]);
export type KeyWrapType = MemberOf<typeof KeyWrapType>;

export const LinkType = enumeration('LinkType', [
  [0x101, 'CertificateLink'],
  [0x102, 'PublicKeyLink'],
  [0x103, 'PrivateKeyLink'],
  [0x104, 'DerivationBaseObjectLink'],
  [0x105, 'DerivedKeyLink'],
  [0x106, 'ReplacementObjectLink'],
  [0x107, 'ReplacedObjectLink'],
  [0x108, 'ParentLink', '1.2'],
  [0x109, 'ChildLink', '1.2'],
  [0x10a, 'PreviousLink', '1.2'],
  [0x10b, 'NextLink', '1.2'],
  [0x10c, 'PKCS_12CertificateLink', '1.4'],
  [0x10d, 'PKCS_12PasswordLink', '1.4'],
  [0x10e, 'WrappingKeyLink', '2.0'],
]);
export type LinkType = MemberOf<typeof LinkType>;

export const MaskGenerator = enumeration('MaskGenerator', [[0x1, 'MGF1', '1.4']], { MFG1: 'MGF1' });
export type MaskGenerator = MemberOf<typeof MaskGenerator>;

export const NISTKeyType = enumeration('NISTKeyType', [
  [0x1, 'PrivateSignatureKey', '2.0'],
  [0x2, 'PublicSignatureVerificationKey', '2.0'],
  [0x3, 'SymmetricAuthenticationKey', '2.0'],
  [0x4, 'PrivateAuthenticationKey', '2.0'],
  [0x5, 'PublicAuthenticationKey', '2.0'],
  [0x6, 'SymmetricDataEncryptionKey', '2.0'],
  [0x7, 'SymmetricKeyWrappingKey', '2.0'],
  [0x8, 'SymmetricRandomNumberGenerationKey', '2.0'],
  [0x9, 'SymmetricMasterKey', '2.0'],
  [0xa, 'PrivateKeyTransportKey', '2.0'],
  [0xb, 'PublicKeyTransportKey', '2.0'],
  [0xc, 'SymmetricKeyAgreementKey', '2.0'],
  [0xd, 'PrivateStaticKeyAgreementKey', '2.0'],
  [0xe, 'PublicStaticKeyAgreementKey', '2.0'],
  [0xf, 'PrivateEphemeralKeyAgreementKey', '2.0'],
  [0x10, 'PublicEphemeralKeyAgreementKey', '2.0'],
  [0x11, 'SymmetricAuthorizationKey', '2.0'],
  [0x12, 'PrivateAuthorizationKey', '2.0'],
  [0x13, 'PublicAuthorizationKey', '2.0'],
]);
export type NISTKeyType = MemberOf<typeof NISTKeyType>;

export const NameType = enumeration('NameType', [
  [0x1, 'UninterpretedTextString'],
  [0x2, 'URI'],
]);
export type NameType = MemberOf<typeof NameType>;

export const ObjectGroupMember = enumeration('ObjectGroupMember', [
  [0x1, 'GroupMemberFresh', '1.1'],
  [0x2, 'GroupMemberDefault', '1.1'],
]);
export type ObjectGroupMember = MemberOf<typeof ObjectGroupMember>;

export const ObjectType = enumeration('ObjectType', [
  [0x1, 'Certificate'],
  [0x2, 'SymmetricKey'],
  [0x3, 'PublicKey'],
  [0x4, 'PrivateKey'],
  [0x5, 'SplitKey'],
  [0x6, 'Template', '1.0', '1.4'],
  [0x7, 'SecretData'],
  [0x8, 'OpaqueObject'],
  [0x9, 'PGPKey', '1.2'],
  [0xa, 'CertificateRequest', '2.0'],
]);
export type ObjectType = MemberOf<typeof ObjectType>;

export const Operation = enumeration('Operation', [
  [0x1, 'Create'],
  [0x2, 'CreateKeyPair'],
  [0x3, 'Register'],
  [0x4, 'ReKey'],
  [0x5, 'DeriveKey'],
  [0x6, 'Certify'],
  [0x7, 'ReCertify'],
  [0x8, 'Locate'],
  [0x9, 'Check'],
  [0xa, 'Get'],
  [0xb, 'GetAttributes'],
  [0xc, 'GetAttributeList'],
  [0xd, 'AddAttribute'],
  [0xe, 'ModifyAttribute'],
  [0xf, 'DeleteAttribute'],
  [0x10, 'ObtainLease'],
  [0x11, 'GetUsageAllocation'],
  [0x12, 'Activate'],
  [0x13, 'Revoke'],
  [0x14, 'Destroy'],
  [0x15, 'Archive'],
  [0x16, 'Recover'],
  [0x17, 'Validate'],
  [0x18, 'Query'],
  [0x19, 'Cancel'],
  [0x1a, 'Poll'],
  [0x1b, 'Notify'],
  [0x1c, 'Put'],
  [0x1d, 'ReKeyKeyPair', '1.1'],
  [0x1e, 'DiscoverVersions', '1.1'],
  [0x1f, 'Encrypt', '1.2'],
  [0x20, 'Decrypt', '1.2'],
  [0x21, 'Sign', '1.2'],
  [0x22, 'SignatureVerify', '1.2'],
  [0x23, 'MAC', '1.2'],
  [0x24, 'MACVerify', '1.2'],
  [0x25, 'RNGRetrieve', '1.2'],
  [0x26, 'RNGSeed', '1.2'],
  [0x27, 'Hash', '1.2'],
  [0x28, 'CreateSplitKey', '1.2'],
  [0x29, 'JoinSplitKey', '1.2'],
  [0x2a, 'Import', '1.4'],
  [0x2b, 'Export', '1.4'],
  [0x2c, 'Log', '2.0'],
  [0x2d, 'Login', '2.0'],
  [0x2e, 'Logout', '2.0'],
  [0x2f, 'DelegatedLogin', '2.0'],
  [0x30, 'AdjustAttribute', '2.0'],
  [0x31, 'SetAttribute', '2.0'],
  [0x32, 'SetEndpointRole', '2.0'],
  [0x33, 'PKCS_11', '2.0'],
  [0x34, 'Interop', '2.0'],
  [0x35, 'ReProvision', '2.0'],
  [0x36, 'SetDefaults', '2.1'],
  [0x37, 'SetConstraints', '2.1'],
  [0x38, 'GetConstraints', '2.1'],
  [0x39, 'QueryAsynchronousRequests', '2.1'],
  [0x3a, 'Process', '2.1'],
  [0x3b, 'Ping', '2.1'],
]);
export type Operation = MemberOf<typeof Operation>;

export const PaddingMethod = enumeration('PaddingMethod', [
  [0x1, 'None'],
  [0x2, 'OAEP'],
  [0x3, 'PKCS5'],
  [0x4, 'SSL3'],
  [0x5, 'Zeros'],
  [0x6, 'ANSIX9_23'],
  [0x7, 'ISO10126'],
  [0x8, 'PKCS1V1_5'],
  [0x9, 'X9_31'],
  [0xa, 'PSS'],
]);
export type PaddingMethod = MemberOf<typeof PaddingMethod>;

export const ProcessingStage = enumeration('ProcessingStage', [
  [0x1, 'Submitted', '2.1'],
  [0x2, 'InProcess', '2.1'],
  [0x3, 'Completed', '2.1'],
]);
export type ProcessingStage = MemberOf<typeof ProcessingStage>;

export const ProfileName = enumeration('ProfileName', [
  [0x1, 'BaselineServerBasicKMIPV1_2', '1.3', '1.4'],
  [0x2, 'BaselineServerTLSV1_2KMIPV1_2', '1.3', '1.4'],
  [0x3, 'BaselineClientBasicKMIPV1_2', '1.3', '1.4'],
  [0x4, 'BaselineClientTLSV1_2KMIPV1_2', '1.3', '1.4'],
  [0x5, 'CompleteServerBasicKMIPV1_2', '1.3', '1.4'],
  [0x6, 'CompleteServerTLSV1_2KMIPV1_2', '1.3', '1.4'],
  [0x7, 'TapeLibraryClientKMIPV1_0', '1.3', '1.4'],
  [0x8, 'TapeLibraryClientKMIPV1_1', '1.3', '1.4'],
  [0x9, 'TapeLibraryClientKMIPV1_2', '1.3', '1.4'],
  [0xa, 'TapeLibraryServerKMIPV1_0', '1.3', '1.4'],
  [0xb, 'TapeLibraryServerKMIPV1_1', '1.3', '1.4'],
  [0xc, 'TapeLibraryServerKMIPV1_2', '1.3', '1.4'],
  [0xd, 'SymmetricKeyLifecycleClientKMIPV1_0', '1.3', '1.4'],
  [0xe, 'SymmetricKeyLifecycleClientKMIPV1_1', '1.3', '1.4'],
  [0xf, 'SymmetricKeyLifecycleClientKMIPV1_2', '1.3', '1.4'],
  [0x10, 'SymmetricKeyLifecycleServerKMIPV1_0', '1.3', '1.4'],
  [0x11, 'SymmetricKeyLifecycleServerKMIPV1_1', '1.3', '1.4'],
  [0x12, 'SymmetricKeyLifecycleServerKMIPV1_2', '1.3', '1.4'],
  [0x13, 'AsymmetricKeyLifecycleClientKMIPV1_0', '1.3', '1.4'],
  [0x14, 'AsymmetricKeyLifecycleClientKMIPV1_1', '1.3', '1.4'],
  [0x15, 'AsymmetricKeyLifecycleClientKMIPV1_2', '1.3', '1.4'],
  [0x16, 'AsymmetricKeyLifecycleServerKMIPV1_0', '1.3', '1.4'],
  [0x17, 'AsymmetricKeyLifecycleServerKMIPV1_1', '1.3', '1.4'],
  [0x18, 'AsymmetricKeyLifecycleServerKMIPV1_2', '1.3', '1.4'],
  [0x19, 'BasicCryptographicClientKMIPV1_2', '1.3', '1.4'],
  [0x1a, 'BasicCryptographicServerKMIPV1_2', '1.3', '1.4'],
  [0x1b, 'AdvancedCryptographicClientKMIPV1_2', '1.3', '1.4'],
  [0x1c, 'AdvancedCryptographicServerKMIPV1_2', '1.3', '1.4'],
  [0x1d, 'RNGCryptographicClientKMIPV1_2', '1.3', '1.4'],
  [0x1e, 'RNGCryptographicServerKMIPV1_2', '1.3', '1.4'],
  [0x1f, 'BasicSymmetricKeyFoundryClientKMIPV1_0', '1.3', '1.4'],
  [0x20, 'IntermediateSymmetricKeyFoundryClientKMIPV1_0', '1.3', '1.4'],
  [0x21, 'AdvancedSymmetricKeyFoundryClientKMIPV1_0', '1.3', '1.4'],
  [0x22, 'BasicSymmetricKeyFoundryClientKMIPV1_1', '1.3', '1.4'],
  [0x23, 'IntermediateSymmetricKeyFoundryClientKMIPV1_1', '1.3', '1.4'],
  [0x24, 'AdvancedSymmetricKeyFoundryClientKMIPV1_1', '1.3', '1.4'],
  [0x25, 'BasicSymmetricKeyFoundryClientKMIPV1_2', '1.3', '1.4'],
  [0x26, 'IntermediateSymmetricKeyFoundryClientKMIPV1_2', '1.3', '1.4'],
  [0x27, 'AdvancedSymmetricKeyFoundryClientKMIPV1_2', '1.3', '1.4'],
  [0x28, 'SymmetricKeyFoundryServerKMIPV1_0', '1.3', '1.4'],
  [0x29, 'SymmetricKeyFoundryServerKMIPV1_1', '1.3', '1.4'],
  [0x2a, 'SymmetricKeyFoundryServerKMIPV1_2', '1.3', '1.4'],
  [0x2b, 'OpaqueManagedObjectStoreClientKMIPV1_0', '1.3', '1.4'],
  [0x2c, 'OpaqueManagedObjectStoreClientKMIPV1_1', '1.3', '1.4'],
  [0x2d, 'OpaqueManagedObjectStoreClientKMIPV1_2', '1.3', '1.4'],
  [0x2e, 'OpaqueManagedObjectStoreServerKMIPV1_0', '1.3', '1.4'],
  [0x2f, 'OpaqueManagedObjectStoreServerKMIPV1_1', '1.3', '1.4'],
  [0x30, 'OpaqueManagedObjectStoreServerKMIPV1_2', '1.3', '1.4'],
  [0x31, 'SuiteBMinLOS_128ClientKMIPV1_0', '1.3', '1.4'],
  [0x32, 'SuiteBMinLOS_128ClientKMIPV1_1', '1.3', '1.4'],
  [0x33, 'SuiteBMinLOS_128ClientKMIPV1_2', '1.3', '1.4'],
  [0x34, 'SuiteBMinLOS_128ServerKMIPV1_0', '1.3', '1.4'],
  [0x35, 'SuiteBMinLOS_128ServerKMIPV1_1', '1.3', '1.4'],
  [0x36, 'SuiteBMinLOS_128ServerKMIPV1_2', '1.3', '1.4'],
  [0x37, 'SuiteBMinLOS_192ClientKMIPV1_0', '1.3', '1.4'],
  [0x38, 'SuiteBMinLOS_192ClientKMIPV1_1', '1.3', '1.4'],
  [0x39, 'SuiteBMinLOS_192ClientKMIPV1_2', '1.3', '1.4'],
  [0x3a, 'SuiteBMinLOS_192ServerKMIPV1_0', '1.3', '1.4'],
  [0x3b, 'SuiteBMinLOS_192ServerKMIPV1_1', '1.3', '1.4'],
  [0x3c, 'SuiteBMinLOS_192ServerKMIPV1_2', '1.3', '1.4'],
  [0x3d, 'StorageArrayWithSelfEncryptingDriveClientKMIPV1_0', '1.3', '1.4'],
  [0x3e, 'StorageArrayWithSelfEncryptingDriveClientKMIPV1_1', '1.3', '1.4'],
  [0x3f, 'StorageArrayWithSelfEncryptingDriveClientKMIPV1_2', '1.3', '1.4'],
  [0x40, 'StorageArrayWithSelfEncryptingDriveServerKMIPV1_0', '1.3', '1.4'],
  [0x41, 'StorageArrayWithSelfEncryptingDriveServerKMIPV1_1', '1.3', '1.4'],
  [0x42, 'StorageArrayWithSelfEncryptingDriveServerKMIPV1_2', '1.3', '1.4'],
  [0x43, 'HTTPSClientKMIPV1_0', '1.3', '1.4'],
  [0x44, 'HTTPSClientKMIPV1_1', '1.3', '1.4'],
  [0x45, 'HTTPSClientKMIPV1_2', '1.3', '1.4'],
  [0x46, 'HTTPSServerKMIPV1_0', '1.3', '1.4'],
  [0x47, 'HTTPSServerKMIPV1_1', '1.3', '1.4'],
  [0x48, 'HTTPSServerKMIPV1_2', '1.3', '1.4'],
  [0x49, 'JSONClientKMIPV1_0', '1.3', '1.4'],
  [0x4a, 'JSONClientKMIPV1_1', '1.3', '1.4'],
  [0x4b, 'JSONClientKMIPV1_2', '1.3', '1.4'],
  [0x4c, 'JSONServerKMIPV1_0', '1.3', '1.4'],
  [0x4d, 'JSONServerKMIPV1_1', '1.3', '1.4'],
  [0x4e, 'JSONServerKMIPV1_2', '1.3', '1.4'],
  [0x4f, 'XMLClientKMIPV1_0', '1.3', '1.4'],
  [0x50, 'XMLClientKMIPV1_1', '1.3', '1.4'],
  [0x51, 'XMLClientKMIPV1_2', '1.3', '1.4'],
  [0x52, 'XMLServerKMIPV1_0', '1.3', '1.4'],
  [0x53, 'XMLServerKMIPV1_1', '1.3', '1.4'],
  [0x54, 'XMLServerKMIPV1_2', '1.3', '1.4'],
  [0x55, 'BaselineServerBasicKMIPV1_3', '1.3', '1.4'],
  [0x56, 'BaselineServerTLSV1_2KMIPV1_3', '1.3', '1.4'],
  [0x57, 'BaselineClientBasicKMIPV1_3', '1.3', '1.4'],
  [0x58, 'BaselineClientTLSV1_2KMIPV1_3', '1.3', '1.4'],
  [0x59, 'CompleteServerBasicKMIPV1_3', '1.3', '1.4'],
  [0x5a, 'CompleteServerTLSV1_2KMIPV1_3', '1.3', '1.4'],
  [0x5b, 'TapeLibraryClientKMIPV1_3', '1.3', '1.4'],
  [0x5c, 'TapeLibraryServerKMIPV1_3', '1.3', '1.4'],
  [0x5d, 'SymmetricKeyLifecycleClientKMIPV1_3', '1.3', '1.4'],
  [0x5e, 'SymmetricKeyLifecycleServerKMIPV1_3', '1.3', '1.4'],
  [0x5f, 'AsymmetricKeyLifecycleClientKMIPV1_3', '1.3', '1.4'],
  [0x60, 'AsymmetricKeyLifecycleServerKMIPV1_3', '1.3', '1.4'],
  [0x61, 'BasicCryptographicClientKMIPV1_3', '1.3', '1.4'],
  [0x62, 'BasicCryptographicServerKMIPV1_3', '1.3', '1.4'],
  [0x63, 'AdvancedCryptographicClientKMIPV1_3', '1.3', '1.4'],
  [0x64, 'AdvancedCryptographicServerKMIPV1_3', '1.3', '1.4'],
  [0x65, 'RNGCryptographicClientKMIPV1_3', '1.3', '1.4'],
  [0x66, 'RNGCryptographicServerKMIPV1_3', '1.3', '1.4'],
  [0x67, 'BasicSymmetricKeyFoundryClientKMIPV1_3', '1.3', '1.4'],
  [0x68, 'IntermediateSymmetricKeyFoundryClientKMIPV1_3', '1.3', '1.4'],
  [0x69, 'AdvancedSymmetricKeyFoundryClientKMIPV1_3', '1.3', '1.4'],
  [0x6a, 'SymmetricKeyFoundryServerKMIPV1_3', '1.3', '1.4'],
  [0x6b, 'OpaqueManagedObjectStoreClientKMIPV1_3', '1.3', '1.4'],
  [0x6c, 'OpaqueManagedObjectStoreServerKMIPV1_3', '1.3', '1.4'],
  [0x6d, 'SuiteBMinLOS_128ClientKMIPV1_3', '1.3', '1.4'],
  [0x6e, 'SuiteBMinLOS_128ServerKMIPV1_3', '1.3', '1.4'],
  [0x6f, 'SuiteBMinLOS_192ClientKMIPV1_3', '1.3', '1.4'],
  [0x70, 'SuiteBMinLOS_192ServerKMIPV1_3', '1.3', '1.4'],
  [0x71, 'StorageArrayWithSelfEncryptingDriveClientKMIPV1_3', '1.3', '1.4'],
  [0x72, 'StorageArrayWithSelfEncryptingDriveServerKMIPV1_3', '1.3', '1.4'],
  [0x73, 'HTTPSClientKMIPV1_3', '1.3', '1.4'],
  [0x74, 'HTTPSServerKMIPV1_3', '1.3', '1.4'],
  [0x75, 'JSONClientKMIPV1_3', '1.3', '1.4'],
  [0x76, 'JSONServerKMIPV1_3', '1.3', '1.4'],
  [0x77, 'XMLClientKMIPV1_3', '1.3', '1.4'],
  [0x78, 'XMLServerKMIPV1_3', '1.3', '1.4'],
  [0x79, 'BaselineServerBasicKMIPV1_4', '1.4', '1.4'],
  [0x7a, 'BaselineServerTLSV1_2KMIPV1_4', '1.4', '1.4'],
  [0x7b, 'BaselineClientBasicKMIPV1_4', '1.4', '1.4'],
  [0x7c, 'BaselineClientTLSV1_2KMIPV1_4', '1.4', '1.4'],
  [0x7d, 'CompleteServerBasicKMIPV1_4', '1.4', '1.4'],
  [0x7e, 'CompleteServerTLSV1_2KMIPV1_4', '1.4', '1.4'],
  [0x7f, 'TapeLibraryClientKMIPV1_4', '1.4', '1.4'],
  [0x80, 'TapeLibraryServerKMIPV1_4', '1.4', '1.4'],
  [0x81, 'SymmetricKeyLifecycleClientKMIPV1_4', '1.4', '1.4'],
  [0x82, 'SymmetricKeyLifecycleServerKMIPV1_4', '1.4', '1.4'],
  [0x83, 'AsymmetricKeyLifecycleClientKMIPV1_4', '1.4', '1.4'],
  [0x84, 'AsymmetricKeyLifecycleServerKMIPV1_4', '1.4', '1.4'],
  [0x85, 'BasicCryptographicClientKMIPV1_4', '1.4', '1.4'],
  [0x86, 'BasicCryptographicServerKMIPV1_4', '1.4', '1.4'],
  [0x87, 'AdvancedCryptographicClientKMIPV1_4', '1.4', '1.4'],
  [0x88, 'AdvancedCryptographicServerKMIPV1_4', '1.4', '1.4'],
  [0x89, 'RNGCryptographicClientKMIPV1_4', '1.4', '1.4'],
  [0x8a, 'RNGCryptographicServerKMIPV1_4', '1.4', '1.4'],
  [0x8b, 'BasicSymmetricKeyFoundryClientKMIPV1_4', '1.4', '1.4'],
  [0x8c, 'IntermediateSymmetricKeyFoundryClientKMIPV1_4', '1.4', '1.4'],
  [0x8d, 'AdvancedSymmetricKeyFoundryClientKMIPV1_4', '1.4', '1.4'],
  [0x8e, 'SymmetricKeyFoundryServerKMIPV1_4', '1.4', '1.4'],
  [0x8f, 'OpaqueManagedObjectStoreClientKMIPV1_4', '1.4', '1.4'],
  [0x90, 'OpaqueManagedObjectStoreServerKMIPV1_4', '1.4', '1.4'],
  [0x91, 'SuiteBMinLOS_128ClientKMIPV1_4', '1.4', '1.4'],
  [0x92, 'SuiteBMinLOS_128ServerKMIPV1_4', '1.4', '1.4'],
  [0x93, 'SuiteBMinLOS_192ClientKMIPV1_4', '1.4', '1.4'],
  [0x94, 'SuiteBMinLOS_192ServerKMIPV1_4', '1.4', '1.4'],
  [0x95, 'StorageArrayWithSelfEncryptingDriveClientKMIPV1_4', '1.4', '1.4'],
  [0x96, 'StorageArrayWithSelfEncryptingDriveServerKMIPV1_4', '1.4', '1.4'],
  [0x97, 'HTTPSClientKMIPV1_4', '1.4', '1.4'],
  [0x98, 'HTTPSServerKMIPV1_4', '1.4', '1.4'],
  [0x99, 'JSONClientKMIPV1_4', '1.4', '1.4'],
  [0x9a, 'JSONServerKMIPV1_4', '1.4', '1.4'],
  [0x9b, 'XMLClientKMIPV1_4', '1.4', '1.4'],
  [0x9c, 'XMLServerKMIPV1_4', '1.4', '1.4'],
  [0x104, 'CompleteServerBasic', '2.0'],
  [0x105, 'CompleteServerTLSV1_2', '2.0'],
  [0x106, 'TapeLibraryClient', '2.0'],
  [0x107, 'TapeLibraryServer', '2.0'],
  [0x108, 'SymmetricKeyLifecycleClient', '2.0'],
  [0x109, 'SymmetricKeyLifecycleServer', '2.0'],
  [0x10a, 'AsymmetricKeyLifecycleClient', '2.0'],
  [0x10b, 'AsymmetricKeyLifecycleServer', '2.0'],
  [0x10c, 'BasicCryptographicClient', '2.0'],
  [0x10d, 'BasicCryptographicServer', '2.0'],
  [0x10e, 'AdvancedCryptographicClient', '2.0'],
  [0x10f, 'AdvancedCryptographicServer', '2.0'],
  [0x110, 'RNGCryptographicClient', '2.0'],
  [0x111, 'RNGCryptographicServer', '2.0'],
  [0x112, 'BasicSymmetricKeyFoundryClient', '2.0'],
  [0x113, 'IntermediateSymmetricKeyFoundryClient', '2.0'],
  [0x114, 'AdvancedSymmetricKeyFoundryClient', '2.0'],
  [0x115, 'SymmetricKeyFoundryServer', '2.0'],
  [0x116, 'OpaqueManagedObjectStoreClient', '2.0'],
  [0x117, 'OpaqueManagedObjectStoreServer', '2.0'],
  [0x11c, 'StorageArrayWithSelfEncryptingDriveClient', '2.0'],
  [0x11d, 'StorageArrayWithSelfEncryptingDriveServer', '2.0'],
  [0x11e, 'HTTPSClient', '2.0'],
  [0x11f, 'HTTPSServer', '2.0'],
  [0x120, 'JSONClient', '2.0'],
  [0x121, 'JSONServer', '2.0'],
  [0x122, 'XMLClient', '2.0'],
  [0x123, 'XMLServer', '2.0'],
  [0x124, 'AESXTSClient', '2.0'],
  [0x125, 'AESXTSServer', '2.0'],
  [0x126, 'QuantumSafeClient', '2.0'],
  [0x127, 'QuantumSafeServer', '2.0'],
  [0x128, 'PKCS_11Client', '2.0'],
  [0x129, 'PKCS_11Server', '2.0'],
  [0x12a, 'BaselineClient', '2.0'],
  [0x12b, 'BaselineServer', '2.0'],
  [0x12c, 'CompleteServer', '2.0'],
]);
export type ProfileName = MemberOf<typeof ProfileName>;

export const ProtectionLevel = enumeration('ProtectionLevel', [
  [0x1, 'High', '2.0'],
  [0x2, 'Low', '2.0'],
]);
export type ProtectionLevel = MemberOf<typeof ProtectionLevel>;

export const PutFunction = enumeration('PutFunction', [
  [0x1, 'New'],
  [0x2, 'Replace'],
]);
export type PutFunction = MemberOf<typeof PutFunction>;

export const QueryFunction = enumeration('QueryFunction', [
  [0x1, 'QueryOperations'],
  [0x2, 'QueryObjects'],
  [0x3, 'QueryServerInformation'],
  [0x4, 'QueryApplicationNamespaces'],
  [0x5, 'QueryExtensionList', '1.1'],
  [0x6, 'QueryExtensionMap', '1.1'],
  [0x7, 'QueryAttestationTypes', '1.2'],
  [0x8, 'QueryRNGs', '1.3'],
  [0x9, 'QueryValidations', '1.3'],
  [0xa, 'QueryProfiles', '1.3'],
  [0xb, 'QueryCapabilities', '1.3'],
  [0xc, 'QueryClientRegistrationMethods', '1.3'],
  [0xd, 'QueryDefaultsInformation', '2.0'],
  [0xe, 'QueryStorageProtectionMasks', '2.0'],
]);
export type QueryFunction = MemberOf<typeof QueryFunction>;

export const RNGAlgorithm = enumeration('RNGAlgorithm', [
  [0x1, 'Unspecified', '1.3'],
  [0x2, 'FIPS186_2', '1.3'],
  [0x3, 'DRBG', '1.3'],
  [0x4, 'NRBG', '1.3'],
  [0x5, 'ANSIX9_31', '1.3'],
  [0x6, 'ANSIX9_62', '1.3'],
]);
export type RNGAlgorithm = MemberOf<typeof RNGAlgorithm>;

export const RNGMode = enumeration('RNGMode', [
  [0x1, 'Unspecified', '1.3'],
  [0x2, 'SharedInstantiation', '1.3'],
  [0x3, 'NonSharedInstantiation', '1.3'],
]);
export type RNGMode = MemberOf<typeof RNGMode>;

export const RecommendedCurve = enumeration('RecommendedCurve', [
  [0x1, 'P_192'],
  [0x2, 'K_163'],
  [0x3, 'B_163'],
  [0x4, 'P_224'],
  [0x5, 'K_233'],
  [0x6, 'B_233'],
  [0x7, 'P_256'],
  [0x8, 'K_283'],
  [0x9, 'B_283'],
  [0xa, 'P_384'],
  [0xb, 'K_409'],
  [0xc, 'B_409'],
  [0xd, 'P_521'],
  [0xe, 'K_571'],
  [0xf, 'B_571'],
  [0x10, 'SECP112R1', '1.2'],
  [0x11, 'SECP112R2', '1.2'],
  [0x12, 'SECP128R1', '1.2'],
  [0x13, 'SECP128R2', '1.2'],
  [0x14, 'SECP160K1', '1.2'],
  [0x15, 'SECP160R1', '1.2'],
  [0x16, 'SECP160R2', '1.2'],
  [0x17, 'SECP192K1', '1.2'],
  [0x18, 'SECP224K1', '1.2'],
  [0x19, 'SECP256K1', '1.2'],
  [0x1a, 'SECT113R1', '1.2'],
  [0x1b, 'SECT113R2', '1.2'],
  [0x1c, 'SECT131R1', '1.2'],
  [0x1d, 'SECT131R2', '1.2'],
  [0x1e, 'SECT163R1', '1.2'],
  [0x1f, 'SECT193R1', '1.2'],
  [0x20, 'SECT193R2', '1.2'],
  [0x21, 'SECT239K1', '1.2'],
  [0x22, 'ANSIX9P192V2', '1.2'],
  [0x23, 'ANSIX9P192V3', '1.2'],
  [0x24, 'ANSIX9P239V1', '1.2'],
  [0x25, 'ANSIX9P239V2', '1.2'],
  [0x26, 'ANSIX9P239V3', '1.2'],
  [0x27, 'ANSIX9C2PNB163V1', '1.2'],
  [0x28, 'ANSIX9C2PNB163V2', '1.2'],
  [0x29, 'ANSIX9C2PNB163V3', '1.2'],
  [0x2a, 'ANSIX9C2PNB176V1', '1.2'],
  [0x2b, 'ANSIX9C2TNB191V1', '1.2'],
  [0x2c, 'ANSIX9C2TNB191V2', '1.2'],
  [0x2d, 'ANSIX9C2TNB191V3', '1.2'],
  [0x2e, 'ANSIX9C2PNB208W1', '1.2'],
  [0x2f, 'ANSIX9C2TNB239V1', '1.2'],
  [0x30, 'ANSIX9C2TNB239V2', '1.2'],
  [0x31, 'ANSIX9C2TNB239V3', '1.2'],
  [0x32, 'ANSIX9C2PNB272W1', '1.2'],
  [0x33, 'ANSIX9C2PNB304W1', '1.2'],
  [0x34, 'ANSIX9C2TNB359V1', '1.2'],
  [0x35, 'ANSIX9C2PNB368W1', '1.2'],
  [0x36, 'ANSIX9C2TNB431R1', '1.2'],
  [0x37, 'BRAINPOOLP160R1', '1.2'],
  [0x38, 'BRAINPOOLP160T1', '1.2'],
  [0x39, 'BRAINPOOLP192R1', '1.2'],
  [0x3a, 'BRAINPOOLP192T1', '1.2'],
  [0x3b, 'BRAINPOOLP224R1', '1.2'],
  [0x3c, 'BRAINPOOLP224T1', '1.2'],
  [0x3d, 'BRAINPOOLP256R1', '1.2'],
  [0x3e, 'BRAINPOOLP256T1', '1.2'],
  [0x3f, 'BRAINPOOLP320R1', '1.2'],
  [0x40, 'BRAINPOOLP320T1', '1.2'],
  [0x41, 'BRAINPOOLP384R1', '1.2'],
  [0x42, 'BRAINPOOLP384T1', '1.2'],
  [0x43, 'BRAINPOOLP512R1', '1.2'],
  [0x44, 'BRAINPOOLP512T1', '1.2'],
  [0x45, 'CURVE25519', '2.0'],
  [0x46, 'CURVE448', '2.0'],
]);
export type RecommendedCurve = MemberOf<typeof RecommendedCurve>;

export const ResultReason = enumeration(
  'ResultReason',
  [
    [0x1, 'ItemNotFound'],
    [0x2, 'ResponseTooLarge'],
    [0x3, 'AuthenticationNotSuccessful'],
    [0x4, 'InvalidMessage'],
    [0x5, 'OperationNotSupported'],
    [0x6, 'MissingData'],
    [0x7, 'InvalidField'],
    [0x8, 'FeatureNotSupported'],
    [0x9, 'OperationCanceledByRequester'],
    [0xa, 'CryptographicFailure'],
    [0xb, 'IllegalOperation', '1.0', '1.4'],
    [0xc, 'PermissionDenied'],
    [0xd, 'ObjectArchived'],
    [0xe, 'IndexOutOfBounds', '1.0', '1.4'],
    [0xf, 'ApplicationNamespaceNotSupported'],
    [0x10, 'KeyFormatTypeNotSupported'],
    [0x11, 'KeyCompressionTypeNotSupported'],
    [0x12, 'EncodingOptionError', '1.1'],
    [0x13, 'KeyValueNotPresent', '1.2'],
    [0x14, 'AttestationRequired', '1.2'],
    [0x15, 'AttestationFailed', '1.2'],
    [0x16, 'Sensitive', '1.4'],
    [0x17, 'NotExtractable', '1.4'],
    [0x18, 'ObjectAlreadyExists', '1.4'],
    [0x19, 'InvalidTicket', '2.0'],
    [0x1a, 'UsageLimitExceeded', '2.0'],
    [0x1b, 'NumericRange', '2.0'],
    [0x1c, 'InvalidDataType', '2.0'],
    [0x1d, 'ReadOnlyAttribute', '2.0'],
    [0x1e, 'MultiValuedAttribute', '2.0'],
    [0x1f, 'UnsupportedAttribute', '2.0'],
    [0x20, 'AttributeInstanceNotFound', '2.0'],
    [0x21, 'AttributeNotFound', '2.0'],
    [0x22, 'AttributeReadOnly', '2.0'],
    [0x23, 'AttributeSingleValued', '2.0'],
    [0x24, 'BadCryptographicParameters', '2.0'],
    [0x25, 'BadPassword', '2.0'],
    [0x26, 'CodecError', '2.0'],
    [0x28, 'IllegalObjectType', '2.0'],
    [0x29, 'IncompatibleCryptographicUsageMask', '2.0'],
    [0x2a, 'InternalServerError', '2.0'],
    [0x2b, 'InvalidAsynchronousCorrelationValue', '2.0'],
    [0x2c, 'InvalidAttribute', '2.0'],
    [0x2d, 'InvalidAttributeValue', '2.0'],
    [0x2e, 'InvalidCorrelationValue', '2.0'],
    [0x2f, 'InvalidCSR', '2.0'],
    [0x30, 'InvalidObjectType', '2.0'],
    [0x32, 'KeyWrapTypeNotSupported', '2.0'],
    [0x34, 'MissingInitializationVector', '2.0'],
    [0x35, 'NonUniqueNameAttribute', '2.0'],
    [0x36, 'ObjectDestroyed', '2.0'],
    [0x37, 'ObjectNotFound', '2.0'],
    [0x39, 'NotAuthorised', '2.0'],
    [0x3a, 'ServerLimitExceeded', '2.0'],
    [0x3b, 'UnknownEnumeration', '2.0'],
    [0x3c, 'UnknownMessageExtension', '2.0'],
    [0x3d, 'UnknownTag', '2.0'],
    [0x3e, 'UnsupportedCryptographicParameters', '2.0'],
    [0x3f, 'UnsupportedProtocolVersion', '2.0'],
    [0x40, 'WrappingObjectArchived', '2.0'],
    [0x41, 'WrappingObjectDestroyed', '2.0'],
    [0x42, 'WrappingObjectNotFound', '2.0'],
    [0x43, 'WrongKeyLifecycleState', '2.0'],
    [0x44, 'ProtectionStorageUnavailable', '2.0'],
    [0x45, 'PKCS_11CodecError', '2.0'],
    [0x46, 'PKCS_11InvalidFunction', '2.0'],
    [0x47, 'PKCS_11InvalidInterface', '2.0'],
    [0x48, 'PrivateProtectionStorageUnavailable', '2.0'],
    [0x49, 'PublicProtectionStorageUnavailable', '2.0'],
    [0x4a, 'UnknownObjectGroup', '2.1'],
    [0x4b, 'ConstraintViolation', '2.1'],
    [0x4c, 'DuplicateProcessRequest', '2.1'],
    [0x100, 'GeneralFailure'],
  ],
  { UsageLimitsExceeded: 'UsageLimitExceeded', NotAuthorized: 'NotAuthorised' },
);
export type ResultReason = MemberOf<typeof ResultReason>;

export const ResultStatus = enumeration('ResultStatus', [
  [0x0, 'Success'],
  [0x1, 'OperationFailed'],
  [0x2, 'OperationPending'],
  [0x3, 'OperationUndone'],
]);
export type ResultStatus = MemberOf<typeof ResultStatus>;

export const RevocationReasonCode = enumeration('RevocationReasonCode', [
  [0x1, 'Unspecified'],
  [0x2, 'KeyCompromise'],
  [0x3, 'CACompromise'],
  [0x4, 'AffiliationChanged'],
  [0x5, 'Superseded'],
  [0x6, 'CessationOfOperation'],
  [0x7, 'PrivilegeWithdrawn'],
]);
export type RevocationReasonCode = MemberOf<typeof RevocationReasonCode>;

export const RotateNameType = enumeration('RotateNameType', [
  [0x1, 'UninterpretedTextString', '2.1'],
  [0x2, 'URI', '2.1'],
]);
export type RotateNameType = MemberOf<typeof RotateNameType>;

export const SecretDataType = enumeration('SecretDataType', [
  [0x1, 'Password'],
  [0x2, 'Seed'],
]);
export type SecretDataType = MemberOf<typeof SecretDataType>;

export const ShreddingAlgorithm = enumeration('ShreddingAlgorithm', [
  [0x1, 'Unspecified', '1.3'],
  [0x2, 'Cryptographic', '1.3'],
  [0x3, 'Unsupported', '1.3'],
]);
export type ShreddingAlgorithm = MemberOf<typeof ShreddingAlgorithm>;

export const SplitKeyMethod = enumeration(
  'SplitKeyMethod',
  [
    [0x1, 'XOR'],
    [0x2, 'PolynomialSharingGF2_16'],
    [0x3, 'PolynomialSharingPrimeField'],
    [0x4, 'PolynomialSharingGF2_8', '1.2'],
  ],
  { PolynomialSharingGF216: 'PolynomialSharingGF2_16', PolynomialSharingGF28: 'PolynomialSharingGF2_8' },
);
export type SplitKeyMethod = MemberOf<typeof SplitKeyMethod>;

export const State = enumeration('State', [
  [0x1, 'PreActive'],
  [0x2, 'Active'],
  [0x3, 'Deactivated'],
  [0x4, 'Compromised'],
  [0x5, 'Destroyed'],
  [0x6, 'DestroyedCompromised'],
]);
export type State = MemberOf<typeof State>;

export const TicketType = enumeration('TicketType', [[0x1, 'Login', '2.0']]);
export type TicketType = MemberOf<typeof TicketType>;

export const UniqueIdentifier = enumeration('UniqueIdentifier', [
  [0x1, 'IDPlaceholder', '2.0'],
  [0x2, 'Certify', '2.0'],
  [0x3, 'Create', '2.0'],
  [0x4, 'CreateKeyPair', '2.0'],
  [0x5, 'CreateKeyPairPrivateKey', '2.0'],
  [0x6, 'CreateKeyPairPublicKey', '2.0'],
  [0x7, 'CreateSplitKey', '2.0'],
  [0x8, 'DeriveKey', '2.0'],
  [0x9, 'Import', '2.0'],
  [0xa, 'JoinSplitKey', '2.0'],
  [0xb, 'Locate', '2.0'],
  [0xc, 'Register', '2.0'],
  [0xd, 'ReKey', '2.0'],
  [0xe, 'ReCertify', '2.0'],
  [0xf, 'ReKeyKeyPair', '2.0'],
  [0x10, 'ReKeyKeyPairPrivateKey', '2.0'],
  [0x11, 'ReKeyKeyPairPublicKey', '2.0'],
]);
export type UniqueIdentifier = MemberOf<typeof UniqueIdentifier>;

export const UnwrapMode = enumeration('UnwrapMode', [
  [0x1, 'Unspecified', '1.3'],
  [0x2, 'Processed', '1.3'],
  [0x3, 'NotProcessed', '1.3'],
]);
export type UnwrapMode = MemberOf<typeof UnwrapMode>;

export const UsageLimitsUnit = enumeration('UsageLimitsUnit', [
  [0x1, 'Byte'],
  [0x2, 'Object'],
]);
export type UsageLimitsUnit = MemberOf<typeof UsageLimitsUnit>;

export const ValidationAuthorityType = enumeration('ValidationAuthorityType', [
  [0x1, 'Unspecified', '1.3'],
  [0x2, 'NISTCMVP', '1.3'],
  [0x3, 'CommonCriteria', '1.3'],
]);
export type ValidationAuthorityType = MemberOf<typeof ValidationAuthorityType>;

export const ValidationType = enumeration('ValidationType', [
  [0x1, 'Unspecified', '1.3'],
  [0x2, 'Hardware', '1.3'],
  [0x3, 'Software', '1.3'],
  [0x4, 'Firmware', '1.3'],
  [0x5, 'Hybrid', '1.3'],
]);
export type ValidationType = MemberOf<typeof ValidationType>;

export const ValidityIndicator = enumeration('ValidityIndicator', [
  [0x1, 'Valid'],
  [0x2, 'Invalid'],
  [0x3, 'Unknown'],
]);
export type ValidityIndicator = MemberOf<typeof ValidityIndicator>;

export const WrappingMethod = enumeration('WrappingMethod', [
  [0x1, 'Encrypt'],
  [0x2, 'MACSign'],
  [0x3, 'EncryptThenMACSign'],
  [0x4, 'MACSignThenEncrypt'],
  [0x5, 'TR_31'],
]);
export type WrappingMethod = MemberOf<typeof WrappingMethod>;

export const OpaqueDataType = enumeration('OpaqueDataType', []);
export type OpaqueDataType = MemberOf<typeof OpaqueDataType>;

export const PKCS_11Function = enumeration('PKCS_11Function', [
  [0x1, 'C_Initialize', '2.0'],
  [0x2, 'C_Finalize', '2.0'],
  [0x3, 'C_GetInfo', '2.0'],
  [0x4, 'C_GetFunctionList', '2.0'],
  [0x5, 'C_GetSlotList', '2.0'],
  [0x6, 'C_GetSlotInfo', '2.0'],
  [0x7, 'C_GetTokenInfo', '2.0'],
  [0x8, 'C_GetMechanismList', '2.0'],
  [0x9, 'C_GetMechanismInfo', '2.0'],
  [0xa, 'C_InitToken', '2.0'],
  [0xb, 'C_InitPIN', '2.0'],
  [0xc, 'C_SetPIN', '2.0'],
  [0xd, 'C_OpenSession', '2.0'],
  [0xe, 'C_CloseSession', '2.0'],
  [0xf, 'C_CloseAllSessions', '2.0'],
  [0x10, 'C_GetSessionInfo', '2.0'],
  [0x11, 'C_GetOperationState', '2.0'],
  [0x12, 'C_SetOperationState', '2.0'],
  [0x13, 'C_Login', '2.0'],
  [0x14, 'C_Logout', '2.0'],
  [0x15, 'C_CreateObject', '2.0'],
  [0x16, 'C_CopyObject', '2.0'],
  [0x17, 'C_DestroyObject', '2.0'],
  [0x18, 'C_GetObjectSize', '2.0'],
  [0x19, 'C_GetAttributeValue', '2.0'],
  [0x1a, 'C_SetAttributeValue', '2.0'],
  [0x1b, 'C_FindObjectsInit', '2.0'],
  [0x1c, 'C_FindObjects', '2.0'],
  [0x1d, 'C_FindObjectsFinal', '2.0'],
  [0x1e, 'C_EncryptInit', '2.0'],
  [0x1f, 'C_Encrypt', '2.0'],
  [0x20, 'C_EncryptUpdate', '2.0'],
  [0x21, 'C_EncryptFinal', '2.0'],
  [0x22, 'C_DecryptInit', '2.0'],
  [0x23, 'C_Decrypt', '2.0'],
  [0x24, 'C_DecryptUpdate', '2.0'],
  [0x25, 'C_DecryptFinal', '2.0'],
  [0x26, 'C_DigestInit', '2.0'],
  [0x27, 'C_Digest', '2.0'],
  [0x28, 'C_DigestUpdate', '2.0'],
  [0x29, 'C_DigestKey', '2.0'],
  [0x2a, 'C_DigestFinal', '2.0'],
  [0x2b, 'C_SignInit', '2.0'],
  [0x2c, 'C_Sign', '2.0'],
  [0x2d, 'C_SignUpdate', '2.0'],
  [0x2e, 'C_SignFinal', '2.0'],
  [0x2f, 'C_SignRecoverInit', '2.0'],
  [0x30, 'C_SignRecover', '2.0'],
  [0x31, 'C_VerifyInit', '2.0'],
  [0x32, 'C_Verify', '2.0'],
  [0x33, 'C_VerifyUpdate', '2.0'],
  [0x34, 'C_VerifyFinal', '2.0'],
  [0x35, 'C_VerifyRecoverInit', '2.0'],
  [0x36, 'C_VerifyRecover', '2.0'],
  [0x37, 'C_DigestEncryptUpdate', '2.0'],
  [0x38, 'C_DecryptDigestUpdate', '2.0'],
  [0x39, 'C_SignEncryptUpdate', '2.0'],
  [0x3a, 'C_DecryptVerifyUpdate', '2.0'],
  [0x3b, 'C_GenerateKey', '2.0'],
  [0x3c, 'C_GenerateKeyPair', '2.0'],
  [0x3d, 'C_WrapKey', '2.0'],
  [0x3e, 'C_UnwrapKey', '2.0'],
  [0x3f, 'C_DeriveKey', '2.0'],
  [0x40, 'C_SeedRandom', '2.0'],
  [0x41, 'C_GenerateRandom', '2.0'],
  [0x42, 'C_GetFunctionStatus', '2.0'],
  [0x43, 'C_CancelFunction', '2.0'],
  [0x44, 'C_WaitForSlotEvent', '2.0'],
  [0x45, 'C_GetInterfaceList', '2.0'],
  [0x46, 'C_GetInterface', '2.0'],
  [0x47, 'C_LoginUser', '2.0'],
  [0x48, 'C_SessionCancel', '2.0'],
  [0x49, 'C_MessageEncryptInit', '2.0'],
  [0x4a, 'C_EncryptMessage', '2.0'],
  [0x4b, 'C_EncryptMessageBegin', '2.0'],
  [0x4c, 'C_EncryptMessageNext', '2.0'],
  [0x4d, 'C_MessageEncryptFinal', '2.0'],
  [0x4e, 'C_MessageDecryptInit', '2.0'],
  [0x4f, 'C_DecryptMessage', '2.0'],
  [0x50, 'C_DecryptMessageBegin', '2.0'],
  [0x51, 'C_DecryptMessageNext', '2.0'],
  [0x52, 'C_MessageDecryptFinal', '2.0'],
  [0x53, 'C_MessageSignInit', '2.0'],
  [0x54, 'C_SignMessage', '2.0'],
  [0x55, 'C_SignMessageBegin', '2.0'],
  [0x56, 'C_SignMessageNext', '2.0'],
  [0x57, 'C_MessageSignFinal', '2.0'],
  [0x58, 'C_MessageVerifyInit', '2.0'],
  [0x59, 'C_VerifyMessage', '2.0'],
  [0x5a, 'C_VerifyMessageBegin', '2.0'],
  [0x5b, 'C_VerifyMessageNext', '2.0'],
  [0x5c, 'C_MessageVerifyFinal', '2.0'],
]);
export type PKCS_11Function = MemberOf<typeof PKCS_11Function>;

export const PKCS_11ReturnCode = enumeration('PKCS_11ReturnCode', [[0x0, 'OK', '2.0']]);
export type PKCS_11ReturnCode = MemberOf<typeof PKCS_11ReturnCode>;
