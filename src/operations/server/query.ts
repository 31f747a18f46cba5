import {
  AttestationType,
  ClientRegistrationMethod,
  ObjectType,
  Operation,
  ProfileName,
  QueryFunction,
} from '../../../codec/enums.ts';
import { type Infer, many, maybe, since, struct, text } from '../../../codec/schema.ts';
import { RNGParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import {
  CapabilityInformation,
  DefaultsInformation,
  ExtensionInformation,
  ObjectGroups,
  ProfileInformation,
  ProtectionStorageMasks,
  ServerInformation,
  ValidationInformation,
} from '../../../codec/structures/query.ts';
import { isWithin, type Version, versionNumbers } from '../../../codec/version.ts';
import { profiles } from '../../../profiles/index.ts';
import { fail } from '../../common/errors.ts';
import type { Context } from '../context.ts';
import { operation, server } from '../operation.ts';
import { offeredStorage } from '../protection-storage.ts';
import { announcedDefaults } from './announced-defaults.ts';
import { capabilities } from './capabilities.ts';

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

/** Object types that can be stored, of all versions. */
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

/** Supported profiles, by the names in the profile documents up to the version of the request. */
function announcedProfiles(version: Version, https: boolean): Answer['ProfileInformation'] {
  return profiles
    .filter(({ supported, encoding }) => supported && (encoding === undefined || https))
    .flatMap(({ servers }) => Object.entries(servers) as [Version, ProfileName][])
    .filter(([document, name]) => isWithin(version, document) && ProfileName.isKnownIn(name, version))
    .map(([document, name]) => {
      const { major, minor } = versionNumbers(document);
      return {
        ProfileName: name,
        ProfileVersion: { ProfileVersionMajor: major, ProfileVersionMinor: minor },
      };
    });
}

/**
 * Fields that each function adds to the answer; a function without entry adds none. The server has no
 * extensions and no attestation, no validations but those that its operator states of a token, and generates
 * no Application Data in any namespace. QueryDefaultsInformation is not here because it also depends on the
 * Object Groups.
 */
const functions: Partial<Record<Exclude<QueryFunction, number>, (context: Context) => Partial<Answer>>> = {
  QueryOperations: ({ server, version }) => ({ Operation: [...server.operations(version)] }),
  QueryObjects: ({ version }) => ({
    ObjectType: objectTypes.filter((type) => ObjectType.isKnownIn(type, version)),
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
  QueryRNGs: ({ crypto }) => ({ RNGParameters: [crypto.randomNumberGenerator] }),
  QueryCapabilities: () => ({ CapabilityInformation: [capabilities] }),
  QueryProfiles: ({ server, version }) => ({
    ProfileInformation: announcedProfiles(version, server.https ?? false),
  }),
  QueryValidations: ({ server }) => ({ ValidationInformation: [...(server.validations ?? [])] }),
  // `init` creates the first client, `client add` generates others, or accepts a client's request or
  // certificate.
  QueryClientRegistrationMethods: () => ({
    ClientRegistrationMethod: ['ServerPreGenerated', 'ServerOnDemand', 'ClientGenerated', 'ClientRegistered'],
  }),
  QueryStorageProtectionMasks: (context) => ({
    ProtectionStorageMasks: { ProtectionStorageMask: [...offeredStorage(context)] },
  }),
};

/**
 * Query (KMIP 2.1 §6.1.40, 1.4 §4.25): capabilities of the server, as far as the version of the request can
 * express them.
 */
export const Query = operation({
  name: 'Query',
  since: '1.0',
  request: struct({ QueryFunction: many(QueryFunction), ObjectGroups: since('2.1', maybe(ObjectGroups)) }),
  response,
  target: server(),
  limitedRight: 'public',
  async handle({ QueryFunction: requested, ObjectGroups }, context) {
    if (requested.length === 0) fail('InvalidMessage', 'Query names no Query Function');
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
    for (const name of new Set(requested)) {
      if (typeof name === 'string') Object.assign(answer, functions[name]?.(context));
    }
    const groups = ObjectGroups?.ObjectGroup ?? [];
    if (requested.includes('QueryDefaultsInformation') || groups.length > 0) {
      const defaults = await announcedDefaults(groups, context);
      if (requested.includes('QueryDefaultsInformation')) answer.DefaultsInformation = defaults;
    }
    return answer;
  },
});
