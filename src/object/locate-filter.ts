import { type Attribute, attributeKey } from '../../codec/attribute.ts';
import { type AttributeName, attributeRow } from '../../codec/attribute-table.ts';
import { type ObjectGroupMember, State } from '../../codec/enums.ts';
import { StorageStatusMask } from '../../codec/masks.ts';
import type { AttributeFilter, Comparison } from './attribute-filter.ts';
import { defaultOperationPolicy } from './attributes.ts';
import { searchableFields } from './index-entries.ts';
import { isFunctionOfValue, knownObjects, type ValueAccess } from './shown-attributes.ts';
import type { StateName } from './state.ts';

/** Conditions of a Locate request. */
export interface LocateCriteria {
  readonly attributes: readonly Attribute[];
  /** Storage Status Mask; on-line objects only when left out. */
  readonly storageStatusMask?: number | undefined;
  readonly objectGroupMember?: ObjectGroupMember | undefined;
  /** POSIX seconds; states depend on dates. */
  readonly now: number;
  /** No condition is met by what `shownAttributes` hides; the server itself states none. */
  readonly access?: ValueAccess | undefined;
}

/** Storage Status Mask of all objects: on-line, archived or destroyed. */
export const anyStorageStatus =
  StorageStatusMask.bit('OnLineStorage') |
  StorageStatusMask.bit('ArchivalStorage') |
  StorageStatusMask.bit('DestroyedStorage');

const matchAll: AttributeFilter = { all: [] };
const matchNone: AttributeFilter = { any: [] };

/**
 * Builds the filter of a Locate (KMIP 1.4 §4.9): every attribute must match. Two values of a date are a
 * range, both ends included; a mask matches when all its bits are set; Usage Limits when the object has at
 * least as much; a structure by the given fields. An attribute that no version knows matches nothing: to
 * ignore it would return the wrong key.
 */
export function locateFilter(criteria: LocateCriteria): AttributeFilter {
  const { now } = criteria;
  const attributes = criteria.attributes.filter((attribute) => !isStorageMask(attribute));
  const mask = criteria.attributes.find(isStorageMask)?.value as { value: number } | undefined;
  const conditions = attributes
    .filter((attribute) => !isDate(attribute))
    .map((attribute) => attributeCondition(attribute, now));
  if (criteria.access !== undefined && attributes.some(isFunctionOfValue))
    conditions.push(knownObjects(criteria.access));
  return {
    all: [
      ...conditions,
      ...dateConditions(attributes.filter(isDate)),
      storageCondition(criteria.storageStatusMask ?? mask?.value),
      memberCondition(criteria.objectGroupMember),
    ],
  };
}

function attributeCondition(attribute: Attribute, now: number): AttributeFilter {
  if (attribute.vendor === '') return matchNone;
  if (attribute.vendor === undefined && attribute.name === 'State')
    return stateCondition(attribute.value as StateName | number, now);
  if (isDefaultPolicy(attribute))
    return { any: [equalityCondition(attribute), { not: hasAttribute('OperationPolicyName') }] };
  return equalityCondition(attribute);
}

/** Whether an attribute names the policy under which objects without an Operation Policy Name are, too. */
function isDefaultPolicy({ name, vendor, value }: Attribute): boolean {
  return vendor === undefined && name === 'OperationPolicyName' && value === defaultOperationPolicy;
}

function equalityCondition(attribute: Attribute): AttributeFilter {
  const fields = searchableFields(attribute);
  // A reference into a batch has no searchable form.
  if (fields.length === 0 && !isStructured(attribute)) return matchNone;
  return {
    attribute: attributeKey(attribute),
    fields: fields.map(([field, searchable]) => comparison(attribute, field, searchable)),
  };
}

function comparison(
  attribute: Attribute,
  field: string,
  { text, number }: { text: string | null; number: number | null },
): Comparison {
  const op = attribute.vendor === undefined ? operator(attribute.name as AttributeName, field) : '=';
  if (op !== '=' && number !== null) return { field, op, value: number };
  return { field, op: '=', value: text ?? (number as number) };
}

/** Comparison of a field: masks by their bits, Usage Limits by "at least", all others by equality. */
function operator(name: AttributeName, field: string): '=' | '>=' | 'bits' {
  if (attributeRow(name).schema.kind === 'mask') return 'bits';
  return field === 'UsageLimitsTotal' || field === 'UsageLimitsCount' ? '>=' : '=';
}

/** Some clients send Storage Status Mask, a field of the request, as an attribute. */
function isStorageMask(attribute: Attribute): boolean {
  return (
    attribute.vendor === '' && attribute.name === 'Storage Status Mask' && attribute.value.type === 'Integer'
  );
}

function isStructured(attribute: Attribute): boolean {
  return (
    attribute.vendor === undefined && attributeRow(attribute.name as AttributeName).schema.kind === 'struct'
  );
}

function isDate(attribute: Attribute): boolean {
  return (
    attribute.vendor === undefined && attributeRow(attribute.name as AttributeName).schema.kind === 'date'
  );
}

/**
 * Conditions of dates: one value for equality, two for a range. More than two are a mistake and match
 * nothing.
 */
function dateConditions(dates: readonly Attribute[]): AttributeFilter[] {
  const byName = Map.groupBy(dates, (date) => date.name);
  return [...byName].map(([attribute, instances]) => {
    const [first, ...others] = instances.map((date) => date.value as number).sort((a, b) => a - b) as [
      number,
      ...number[],
    ];
    if (others.length > 1) return matchNone;
    const last = others[0];
    const fields: Comparison[] =
      last === undefined
        ? [{ field: '', op: '=', value: first }]
        : [
            { field: '', op: '>=', value: first },
            { field: '', op: '<=', value: last },
          ];
    return { attribute, fields };
  });
}

/** Condition of a State at `now`, the inverse of `stateAt`: combines the stored State and the dates. */
export function stateCondition(state: StateName | number, now: number): AttributeFilter {
  const stored = (name: StateName | number): AttributeFilter => ({
    attribute: 'State',
    fields: [{ field: '', op: '=', value: State.toNumber(name) }],
  });
  const reached = (attribute: AttributeName): AttributeFilter => ({
    attribute,
    fields: [{ field: '', op: '<=', value: now }],
  });
  const activeByNow: AttributeFilter = {
    any: [stored('Active'), { all: [stored('PreActive'), reached('ActivationDate')] }],
  };
  switch (state) {
    case 'PreActive':
      return { all: [stored('PreActive'), { not: reached('ActivationDate') }] };
    case 'Active':
      return { all: [activeByNow, { not: reached('DeactivationDate') }] };
    case 'Deactivated':
      return { any: [stored('Deactivated'), { all: [activeByNow, reached('DeactivationDate')] }] };
    default:
      return stored(state);
  }
}

const hasAttribute = (attribute: AttributeName): AttributeFilter => ({ attribute, fields: [] });

function storageCondition(mask: number | undefined): AttributeFilter {
  const destroyed = hasAttribute('DestroyDate');
  const archived = hasAttribute('ArchiveDate');
  const conditions: Record<(typeof StorageStatusMask)['members'][number], AttributeFilter> = {
    OnLineStorage: { all: [{ not: archived }, { not: destroyed }] },
    ArchivalStorage: { all: [archived, { not: destroyed }] },
    DestroyedStorage: destroyed,
  };
  const { names } = StorageStatusMask.split(mask ?? StorageStatusMask.bit('OnLineStorage'));
  return { any: names.map((name) => conditions[name]) };
}

/**
 * Condition of Object Group Member. Fresh objects were never returned by Get. Every member of a group counts
 * as a default one; the order of the response decides between them.
 */
function memberCondition(member: ObjectGroupMember | undefined): AttributeFilter {
  switch (member) {
    case undefined:
      return matchAll;
    case 'GroupMemberFresh':
      return {
        all: [
          hasAttribute('ObjectGroup'),
          { attribute: 'Fresh', fields: [{ field: '', op: '=', value: 1 }] },
        ],
      };
    case 'GroupMemberDefault':
      return hasAttribute('ObjectGroup');
    default:
      return matchNone;
  }
}
