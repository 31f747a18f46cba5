import t from 'tap';
import type { WrappingMethod } from '../../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../../codec/structures/cryptographic-parameters.ts';
import {
  decodeKeyValue,
  type KeyValue,
  type KeyWrappingData,
} from '../../../../codec/structures/key-block.ts';
import type { ManagedObjectValue } from '../../../../codec/structures/managed-objects.ts';
import { tagName } from '../../../../codec/tags.ts';
import { eraOf } from '../../../../codec/version.ts';
import { defaultLimits } from '../../../../src/common/limits.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Import } from '../../../../src/operations/transfer/import.ts';
import type { KeyInformation } from '../../../../src/operations/transfer/wrapping-keys.ts';
import { decode } from '../../../client.ts';
import { bytes } from '../../../unit/codec/hex.ts';
import { TestService } from '../../service.ts';
import { ask, attributeOf, contact, materialOf, succeed, testedVersions } from '../ask.ts';
import {
  active,
  blockOf,
  counted,
  encryptWith,
  mask,
  pair,
  parameters,
  register,
  secret,
  symmetric,
  wrappedAs,
  wrappingKey,
} from './wrapping-keys.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const NoEncoding = { EncodingOption: 'NoEncoding' } as const;
const nist: CryptographicParameters = { BlockCipherMode: 'NISTKeyWrap' };
const padded: CryptographicParameters = { BlockCipherMode: 'AESKeyWrapPadding' };
const data = bytes('00112233445566778899AABBCCDDEEFF 0001020304050607 08090A0B0C0D0E0F');
const kek5649 = bytes('5840df6e29b02af1 ab493b705bf16ea1 ae8338f4dcc176a8');

/** RFC 3394 §4.1–4.6 and RFC 5649 §6. */
const vectors: readonly (readonly [
  name: string,
  kek: Uint8Array,
  mode: CryptographicParameters,
  key: Uint8Array,
  wrapped: string,
])[] = [
  ['4.1', counted(16), nist, data.slice(0, 16), '1FA68B0A8112B447 AEF34BD8FB5A7B82 9D3E862371D2CFE5'],
  ['4.2', counted(24), nist, data.slice(0, 16), '96778B25AE6CA435 F92B5B97C050AED2 468AB8A17AD84E5D'],
  ['4.3', counted(32), nist, data.slice(0, 16), '64E8C3F9CE0F5BA2 63E9777905818A2A 93C8191E7D6E8AE7'],
  [
    '4.4',
    counted(24),
    nist,
    data.slice(0, 24),
    '031D33264E15D332 68F24EC260743EDC E1C6C7DDEE725A93 6BA814915C6762D2',
  ],
  [
    '4.5',
    counted(32),
    nist,
    data.slice(0, 24),
    'A8F9BC1612C68B3F F6E6F4FBE30E71E4 769C8B80A32CB895 8CD5D17D6B254DA1',
  ],
  [
    '4.6',
    counted(32),
    nist,
    data,
    '28C9F404C4B810F4 CBCCB35CFB87F826 3F5786E2D80ED326 CBC7F0E71A99F43B FB988B9B7A02DD21',
  ],
  [
    '5649 20 bytes',
    kek5649,
    padded,
    bytes('c37b7e6492584340 bed1220780894115 5068f738'),
    '138bdeaa9b8fa7fc 61f97742e72248ee 5ae6ae5360d1ae6a 5f54f373fa543b6a',
  ],
  ['5649 7 bytes', kek5649, padded, bytes('466f7250617369'), 'afbeb0f07dfbf541 9200f2ccb50bb24f'],
];

t.test('the vectors of RFC 3394 and RFC 5649 are wrapped and unwrapped', async (t) => {
  for (const [name, kek, mode, key, expected] of vectors) {
    const by = await wrappingKey(service, kek, parameters(mode));
    const id = await register(service, secret(key));
    const block = await blockOf(service, id, encryptWith(by, NoEncoding, mode));
    t.same(block.KeyValue, bytes(expected), name);
    const wrapping = block.KeyWrappingData as KeyWrappingData;
    t.same(
      wrapping,
      {
        WrappingMethod: 'Encrypt',
        EncryptionKeyInformation: { UniqueIdentifier: by, CryptographicParameters: mode },
        ...NoEncoding,
      },
      name,
    );
    const again = await register(service, wrappedAs(secret(key), bytes(expected), wrapping));
    t.same(await blockOf(service, again, {}), block, `${name}: kept wrapped`);
    const clear = await blockOf(service, again, { KeyWrapType: 'NotWrapped' });
    t.same(clear, { KeyFormatType: 'Raw', KeyValue: { KeyMaterial: key, Attributes: [] } }, name);
  }
});

t.test('Get wraps the Key Value in TTLV with the requested attributes in every version', async (t) => {
  const by = await wrappingKey(service);
  const id = await register(service, symmetric(counted(16)), contact('me'), mask('Encrypt'));
  const AttributeName = [
    { name: 'CryptographicUsageMask' },
    { name: 'ContactInformation' },
    { name: 'Comment' },
    { vendor: 'x', name: 'none' },
  ];
  for (const version of testedVersions) {
    const block = await blockOf(service, id, encryptWith(by, { AttributeName }), version);
    const sealed = block.KeyValue as Uint8Array;
    const opened = await nodeCrypto.unwrap(aesKey(counted(32)), nist, { data: sealed });
    const within = decodeKeyValue(opened, defaultLimits);
    t.same(within?.KeyMaterial, counted(16), version);
    t.match(new Set(within?.Attributes), new Set([mask('Encrypt'), contact('me')]), version);
    t.equal(decodeOnly(opened), eraOf(version) === '1.x' ? 'Attribute Attribute' : 'Attributes', version);
    t.match(block, { CryptographicAlgorithm: 'AES', CryptographicLength: 128 });
    const wrapping = block.KeyWrappingData as KeyWrappingData;
    t.same(wrapping.EncryptionKeyInformation?.CryptographicParameters, nist, 'the default is told');
    const again = await register(service, wrappedAs(symmetric(counted(16)), sealed, wrapping));
    const clear = await blockOf(service, again, { KeyWrapType: 'NotWrapped' });
    t.same(clear.KeyValue, { KeyMaterial: counted(16), Attributes: [] }, 'and the key alone comes out');
    t.match(await attributeOf(service, again, 'Link'), { LinkType: 'WrappingKeyLink' });
    t.equal(await attributeOf(service, again, 'Digest'), undefined, 'nobody has seen the key');
  }
});

t.test('every mode and method wraps and unwraps, and every changed bit gets the same refusal', async (t) => {
  const symmetricKey = await register(service, symmetric(counted(48)), mask('Encrypt'));
  for (const [name, specification] of await wrappingCases()) {
    for (const EncodingOption of ['NoEncoding', 'TTLVEncoding'] as const) {
      const KeyWrappingSpecification = { AttributeName: [], EncodingOption, ...specification };
      const block = await blockOf(service, symmetricKey, { KeyWrappingSpecification });
      const wrapping = block.KeyWrappingData as KeyWrappingData;
      const label = `${name} ${EncodingOption}`;
      const wrapped = (KeyValue: KeyValue, change: Partial<KeyWrappingData> = {}) =>
        wrappedAs(symmetric(counted(48)), KeyValue, { ...wrapping, ...change });
      const whole = block.KeyValue as KeyValue;
      t.equal(await unwrappedAs(wrapped(whole)), 'Success', label);
      const imported = {
        UniqueIdentifier: label,
        KeyWrapType: 'NotWrapped',
        Attributes: [],
        Object: wrapped(whole),
      };
      await succeed(service, '2.1', Import, imported);
      const { Object } = await succeed(service, '2.1', Get, { UniqueIdentifier: label });
      t.same(materialOf(Object), counted(48), label);
      const authenticated = wrapping.MACSignature !== undefined || /GCM|CCM|ChaCha|Wrap|RSA/.test(name);
      if (whole instanceof Uint8Array && authenticated) {
        for (const at of [0, whole.length - 1]) {
          t.equal(
            await unwrappedAs(wrapped(flipBit(whole, at))),
            'CryptographicFailure the key cannot be unwrapped',
            label,
          );
        }
        t.equal(
          await unwrappedAs(wrapped(whole.slice(0, 9))),
          'CryptographicFailure the key cannot be unwrapped',
          label,
        );
      }
      if (wrapping.MACSignature !== undefined) {
        const MACSignature = flipBit(wrapping.MACSignature, 3);
        t.equal(
          await unwrappedAs(wrapped(whole, { MACSignature })),
          'CryptographicFailure the key cannot be unwrapped',
          label,
        );
      }
      if (wrapping.IVCounterNonce !== undefined && /GCM|CCM|ChaCha/.test(name)) {
        const IVCounterNonce = flipBit(wrapping.IVCounterNonce, 0);
        t.equal(
          await unwrappedAs(wrapped(whole, { IVCounterNonce })),
          'CryptographicFailure the key cannot be unwrapped',
          label,
        );
      }
    }
  }
});

async function unwrappedAs(object: ManagedObjectValue): Promise<string> {
  const UniqueIdentifier = await register(service, object);
  const answer = await ask(service, '2.1', Get, { UniqueIdentifier, KeyWrapType: 'NotWrapped' });
  return answer.reason === undefined ? answer.status : `${answer.reason} ${answer.message}`;
}

function flipBit(whole: Uint8Array, at: number): Uint8Array {
  return whole.map((byte, index) => (index === at ? byte ^ 1 : byte));
}

/** Names of the items beside Key Material. */
function decodeOnly(keyValue: Uint8Array): string {
  const node = decode(keyValue);
  const items = node.type === 'Structure' ? node.value.slice(1) : [];
  return items.map(({ tag }) => tagName(tag)).join(' ');
}

function aesKey(KeyMaterial: Uint8Array): PlainKey {
  return { objectType: 'SymmetricKey', KeyFormatType: 'Raw', KeyMaterial, CryptographicAlgorithm: 'AES' };
}

/** Wrapping specifications, each with its own keys. */
async function wrappingCases() {
  const aes = (params: CryptographicParameters) => wrappingKey(service, counted(32), parameters(params));
  const modes: readonly CryptographicParameters[] = [
    { BlockCipherMode: 'NISTKeyWrap' },
    { BlockCipherMode: 'AESKeyWrapPadding' },
    { BlockCipherMode: 'GCM', TagLength: 12 },
    { BlockCipherMode: 'CCM' },
    { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5', RandomIV: true },
    { BlockCipherMode: 'ECB', PaddingMethod: 'PKCS5' },
    { BlockCipherMode: 'CTR' },
    { BlockCipherMode: 'CFB' },
    { BlockCipherMode: 'OFB' },
  ];
  const encrypt = (id: string) => ({
    WrappingMethod: 'Encrypt' as const,
    EncryptionKeyInformation: { UniqueIdentifier: id },
  });
  const byMode = modes.map(async (mode) => [String(mode.BlockCipherMode), encrypt(await aes(mode))] as const);
  const wrapBits = mask('WrapKey', 'UnwrapKey');
  const chacha = await register(service, symmetric(counted(32), 'ChaCha20Poly1305'), active, wrapBits);
  const camellia = parameters({ BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' });
  const camelliaKey = await register(service, symmetric(counted(32), 'Camellia'), active, wrapBits, camellia);
  const rsa = await pair(service, { algorithm: 'RSA', bits: 2048 }, [
    'WrapKey',
    'UnwrapKey',
    'Sign',
    'Verify',
  ]);
  const hmac = await register(
    service,
    symmetric(counted(40), 'HMAC_SHA256'),
    active,
    mask('MACGenerate', 'MACVerify'),
  );
  const aesCtr = await aes({ BlockCipherMode: 'CTR' });
  const both = (WrappingMethod: WrappingMethod, mac: KeyInformation) => ({
    WrappingMethod,
    EncryptionKeyInformation: { UniqueIdentifier: aesCtr },
    MACSignatureKeyInformation: mac,
  });
  const signature: CryptographicParameters = { DigitalSignatureAlgorithm: 'SHA_256WithRSAEncryption' };
  const sign = { UniqueIdentifier: rsa.publicKey, CryptographicParameters: signature };
  return [
    ...(await Promise.all(byMode)),
    ['ChaCha20Poly1305', encrypt(chacha)],
    ['Camellia', encrypt(camelliaKey)],
    ['RSA', encrypt(rsa.publicKey)],
    ['RSA by its private key', encrypt(rsa.privateKey)],
    ['MAC', { WrappingMethod: 'MACSign', MACSignatureKeyInformation: { UniqueIdentifier: hmac } }],
    ['encrypt then MAC', both('EncryptThenMACSign', { UniqueIdentifier: hmac })],
    ['MAC then encrypt', both('MACSignThenEncrypt', { UniqueIdentifier: hmac })],
    ['signature', { WrappingMethod: 'MACSign', MACSignatureKeyInformation: sign }],
    ['encrypt then sign', both('EncryptThenMACSign', sign)],
    ['sign then encrypt', both('MACSignThenEncrypt', sign)],
  ] as const;
}
