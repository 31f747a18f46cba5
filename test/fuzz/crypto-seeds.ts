import { type Kind, standIn } from './objects.ts';
import { bytes, type Seed } from './values.ts';

/** Requests of the cryptographic operations, with every mode and padding in it once. */

const on = (
  operation: string,
  kind: Kind,
  parameters: Record<string, unknown>,
  more: Record<string, unknown>,
): Seed => ({
  operation,
  request: { UniqueIdentifier: standIn(kind), CryptographicParameters: parameters, ...more },
});

const modes = ['CBC', 'ECB', 'CFB', 'OFB', 'CTR', 'GCM', 'CCM', 'XTS', 'NISTKeyWrap', 'AESKeyWrapPadding'];

const symmetric = modes.flatMap((BlockCipherMode): Seed[] => {
  const aead = BlockCipherMode === 'GCM' || BlockCipherMode === 'CCM';
  const parameters = {
    BlockCipherMode,
    PaddingMethod: aead || BlockCipherMode === 'CTR' ? 'None' : 'PKCS5',
    ...(aead ? { TagLength: 16 } : {}),
  };
  const more = aead
    ? { IVCounterNonce: bytes(12), AuthenticatedEncryptionAdditionalData: bytes(20) }
    : { IVCounterNonce: bytes(16) };
  return [
    on('Encrypt', 'active AES key', parameters, { Data: bytes(48), ...more }),
    on('Decrypt', 'active AES key', parameters, {
      Data: bytes(48),
      ...more,
      ...(aead ? { AuthenticatedEncryptionTag: bytes(16) } : {}),
    }),
  ];
});

const hashes = ['SHA_1', 'SHA_256', 'SHA_384', 'SHA_512', 'SHA3_256'];

export const cryptoSeeds: readonly Seed[] = [
  ...symmetric,
  on(
    'Encrypt',
    'active AES key',
    { RandomIV: true, BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' },
    { Data: bytes(33) },
  ),
  on('Encrypt', 'active AES key', {}, { Data: bytes(0) }),
  on(
    'Encrypt',
    'public key',
    { PaddingMethod: 'OAEP', HashingAlgorithm: 'SHA_256', MaskGenerator: 'MGF1' },
    { Data: bytes(32) },
  ),
  on('Encrypt', 'public key', {}, {}),
  on('Encrypt', 'public key', { PaddingMethod: 'PKCS1V1_5' }, { Data: bytes(32) }),
  on('Decrypt', 'private key', { PaddingMethod: 'OAEP', HashingAlgorithm: 'SHA_256' }, { Data: bytes(256) }),
  on('Decrypt', 'private key', { PaddingMethod: 'PKCS1V1_5' }, { Data: bytes(256) }),
  ...['PKCS1V1_5', 'PSS'].flatMap((PaddingMethod): Seed[] => {
    const parameters = { PaddingMethod, HashingAlgorithm: 'SHA_256', SaltLength: 32 };
    return [
      on('Sign', 'private key', parameters, { Data: bytes(100) }),
      on('Sign', 'private key', parameters, { DigestedData: bytes(32) }),
      on('SignatureVerify', 'public key', parameters, { Data: bytes(100), SignatureData: bytes(256) }),
    ];
  }),
  on('Sign', 'EC private key', { DigitalSignatureAlgorithm: 'ECDSAWithSHA256' }, { Data: bytes(100) }),
  on(
    'SignatureVerify',
    'EC public key',
    { DigitalSignatureAlgorithm: 'ECDSAWithSHA256' },
    { Data: bytes(100), SignatureData: bytes(71) },
  ),
  ...hashes.flatMap((hash): Seed[] => [
    { operation: 'Hash', request: { CryptographicParameters: { HashingAlgorithm: hash }, Data: bytes(40) } },
    on(
      'MAC',
      'active AES key',
      {
        HashingAlgorithm: hash,
        CryptographicAlgorithm: `HMAC_${hash.startsWith('SHA_') ? hash.replace('_', '') : hash}`,
      },
      { Data: bytes(40) },
    ),
  ]),
  on(
    'MAC',
    'active AES key',
    { BlockCipherMode: 'CMAC' },
    { Data: bytes(40), InitIndicator: true, CorrelationValue: bytes(4) },
  ),
  on(
    'MACVerify',
    'active AES key',
    { CryptographicAlgorithm: 'HMAC_SHA256' },
    { Data: bytes(40), MACData: bytes(32) },
  ),
];
