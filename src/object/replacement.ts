import type { Attribute } from '../../codec/attribute.ts';
import type { AttributeName } from '../../codec/attribute-table.ts';
import type { Name } from '../../codec/structures/attribute-values.ts';
import { fail } from '../common/errors.ts';
import { attributeRules } from './attributes.ts';
import { mergeTemplates } from './creation.ts';
import { linkReplacement } from './links.ts';
import type { ManagedObject } from './managed-object.ts';

/**
 * Attributes of clients that a replacement does not inherit: `applyReplacement` moves Names; links and
 * origin are new (KMIP 1.4 §4.4, table). Attributes of the server are never inherited.
 */
const notInherited: readonly string[] = [
  'Name',
  'Link',
  'Fresh',
  'OriginalCreationDate',
  'RandomNumberGenerator',
] satisfies AttributeName[];

/** Derived attributes that a replacement inherits, because it is a key of the same kind. */
const alwaysInherited: readonly string[] = [
  'CryptographicAlgorithm',
  'CryptographicLength',
] satisfies AttributeName[];

const dates = ['ActivationDate', 'ProcessStartDate', 'ProtectStopDate', 'DeactivationDate'] as const;
type DateName = (typeof dates)[number];

/**
 * Returns the attributes of the object that replaces `old` (Re-key, Re-key Key Pair, Re-certify), for
 * `buildObject`: the inherited ones, overridden by `requested`. With `offset` (seconds) the new Activation
 * Date is `now + offset`, and the other dates keep their distance from it.
 *
 * @throws {KmipError} InvalidMessage for dates beside an offset; InvalidField (1.x: IllegalOperation) when
 * dates have to be shifted and `old` has no Activation Date.
 */
export function replacementAttributes(
  old: ManagedObject,
  requested: readonly Attribute[],
  offset: number | undefined,
  now: number,
): Attribute[] {
  const inherited = old.attributes.list().filter(isInherited);
  if (offset === undefined) return mergeTemplates(inherited, requested);
  if (requested.some(isDate)) fail('InvalidMessage', 'an Offset and dates exclude each other');
  return mergeTemplates(shiftDates(inherited, offset, now), requested);
}

function isInherited({ name, vendor }: Attribute): boolean {
  if (vendor !== undefined || alwaysInherited.includes(name)) return true;
  const { source } = attributeRules[name as AttributeName];
  return (source === 'client' || source === 'either') && !notInherited.includes(name);
}

/** Shifts the dates by the difference between the old and the new Activation Date. */
function shiftDates(attributes: readonly Attribute[], offset: number, now: number): Attribute[] {
  const oldActivation = attributes.find(
    ({ name, vendor }) => vendor === undefined && name === 'ActivationDate',
  )?.value as number | undefined;
  const activation = now + offset;
  const rest = attributes.filter((attribute) => !isDate(attribute));
  const others = attributes.filter((attribute) => isDate(attribute) && attribute.name !== 'ActivationDate');
  if (others.length > 0 && oldActivation === undefined) {
    fail('InvalidField', 'an Offset needs an Activation Date on the old object', 'IllegalOperation');
  }
  const shifted = others.map(
    (date) =>
      ({
        ...date,
        value: clampDate((date.value as number) + activation - (oldActivation ?? 0)),
      }) as Attribute,
  );
  return [...rest, { name: 'ActivationDate', value: activation }, ...shifted];
}

/** Limits a date to ±(2^53 − 1) seconds. Such a date means "never", which it still does after a shift. */
function clampDate(seconds: number): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, seconds));
}

function isDate({ name, vendor }: Attribute): boolean {
  return vendor === undefined && dates.includes(name as DateName);
}

/** Links an object and its replacement, and moves every Name to the replacement. */
export function applyReplacement(old: ManagedObject, replacement: ManagedObject, now: number): void {
  linkReplacement(old, replacement, now);
  moveNames(old, replacement, now);
}

/**
 * Moves every Name from the old object to its replacement, before the Names that the replacement has already.
 */
function moveNames(from: ManagedObject, to: ManagedObject, now: number): void {
  const moved = from.attributes.remove('Name');
  if (moved.length === 0) return;
  const present = to.attributes.remove('Name');
  for (const name of [...moved, ...present]) {
    if (!hasName(to, name.value as Name)) to.attributes.add(name);
  }
  from.touch(now);
}

/** Whether the object has a Name with the same text; the type of the Name is ignored. */
function hasName({ attributes }: ManagedObject, { NameValue }: Name): boolean {
  return attributes.values('Name').some((name) => name.NameValue === NameValue);
}
