import type { Attribute } from '../../codec/attribute.ts';
import {
  AttestationType,
  ClientRegistrationMethod,
  ObjectType,
  Operation,
  ProfileName,
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
import { type Version, versionNumbers, within } from '../../codec/version.ts';
import { profiles } from '../../profiles/index.ts';
import { fail } from '../errors.ts';
import { defaultLeaseSeconds } from '../object/creation.ts';
import { defaultUsageMask } from '../object/usage.ts';
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

/** Profiles whose every case passes, under the names that the documents up to the asking version have for them. */
function announcedProfiles(asking: Version): Answer['ProfileInformation'] {
  return profiles
    .filter(({ kept }) => kept)
    .flatMap(({ servers }) => Object.entries(servers) as [Version, ProfileName][])
    .filter(([document, name]) => within(asking, document) && ProfileName.knownIn(name, asking))
    .map(([document, name]) => {
      const { major, minor } = versionNumbers(document);
      return {
        ProfileName: name,
        ProfileVersion: { ProfileVersionMajor: major, ProfileVersionMinor: minor },
      };
    });
}

/** Object types of which some attributes have defaults. */
const withDefaults = ['SymmetricKey', 'PrivateKey', 'PublicKey', 'SecretData'] as const;

/** The attributes an object gets when its client says nothing of them. */
function defaultsOf(type: (typeof withDefaults)[number]) {
  const attributes: Attribute[] = [
    { name: 'CryptographicUsageMask', value: defaultUsageMask(type, undefined) ?? 0 },
    { name: 'LeaseTime', value: defaultLeaseSeconds },
    { name: 'Sensitive', value: false },
    { name: 'Extractable', value: true },
  ];
  return { ObjectType: type, ObjectTypes: { ObjectType: [type] }, Attributes: attributes };
}

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
  QueryProfiles: ({ version }) => ({ ProfileInformation: announcedProfiles(version) }),
  QueryDefaultsInformation: () => ({ DefaultsInformation: { ObjectDefaults: withDefaults.map(defaultsOf) } }),
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
    const answer: Answer = {
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
    for (const name of new Set(asked)) {
      if (typeof name === 'string') Object.assign(answer, functions[name]?.(context));
    }
    return answer;
  },
});
