import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { Attribute } from '../../codec/attribute.ts';
import type { ManagedObjectValue } from '../../codec/structures/managed-objects.ts';
import { type Kind, standIn } from './objects.ts';

/** Requests as the handlers read them, whatever the version: what the corpus is written from. */
export interface Seed {
  readonly operation: string;
  readonly request: Record<string, unknown>;
}

const bytes = (length: number, first = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (first + at * 7) & 0xff);
const name = (value: string): Attribute => ({
  name: 'Name',
  value: { NameValue: value, NameType: 'UninterpretedTextString' },
});
const template = (...attributes: Attribute[]) => ({ attributes, templates: [] as const });
const none = template();

const aes = (bits: number, ...more: Attribute[]) =>
  template(
    { name: 'CryptographicAlgorithm', value: 'AES' },
    { name: 'CryptographicLength', value: bits },
    { name: 'CryptographicUsageMask', value: 12 },
    ...more,
  );

/** DER of the keys that the corpus registers; made once, when the corpus is written. */
export function keyMaterial() {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const der = (pair: typeof rsa | typeof ec, type: 'pkcs1' | 'pkcs8' | 'sec1') =>
    new Uint8Array(
      createPrivateKey(pair.privateKey.export({ format: 'pem', type: 'pkcs8' })).export({
        format: 'der',
        type,
      } as never) as unknown as Uint8Array,
    );
  const spki = (pair: typeof rsa | typeof ec) =>
    new Uint8Array(
      createPublicKey(pair.publicKey.export({ format: 'pem', type: 'spki' })).export({
        format: 'der',
        type: 'spki',
      }),
    );
  return {
    rsa1: der(rsa, 'pkcs1'),
    rsa8: der(rsa, 'pkcs8'),
    rsaPublic: spki(rsa),
    ec1: der(ec, 'sec1'),
    ec8: der(ec, 'pkcs8'),
    ecPublic: spki(ec),
    jwk: rsa.privateKey.export({ format: 'jwk' }),
  };
}
export type Material = ReturnType<typeof keyMaterial>;

const block = (format: string, material: unknown, algorithm?: string, length?: number) => ({
  KeyFormatType: format,
  KeyValue: { KeyMaterial: material, Attributes: [] },
  CryptographicAlgorithm: algorithm,
  CryptographicLength: length,
});

/** Big Integer: a zero byte in front keeps it positive, and its length is a multiple of 8. */
function big(base64url: string | undefined): Uint8Array {
  const raw = Buffer.from(base64url ?? '', 'base64url');
  const value = new Uint8Array(8 * Math.ceil((raw.length + 1) / 8));
  value.set(raw, value.length - raw.length);
  return value;
}

const object = (type: string, value: unknown) => ({ type, value }) as ManagedObjectValue;
const symmetric = (material = bytes(32)) =>
  object('SymmetricKey', { KeyBlock: block('Raw', material, 'AES', material.length * 8) });

function register(value: ManagedObjectValue, attributes = none): Seed {
  return {
    operation: 'Register',
    request: { ObjectType: value.type, Attributes: attributes, Object: value },
  };
}

const masked = (mask: number, ...more: Attribute[]) =>
  template({ name: 'CryptographicUsageMask', value: mask }, ...more);

/** Registrations of every object type and key format. */
export function registrationSeeds(keys: Material, certificate: Uint8Array): Seed[] {
  const { jwk } = keys;
  const transparentRsa = {
    Modulus: big(jwk.n),
    PrivateExponent: big(jwk.d),
    PublicExponent: big(jwk.e),
    P: big(jwk.p),
    Q: big(jwk.q),
    PrimeExponentP: big(jwk.dp),
    PrimeExponentQ: big(jwk.dq),
    CRTCoefficient: big(jwk.qi),
  };
  const rsa = (format: string, material: unknown) =>
    object('PrivateKey', { KeyBlock: block(format, material, 'RSA', 2048) });
  const wrapped = {
    KeyFormatType: 'Raw',
    KeyValue: bytes(40),
    CryptographicAlgorithm: 'AES',
    CryptographicLength: 256,
    KeyWrappingData: {
      WrappingMethod: 'Encrypt',
      EncryptionKeyInformation: {
        UniqueIdentifier: standIn('AES key'),
        CryptographicParameters: { BlockCipherMode: 'NISTKeyWrap' },
      },
    },
  };
  return [
    register(symmetric(), masked(12, name('registered'))),
    register(
      object('SymmetricKey', { KeyBlock: block('TransparentSymmetricKey', { Key: bytes(16) }, 'AES', 128) }),
      masked(12),
    ),
    register(object('SymmetricKey', { KeyBlock: wrapped }), masked(12)),
    register(
      object('SymmetricKey', {
        KeyBlock: { KeyFormatType: 'Raw', CryptographicAlgorithm: 'AES', CryptographicLength: 256 },
      }),
      masked(12, { name: 'KeyValuePresent', value: false }),
    ),
    register(rsa('PKCS_1', keys.rsa1), masked(1)),
    register(rsa('PKCS_8', keys.rsa8), masked(1)),
    register(rsa('TransparentRSAPrivateKey', transparentRsa), masked(1)),
    register(object('PrivateKey', { KeyBlock: block('ECPrivateKey', keys.ec1, 'ECDSA', 256) }), masked(1)),
    register(object('PrivateKey', { KeyBlock: block('PKCS_8', keys.ec8, 'ECDSA', 256) }), masked(1)),
    register(
      object('PrivateKey', {
        KeyBlock: block(
          'TransparentECPrivateKey',
          { RecommendedCurve: 'P_256', D: big('AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA') },
          'ECDSA',
          256,
        ),
      }),
      masked(1),
    ),
    register(
      object('PrivateKey', {
        KeyBlock: block(
          'TransparentDSAPrivateKey',
          { P: bytes(16), Q: bytes(8), G: bytes(8), X: bytes(8) },
          'DSA',
          128,
        ),
      }),
      masked(1),
    ),
    register(
      object('PrivateKey', {
        KeyBlock: block('TransparentDHPrivateKey', { P: bytes(16), G: bytes(8), X: bytes(8) }, 'DH', 128),
      }),
      masked(0x800),
    ),
    register(object('PublicKey', { KeyBlock: block('X_509', keys.rsaPublic, 'RSA', 2048) }), masked(2)),
    register(
      object('PublicKey', {
        KeyBlock: block(
          'TransparentRSAPublicKey',
          { Modulus: big(jwk.n), PublicExponent: big(jwk.e) },
          'RSA',
          2048,
        ),
      }),
      masked(2),
    ),
    register(object('PublicKey', { KeyBlock: block('X_509', keys.ecPublic, 'ECDSA', 256) }), masked(2)),
    register(
      object('PublicKey', {
        KeyBlock: block(
          'TransparentECPublicKey',
          { RecommendedCurve: 'P_256', QString: bytes(65, 4) },
          'ECDSA',
          256,
        ),
      }),
      masked(2),
    ),
    register(
      object('SecretData', { SecretDataType: 'Password', KeyBlock: block('Opaque', bytes(12)) }),
      masked(0, name('secret')),
    ),
    register(
      object('SecretData', { SecretDataType: 'Seed', KeyBlock: block('Raw', bytes(96)) }),
      masked(0x200),
    ),
    register(
      object('OpaqueObject', { OpaqueDataType: 0x80000001, OpaqueDataValue: bytes(20) }),
      template(name('opaque')),
    ),
    register(object('Certificate', { CertificateType: 'X_509', CertificateValue: certificate }), masked(2)),
    register(object('Certificate', { CertificateType: 'PGP', CertificateValue: bytes(40) }), masked(2)),
    register(
      object('CertificateRequest', { CertificateRequestType: 'PKCS_10', CertificateRequestValue: bytes(60) }),
      masked(2),
    ),
    register(
      object('PGPKey', { PGPKeyVersion: 4, KeyBlock: block('Raw', bytes(40), 'RSA', 2048) }),
      masked(1),
    ),
    register(
      object('SplitKey', {
        SplitKeyParts: 3,
        KeyPartIdentifier: 1,
        SplitKeyThreshold: 2,
        SplitKeyMethod: 'PolynomialSharingPrimeField',
        PrimeFieldSize: bytes(16),
        KeyBlock: block('Raw', bytes(32), 'AES', 256),
      }),
      masked(12),
    ),
    register(
      object('Template', { Attributes: [name('template'), { name: 'CryptographicLength', value: 256 }] }),
      template(name('a template')),
    ),
  ];
}

/** The registration that makes each kind of object. */
export function kindSeeds(keys: Material, certificate: Uint8Array): ReadonlyMap<Kind, Seed> {
  const key = () => register(symmetric(), masked(12));
  const rsa = (value: Uint8Array) => object('PrivateKey', { KeyBlock: block('PKCS_8', value, 'RSA', 2048) });
  return new Map<Kind, Seed>([
    [
      'AES key',
      register(
        symmetric(),
        masked(
          12,
          name('fuzz'),
          { name: 'ObjectGroup', value: 'TestGroup' },
          { name: 'UsageLimits', value: { UsageLimitsTotal: 1000n, UsageLimitsUnit: 'Byte' } },
        ),
      ),
    ],
    ['active AES key', key()],
    ['private key', register(rsa(keys.rsa8), masked(1))],
    [
      'public key',
      register(object('PublicKey', { KeyBlock: block('X_509', keys.rsaPublic, 'RSA', 2048) }), masked(2)),
    ],
    [
      'secret data',
      register(
        object('SecretData', { SecretDataType: 'Password', KeyBlock: block('Opaque', bytes(12)) }),
        masked(0),
      ),
    ],
    [
      'certificate',
      register(object('Certificate', { CertificateType: 'X_509', CertificateValue: certificate }), masked(2)),
    ],
    [
      'opaque object',
      register(object('OpaqueObject', { OpaqueDataType: 0x80000001, OpaqueDataValue: bytes(20) })),
    ],
    ['revoked AES key', key()],
    ['destroyed AES key', key()],
    ['archived AES key', key()],
    [
      'sensitive AES key',
      register(
        symmetric(),
        masked(12, { name: 'Sensitive', value: true }, { name: 'Extractable', value: false }),
      ),
    ],
    [
      'EC private key',
      register(object('PrivateKey', { KeyBlock: block('PKCS_8', keys.ec8, 'ECDSA', 256) }), masked(1)),
    ],
  ]);
}

const on = (kind: Kind, more: Record<string, unknown> = {}) => ({ UniqueIdentifier: standIn(kind), ...more });
const purpose: Attribute = { vendor: 'x', name: 'Purpose', value: { type: 'TextString', value: 'test' } };
const pair = (common: Attribute[]) => ({
  CommonAttributes: template(...common),
  PrivateKeyAttributes: template({ name: 'CryptographicUsageMask', value: 1 }, name('private')),
  PublicKeyAttributes: template({ name: 'CryptographicUsageMask', value: 2 }, name('public')),
});

/** Every operation that is performed, in its usual shapes. */
export const seeds: readonly Seed[] = [
  { operation: 'DiscoverVersions', request: { ProtocolVersion: [] } },
  {
    operation: 'DiscoverVersions',
    request: {
      ProtocolVersion: [
        { ProtocolVersionMajor: 1, ProtocolVersionMinor: 2 },
        { ProtocolVersionMajor: 9, ProtocolVersionMinor: 9 },
      ],
    },
  },
  { operation: 'Query', request: { QueryFunction: Array.from({ length: 14 }, (_, at) => at + 1) } },
  { operation: 'Ping', request: {} },
  { operation: 'Log', request: { LogMessage: 'a message of the client' } },
  { operation: 'Interop', request: { InteropFunction: 'Begin', InteropIdentifier: 'case' } },
  { operation: 'Create', request: { ObjectType: 'SymmetricKey', Attributes: aes(256) } },
  {
    operation: 'Create',
    request: {
      ObjectType: 'SymmetricKey',
      Attributes: aes(
        128,
        name('created'),
        purpose,
        { name: 'ActivationDate', value: 1_600_000_000 },
        { name: 'DeactivationDate', value: 4_000_000_000 },
      ),
    },
  },
  { operation: 'Create', request: { ObjectType: 'SecretData', Attributes: aes(256) } },
  {
    operation: 'CreateKeyPair',
    request: pair([
      { name: 'CryptographicAlgorithm', value: 'ECDSA' },
      { name: 'CryptographicLength', value: 256 },
    ]),
  },
  {
    operation: 'CreateKeyPair',
    request: pair([
      { name: 'CryptographicAlgorithm', value: 'EC' },
      { name: 'CryptographicDomainParameters', value: { RecommendedCurve: 'P_384' } },
    ]),
  },
  { operation: 'ReKey', request: on('AES key', { Attributes: none, Offset: 60 }) },
  { operation: 'ReKey', request: on('active AES key', { Attributes: template(name('replaced')) }) },
  {
    operation: 'ReKeyKeyPair',
    request: {
      PrivateKeyUniqueIdentifier: standIn('EC private key'),
      Offset: 0,
      CommonAttributes: none,
      PrivateKeyAttributes: none,
      PublicKeyAttributes: none,
    },
  },
  { operation: 'Locate', request: { Attributes: [] } },
  {
    operation: 'Locate',
    request: {
      MaximumItems: 16,
      OffsetItems: 1,
      StorageStatusMask: 3,
      Attributes: [{ name: 'ObjectType', value: 'SymmetricKey' }, name('fuzz')],
    },
  },
  {
    operation: 'Locate',
    request: {
      MaximumItems: 5,
      ObjectGroupMember: 'GroupMemberFresh',
      Attributes: [
        { name: 'ObjectGroup', value: 'TestGroup' },
        { name: 'InitialDate', value: 1_600_000_000 },
        { name: 'InitialDate', value: 4_000_000_000 },
      ],
    },
  },
  {
    operation: 'Locate',
    request: {
      MaximumItems: 5,
      Attributes: [{ name: 'State', value: 'Active' }, { name: 'CryptographicUsageMask', value: 4 }, purpose],
    },
  },
  {
    operation: 'Check',
    request: on('active AES key', { CryptographicUsageMask: 4, UsageLimitsCount: 5n, LeaseTime: 10 }),
  },
  { operation: 'Get', request: on('AES key') },
  { operation: 'Get', request: on('active AES key', { KeyFormatType: 'TransparentSymmetricKey' }) },
  { operation: 'Get', request: on('private key', { KeyFormatType: 'PKCS_1' }) },
  { operation: 'Get', request: on('private key', { KeyFormatType: 'TransparentRSAPrivateKey' }) },
  { operation: 'Get', request: on('public key', { KeyFormatType: 'TransparentRSAPublicKey' }) },
  { operation: 'Get', request: on('EC private key', { KeyFormatType: 'ECPrivateKey' }) },
  { operation: 'Get', request: on('secret data') },
  { operation: 'Get', request: on('certificate') },
  { operation: 'Get', request: on('opaque object') },
  { operation: 'Get', request: on('sensitive AES key') },
  {
    operation: 'Get',
    request: on('AES key', {
      KeyWrappingSpecification: {
        WrappingMethod: 'Encrypt',
        EncryptionKeyInformation: { UniqueIdentifier: standIn('active AES key') },
        AttributeName: [],
      },
    }),
  },
  { operation: 'GetAttributes', request: on('AES key', { AttributeReference: [] }) },
  {
    operation: 'GetAttributes',
    request: on('certificate', {
      AttributeReference: [{ name: 'State' }, { name: 'Name' }, { vendor: 'x', name: 'Purpose' }],
    }),
  },
  { operation: 'GetAttributeList', request: on('AES key') },
  { operation: 'GetAttributeList', request: on('destroyed AES key') },
  { operation: 'AddAttribute', request: on('AES key', { NewAttribute: purpose }) },
  { operation: 'AddAttribute', request: on('AES key', { NewAttribute: name('another') }) },
  {
    operation: 'ModifyAttribute',
    request: on('AES key', { NewAttribute: { name: 'ContactInformation', value: 'somebody' } }),
  },
  {
    operation: 'ModifyAttribute',
    request: on('AES key', { NewAttribute: name('other'), CurrentAttribute: name('fuzz') }),
  },
  {
    operation: 'SetAttribute',
    request: on('AES key', { NewAttribute: { name: 'ContactInformation', value: 'somebody' } }),
  },
  {
    operation: 'AdjustAttribute',
    request: on('AES key', {
      AttributeReference: { name: 'CryptographicUsageMask' },
      AdjustmentType: 'Increment',
      AdjustmentValue: { type: 'Integer', value: 1 },
    }),
  },
  {
    operation: 'AdjustAttribute',
    request: on('AES key', {
      AttributeReference: { name: 'DeactivationDate' },
      AdjustmentType: 'Increment',
      AdjustmentValue: { type: 'Interval', value: 60 },
    }),
  },
  {
    operation: 'AdjustAttribute',
    request: on('AES key', { AttributeReference: { name: 'Sensitive' }, AdjustmentType: 'Negate' }),
  },
  {
    operation: 'DeleteAttribute',
    request: on('AES key', { AttributeReference: { vendor: 'x', name: 'Purpose' }, AttributeIndex: 0 }),
  },
  {
    operation: 'DeleteAttribute',
    request: on('AES key', { AttributeReference: { name: 'Name' }, CurrentAttribute: name('fuzz') }),
  },
  { operation: 'Activate', request: on('AES key') },
  {
    operation: 'Revoke',
    request: on('active AES key', {
      RevocationReason: { RevocationReasonCode: 'KeyCompromise', RevocationMessage: 'lost' },
      CompromiseOccurrenceDate: 1_600_000_000,
    }),
  },
  {
    operation: 'Revoke',
    request: on('AES key', { RevocationReason: { RevocationReasonCode: 'Unspecified' } }),
  },
  { operation: 'Destroy', request: on('revoked AES key') },
  { operation: 'Destroy', request: on('secret data') },
  { operation: 'Archive', request: on('opaque object') },
  { operation: 'Recover', request: on('archived AES key') },
  { operation: 'ObtainLease', request: on('AES key') },
  { operation: 'GetUsageAllocation', request: on('active AES key', { UsageLimitsCount: 10n }) },
];
