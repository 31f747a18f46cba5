import { mask } from './enumeration.ts';

/* Every bit mask of KMIP 1.0 to 2.1 (KMIP 2.1 §12, 1.4 §9.1.3.3), with rows as in enums.ts. */

export const CryptographicUsageMask = mask(
  'CryptographicUsageMask',
  [
    [0x1, 'Sign'],
    [0x2, 'Verify'],
    [0x4, 'Encrypt'],
    [0x8, 'Decrypt'],
    [0x10, 'WrapKey'],
    [0x20, 'UnwrapKey'],
    [0x40, 'Export', '1.0', '1.4'],
    [0x80, 'MACGenerate'],
    [0x100, 'MACVerify'],
    [0x200, 'DeriveKey'],
    [0x400, 'ContentCommitment', '1.0', '1.4'],
    [0x800, 'KeyAgreement'],
    [0x1000, 'CertificateSign'],
    [0x2000, 'CRLSign'],
    [0x4000, 'GenerateCryptogram', '1.0', '1.4'],
    [0x8000, 'ValidateCryptogram', '1.0', '1.4'],
    [0x10000, 'TranslateEncrypt', '1.0', '1.4'],
    [0x20000, 'TranslateDecrypt', '1.0', '1.4'],
    [0x40000, 'TranslateWrap', '1.0', '1.4'],
    [0x80000, 'TranslateUnwrap', '1.0', '1.4'],
    [0x100000, 'Authenticate', '2.0'],
    [0x200000, 'Unrestricted', '2.0'],
    [0x400000, 'FPEEncrypt', '2.0'],
    [0x800000, 'FPEDecrypt', '2.0'],
  ],
  { ContentCommitmentNonRepudiation: 'ContentCommitment' },
);

export const ProtectionStorageMask = mask('ProtectionStorageMask', [
  [0x1, 'Software', '2.0'],
  [0x2, 'Hardware', '2.0'],
  [0x4, 'OnProcessor', '2.0'],
  [0x8, 'OnSystem', '2.0'],
  [0x10, 'OffSystem', '2.0'],
  [0x20, 'Hypervisor', '2.0'],
  [0x40, 'OperatingSystem', '2.0'],
  [0x80, 'Container', '2.0'],
  [0x100, 'OnPremises', '2.0'],
  [0x200, 'OffPremises', '2.0'],
  [0x400, 'SelfManaged', '2.0'],
  [0x800, 'Outsourced', '2.0'],
  [0x1000, 'Validated', '2.0'],
  [0x2000, 'SameJurisdiction', '2.0'],
]);

export const StorageStatusMask = mask('StorageStatusMask', [
  [0x1, 'OnLineStorage'],
  [0x2, 'ArchivalStorage'],
  [0x4, 'DestroyedStorage', '2.0'],
]);
