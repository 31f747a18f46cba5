import type { Attribute } from '../../codec/attribute.ts';
import type { ManagedObjectValue } from '../../codec/structures/managed-objects.ts';
import type { OperationName } from '../../src/operations/context.ts';
import { CreateSplitKey } from '../../src/operations/creation/create-split-key.ts';
import { MAC } from '../../src/operations/cryptography/mac.ts';
import { Sign } from '../../src/operations/cryptography/sign.ts';
import { Archive } from '../../src/operations/lifecycle/archive.ts';
import { createPair } from './keys.ts';
import { aes, algorithm, contact, having, length, named, succeed } from './operations/ask.ts';
import { authority, name } from './operations/certificates/authority.ts';
import { active, counted, mask, register, symmetric } from './operations/transfer/wrapping-keys.ts';
import type { TestService } from './service.ts';

/** One request for every operation, which succeeds when nothing restricts the client. */

/**
 * What a request does, as far as roles distinguish it. `open`: neither names, finds nor makes objects;
 * `object`: reads or changes those named; `value`: uses their values; `leaves`: gives them out; `makes`:
 * makes an object of none; `converts`: makes one of the object named; `finds`: searches.
 */
export type RequestKind = 'open' | 'object' | 'value' | 'leaves' | 'makes' | 'converts' | 'finds';

export interface Asked {
  readonly kind: RequestKind;
  /** Whose value is used to make an object of the one named, so that its state counts. */
  readonly usesValueOf?: 'named' | 'issuer';
  /** The operation fails on purpose, because nothing of it concerns objects. */
  readonly isRefused?: boolean;
  /** Makes what the request names, as client of the sender's group; the first identifier is the object. */
  prepare(service: TestService): Promise<readonly string[]>;
  request(ids: readonly string[]): object;
}

const uses = mask('Encrypt', 'Decrypt', 'DeriveKey', 'Export');
const data = counted(16);
const ctr = { CryptographicParameters: { BlockCipherMode: 'CTR' }, Data: data, IVCounterNonce: data };
const sha = { CryptographicParameters: { HashingAlgorithm: 'SHA_256' }, Data: data };
const parts = { SplitKeyParts: 2, SplitKeyThreshold: 2, SplitKeyMethod: 'XOR' } as const;
const comment: Attribute = { name: 'Comment', value: 'x' };

const nothing = async () => ['none'];
const key =
  (...attributes: Attribute[]) =>
  async (service: TestService) => [await register(service, symmetric(data), uses, ...attributes)];
const activeKey = key(active);
const macKey = async (service: TestService) => [
  await register(service, symmetric(counted(32), 'HMAC_SHA256'), active, mask('MACGenerate', 'MACVerify')),
];
const pair = async (service: TestService) => {
  const { id, publicId } = await createPair(service, 'EC');
  return [id, publicId];
};
const one = ([UniqueIdentifier]: readonly string[]) => ({ UniqueIdentifier });

const object = (prepare: Asked['prepare'], more: object = {}, kind: RequestKind = 'object'): Asked => ({
  ...{ kind, prepare, request: (ids) => ({ ...one(ids), ...more }) },
});
const open = (more: object = {}, isRefused = false): Asked => ({
  ...{ kind: 'open', isRefused, prepare: nothing, request: () => more },
});
const makes = (request: () => object): Asked => ({ kind: 'makes', prepare: nothing, request });
const value = (prepare: Asked['prepare'], more: object = {}) => object(prepare, more, 'value');

/** Signatures and MACs by the identifier of the key that verifies them. */
const results = new Map<string, Uint8Array>();

const table: Partial<Record<OperationName, Asked>> = {
  DiscoverVersions: open(),
  Query: open({ QueryFunction: ['QueryOperations'] }),
  Ping: open(),
  Log: open({ LogMessage: 'x' }),
  Login: open(),
  Logout: open([], true),
  DelegatedLogin: open({ Rights: { Right: [{}] } }),
  Hash: open(sha),
  RNGRetrieve: open({ DataLength: 8 }),
  RNGSeed: open({ Data: data }),
  PKCS_11: open([], true),
  SetDefaults: open({ ObjectDefaults: [] }),
  SetConstraints: open([]),
  GetConstraints: open(),
  Poll: open({ AsynchronousCorrelationValue: data }, true),
  Cancel: open({ AsynchronousCorrelationValue: data }),
  Process: open([], true),
  QueryAsynchronousRequests: open(),
  ReProvision: open({}, true),
  SetEndpointRole: open([], true),
  Locate: { kind: 'finds', prepare: activeKey, request: () => ({ Attributes: [] }) },
  Create: makes(() => ({ ObjectType: 'SymmetricKey', Attributes: having(...aes) })),
  CreateKeyPair: makes(() => ({
    CommonAttributes: having(algorithm('ECDSA'), length(256)),
    PrivateKeyAttributes: having(mask('Sign')),
    PublicKeyAttributes: having(mask('Verify')),
  })),
  Register: makes(() => ({
    ...{ ObjectType: 'SymmetricKey', Attributes: having(uses), Object: symmetric(data) },
  })),
  Import: makes(() => ({
    ...{ UniqueIdentifier: crypto.randomUUID(), Attributes: [uses], Object: symmetric(data) },
  })),
  ReKey: object(activeKey, { Attributes: having() }, 'converts'),
  ReKeyKeyPair: {
    ...{ kind: 'converts', prepare: pair, request: ([id]) => ({ PrivateKeyUniqueIdentifier: id }) },
  },
  DeriveKey: {
    ...{ kind: 'converts', usesValueOf: 'named', prepare: activeKey },
    request: ([id]) => ({
      ObjectType: 'SecretData',
      UniqueIdentifier: [id],
      DerivationMethod: 'HMAC',
      DerivationParameters: { ...sha, Data: undefined, DerivationData: [data] },
      Attributes: having(length(128), mask('DeriveKey')),
    }),
  },
  CreateSplitKey: {
    ...{ kind: 'converts', usesValueOf: 'named', prepare: activeKey },
    request: (ids) => ({ ObjectType: 'SplitKey', ...one(ids), ...parts, Attributes: having() }),
  },
  JoinSplitKey: {
    ...{ kind: 'converts', usesValueOf: 'named' },
    async prepare(at) {
      const request = { ObjectType: 'SplitKey', ...parts, Attributes: having(...aes, active) } as const;
      return (await succeed(at, '2.1', CreateSplitKey, request)).UniqueIdentifier;
    },
    request: (ids) => ({ ObjectType: 'SymmetricKey', UniqueIdentifier: [...ids], Attributes: having() }),
  },
  Certify: {
    ...{ kind: 'converts', usesValueOf: 'issuer' },
    async prepare(at) {
      const { publicKey, certificate } = await authority(at);
      return [publicKey, certificate];
    },
    request([id, LinkedObjectIdentifier = '']) {
      const Link = { LinkType: 'CertificateLink', LinkedObjectIdentifier } as const;
      const subject = name('Subject', { CN: 'renewed' });
      return { UniqueIdentifier: id, Attributes: having(...subject, { name: 'Link', value: Link }) };
    },
  },
  ReCertify: {
    ...object(async (at) => [(await authority(at)).certificate], { Attributes: having() }, 'converts'),
    usesValueOf: 'issuer',
  },
  Validate: {
    kind: 'object',
    prepare: async (at) => [(await authority(at)).certificate],
    request: ([id]) => ({ Certificate: [], UniqueIdentifier: [id] }),
  },
  Check: object(activeKey),
  GetAttributes: object(activeKey),
  GetAttributeList: object(activeKey),
  AddAttribute: object(activeKey, { NewAttribute: comment }),
  ModifyAttribute: object(key(contact('x')), { NewAttribute: contact('y') }),
  SetAttribute: object(activeKey, { NewAttribute: comment }),
  AdjustAttribute: object(key({ vendor: 'x', name: 'n', value: { type: 'Integer', value: 1 } }), {
    ...{ AttributeReference: { vendor: 'x', name: 'n' }, AdjustmentType: 'Increment' },
  }),
  DeleteAttribute: object(key(named('x')), { CurrentAttribute: named('x') }),
  Activate: object(key()),
  Revoke: object(activeKey, { RevocationReason: { RevocationReasonCode: 'CessationOfOperation' } }),
  Destroy: object(key()),
  Archive: object(activeKey),
  Recover: object(async (at) => {
    const ids = await activeKey(at);
    await succeed(at, '2.1', Archive, one(ids));
    return ids;
  }),
  ObtainLease: object(activeKey),
  Get: object(activeKey, {}, 'leaves'),
  Export: object(activeKey, {}, 'leaves'),
  GetUsageAllocation: value(
    key(active, { name: 'UsageLimits', value: { UsageLimitsTotal: 100n, UsageLimitsUnit: 'Byte' } }),
    { UsageLimitsCount: 1n },
  ),
  Encrypt: value(activeKey, ctr),
  Decrypt: value(activeKey, ctr),
  Sign: value(pair, sha),
  MAC: value(macKey, { Data: data }),
  SignatureVerify: {
    kind: 'value',
    async prepare(at) {
      const [id = '', publicId = ''] = await pair(at);
      const { SignatureData } = await succeed(at, '2.1', Sign, { UniqueIdentifier: id, ...sha });
      results.set(publicId, SignatureData?.slice() ?? new Uint8Array());
      return [publicId];
    },
    request: (ids) => ({ ...one(ids), ...sha, SignatureData: results.get(ids[0] ?? '') ?? data }),
  },
  MACVerify: {
    kind: 'value',
    async prepare(at) {
      const [id = ''] = await macKey(at);
      const { MACData } = await succeed(at, '2.1', MAC, { UniqueIdentifier: id, Data: data });
      results.set(id, MACData?.slice() ?? new Uint8Array());
      return [id];
    },
    request: (ids) => ({ ...one(ids), Data: data, MACData: results.get(ids[0] ?? '') ?? data }),
  },
};

/** By operation; Interop and those that go from the server to its clients are none of a client's. */
export const requests = table as Readonly<Record<string, Asked>>;

/** Type and algorithms of what the requests name and make. */
export const namedTypes: readonly ManagedObjectValue['type'][] = [
  ...(['SymmetricKey', 'PrivateKey', 'PublicKey', 'SecretData', 'SplitKey', 'Certificate'] as const),
];
export const namedAlgorithms = ['AES', 'HMAC_SHA256', 'EC', 'ECDSA', 'none'];
