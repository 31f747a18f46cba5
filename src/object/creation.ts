import { type Attribute, attributeKey, type StandardAttribute } from '../../codec/attribute.ts';
import type { AttributeName, AttributeValue } from '../../codec/attribute-table.ts';
import { ProtectionStorageMask } from '../../codec/masks.ts';
import type { Digest } from '../../codec/structures/attribute-values.ts';
import type { RNGParameters } from '../../codec/structures/cryptographic-parameters.ts';
import {
  hasKeyBlock,
  type ManagedObjectValue,
  type ObjectTypeName,
} from '../../codec/structures/managed-objects.ts';
import { fail } from '../common/errors.ts';
import { type CreatingOperation, checkInitial } from './attribute-rules.ts';
import type { AttributeSet } from './attribute-set.ts';
import { maxAttributes, maxInstances, ruleOf } from './attributes.ts';
import { requireOrder } from './date-rules.ts';
import { ManagedObject } from './managed-object.ts';
import { requireNewName } from './names.ts';
import { requireQuantumSafety } from './quantum-safety.ts';
import { defaultUsageMask } from './usage.ts';
import { isSameLength, normalise } from './value-rules.ts';
import { contains, isSameValue } from './values.ts';

/** Lease Time of objects that nobody gave another, in seconds. */
export const defaultLeaseSeconds = 3_600;

/** Everything that is known when an object is made. */
export interface Creation {
  readonly operation: CreatingOperation;
  readonly type: ObjectTypeName;
  readonly group: string;
  readonly id: string;
  /** POSIX seconds. */
  readonly now: number;
  /** What the client stated, templates merged in. */
  readonly attributes: readonly Attribute[];
  /** What counts where neither the client nor the value says anything. */
  readonly defaults?: readonly Attribute[] | undefined;
  readonly value?: ManagedObjectValue | undefined;
  /** What the value itself says, found out by the cryptography (parts of a certificate, length of a key). */
  readonly derived?: readonly Attribute[] | undefined;
  /** Digest of the value, where one can be computed. */
  readonly digest?: Digest | undefined;
  /** Short Unique Identifier: SHA-256 of the Unique Identifier. */
  readonly shortIdentifier?: Uint8Array | undefined;
  /** The generator the key came from, where the server made it. */
  readonly randomNumberGenerator?: RNGParameters | undefined;
  /** Where the object is protected; Software when left out. */
  readonly protectionStorageMask?: number | undefined;
}

/** Operations in which the server makes the key, so that its life starts now. */
const generatingOperations: readonly CreatingOperation[] = [
  'Create',
  'CreateKeyPair',
  'DeriveKey',
  'ReKey',
  'ReKeyKeyPair',
  'CreateSplitKey',
];

/**
 * A new object with every attribute it has to have: those the client stated, those the value decides, those the server
 * adds. Fails with AttributeReadOnly, AttributeSingleValued, NonUniqueNameAttribute, InvalidAttribute or
 * InvalidAttributeValue (1.x: InvalidField for each), and as `requireQuantumSafety`.
 */
export function buildObject(creation: Creation): ManagedObject {
  const { operation, type, group, id, value, now } = creation;
  const object = ManagedObject.create({ id, type, group, value });
  const { attributes } = object;
  if (creation.attributes.length > maxAttributes) {
    fail('ServerLimitExceeded', `no more than ${maxAttributes} attributes fit on an object`);
  }
  attributes.set('UniqueIdentifier', id);
  for (const derived of derivedAttributes(creation)) addDerived(attributes, derived);
  const known = new Set(attributes.keys());
  for (const stated of creation.attributes) {
    checkInitial(stated, operation, type);
    if (operation === 'Import') importStated(attributes, stated);
    else if (known.has(attributeKey(stated))) requireNoContradiction(attributes, stated);
    else addStated(attributes, stated);
  }
  const stated = new Set(attributes.keys());
  for (const unstated of creation.defaults ?? []) {
    if (!stated.has(attributeKey(unstated))) addStated(attributes, unstated);
  }
  requireOrder(attributes);
  // What another server has promised of an object that is imported is its client's affair.
  if (operation !== 'Import') {
    const [algorithm, bits] = [
      attributes.get('CryptographicAlgorithm'),
      attributes.get('CryptographicLength'),
    ];
    requireQuantumSafety(attributes.get('QuantumSafe'), algorithm, bits);
  }
  setIfAbsent(attributes, 'InitialDate', now);
  if (type !== 'Template') setImplicitAttributes(attributes, creation);
  object.touch(now);
  return object;
}

/** Attributes that follow from the request and the value. What the cryptography found out comes first. */
function derivedAttributes({ type, value, derived = [] }: Creation): readonly Attribute[] {
  return [
    { name: 'ObjectType', value: type },
    ...derived,
    ...(value === undefined ? [] : valueDerivedAttributes(value)),
  ];
}

function valueDerivedAttributes(object: ManagedObjectValue): StandardAttribute[] {
  if (hasKeyBlock(object)) {
    const { KeyFormatType, CryptographicAlgorithm, CryptographicLength } = object.value.KeyBlock;
    const found: StandardAttribute[] = [{ name: 'KeyFormatType', value: KeyFormatType }];
    if (CryptographicAlgorithm !== undefined)
      found.push({ name: 'CryptographicAlgorithm', value: CryptographicAlgorithm });
    if (CryptographicLength !== undefined)
      found.push({ name: 'CryptographicLength', value: CryptographicLength });
    return found;
  }
  switch (object.type) {
    case 'Certificate': {
      const { CertificateType, CertificateValue } = object.value;
      const found: StandardAttribute[] = [
        { name: 'CertificateType', value: CertificateType },
        { name: 'CertificateLength', value: CertificateValue.length },
      ];
      return CertificateType === 'X_509' ? [...found, { name: 'KeyFormatType', value: 'X_509' }] : found;
    }
    case 'CertificateRequest':
      return object.value.CertificateRequestType === 'PKCS_10'
        ? [{ name: 'KeyFormatType', value: 'PKCS_10' }]
        : [];
    case 'OpaqueObject':
      return [
        { name: 'OpaqueDataType', value: object.value.OpaqueDataType },
        { name: 'KeyFormatType', value: 'Opaque' },
      ];
    default:
      return [];
  }
}

/** The first word on a single-valued fact stands. */
function addDerived(attributes: AttributeSet, derived: Attribute): void {
  if (ruleOf(derived).multiple || !attributes.has(attributeKey(derived))) attributes.add(derived);
}

function addStated(attributes: AttributeSet, stated: Attribute): void {
  const key = attributeKey(stated);
  const present = attributes.all(key);
  if (!isMultiple(stated) && present.length > 0) {
    fail('AttributeSingleValued', `${key} can have one value only`, 'InvalidField');
  }
  requireInstanceLimit(key, present);
  requireNewName(attributes, stated, { legacyReason: 'InvalidField' });
  attributes.add(normalise(stated));
}

function requireInstanceLimit(key: string, present: readonly Attribute[]): void {
  if (present.length >= maxInstances) {
    fail('ServerLimitExceeded', `no more than ${maxInstances} instances of ${key} fit`);
  }
}

/** A client may repeat what the object itself says, but not contradict it. */
function requireNoContradiction(attributes: AttributeSet, stated: Attribute): void {
  const key = attributeKey(stated);
  const agrees = attributes.all(key).some((derived) => {
    if (stated.name === 'CryptographicLength')
      return isSameLength(derived.value as number, stated.value as number);
    return contains(derived.value, stated.value);
  });
  if (!agrees) fail('InvalidAttributeValue', `${key} contradicts the object`);
}

/** An imported object keeps the attributes it had; only what the server alone can know is its own. */
function importStated(attributes: AttributeSet, stated: Attribute): void {
  const key = attributeKey(stated);
  if (!ruleOf(stated).multiple) attributes.remove(key);
  const present = attributes.all(key);
  if (present.some((other) => isSameValue(other, stated))) return;
  requireInstanceLimit(key, present);
  requireNewName(attributes, stated, { legacyReason: 'InvalidField' });
  attributes.add(stated);
}

function setImplicitAttributes(attributes: AttributeSet, creation: Creation): void {
  const { operation, type, value, digest, shortIdentifier, randomNumberGenerator } = creation;
  const generated = generatingOperations.includes(operation);
  setIfAbsent(attributes, 'State', 'PreActive');
  setIfAbsent(
    attributes,
    'CryptographicUsageMask',
    defaultUsageMask(type, attributes.get('CryptographicAlgorithm')),
  );
  setIfAbsent(attributes, 'Digest', digest);
  setIfAbsent(attributes, 'LeaseTime', defaultLeaseSeconds);
  setIfAbsent(attributes, 'Fresh', true);
  setIfAbsent(attributes, 'Sensitive', false);
  setIfAbsent(attributes, 'AlwaysSensitive', attributes.get('Sensitive'));
  setIfAbsent(attributes, 'Extractable', true);
  setIfAbsent(attributes, 'NeverExtractable', !attributes.get('Extractable'));
  setIfAbsent(attributes, 'OriginalCreationDate', generated ? attributes.get('InitialDate') : undefined);
  setIfAbsent(attributes, 'RandomNumberGenerator', generated ? randomNumberGenerator : undefined);
  setIfAbsent(
    attributes,
    'ProtectionStorageMask',
    creation.protectionStorageMask ?? ProtectionStorageMask.bit('Software'),
  );
  setIfAbsent(attributes, 'ShortUniqueIdentifier', shortIdentifier);
  const metadataOnly =
    value !== undefined && hasKeyBlock(value) && value.value.KeyBlock.KeyValue === undefined;
  setIfAbsent(attributes, 'KeyValuePresent', metadataOnly ? false : undefined);
}

/** Sets an attribute that is not there yet, if there is a value for it. */
function setIfAbsent<N extends AttributeName>(
  attributes: AttributeSet,
  name: N,
  value: AttributeValue<N> | undefined,
): void {
  if (value !== undefined && !attributes.has(name)) attributes.set(name, value);
}

/**
 * Attributes of a new object from several sources, the weakest first: templates in their order, then what the request
 * says itself; what is common to a pair before what is said of one half (KMIP 1.4 §4.1). Of a single-valued attribute
 * the strongest source counts; instances of a multi-valued one add up, equal ones once.
 */
export function mergeTemplates(...sources: readonly (readonly Attribute[])[]): Attribute[] {
  let merged: Attribute[] = [];
  for (const source of sources) {
    const replaced = new Set(source.filter((attribute) => !isMultiple(attribute)).map(attributeKey));
    merged = merged.filter((attribute) => !replaced.has(attributeKey(attribute)));
    const before = Map.groupBy(merged, attributeKey);
    const isNew = (attribute: Attribute) =>
      !before.get(attributeKey(attribute))?.some((other) => isSameValue(other, attribute));
    merged = [...merged, ...source.filter(isNew)];
  }
  return merged;
}

function isMultiple(attribute: Attribute): boolean {
  return ruleOf(attribute).multiple;
}
