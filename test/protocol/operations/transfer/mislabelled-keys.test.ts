import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import { type CryptographicAlgorithm, KeyFormatType } from '../../../../codec/enums.ts';
import type { KeyMaterial } from '../../../../codec/structures/key-block.ts';
import type { ManagedObjectValue } from '../../../../codec/structures/managed-objects.ts';
import type { Version } from '../../../../codec/version.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { KeyPairRequest } from '../../../../src/crypto/provider.ts';
import { Decrypt } from '../../../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../../../src/operations/cryptography/encrypt.ts';
import { Sign } from '../../../../src/operations/cryptography/sign.ts';
import { SignatureVerify } from '../../../../src/operations/cryptography/signature-verify.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Import } from '../../../../src/operations/transfer/import.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { TestService } from '../../service.ts';
import { ask, attributeOf, having, outcome, succeed } from '../ask.ts';
import { active, blockOf, counted, mask } from './wrapping-keys.ts';

const service = await TestService.open();
t.teardown(() => service.close());

type Side = 'PrivateKey' | 'PublicKey';
const labels = KeyFormatType.members as readonly KeyFormatType[];

/** The formats whose bytes are DER, and the labels under which such bytes are read, for each side. */
const derFormats: Record<Side, readonly KeyFormatType[]> = {
  PrivateKey: ['PKCS_1', 'PKCS_8', 'ECPrivateKey'],
  PublicKey: ['PKCS_1', 'X_509'],
};
const readLabels: Record<Side, readonly KeyFormatType[]> = {
  PrivateKey: ['Raw', 'PKCS_1', 'PKCS_8', 'ECPrivateKey'],
  PublicKey: ['Raw', 'PKCS_1', 'X_509'],
};

/** Kinds of pairs with the parameters under which they sign. */
const kinds: readonly [request: KeyPairRequest, parameters: object][] = [
  [
    { algorithm: 'RSA', bits: 2048 },
    { PaddingMethod: 'PKCS1V1_5', HashingAlgorithm: 'SHA_256' },
  ],
  [{ algorithm: 'ECDSA', curve: 'P_256' }, { HashingAlgorithm: 'SHA_256' }],
  [{ algorithm: 'Ed25519' }, {}],
  [{ algorithm: 'ML_DSA_44' }, {}],
];

function keyValue(
  type: Side,
  label: KeyFormatType,
  material: KeyMaterial,
  claims: { CryptographicAlgorithm?: CryptographicAlgorithm; CryptographicLength?: number } = {},
): ManagedObjectValue {
  const KeyBlock = { KeyFormatType: label, KeyValue: { KeyMaterial: material, Attributes: [] }, ...claims };
  return { type, value: { KeyBlock } };
}

const registration = (value: ManagedObjectValue, ...attributes: readonly Attribute[]) => ({
  ObjectType: value.type,
  Attributes: having(active, ...attributes),
  Object: value,
});

/** Material in a format; undefined when the format cannot hold the key. */
function materialIn(type: Side, der: Uint8Array, algorithm: CryptographicAlgorithm, format: KeyFormatType) {
  const origin = type === 'PrivateKey' ? 'PKCS_8' : 'X_509';
  const key = {
    objectType: type,
    KeyFormatType: origin,
    KeyMaterial: der,
    CryptographicAlgorithm: algorithm,
  } as const;
  try {
    return nodeCrypto.convertKey(key, format);
  } catch {
    return undefined;
  }
}

const message = new TextEncoder().encode('message');

for (const [request, CryptographicParameters] of kinds) {
  const { algorithm } = request;
  t.test(
    `a key of ${algorithm} is used and converted by its bytes and comes back by its label`,
    async (t) => {
      const pair = await nodeCrypto.generateKeyPair(request);
      const ders = { PrivateKey: pair.privateKey, PublicKey: pair.publicKey } as const;
      const claims = { CryptographicAlgorithm: algorithm, CryptographicLength: pair.bits };
      const registerHalf = async (type: Side, label: KeyFormatType, bytes: KeyMaterial, version: Version) =>
        ask(
          service,
          version,
          Register,
          registration(keyValue(type, label, bytes, claims), mask(type === 'PrivateKey' ? 'Sign' : 'Verify')),
        );
      const right = {
        PrivateKey: (await registerHalf('PrivateKey', 'PKCS_8', ders.PrivateKey, '2.1')).id,
        PublicKey: (await registerHalf('PublicKey', 'X_509', ders.PublicKey, '2.1')).id,
      };
      for (const type of ['PrivateKey', 'PublicKey'] as const) {
        for (const actual of derFormats[type]) {
          const bytes = materialIn(type, ders[type], algorithm, actual);
          if (bytes === undefined) continue;
          for (const label of labels) {
            if (label === 'Opaque' || label === 'PKCS_12') continue;
            const when = `${type} ${actual} labelled ${label}`;
            const isRead = readLabels[type].includes(label);
            const version = algorithm === 'ML_DSA_44' || label === 'PKCS_10' ? '2.1' : '1.4';
            const { id, reason } = await registerHalf(type, label, bytes, version);
            t.equal(reason, isRead ? undefined : 'InvalidField', when);
            if (id === undefined) continue;
            t.equal(await attributeOf(service, id, 'CryptographicLength'), pair.bits, when);
            for (const format of [undefined, ...labels.filter((each) => each !== 'PKCS_12')]) {
              const { payload, reason } = await ask(service, '2.1', Get, {
                UniqueIdentifier: id,
                KeyFormatType: format,
              });
              const own = format === undefined || format === label;
              const expected = own ? bytes : materialIn(type, ders[type], algorithm, format);
              t.equal(
                reason,
                expected === undefined ? 'KeyFormatTypeNotSupported' : undefined,
                `${when} as ${format}`,
              );
              if (expected === undefined) continue;
              const { KeyBlock } = payload.Object.value as {
                KeyBlock: { KeyFormatType: unknown; KeyValue: unknown };
              };
              t.equal(KeyBlock.KeyFormatType, format ?? label);
              t.same(KeyBlock.KeyValue, { KeyMaterial: expected, Attributes: [] });
            }
            const signer = type === 'PrivateKey' ? id : right.PrivateKey;
            const verifier = type === 'PublicKey' ? id : right.PublicKey;
            const { SignatureData } = await succeed(service, '2.1', Sign, {
              UniqueIdentifier: signer,
              CryptographicParameters,
              Data: message,
            });
            const verified = await succeed(service, '2.1', SignatureVerify, {
              UniqueIdentifier: verifier,
              CryptographicParameters,
              Data: message,
              SignatureData,
            });
            t.equal(verified.ValidityIndicator, 'Valid', `${when}: used`);
            const imported = {
              UniqueIdentifier: `i-${id}`,
              Attributes: [],
              Object: keyValue(type, label, bytes, claims),
            };
            t.equal(await outcome(service, '2.1', Import, imported), 'Success', `${when}: imported`);
            t.same((await blockOf(service, `i-${id}`, {})).KeyValue, { KeyMaterial: bytes, Attributes: [] });
          }
        }
      }
    },
  );
}

t.test('mislabelled RSA keys encrypt and decrypt', async (t) => {
  const pair = await nodeCrypto.generateKeyPair({ algorithm: 'RSA', bits: 2048 });
  const pkcs1 = (type: Side, der: Uint8Array) => materialIn(type, der, 'RSA', 'PKCS_1') as KeyMaterial;
  const stored = async (type: Side, label: KeyFormatType, material: KeyMaterial) => {
    const fields = registration(keyValue(type, label, material), mask('Encrypt', 'Decrypt'));
    return (await succeed(service, '1.2', Register, fields)).UniqueIdentifier;
  };
  const privateKey = await stored('PrivateKey', 'PKCS_8', pkcs1('PrivateKey', pair.privateKey));
  const publicKey = await stored('PublicKey', 'X_509', pkcs1('PublicKey', pair.publicKey));
  const CryptographicParameters = { PaddingMethod: 'OAEP', HashingAlgorithm: 'SHA_256' };
  const encrypted = await succeed(service, '1.4', Encrypt, {
    UniqueIdentifier: publicKey,
    CryptographicParameters,
    Data: message,
  });
  const decrypted = await succeed(service, '1.4', Decrypt, {
    UniqueIdentifier: privateKey,
    CryptographicParameters,
    Data: encrypted.Data,
  });
  t.same(decrypted.Data, message);
});

t.test('a symmetric key in bytes is read under each label of symmetric keys', async (t) => {
  const claims = { CryptographicAlgorithm: 'AES', CryptographicLength: 256 } as const;
  for (const label of labels) {
    const KeyBlock = {
      KeyFormatType: label,
      KeyValue: { KeyMaterial: counted(32), Attributes: [] },
      ...claims,
    };
    const value: ManagedObjectValue = { type: 'SymmetricKey', value: { KeyBlock } };
    const { id, reason } = await ask(service, '2.1', Register, registration(value, mask('Encrypt')));
    const isRead = ['Raw', 'Opaque', 'TransparentSymmetricKey'].includes(String(label));
    t.equal(reason, isRead ? undefined : 'InvalidField', String(label));
    if (id === undefined) continue;
    t.same((await blockOf(service, id, {})).KeyValue, { KeyMaterial: counted(32), Attributes: [] });
    t.same((await blockOf(service, id, { KeyFormatType: label })).KeyFormatType, label);
    const raw = await blockOf(service, id, { KeyFormatType: 'Raw' });
    t.same(raw.KeyValue, { KeyMaterial: counted(32), Attributes: [] });
    const CryptographicParameters = { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5', RandomIV: true };
    const use = { UniqueIdentifier: id, CryptographicParameters, Data: message };
    t.equal(await outcome(service, '2.1', Encrypt, use), 'Success', `${label}: used`);
  }
});

t.test('bytes that are no key in DER are refused under every label', async (t) => {
  const { privateKey, publicKey } = await nodeCrypto.generateKeyPair({ algorithm: 'RSA', bits: 2048 });
  const broken: readonly [string, (der: Uint8Array) => Uint8Array][] = [
    ['a byte behind the end', (der) => Uint8Array.from([...der, 0])],
    ['the last byte is missing', (der) => der.slice(0, -1)],
    ['PEM', (der) => new TextEncoder().encode(`-----BEGIN KEY-----\n${der.toBase64()}\n-----END KEY-----\n`)],
    // The length has one byte more than it needs, as BER allows.
    ['BER', (der) => Uint8Array.from([0x30, 0x83, 0, ...der.subarray(2)])],
    ['nothing but zeros', (der) => new Uint8Array(der.length)],
    ['another tag', (der) => Uint8Array.from([0x31, ...der.subarray(1)])],
  ];
  for (const [type, der] of [
    ['PrivateKey', privateKey],
    ['PublicKey', publicKey],
  ] as const) {
    for (const actual of derFormats[type]) {
      const good = materialIn(type, der, 'RSA', actual);
      if (!(good instanceof Uint8Array)) continue;
      for (const [defect, breakIt] of broken) {
        for (const label of derFormats[type].filter((each) => each !== actual)) {
          const fields = registration(keyValue(type, label, breakIt(good)));
          t.equal(
            await outcome(service, '1.4', Register, fields),
            'InvalidField',
            `${type} ${actual} as ${label}: ${defect}`,
          );
        }
      }
    }
  }
  const other = registration(
    keyValue('PublicKey', 'X_509', materialIn('PrivateKey', privateKey, 'RSA', 'PKCS_1') as KeyMaterial),
  );
  t.equal(await outcome(service, '1.4', Register, other), 'InvalidField', 'a private key is no public one');
});
