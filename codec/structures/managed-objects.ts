import {
  CertificateRequestType,
  CertificateType,
  OpaqueDataType,
  SecretDataType,
  SplitKeyMethod,
} from '../enums.ts';
import { templateAttributes } from '../eras.ts';
import { plan } from '../plan.ts';
import {
  big,
  bytes,
  type Custom,
  type Infer,
  integer,
  type MergedField,
  maybe,
  one,
  struct,
} from '../schema.ts';
import { type TagName, tagNumber } from '../tags.ts';
import { newestVersion, type Version } from '../version.ts';
import { BinaryReader, tagLabel } from '../wire/binary-reader.ts';
import { encodeMessage } from '../wire/binary-writer.ts';
import { WireError } from '../wire-error.ts';
import { KeyBlock } from './key-block.ts';

/** KMIP 2.1 §2.1, 1.4 §2.2.1. */
export const Certificate = struct({ CertificateType: one(CertificateType), CertificateValue: one(bytes) });
export type Certificate = Infer<typeof Certificate>;

/** KMIP 2.1 §2.2. */
export const CertificateRequest = struct({
  CertificateRequestType: one(CertificateRequestType),
  CertificateRequestValue: one(bytes),
});
export type CertificateRequest = Infer<typeof CertificateRequest>;

/** KMIP 2.1 §2.7, 1.4 §2.2.2. */
export const SymmetricKey = struct({ KeyBlock: one(KeyBlock) });
export type SymmetricKey = Infer<typeof SymmetricKey>;

/** KMIP 2.1 §2.5, 1.4 §2.2.3. */
export const PublicKey = struct({ KeyBlock: one(KeyBlock) });
export type PublicKey = Infer<typeof PublicKey>;

/** KMIP 2.1 §2.4, 1.4 §2.2.4. */
export const PrivateKey = struct({ KeyBlock: one(KeyBlock) });
export type PrivateKey = Infer<typeof PrivateKey>;

/** KMIP 2.1 §2.8, 1.4 §2.2.5. */
export const SplitKey = struct({
  SplitKeyParts: one(integer),
  KeyPartIdentifier: one(integer),
  SplitKeyThreshold: one(integer),
  SplitKeyMethod: one(SplitKeyMethod),
  PrimeFieldSize: maybe(big),
  KeyBlock: one(KeyBlock),
});
export type SplitKey = Infer<typeof SplitKey>;

/** KMIP 1.4 §2.2.6; removed in 2.0. */
export const Template = struct({ Attributes: templateAttributes });
export type Template = Infer<typeof Template>;

/** KMIP 2.1 §2.6, 1.4 §2.2.7. */
export const SecretData = struct({ SecretDataType: one(SecretDataType), KeyBlock: one(KeyBlock) });
export type SecretData = Infer<typeof SecretData>;

/** KMIP 2.1 §2.3, 1.4 §2.2.8. */
export const OpaqueObject = struct({ OpaqueDataType: one(OpaqueDataType), OpaqueDataValue: one(bytes) });
export type OpaqueObject = Infer<typeof OpaqueObject>;

/** KMIP 2.1 §2 "PGP Key", 1.4 §2.2.9. */
export const PGPKey = struct({ PGPKeyVersion: one(integer), KeyBlock: one(KeyBlock) });
export type PGPKey = Infer<typeof PGPKey>;

const objectSchemas = {
  Certificate,
  CertificateRequest,
  SymmetricKey,
  PublicKey,
  PrivateKey,
  SplitKey,
  Template,
  SecretData,
  OpaqueObject,
  PGPKey,
} as const satisfies Partial<Record<TagName, unknown>>;

/** Name of a type of managed object. */
export type ObjectTypeName = keyof typeof objectSchemas;

/** Value of a managed object: its type and the fields of its structure. */
export type ManagedObjectValue = {
  [N in ObjectTypeName]: { readonly type: N; readonly value: Infer<(typeof objectSchemas)[N]> };
}[ObjectTypeName];

/** Value of an object with a Key Block. */
export type KeyedObjectValue = Extract<ManagedObjectValue, { value: { KeyBlock: unknown } }>;

/** Whether objects of this type have a Key Block. */
export function hasKeyBlock(object: ManagedObjectValue): object is KeyedObjectValue {
  return 'KeyBlock' in object.value;
}

const typesByTag = new Map<number, ObjectTypeName>(
  Object.keys(objectSchemas).map((name) => [tagNumber(name as ObjectTypeName), name as ObjectTypeName]),
);

/** Tags of managed objects. */
export const managedObjectTags: readonly TagName[] = Object.keys(objectSchemas) as ObjectTypeName[];

/**
 * The object type of a tag.
 *
 * @throws {WireError} `field` when it is not the tag of a managed object.
 */
function objectTypeOf(tag: number): ObjectTypeName {
  const name = typesByTag.get(tag);
  if (name === undefined) throw new WireError('field', `${tagLabel(tag)} is not a managed object`);
  return name;
}

/** Schema of a managed object of any type; the tag decides the type. */
export const managedObject: Custom<ManagedObjectValue> = {
  kind: 'custom',
  examples: () => [
    { type: 'OpaqueObject', value: { OpaqueDataType: 0x80000001, OpaqueDataValue: Uint8Array.of(1) } },
    { type: 'Certificate', value: { CertificateType: 'X_509', CertificateValue: Uint8Array.of(0x30) } },
  ],
  compile: (version) => ({
    read(reader) {
      const type = objectTypeOf(reader.tag());
      return { type, value: plan(objectSchemas[type], version).read(reader) } as ManagedObjectValue;
    },
    write(writer, _tag, object) {
      plan(objectSchemas[object.type], version).write(writer, tagNumber(object.type), object.value as never);
    },
  }),
};

/** The version in whose form an object is stored: the newest, for a Template the last that has Templates. */
function storedVersionOf(type: ObjectTypeName): Version {
  return type === 'Template' ? '1.4' : newestVersion;
}

/** Encodes an object in TTLV into a new buffer; the vault encrypts these bytes. */
export function encodeManagedObject(object: ManagedObjectValue): Uint8Array {
  const { write } = plan(managedObject, storedVersionOf(object.type));
  return encodeMessage((writer) => write(writer, tagNumber(object.type), object));
}

/**
 * The inverse of `encodeManagedObject`; byte strings are views of `encoded`.
 *
 * @throws {WireError} when the bytes have another form.
 */
export function decodeManagedObject(encoded: Uint8Array): ManagedObjectValue {
  const reader = new BinaryReader(encoded);
  return plan(managedObject, storedVersionOf(objectTypeOf(reader.tag()))).read(reader);
}

/** A payload field for exactly one managed object of any type, under the tag of its type. */
export const managedObjectField: MergedField<ManagedObjectValue> = {
  kind: 'merged',
  sources: managedObjectTags.map((tag) => ({ tag, schema: managedObject })),
  merge(items) {
    const [first, second] = items;
    if (first === undefined) throw new WireError('field', 'the managed object is missing');
    if (second !== undefined) throw new WireError('field', 'there is more than one object');
    return first.value as ManagedObjectValue;
  },
  split: (value) => [{ tag: value.type, value }],
};

/** As `managedObjectField`, but optional. */
export const optionalManagedObjectField: MergedField<ManagedObjectValue | undefined> = {
  ...managedObjectField,
  merge: (items) => (items.length === 0 ? undefined : managedObjectField.merge(items)),
  split: (value) => (value === undefined ? [] : managedObjectField.split(value)),
};
