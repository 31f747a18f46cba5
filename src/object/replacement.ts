import type { Attribute } from '../../codec/attribute.ts';
import type { AttributeName } from '../../codec/attribute-table.ts';
import type { Name } from '../../codec/structures/attribute-values.ts';
import { fail } from '../common/errors.ts';
import { attributeRules } from './attributes.ts';
import { mergeTemplates } from './creation.ts';
import { linkReplacement } from './links.ts';
import type { ManagedObject } from './managed-object.ts';

/**
 * What a replacement does not inherit although a client may have given it: Names move (`replace`), links and origin are
 * its own (KMIP 2.1 §6.1.46 table, 1.4 §4.4). What only the server gives is never inherited.
 */
const notInherited: readonly string[] = [
  'Name',
  'Link',
  'Fresh',
  'OriginalCreationDate',
  'RandomNumberGenerator',
] satisfies AttributeName[];

/** A replacement is a key of the same kind. */
const alwaysInherited: readonly string[] = [
  'CryptographicAlgorithm',
  'CryptographicLength',
] satisfies AttributeName[];

const dates = ['ActivationDate', 'ProcessStartDate', 'ProtectStopDate', 'DeactivationDate'] as const;
type DateName = (typeof dates)[number];

/**
 * Attributes of the object that replaces `old` (Re-key, Re-key Key Pair, Re-certify), as `buildObject` takes them: the
 * old ones, overruled by the `requested`. With `offset` (seconds) the new Activation Date is that much after `now`, and
 * the other dates keep their distance from it. Fails with InvalidMessage when dates are requested beside an offset, with
 * InvalidField (1.x: IllegalOperation) when there is no Activation Date to move the others by.
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

function shiftDates(attributes: readonly Attribute[], offset: number, now: number): Attribute[] {
  const before = attributes.find(({ name, vendor }) => vendor === undefined && name === 'ActivationDate')
    ?.value as number | undefined;
  const activation = now + offset;
  const rest = attributes.filter((attribute) => !isDate(attribute));
  const others = attributes.filter((attribute) => isDate(attribute) && attribute.name !== 'ActivationDate');
  if (others.length > 0 && before === undefined) {
    fail('InvalidField', 'an Offset needs an Activation Date on the old object', 'IllegalOperation');
  }
  const moved = others.map(
    (date) =>
      ({ ...date, value: clampDate((date.value as number) + activation - (before ?? 0)) }) as Attribute,
  );
  return [...rest, { name: 'ActivationDate', value: activation }, ...moved];
}

/** A date beyond exact numbers means "for ever", and moved by any distance still does. */
function clampDate(seconds: number): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, seconds));
}

function isDate({ name, vendor }: Attribute): boolean {
  return vendor === undefined && dates.includes(name as DateName);
}

/** Joins a replacement to the old object: links both ways, and every Name moves over. */
export function recordReplacement(old: ManagedObject, replacement: ManagedObject, now: number): void {
  linkReplacement(old, replacement, now);
  moveNames(old, replacement, now);
}

/** Moves every Name from the old object to its replacement, before the Names that the replacement has already. */
function moveNames(from: ManagedObject, to: ManagedObject, now: number): void {
  const moved = from.attributes.remove('Name');
  if (moved.length === 0) return;
  const later = to.attributes.remove('Name');
  for (const name of [...moved, ...later]) {
    if (!hasName(to, name.value as Name)) to.attributes.add(name);
  }
  from.touch(now);
}

/** Names compare by their text, exactly; their type only says how to read it. */
function hasName({ attributes }: ManagedObject, { NameValue }: Name): boolean {
  return attributes.values('Name').some((name) => name.NameValue === NameValue);
}
