import { type Kind, standIn } from './objects.ts';
import { block, bytes, masked, object, register, type Seed } from './values.ts';

/** Keys that leave wrapped, and wrapped keys that come in and are unwrapped: every method and mode once. */

const by = (kind: Kind, CryptographicParameters?: object) => ({
  UniqueIdentifier: standIn(kind),
  CryptographicParameters,
});
const aes = (BlockCipherMode: string, more: object = {}) =>
  by('active AES key', { BlockCipherMode, ...more });
const mac = by('active AES key', { CryptographicAlgorithm: 'HMAC_SHA256' });

const manners: readonly Record<string, unknown>[] = [
  { WrappingMethod: 'Encrypt', EncryptionKeyInformation: by('active AES key') },
  ...['NISTKeyWrap', 'AESKeyWrapPadding', 'GCM', 'CCM', 'CTR', 'X9_102AESKW'].map((mode) => ({
    WrappingMethod: 'Encrypt',
    EncryptionKeyInformation: aes(mode),
  })),
  { WrappingMethod: 'Encrypt', EncryptionKeyInformation: aes('CBC', { PaddingMethod: 'PKCS5' }) },
  { WrappingMethod: 'Encrypt', EncryptionKeyInformation: by('public key') },
  { WrappingMethod: 'MACSign', MACSignatureKeyInformation: mac },
  ...['EncryptThenMACSign', 'MACSignThenEncrypt'].map((WrappingMethod) => ({
    WrappingMethod,
    EncryptionKeyInformation: aes('CTR'),
    MACSignatureKeyInformation: mac,
  })),
  { WrappingMethod: 'TR_31', EncryptionKeyInformation: by('active AES key') },
];

const specified = manners.flatMap((manner): Seed[] =>
  ['NoEncoding', 'TTLVEncoding'].map((EncodingOption) => ({
    operation: 'Get',
    request: {
      UniqueIdentifier: standIn('AES key'),
      KeyWrappingSpecification: {
        ...manner,
        AttributeName: EncodingOption === 'NoEncoding' ? [] : [{ name: 'CryptographicUsageMask' }],
        EncodingOption,
      },
    },
  })),
);

const imported = manners.map((manner, index): Seed => {
  const KeyWrappingData = {
    ...manner,
    MACSignature: 'MACSignatureKeyInformation' in manner ? bytes(32) : undefined,
    IVCounterNonce: bytes(index % 2 === 0 ? 12 : 16),
  };
  const KeyBlock = { ...block('Raw', bytes(40), 'AES', 256), KeyValue: bytes(48), KeyWrappingData };
  return {
    operation: 'Import',
    request: {
      UniqueIdentifier: `wrapped ${index}`,
      ObjectType: 'SymmetricKey',
      ReplaceExisting: true,
      KeyWrapType: 'NotWrapped',
      Attributes: [{ name: 'CryptographicUsageMask', value: 12 }],
      Object: object('SymmetricKey', { KeyBlock }),
    },
  };
});

export const wrappingSeeds: readonly Seed[] = [
  ...specified,
  ...imported,
  // Example of RFC 3394 §4.1 where Key Material would be, as TC-WRAP-1 has it.
  register(
    object('SymmetricKey', {
      KeyBlock: {
        ...block('Raw', Uint8Array.fromHex('1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5'), 'AES', 128),
        KeyWrappingData: {
          WrappingMethod: 'Encrypt',
          EncryptionKeyInformation: aes('NISTKeyWrap'),
          EncodingOption: 'NoEncoding',
        },
      },
    }),
    masked(12),
  ),
  { operation: 'Get', request: { UniqueIdentifier: standIn('private key'), KeyFormatType: 'PKCS_12' } },
];
