import { type Attribute, attributeKey } from '../../codec/attribute.ts';
import type { AttributeName } from '../../codec/attribute-table.ts';
import { ObjectType } from '../../codec/enums.ts';
import type { ObjectTypeName } from '../../codec/structures/managed-objects.ts';
import type { Constraint, ObjectDefaults } from '../../codec/structures/query.ts';
import { fail } from '../common/errors.ts';
import { checkInitial } from './attribute-rules.ts';
import { maxAttributes } from './attributes.ts';
import type { ManagedObject } from './managed-object.ts';
import { isSameLength, requireKnown, requireValidValue } from './value-rules.ts';
import { contains } from './values.ts';

/** Rules of a group of clients for its new objects, from Set Constraints and Set Defaults. */
export interface GroupPolicy {
  readonly constraints: readonly Constraint[];
  readonly defaults: readonly ObjectDefaults[];
}

/** Maximum number of entries: every creation reads the whole policy and compares the object with it. */
const maxEntries = 256;

/**
 * Attributes that name or relate one object, by which clients find it. As a default they would give objects
 * of all clients the same name.
 */
const ofOneObject: readonly string[] = [
  'Name',
  'AlternativeName',
  'ApplicationSpecificInformation',
  'KeyValueLocation',
  'Link',
  'PKCS_12FriendlyName',
  'RotateName',
] satisfies AttributeName[];

function isOfOneObject({ name, vendor }: Attribute): boolean {
  return vendor === undefined && ofOneObject.includes(name);
}

/** Stored defaults without attributes of one object, which an older kmipd accepted. */
export function withoutNames(defaults: readonly ObjectDefaults[]): readonly ObjectDefaults[] {
  return defaults.map((entry) => ({
    ...entry,
    Attributes: entry.Attributes.filter((attribute) => !isOfOneObject(attribute)),
  }));
}

/** Scope of an entry: object types and Object Groups; a missing or empty member includes all. */
type Scope = Pick<ObjectDefaults, 'ObjectType' | 'ObjectTypes' | 'ObjectGroups'>;

/** Object types of an entry. 2.0, and the short form of 2.1, have a single type beside the list. */
export function typesOf({ ObjectType: single, ObjectTypes: list }: Scope): readonly ObjectType[] {
  return [...(single === undefined ? [] : [single]), ...(list?.ObjectType ?? [])];
}

/** Object Groups of an entry. */
export function groupsOf({ ObjectGroups: groups }: Scope): readonly string[] {
  return groups?.ObjectGroup ?? [];
}

/**
 * Selects the entries for objects of that type in those Object Groups: the entries that name one of the
 * groups, or when there are none the entries without groups. So an entry for a group replaces an entry for
 * all.
 */
function applicableEntries<E extends Scope>(
  entries: readonly E[],
  type: ObjectType,
  groups: readonly string[],
): E[] {
  const ofType = entries.filter((entry) => {
    const types = typesOf(entry);
    return types.length === 0 || types.includes(type);
  });
  const specific = ofType.filter((entry) => groupsOf(entry).some((group) => groups.includes(group)));
  return specific.length > 0 ? specific : ofType.filter((entry) => groupsOf(entry).length === 0);
}

/**
 * Default attributes of a new object: entries for its Object Groups take precedence over entries for all, and
 * a later entry over an earlier one.
 */
export function defaultsFor(
  { defaults }: GroupPolicy,
  type: ObjectTypeName,
  groups: readonly string[],
): readonly Attribute[] {
  const general = applicableEntries(defaults, type, []);
  const found = new Map<string, readonly Attribute[]>();
  for (const { Attributes } of [...general, ...applicableEntries(defaults, type, groups)]) {
    for (const [key, instances] of Map.groupBy(Attributes, attributeKey)) found.set(key, instances);
  }
  return [...found.values()].flat();
}

/**
 * Refuses a new object that meets none of the constraints that apply to it. Several constraints are
 * alternatives, and so are several values of one attribute within one constraint.
 *
 * @throws {KmipError} ConstraintViolation.
 */
export function requireConstraintsMet({ constraints }: GroupPolicy, object: ManagedObject): void {
  // A Template only has attributes for other objects, which are checked when they are created.
  if (object.type === 'Template') return;
  const groups = object.attributes.values('ObjectGroup');
  const applicable = applicableEntries(constraints, object.type, groups);
  if (applicable.length === 0) return;
  const failures = applicable.map((constraint) => firstViolation(constraint, object));
  if (failures.every((failure) => failure !== undefined))
    fail('ConstraintViolation', `new objects of the group need another ${failures[0]}`);
}

/** The key of the first attribute that violates the constraint. */
function firstViolation({ Attributes }: Constraint, object: ManagedObject): string | undefined {
  for (const [key, allowed] of Map.groupBy(Attributes, attributeKey)) {
    const present = object.attributes.all(key);
    if (!present.some((attribute) => allowed.some((each) => isAllowedValue(attribute, each)))) return key;
  }
  return undefined;
}

function isAllowedValue(attribute: Attribute, allowed: Attribute): boolean {
  return attribute.name === 'CryptographicLength' && attribute.vendor === undefined
    ? isSameLength(attribute.value as number, allowed.value as number)
    : contains(attribute.value, allowed.value);
}

/**
 * Refuses constraints that are not valid.
 *
 * @throws {KmipError} InvalidObjectType, ServerLimitExceeded, and as `requireKnown` and `requireValidValue`.
 */
export function requireValidConstraints(constraints: readonly Constraint[]): void {
  requirePolicyLimits(constraints);
  for (const constraint of constraints) {
    requireTypes(constraint);
    for (const attribute of constraint.Attributes) {
      requireKnown(attribute);
      requireValidValue(attribute);
    }
  }
}

/**
 * Refuses defaults that a client could not state for objects of those types, and those that name or relate
 * one object; Lease Time is allowed here.
 *
 * @throws {KmipError} InvalidObjectType, InvalidMessage, InvalidAttribute, ServerLimitExceeded, and as
 * `checkInitial`.
 */
export function requireValidDefaults(defaults: readonly ObjectDefaults[]): void {
  requirePolicyLimits(defaults);
  for (const entry of defaults) {
    const types = requireTypes(entry);
    if (types.length === 0) fail('InvalidMessage', 'Object Types are missing');
    for (const attribute of entry.Attributes) {
      requireKnown(attribute);
      if (isOfOneObject(attribute))
        fail('InvalidAttribute', `${attribute.name} belongs to one object and is no default`);
      for (const type of types) {
        if (attribute.name === 'LeaseTime' && attribute.vendor === undefined) requireValidValue(attribute);
        else checkInitial(attribute, 'Register', type);
      }
    }
  }
}

function requireTypes(entry: Scope): readonly ObjectTypeName[] {
  return typesOf(entry).map((type) =>
    typeof type === 'string' && ObjectType.members.includes(type)
      ? (type as ObjectTypeName)
      : fail('InvalidObjectType', 'there is no such Object Type'),
  );
}

function requirePolicyLimits(entries: readonly { readonly Attributes: readonly Attribute[] }[]): void {
  const attributes = entries.reduce((sum, { Attributes }) => sum + Attributes.length, 0);
  if (entries.length > maxEntries || attributes > maxAttributes)
    fail(
      'ServerLimitExceeded',
      `there can be at most ${maxEntries} entries with ${maxAttributes} attributes`,
    );
}
