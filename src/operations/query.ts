import {
  AttestationType,
  ClientRegistrationMethod,
  ObjectType,
  Operation,
  QueryFunction,
} from '../../codec/enums.ts';
import { type Infer, many, maybe, since, struct, text } from '../../codec/schema.ts';
import { RNGParameters } from '../../codec/structures/cryptographic-parameters.ts';
import {
  CapabilityInformation,
  DefaultsInformation,
  ExtensionInformation,
  ObjectGroups,
  ProfileInformation,
  ProtectionStorageMasks,
  ServerInformation,
  ValidationInformation,
} from '../../codec/structures/query.ts';
import { fail } from '../errors.ts';
import { type Context, operation, server } from './operation.ts';
import { offeredStorage } from './protection-storage.ts';

const response = struct({
  Operation: many(Operation),
  ObjectType: many(ObjectType),
  VendorIdentification: maybe(text),
  ServerInformation: maybe(ServerInformation),
  ApplicationNamespace: many(text),
  ExtensionInformation: since('1.1', many(ExtensionInformation)),
  AttestationType: since('1.2', many(AttestationType)),
  RNGParameters: since('1.3', many(RNGParameters)),
  ProfileInformation: since('1.3', many(ProfileInformation)),
  ValidationInformation: since('1.3', many(ValidationInformation)),
  CapabilityInformation: since('1.3', many(CapabilityInformation)),
  ClientRegistrationMethod: since('1.3', many(ClientRegistrationMethod)),
  DefaultsInformation: since('2.0', maybe(DefaultsInformation)),
  ProtectionStorageMasks: since('2.0', maybe(ProtectionStorageMasks)),
});
type Answer = Infer<typeof response>;

/** Object types that can be stored; those a version does not know are left out of its answers by the codec. */
const objectTypes: Answer['ObjectType'] = [
  'Certificate',
  'SymmetricKey',
  'PublicKey',
  'PrivateKey',
  'SplitKey',
  'Template',
  'SecretData',
  'OpaqueObject',
  'PGPKey',
  'CertificateRequest',
];

/** What each function adds to the answer; one with nothing to report adds nothing. */
const functions: Partial<Record<Exclude<QueryFunction, number>, (context: Context) => Partial<Answer>>> = {
  QueryOperations: ({ server, version }) => ({ Operation: [...server.operations(version)] }),
  QueryObjects: ({ version }) => ({
    ObjectType: objectTypes.filter((type) => ObjectType.knownIn(type, version)),
  }),
  QueryServerInformation: ({ server }) => ({
    VendorIdentification: server.vendor,
    ServerInformation: {
      ServerName: server.name,
      ServerVersion: server.version,
      ProductName: server.vendor,
      AlternateFailoverEndpoints: [],
    },
  }),
  // The system's generator behind OpenSSL; which DRBG that is depends on the build, so nothing more is claimed.
  QueryRNGs: () => ({ RNGParameters: [{ RNGAlgorithm: 'Unspecified' }] }),
  QueryCapabilities: () => ({
    CapabilityInformation: [
      {
        StreamingCapability: false,
        AsynchronousCapability: false,
        AttestationCapability: false,
        BatchUndoCapability: true,
        BatchContinueCapability: true,
        DestroyAction: 'KeyMaterialDeleted',
        ShreddingAlgorithm: 'Unspecified',
        RNGMode: 'SharedInstantiation',
      },
    ],
  }),
  QueryClientRegistrationMethods: () => ({
    ClientRegistrationMethod: ['ServerPreGenerated', 'ServerOnDemand'],
  }),
  QueryStorageProtectionMasks: () => ({
    ProtectionStorageMasks: { ProtectionStorageMask: [offeredStorage] },
  }),
};

/** Query (KMIP 2.1 §6.1.41, 1.4 §4.25): what the server can do, as the asking version knows it. */
export const Query = operation({
  name: 'Query',
  since: '1.0',
  request: struct({ QueryFunction: many(QueryFunction), ObjectGroups: since('2.1', maybe(ObjectGroups)) }),
  response,
  on: server(),
  handle({ QueryFunction: asked, ObjectGroups: groups }, context) {
    if (asked.length === 0) fail('InvalidMessage', 'Query names no Query Function');
    if (groups !== undefined && groups.ObjectGroup.length > 0)
      fail('UnknownObjectGroup', 'no Object Group has defaults of its own');
    const empty: Answer = {
      Operation: [],
      ObjectType: [],
      ApplicationNamespace: [],
      ExtensionInformation: [],
      AttestationType: [],
      RNGParameters: [],
      ProfileInformation: [],
      ValidationInformation: [],
      CapabilityInformation: [],
      ClientRegistrationMethod: [],
    };
    return asked.reduce<Answer>((answer, name) => {
      const add = typeof name === 'string' ? functions[name] : undefined;
      return { ...answer, ...add?.(context) };
    }, empty);
  },
});
