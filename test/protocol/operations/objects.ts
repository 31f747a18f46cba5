import { KeyFormatType, ObjectType } from '../../../codec/enums.ts';
import type { KeyMaterial } from '../../../codec/structures/key-block.ts';
import { hasKeyBlock, type ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import type { Version } from '../../../codec/version.ts';
import { nodeCrypto } from '../../../src/crypto/node/node.ts';
import type { KeyPairRequest } from '../../../src/crypto/provider.ts';
import { dsa512Transparent, smallCertificate } from '../../unit/crypto/node/vectors.ts';

/** Objects of every type and format, as clients register them. */

type Side = 'PrivateKey' | 'PublicKey';
type Algorithm = KeyPairRequest['algorithm'];

/** Formats of each kind of pair; the first of each side is the format of the generator. */
const families: [request: KeyPairRequest, formats: Record<Side, KeyFormatType[]>][] = [
  [
    { algorithm: 'RSA', bits: 2048 },
    {
      PrivateKey: ['PKCS_8', 'PKCS_1', 'TransparentRSAPrivateKey'],
      PublicKey: ['X_509', 'PKCS_1', 'TransparentRSAPublicKey'],
    },
  ],
  [
    { algorithm: 'ECDSA', curve: 'P_256' },
    {
      PrivateKey: ['PKCS_8', 'ECPrivateKey', 'TransparentECPrivateKey', 'TransparentECDSAPrivateKey'],
      PublicKey: ['X_509', 'TransparentECPublicKey', 'TransparentECDSAPublicKey'],
    },
  ],
  [
    { algorithm: 'ECDH', curve: 'P_384' },
    {
      PrivateKey: ['PKCS_8', 'TransparentECDHPrivateKey'],
      PublicKey: ['X_509', 'TransparentECDHPublicKey'],
    },
  ],
  [
    { algorithm: 'DH', bits: 2048 },
    { PrivateKey: ['PKCS_8', 'TransparentDHPrivateKey'], PublicKey: ['X_509', 'TransparentDHPublicKey'] },
  ],
];

/** One key in all its formats: Register accepts each of them, and Get returns each other. */
export interface Family {
  readonly type: Side;
  readonly algorithm: Algorithm;
  readonly forms: readonly ManagedObjectValue[];
}

export async function keyFamilies(): Promise<Family[]> {
  const pairs = families.map(async ([request, formats]) => {
    const pair = await nodeCrypto.generateKeyPair(request);
    const family = (type: Side, der: Uint8Array): Family => {
      const [first] = formats[type] as [KeyFormatType];
      const origin = { objectType: type, KeyFormatType: first, KeyMaterial: der } as const;
      const forms = formats[type].map((format) =>
        keyObject(type, format, nodeCrypto.convertKey(origin, format), request.algorithm, pair.bits),
      );
      return { type, algorithm: request.algorithm, forms };
    };
    return [family('PrivateKey', pair.privateKey), family('PublicKey', pair.publicKey)];
  });
  return (await Promise.all(pairs)).flat();
}

function keyObject(
  type: Side | 'SymmetricKey',
  format: KeyFormatType,
  material: KeyMaterial,
  algorithm: Algorithm | 'AES',
  bits: number,
): ManagedObjectValue {
  const KeyBlock = {
    KeyFormatType: format,
    KeyValue: { KeyMaterial: material, Attributes: [] },
    CryptographicAlgorithm: algorithm,
    CryptographicLength: bits,
  };
  return { type, value: { KeyBlock } };
}

const countingBytes = (count: number) => Uint8Array.from({ length: count }, (_, n) => n + 1);
const plain = (format: KeyFormatType, count = 16) => ({
  KeyFormatType: format,
  KeyValue: { KeyMaterial: countingBytes(count), Attributes: [] },
});

/** Objects of all other types that can be registered. */
export const others: readonly (readonly [name: string, object: ManagedObjectValue])[] = [
  ['raw AES', keyObject('SymmetricKey', 'Raw', countingBytes(16), 'AES', 128)],
  [
    'transparent AES',
    keyObject('SymmetricKey', 'TransparentSymmetricKey', { Key: countingBytes(32) }, 'AES', 256),
  ],
  ['transparent DSA', { type: 'PrivateKey', value: { KeyBlock: dsaBlock() } }],
  ['a password', { type: 'SecretData', value: { SecretDataType: 'Password', KeyBlock: plain('Opaque') } }],
  ['a seed', { type: 'SecretData', value: { SecretDataType: 'Seed', KeyBlock: plain('Raw') } }],
  [
    'an opaque object',
    { type: 'OpaqueObject', value: { OpaqueDataType: 0x80000001, OpaqueDataValue: countingBytes(40) } },
  ],
  [
    'a certificate',
    { type: 'Certificate', value: { CertificateType: 'X_509', CertificateValue: smallCertificate } },
  ],
  ['a PGP key', { type: 'PGPKey', value: { PGPKeyVersion: 4, KeyBlock: plain('Raw', 30) } }],
  [
    'a split key',
    {
      type: 'SplitKey',
      value: {
        SplitKeyParts: 3,
        KeyPartIdentifier: 1,
        SplitKeyThreshold: 2,
        SplitKeyMethod: 'XOR',
        KeyBlock: { ...plain('Raw'), CryptographicAlgorithm: 'AES', CryptographicLength: 128 },
      },
    },
  ],
  [
    'a certificate request',
    {
      type: 'CertificateRequest',
      value: { CertificateRequestType: 'PKCS_10', CertificateRequestValue: countingBytes(50) },
    },
  ],
  [
    'a wrapped key',
    {
      type: 'SymmetricKey',
      value: {
        KeyBlock: {
          KeyFormatType: 'Raw',
          KeyValue: countingBytes(40),
          CryptographicAlgorithm: 'AES',
          CryptographicLength: 256,
          KeyWrappingData: { WrappingMethod: 'Encrypt' },
        },
      },
    },
  ],
];

function dsaBlock() {
  return {
    KeyFormatType: 'TransparentDSAPrivateKey',
    KeyValue: { KeyMaterial: dsa512Transparent, Attributes: [] },
    CryptographicAlgorithm: 'DSA',
    CryptographicLength: 512,
  } as const;
}

/** An AES key without its value, which stays with the client. */
export const metadataOnly: ManagedObjectValue = {
  type: 'SymmetricKey',
  value: { KeyBlock: { KeyFormatType: 'Raw', CryptographicAlgorithm: 'AES', CryptographicLength: 256 } },
};

/** Whether the version can express the object. */
export function isExpressibleIn(version: Version, object: ManagedObjectValue): boolean {
  const format = hasKeyBlock(object) ? object.value.KeyBlock.KeyFormatType : 'Raw';
  return ObjectType.isKnownIn(object.type, version) && KeyFormatType.isKnownIn(format, version);
}
