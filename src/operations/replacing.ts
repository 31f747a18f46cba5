import { type Attribute, attributeKey } from '../../codec/attribute.ts';
import type { AttributeName } from '../../codec/attribute-table.ts';
import { fail } from '../errors.ts';
import { linkReplacement } from '../object/links.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import { moveNames } from '../object/names.ts';
import { valueOf } from './creating.ts';

/** Shared by Re-key and Re-key Key Pair (KMIP 2.1 §6.1.46, 1.4 §4.4): what the new object takes over from the old. */

/** Attributes that belong to one object alone; the replacement gets its own or none. */
const notCopied: ReadonlySet<string> = new Set<AttributeName>([
  'UniqueIdentifier',
  'ShortUniqueIdentifier',
  'ObjectType',
  'State',
  'InitialDate',
  'OriginalCreationDate',
  'LastChangeDate',
  'DestroyDate',
  'ArchiveDate',
  'CompromiseDate',
  'CompromiseOccurrenceDate',
  'RevocationReason',
  'Digest',
  'Link',
  // Moved afterwards, so that the old ones come first.
  'Name',
  'RandomNumberGenerator',
  'Fresh',
  'KeyValuePresent',
  'KeyFormatType',
  'AlwaysSensitive',
  'NeverExtractable',
]);

const shiftedDates = ['ProcessStartDate', 'ProtectStopDate', 'DeactivationDate'] as const;
const allDates = ['ActivationDate', ...shiftedDates] as const;

/**
 * Attributes of the replacement: those of the old object, its dates shifted by `offset` (seconds from now to the new
 * Activation Date), overridden by what the request says.
 */
export function replacementAttributes(
  old: ManagedObject,
  explicit: readonly Attribute[],
  offset: number | undefined,
  now: number,
): Attribute[] {
  if (offset !== undefined && allDates.some((name) => valueOf(explicit, name) !== undefined)) {
    fail('InvalidMessage', 'Offset and explicit dates exclude each other');
  }
  const given = new Set(explicit.map(attributeKey));
  const kept = old.attributes
    .list()
    .filter((each) => !(each.vendor === undefined && notCopied.has(each.name)) && !given.has(attributeKey(each)))
    .map(withFullUsage);
  const merged = [...kept, ...explicit].map(({ index: _, ...each }) => each as Attribute);
  return offset === undefined ? merged : shift(merged, old, offset, now);
}

/** The replacement starts with the whole of the Usage Limits. */
function withFullUsage(attribute: Attribute): Attribute {
  if (attribute.name !== 'UsageLimits' || attribute.vendor !== undefined) return attribute;
  return { ...attribute, value: { ...attribute.value, UsageLimitsCount: attribute.value.UsageLimitsTotal } };
}

function shift(attributes: readonly Attribute[], old: ManagedObject, offset: number, now: number): Attribute[] {
  const before = old.attributes.get('ActivationDate');
  const after = now + offset;
  const others = shiftedDates.filter((name) => old.attributes.has(name));
  if (before === undefined && others.length > 0) {
    fail('InvalidField', 'Offset needs an Activation Date on the old object to count its other dates from', 'IllegalOperation');
  }
  const moved = attributes.filter((each) => !(allDates as readonly string[]).includes(each.name));
  moved.push({ name: 'ActivationDate', value: after });
  for (const name of others) {
    moved.push({ name, value: (old.attributes.get(name) as number) - (before as number) + after });
  }
  return moved;
}

/** The old object gives up its Names and points at its replacement, which points back. */
export function replace(old: ManagedObject, replacement: ManagedObject, now: number): void {
  moveNames(old, replacement, now);
  linkReplacement(old, replacement, now);
}
