import { type Attribute, type AttributeReference, attributeKey } from '../../codec/attribute.ts';
import type { AttributeName } from '../../codec/attribute-table.ts';
import type { ObjectTypeName } from '../../codec/structures/managed-objects.ts';
import type { Era } from '../../codec/version.ts';
import { fail } from '../common/errors.ts';
import type { AttributeSet } from './attribute-set.ts';
import { isApplicableTo, maxAttributes, maxInstances, type Origin, ruleOf } from './attributes.ts';
import { requireChangeable, requireOrder } from './date-rules.ts';
import type { ManagedObject } from './managed-object.ts';
import { requireNewName } from './names.ts';
import { requireQuantumSafety } from './quantum-safety.ts';
import { normalise, requireKnown, requireValidValue } from './value-rules.ts';
import { isSameAttribute, isSameValue } from './values.ts';

/**
 * Changes of attributes by clients, one function for each operation, according to the table in
 * `attributes.ts`. Each function checks first and changes the object last, Last Change Date and the state by
 * date included.
 */

/** Operations that create objects. For Import a client may state every attribute. */
export type CreatingOperation =
  | Extract<
      Origin,
      | 'Create'
      | 'CreateKeyPair'
      | 'Register'
      | 'DeriveKey'
      | 'Certify'
      | 'ReCertify'
      | 'ReKey'
      | 'ReKeyKeyPair'
    >
  | 'Import'
  | 'CreateSplitKey'
  | 'JoinSplitKey';

/** Selects an instance of an attribute: 1.x by index (0 when left out), 2.x by value or not at all. */
export interface InstanceSelector {
  readonly era: Era;
  readonly index?: number | undefined;
  readonly current?: Attribute | undefined;
}

/**
 * Refuses an attribute that a client may not state when it creates an object of that type.
 *
 * @throws {KmipError} AttributeReadOnly or InvalidAttribute (1.x: InvalidField), and as `requireValidValue`.
 */
export function checkInitial(attribute: Attribute, operation: CreatingOperation, type: ObjectTypeName): void {
  requireKnown(attribute);
  const rule = ruleOf(attribute);
  if (rule.source === 'server' && operation !== 'Import') {
    fail('AttributeReadOnly', `${attribute.name} is set by the server`, 'InvalidField');
  }
  if (!isApplicableTo(rule, type)) {
    fail('InvalidAttribute', `${attribute.name} is not an attribute of a ${type}`, 'InvalidField');
  }
  requireValidValue(attribute);
}

/**
 * AddAttribute (KMIP 2.1 §6.1.2, 1.4 §4.14). Returns the instance as stored, with its index.
 *
 * @throws {KmipError} with the reason why the attribute cannot be added.
 */
export function applyAdd(object: ManagedObject, given: Attribute, now: number): Attribute {
  requireKnown(given);
  const { attributes } = object;
  const attribute = normalise(given);
  const key = attributeKey(attribute);
  const rule = ruleOf(attribute);
  if (rule.source === 'server' || rule.source === 'derived')
    fail('ReadOnlyAttribute', `${key} is set by the server`);
  if (!isApplicableTo(rule, object.type))
    fail('InvalidAttribute', `${key} is not an attribute of a ${object.type}`);
  if (attribute.index) fail('InvalidField', 'the server chooses the Attribute Index of a new instance');
  const present = attributes.all(key);
  if (!rule.multiple && present[0] !== undefined) {
    if (isRepeatedPolicy(attribute, present[0])) return present[0];
    fail('AttributeSingleValued', `the object has a value for ${key} already`);
  }
  requireCapacity(attributes, key, present);
  requireValidValue(attribute);
  requireAcceptable(object, attribute, now);
  requireNewName(attributes, attribute);
  const stored = attributes.add(attribute);
  recordAttributeChange(object, stored, now);
  return stored;
}

/** Refuses one more instance when the object has the maximum of instances or of attributes. */
function requireCapacity(attributes: AttributeSet, key: string, present: readonly Attribute[]): void {
  if (present.length >= maxInstances)
    fail('ServerLimitExceeded', `the object has ${present.length} instances of ${key}: there cannot be more`);
  if (attributes.list().length >= maxAttributes)
    fail('ServerLimitExceeded', `the object has ${maxAttributes} attributes or more: there cannot be more`);
}

/**
 * ModifyAttribute (KMIP 1.4 §4.15). Returns the changed instance.
 *
 * @throws {KmipError} with the reason why the attribute cannot be changed.
 */
export function applyModify(
  object: ManagedObject,
  selector: InstanceSelector,
  given: Attribute,
  now: number,
): Attribute {
  requireKnown(given);
  const { attributes } = object;
  const attribute = normalise(given);
  const key = attributeKey(attribute);
  if (ruleOf(attribute).modify === 'never') {
    const [present] = attributes.all(key);
    if (present !== undefined && isRepeatedPolicy(attribute, present)) return present;
    fail('AttributeReadOnly', `${key} cannot be changed by a client`);
  }
  requireAcceptable(object, attribute, now);
  if (!attributes.has(key)) fail('AttributeNotFound', `the object has no ${key}`, 'InvalidField');
  const old = selectInstance(object, key, selector);
  requireValidValue(attribute);
  requireNewName(attributes, attribute, { own: old });
  const changed = attributes.replace(key, old.index ?? 0, attribute.value);
  recordAttributeChange(object, changed, now);
  return changed;
}

/**
 * SetAttribute (KMIP 2.1): adds the attribute, or replaces its only instance.
 *
 * @throws {KmipError} with the reason why the attribute cannot be set.
 */
export function applySet(object: ManagedObject, given: Attribute, now: number): void {
  requireKnown(given);
  const { attributes } = object;
  const attribute = normalise(given);
  const key = attributeKey(attribute);
  const [present, second] = requireSettable(object, attribute);
  if (second !== undefined) fail('MultiValuedAttribute', `the object has several instances of ${key}`);
  if (!isApplicableTo(ruleOf(attribute), object.type))
    fail('InvalidAttribute', `${key} is not an attribute of a ${object.type}`);
  requireValidValue(attribute);
  requireAcceptable(object, attribute, now);
  requireNewName(attributes, attribute, { own: present });
  if (present === undefined) requireCapacity(attributes, key, []);
  const stored =
    present === undefined
      ? attributes.add(attribute)
      : attributes.replace(key, present.index ?? 0, attribute.value);
  recordAttributeChange(object, stored, now);
}

/**
 * Returns the present instances of an attribute, for Set and Adjust Attribute.
 *
 * @throws {KmipError} ReadOnlyAttribute when a client may not change the attribute.
 */
export function requireSettable(object: ManagedObject, reference: AttributeReference): readonly Attribute[] {
  const key = attributeKey(reference);
  const rule = ruleOf(reference);
  const present = object.attributes.all(key);
  const readOnly =
    rule.source === 'server' || rule.source === 'derived' || (present.length > 0 && rule.modify === 'never');
  if (readOnly) fail('ReadOnlyAttribute', `${key} cannot be changed by a client`);
  return present;
}

/** Selects the instances of a DeleteAttribute: the attribute, and in 1.x an index or in 2.x one value. */
export interface DeleteSelector extends InstanceSelector {
  readonly reference?: AttributeReference | undefined;
}

/**
 * DeleteAttribute (KMIP 1.4 §4.16). Returns the deleted instances: one, or in 2.x for a reference without a
 * value all.
 *
 * @throws {KmipError} with the reason why the attribute cannot be deleted.
 */
export function applyDelete(
  object: ManagedObject,
  selector: DeleteSelector,
  now: number,
): readonly Attribute[] {
  const named = selector.reference ?? selector.current;
  if (named === undefined) fail('InvalidMessage', 'the request does not name the attribute to delete');
  const key = attributeKey(named);
  const { attributes } = object;
  if (named.vendor === '') fail('AttributeNotFound', `the object has no ${named.name}`);
  const rule = ruleOf(named);
  if (rule.delete === 'never') fail('AttributeReadOnly', `${key} cannot be deleted by a client`);
  if (!attributes.has(key)) fail('AttributeNotFound', `the object has no ${key}`);
  if (rule.delete === 'unallocated') requireChangeable(object, named.name as AttributeName, now);
  const all = selector.era === '2.x' && selector.current === undefined;
  const removed = all
    ? attributes.remove(key)
    : attributes.remove(key, selectInstance(object, key, selector).index ?? 0);
  object.touch(now);
  return removed;
}

/** Returns the selected instance of an attribute that has at least one. */
function selectInstance(
  object: ManagedObject,
  key: string,
  { era, index, current }: InstanceSelector,
): Attribute {
  const instances = object.attributes.all(key);
  if (era === '1.x') {
    const found = instances.find((instance) => (instance.index ?? 0) === (index ?? 0));
    if (found === undefined)
      fail('AttributeInstanceNotFound', `the object has no instance ${index ?? 0} of ${key}`);
    return found;
  }
  if (current !== undefined) {
    const found = instances.find((instance) => isSameAttribute(instance, current));
    if (found === undefined) fail('AttributeInstanceNotFound', `the object has no ${key} of that value`);
    return found;
  }
  const [only, second] = instances;
  if (only === undefined || second !== undefined) {
    fail(
      'MultiValuedAttribute',
      `the object has several instances of ${key}: the request must select one by CurrentAttribute`,
    );
  }
  return only;
}

/** Some clients set the same Operation Policy Name again. This changes nothing, so it is allowed. */
function isRepeatedPolicy(attribute: Attribute, present: Attribute): boolean {
  return (
    attribute.vendor === undefined &&
    attribute.name === 'OperationPolicyName' &&
    isSameValue(attribute, present)
  );
}

/**
 * Refuses a change that the state forbids, dates in the wrong order, and Quantum Safe for a key that is not.
 */
function requireAcceptable(object: ManagedObject, attribute: Attribute, now: number): void {
  if (attribute.vendor !== undefined) return;
  requireChangeable(object, attribute.name, now);
  const { attributes } = object;
  if (attribute.name === 'QuantumSafe') {
    const [algorithm, bits] = [
      attributes.get('CryptographicAlgorithm'),
      attributes.get('CryptographicLength'),
    ];
    requireQuantumSafety(attribute.value as boolean, algorithm, bits);
  }
  requireOrder(attributes, { [attribute.name]: attribute.value });
}

/** Records the consequences of a change: Always Sensitive, Never Extractable, the state, Last Change Date. */
function recordAttributeChange(object: ManagedObject, attribute: Attribute, now: number): void {
  if (attribute.vendor === undefined) {
    if (attribute.name === 'Sensitive' && !attribute.value) {
      object.attributes.set('AlwaysSensitive', false);
      object.changeProvenance({ alwaysSensitive: false });
    }
    if (attribute.name === 'Extractable' && attribute.value) object.attributes.set('NeverExtractable', false);
  }
  object.touch(now);
}
