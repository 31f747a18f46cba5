import {
  DestroyAction,
  ItemType,
  ObjectType,
  Operation,
  ProfileName,
  RNGMode,
  ShreddingAlgorithm,
  UnwrapMode,
  ValidationAuthorityType,
  ValidationType,
} from '../enums.ts';
import { attributeList, keyValueAttributes } from '../eras.ts';
import { ProtectionStorageMask } from '../masks.ts';
import { bool, era, type Infer, integer, many, maybe, one, since, struct, text, until } from '../schema.ts';

/** KMIP 2.1 §9.8, 1.4 §2.1.9. */
export const ExtensionInformation = struct({
  ExtensionName: one(text),
  ExtensionTag: maybe(integer),
  ExtensionType: era<number | ItemType | undefined>({ '1.x': maybe(integer), '2.x': maybe(ItemType) }),
  ExtensionEnumeration: since('2.0', maybe(integer)),
  ExtensionAttribute: since('2.0', maybe(bool)),
  ExtensionParentStructureTag: since('2.0', maybe(integer)),
  ExtensionDescription: since('2.0', maybe(text)),
});
export type ExtensionInformation = Infer<typeof ExtensionInformation>;

/** KMIP 2.1 §7.24. */
export const ProfileVersion = struct({
  ProfileVersionMajor: one(integer),
  ProfileVersionMinor: one(integer),
});

/** KMIP 2.1 §7.23, 1.4 §2.1.19. */
export const ProfileInformation = struct({
  ProfileName: one(ProfileName),
  ProfileVersion: since('2.0', maybe(ProfileVersion)),
  ServerURI: maybe(text),
  ServerPort: maybe(integer),
});
export type ProfileInformation = Infer<typeof ProfileInformation>;

/** KMIP 2.1 §7.36, 1.4 §2.1.20. */
export const ValidationInformation = struct({
  ValidationAuthorityType: one(ValidationAuthorityType),
  ValidationAuthorityCountry: maybe(text),
  ValidationAuthorityURI: maybe(text),
  ValidationVersionMajor: one(integer),
  ValidationVersionMinor: maybe(integer),
  ValidationType: one(ValidationType),
  ValidationLevel: one(integer),
  ValidationCertificateIdentifier: maybe(text),
  ValidationCertificateURI: maybe(text),
  ValidationVendorURI: maybe(text),
  ValidationProfile: many(text),
});
export type ValidationInformation = Infer<typeof ValidationInformation>;

/** KMIP 2.1 §7.3, 1.4 §2.1.21. */
export const CapabilityInformation = struct({
  StreamingCapability: maybe(bool),
  AsynchronousCapability: maybe(bool),
  AttestationCapability: maybe(bool),
  BatchUndoCapability: since('1.4', maybe(bool)),
  BatchContinueCapability: since('1.4', maybe(bool)),
  UnwrapMode: maybe(UnwrapMode),
  DestroyAction: maybe(DestroyAction),
  ShreddingAlgorithm: maybe(ShreddingAlgorithm),
  RNGMode: maybe(RNGMode),
  QuantumSafeCapability: since('2.0', maybe(bool)),
});
export type CapabilityInformation = Infer<typeof CapabilityInformation>;

/** KMIP 2.1 §7.32. Before 2.0 the vendor defines the content. */
export const ServerInformation = struct({
  ServerName: since('2.0', maybe(text)),
  ServerSerialNumber: since('2.0', maybe(text)),
  ServerVersion: since('2.0', maybe(text)),
  ServerLoad: since('2.0', maybe(text)),
  ProductName: since('2.0', maybe(text)),
  BuildLevel: since('2.0', maybe(text)),
  BuildDate: since('2.0', maybe(text)),
  ClusterInfo: since('2.0', maybe(text)),
  AlternateFailoverEndpoints: since('2.0', many(text)),
});
export type ServerInformation = Infer<typeof ServerInformation>;

/** KMIP 2.1 §7.17. */
export const ObjectTypes = struct({ ObjectType: many(ObjectType) });
/** KMIP 2.1 §7.16. */
export const ObjectGroups = struct({ ObjectGroup: many(text) });
export type ObjectGroups = Infer<typeof ObjectGroups>;

/** KMIP 2.1 §7.15, 2.0 §2.26: 2.0 names one type, 2.1 several. */
export const ObjectDefaults = struct({
  ObjectType: until('2.0', since('2.0', maybe(ObjectType))),
  ObjectTypes: since('2.1', maybe(ObjectTypes)),
  Attributes: attributeList,
  ObjectGroups: since('2.1', maybe(ObjectGroups)),
});
export type ObjectDefaults = Infer<typeof ObjectDefaults>;
/** KMIP 2.1 §7.9. */
export const DefaultsInformation = struct({ ObjectDefaults: many(ObjectDefaults) });

/** KMIP 2.1 §7.5: a constraint on objects of these types and groups; on all objects when it names none. */
export const Constraint = struct({
  ObjectTypes: maybe(ObjectTypes),
  ObjectGroups: maybe(ObjectGroups),
  Attributes: keyValueAttributes,
});
export type Constraint = Infer<typeof Constraint>;
/** KMIP 2.1 §7.6. */
export const Constraints = struct({ Constraint: many(Constraint) });

/** KMIP 2.1 §7.29: alternative masks; an object has to meet one of them. */
export const ProtectionStorageMasks = struct({ ProtectionStorageMask: many(ProtectionStorageMask) });
export type ProtectionStorageMasks = Infer<typeof ProtectionStorageMasks>;

/** KMIP 2.1 §7.18. */
export const Operations = struct({ Operation: many(Operation) });
