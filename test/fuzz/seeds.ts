import type { Attribute } from '../../codec/attribute.ts';
import { type Kind, standIn } from './objects.ts';
import { aes, bytes, name, none, type Seed, symmetric, template } from './values.ts';

const on = (kind: Kind, more: Record<string, unknown> = {}) => ({ UniqueIdentifier: standIn(kind), ...more });
const purpose: Attribute = { vendor: 'x', name: 'Purpose', value: { type: 'TextString', value: 'test' } };
const pair = (common: Attribute[]) => ({
  CommonAttributes: template(...common),
  PrivateKeyAttributes: template({ name: 'CryptographicUsageMask', value: 1 }, name('private')),
  PublicKeyAttributes: template({ name: 'CryptographicUsageMask', value: 2 }, name('public')),
});

/** Every operation that is performed, in its usual shapes. */
export const seeds: readonly Seed[] = [
  ...['Poll', 'Cancel', 'Process'].map((operation) => ({
    operation,
    request: { AsynchronousCorrelationValue: bytes(20) },
  })),
  { operation: 'QueryAsynchronousRequests', request: {} },
  {
    operation: 'QueryAsynchronousRequests',
    request: {
      AsynchronousCorrelationValues: { AsynchronousCorrelationValue: [bytes(20), bytes(8)] },
      Operations: { Operation: ['Create', 'Get'] },
    },
  },
  {
    operation: 'Hash',
    request: { CryptographicParameters: { HashingAlgorithm: 'SHA_256' }, Data: bytes(40) },
  },
  {
    operation: 'Hash',
    request: {
      CryptographicParameters: { HashingAlgorithm: 'SHA3_512' },
      Data: bytes(40),
      InitIndicator: true,
      CorrelationValue: bytes(4),
    },
  },
  { operation: 'RNGRetrieve', request: { DataLength: 32 } },
  { operation: 'RNGSeed', request: { Data: bytes(32) } },
  { operation: 'Export', request: on('AES key') },
  { operation: 'Export', request: on('private key', { KeyFormatType: 'PKCS_8', KeyWrapType: 'NotWrapped' }) },
  { operation: 'Export', request: on('destroyed AES key') },
  ...[standIn('AES key'), 'imported'].map((id) => ({
    operation: 'Import',
    request: {
      UniqueIdentifier: id,
      ObjectType: 'SymmetricKey',
      ReplaceExisting: true,
      Attributes: [
        name('imported'),
        { name: 'CryptographicUsageMask', value: 12 },
        { name: 'State', value: 'Active' },
      ],
      Object: symmetric(),
    },
  })),
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
  { operation: 'SetEndpointRole', request: { EndpointRole: 'Server' } },
  { operation: 'SetEndpointRole', request: { EndpointRole: 'Client' } },
  {
    operation: 'Notify',
    request: {
      UniqueIdentifier: 'key',
      Changes: { changed: [{ name: 'State', value: 'Active' }], deleted: [{ name: 'ContactInformation' }] },
    },
  },
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
