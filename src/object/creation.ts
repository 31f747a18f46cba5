import { type Attribute, attributeKey, type StandardAttribute } from '../../codec/attribute.ts';
import type { AttributeName, AttributeValue } from '../../codec/attribute-table.ts';
import type { Digest } from '../../codec/structures/attribute-values.ts';
import type { RNGParameters } from '../../codec/structures/cryptographic-parameters.ts';
import {
  hasKeyBlock,
  type ManagedObjectValue,
  type ObjectTypeName,
} from '../../codec/structures/managed-objects.ts';
import { fail } from '../common/errors.ts';
import { defaultUsageMask } from '../crypto/default-usage-mask.ts';
import type { TokenKeyReference } from '../crypto/token-device.ts';
import { type CreatingOperation, checkInitial } from './attribute-rules.ts';
import type { AttributeSet } from './attribute-set.ts';
import { maxAttributes, maxInstances, ruleOf } from './attributes.ts';
import { requireOrder } from './date-rules.ts';
import type { Maker } from './maker.ts';
import { ManagedObject } from './managed-object.ts';
import { requireNewName } from './names.ts';
import { type Birth, initialProvenance } from './provenance.ts';
import { requireQuantumSafety } from './quantum-safety.ts';
import { isStorageMask, storageMask } from './storage-mask.ts';
import { isSameDomain, isSameLength, normalise } from './value-rules.ts';
import { contains, isSameValue, valueKey } from './values.ts';

/** Default Lease Time in seconds. */
export const defaultLeaseSeconds = 3_600;

/** Input of `buildObject`. */
export interface ObjectSpecification {
  readonly operation: CreatingOperation;
  readonly type: ObjectTypeName;
  readonly group: string;
  readonly id: string;
  readonly maker?: Maker | undefined;
  /** POSIX seconds. */
  readonly now: number;
  /** Attributes that the client stated, Templates merged in. */
  readonly attributes: readonly Attribute[];
  /** Attributes that apply when neither the client nor the value gives one. */
  readonly defaults?: readonly Attribute[] | undefined;
  readonly value?: ManagedObjectValue | undefined;
  /** Where the value comes from, when the operation alone does not tell. */
  readonly born?: Birth | undefined;
  /** Where the key is that the value describes, when it stays in a token. */
  readonly token?: TokenKeyReference | undefined;
  /** Attributes that the crypto provider derived from the value (parts of a certificate, length of a key). */
  readonly derived?: readonly Attribute[] | undefined;
  /** Digest of the value, when there is one. */
  readonly digest?: Digest | undefined;
  /** Short Unique Identifier: SHA-256 of the Unique Identifier. */
  readonly shortIdentifier?: Uint8Array | undefined;
  /** Random number generator of a key that the server generated. */
  readonly randomNumberGenerator?: RNGParameters | undefined;
  /** Operation Policy Name when neither the client nor a default states one. */
  readonly operationPolicyName?: string | undefined;
}

/** Where the value of a new object comes from. */
const births: Readonly<Record<CreatingOperation, Birth>> = {
  Create: 'made',
  CreateKeyPair: 'made',
  Register: 'registered',
  DeriveKey: 'derived',
  Certify: 'made',
  ReCertify: 'made',
  ReKey: 'made',
  ReKeyKeyPair: 'made',
  Import: 'imported',
  CreateSplitKey: 'split',
  JoinSplitKey: 'joined',
};

/** Operations in which the server generates the key, so that Original Creation Date is the present. */
const generatingOperations: readonly CreatingOperation[] = [
  'Create',
  'CreateKeyPair',
  'DeriveKey',
  'ReKey',
  'ReKeyKeyPair',
  'CreateSplitKey',
];

/**
 * Builds a new object with all its attributes: those that follow from the value, those that the client
 * stated, the defaults, and those that the server sets.
 *
 * @throws {KmipError} AttributeReadOnly, AttributeSingleValued, NonUniqueNameAttribute, InvalidAttribute or
 * InvalidAttributeValue (1.x: InvalidField for each), ServerLimitExceeded, and as `requireQuantumSafety`.
 */
export function buildObject(specification: ObjectSpecification): ManagedObject {
  const { operation, type, id, now } = specification;
  const object = ManagedObject.create(specification);
  const { attributes } = object;
  requireAttributeLimit(specification.attributes);
  attributes.set('UniqueIdentifier', id);
  for (const derived of derivedAttributes(specification)) addDerived(attributes, derived);
  const known = new Set(attributes.keys());
  const subject = { operation, type, isInToken: specification.token !== undefined };
  for (const stated of specification.attributes) {
    checkInitial(stated, operation, type);
    if (isStorageMask(stated, subject)) continue;
    if (operation === 'Import') importStated(attributes, stated);
    else if (known.has(attributeKey(stated))) requireNoContradiction(attributes, stated);
    else addStated(attributes, stated);
  }
  const stated = new Set(attributes.keys());
  for (const fallback of specification.defaults ?? []) {
    if (!stated.has(attributeKey(fallback)) && !isStorageMask(fallback, subject))
      addStated(attributes, fallback);
  }
  requireOrder(attributes);
  // For an imported object the client is responsible that Quantum Safe is true.
  if (operation !== 'Import') {
    const [algorithm, bits] = [
      attributes.get('CryptographicAlgorithm'),
      attributes.get('CryptographicLength'),
    ];
    requireQuantumSafety(attributes.get('QuantumSafe'), algorithm, bits);
  }
  setIfAbsent(attributes, 'InitialDate', now);
  setIfAbsent(attributes, 'OperationPolicyName', specification.operationPolicyName);
  if (type !== 'Template') setImplicitAttributes(attributes, specification);
  const { token } = specification;
  const born = token === undefined ? (specification.born ?? births[operation]) : 'token';
  const [sensitive, mask] = [attributes.get('Sensitive'), attributes.get('CryptographicUsageMask')];
  object.changeProvenance({ ...initialProvenance(born, { sensitive, mask }), token });
  object.touch(now);
  return object;
}

/** Attributes that follow from the request and the value; those of the crypto provider take precedence. */
function derivedAttributes({ type, value, derived = [] }: ObjectSpecification): readonly Attribute[] {
  return [
    { name: 'ObjectType', value: type },
    ...derived,
    ...(value === undefined ? [] : valueDerivedAttributes(value)),
  ];
}

/** Attributes that follow from the fields of the value alone. */
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

/** Adds a derived attribute; of several values of a single-valued attribute the first counts. */
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
    fail('ServerLimitExceeded', `an object can have at most ${maxInstances} instances of ${key}`);
  }
}

/** Refuses a stated attribute that differs from the derived one. */
function requireNoContradiction(attributes: AttributeSet, stated: Attribute): void {
  const key = attributeKey(stated);
  const agrees = attributes.all(key).some((derived) => {
    if (stated.name === 'CryptographicLength')
      return isCountOf(derived.value as number, stated.value as number);
    if (stated.name === 'CryptographicDomainParameters' && derived.name === stated.name)
      return isSameDomain(derived.value, stated.value, attributes.get('CryptographicLength') ?? 0);
    return contains(derived.value, stated.value);
  });
  if (!agrees) fail('InvalidAttributeValue', `${key} contradicts the object`);
}

/** Whether a client may count the bits of a key so: with parity bits, or in whole bytes (528 for P-521). */
function isCountOf(derived: number, stated: number): boolean {
  return isSameLength(derived, stated) || stated === Math.ceil(derived / 8) * 8;
}

/** Adds an attribute of an imported object; it replaces a derived attribute that is single-valued. */
function importStated(attributes: AttributeSet, stated: Attribute): void {
  const key = attributeKey(stated);
  if (!ruleOf(stated).multiple) attributes.remove(key);
  const present = attributes.all(key);
  if (present.some((other) => isSameValue(other, stated))) return;
  requireInstanceLimit(key, present);
  requireNewName(attributes, stated, { legacyReason: 'InvalidField' });
  attributes.add(stated);
}

/** Sets the attributes that the client did not state and the server has to set. */
function setImplicitAttributes(attributes: AttributeSet, specification: ObjectSpecification): void {
  const { operation, type, value, digest, shortIdentifier, randomNumberGenerator } = specification;
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
  setIfAbsent(attributes, 'ProtectionStorageMask', storageMask(specification.token !== undefined));
  setIfAbsent(attributes, 'ShortUniqueIdentifier', shortIdentifier);
  const metadataOnly =
    specification.token === undefined &&
    value !== undefined &&
    hasKeyBlock(value) &&
    value.value.KeyBlock.KeyValue === undefined;
  setIfAbsent(attributes, 'KeyValuePresent', metadataOnly ? false : undefined);
}

/** Sets an attribute unless it is present or the value is undefined. */
function setIfAbsent<N extends AttributeName>(
  attributes: AttributeSet,
  name: N,
  value: AttributeValue<N> | undefined,
): void {
  if (value !== undefined && !attributes.has(name)) attributes.set(name, value);
}

/**
 * Merges attributes of a new object from several sources, the lowest precedence first: Templates in their
 * order, then the attributes of the request; for a key pair the common attributes before those of one key
 * (KMIP 1.4 §4.1). Of a single-valued attribute the last source counts; instances of a multi-valued one are
 * added, equal ones once.
 * @throws {KmipError} ServerLimitExceeded for more attributes than an object can have
 */
export function mergeTemplates(...sources: readonly (readonly Attribute[])[]): Attribute[] {
  let merged: Attribute[] = [];
  for (const source of sources) {
    const replaced = new Set(source.filter((attribute) => !isMultiple(attribute)).map(attributeKey));
    merged = merged.filter((attribute) => !replaced.has(attributeKey(attribute)));
    const before = new Set(merged.map(comparableKey));
    merged = [...merged, ...source.filter((attribute) => !before.has(comparableKey(attribute)))];
    requireAttributeLimit(merged);
  }
  return merged;
}

const comparableKey = (attribute: Attribute) => `${attributeKey(attribute)}=${valueKey(attribute.value)}`;

function requireAttributeLimit(attributes: readonly Attribute[]): void {
  if (attributes.length > maxAttributes)
    fail('ServerLimitExceeded', `an object can have at most ${maxAttributes} attributes`);
}

function isMultiple(attribute: Attribute): boolean {
  return ruleOf(attribute).multiple;
}
