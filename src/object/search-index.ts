import { type AttributeName, attributeTable } from '../../codec/attribute-table.ts';
import type { ObjectTypeName } from '../../codec/structures/managed-objects.ts';
import { type ColumnName, objectColumns } from '../store/columns.ts';
import type { Difference, IndexTerm, ObjectColumns, StoredObject, StoreUnit } from '../store/store.ts';
import {
  boxEpoch,
  type RowIndex,
  type SealedKey,
  tagEpoch,
  typesOfSecretLength,
  type Vault,
} from '../vault/vault.ts';
import type { IndexEntry } from './attribute-filter.ts';
import type { AttributeSet } from './attribute-set.ts';
import { defaultOperationPolicy } from './attributes.ts';
import { indexEntries } from './index-entries.ts';
import { comparableField, uniqueNameKey, uniqueNameTexts } from './names.ts';

/**
 * What the store has to find an object by: columns with numbers of attributes that occur once, and terms,
 * keyed hashes, of everything else that searches compare for equality. `store-filter.ts` reads it by the same
 * tables.
 */

/**
 * The fields with terms of those attributes of which not every field has one: others are compared by ranges
 * or bits, say the same of most objects, or have a column of their own kind. Searches evaluate them over
 * opened objects.
 */
const fieldsWithTerms: ReadonlyMap<string, readonly string[]> = new Map<AttributeName, readonly string[]>([
  ['UniqueIdentifier', []],
  ['KeyFormatType', []],
  ['LeaseTime', []],
  ['AlwaysSensitive', []],
  ['NeverExtractable', []],
  ['Digest', ['DigestValue']],
  // A condition on the text of a Name is looked up by the comparable text, too.
  ['Name', [comparableField]],
  ['UsageLimits', ['UsageLimitsUnit']],
  ['ProtectionStorageMask', []],
  ['RandomNumberGenerator', []],
]);

/** Values that the server gives to objects whose client states none: a term would be that of most objects. */
const valuesWithoutTerm: ReadonlyMap<string, string | number> = new Map<AttributeName, string>([
  ['OperationPolicyName', defaultOperationPolicy],
]);

/** Attributes that objects have or not, for which clients and Rights ask; each has one more term. */
const attributesWithPresence: readonly string[] = ['ObjectGroup'] satisfies AttributeName[];

/** Field and value of the term that an attribute has on every object with the attribute. */
export const presence = { field: 'Present', value: 1 } as const;

/** Whether an attribute has a column. */
export function hasColumn(attribute: string): attribute is ColumnName {
  return Object.hasOwn(objectColumns, attribute);
}

/** Whether a value of a field has a term; `attribute` has no column. */
export function hasTerm(attribute: string, field: string, value: string | number): boolean {
  return (
    (fieldsWithTerms.get(attribute)?.includes(field) ?? true) && valuesWithoutTerm.get(attribute) !== value
  );
}

/** Whether every object with the attribute has a term that says so. */
export function hasPresence(attribute: string): boolean {
  return attributesWithPresence.includes(attribute);
}

/** An object with a search index. */
interface IndexedObject {
  readonly group: string;
  readonly attributes: AttributeSet;
}

export interface IndexOptions {
  /** Whether a Name may be on one object of a group only. */
  readonly uniqueNames: boolean;
}

/** What changes of the index with an object. `previousNames`: unique names that it had. */
export type IndexChange = Pick<StoredObject, 'columns' | 'terms' | 'uniqueNames'> &
  Required<Pick<StoreUnit, 'previousNames' | 'aliases'>>;

/** The indexes of an object, by the epochs of its boxes. */
export interface ObjectIndexes {
  /** That of the object as it is written. */
  readonly next: RowIndex;
  /** That of its row as it was. */
  readonly last: RowIndex;
  /** All that objects may be in, and hold its unique names; the oldest first. */
  readonly all: readonly RowIndex[];
}

/**
 * Returns the indexes of an object with that box, which replaces the one of a tag.
 * @throws {VaultUnavailableError} when the vault is sealed, or another index may be in use elsewhere
 */
export function indexesOf(vault: Vault, box: SealedKey, replacedTag?: Uint8Array): ObjectIndexes {
  const next = vault.indexOf(boxEpoch(box));
  return {
    next,
    last: replacedTag === undefined ? next : vault.indexOf(tagEpoch(replacedTag)),
    all: vault.indexes,
  };
}

/**
 * Returns what searches need of an object, as difference to the object `before` the change; undefined for a
 * new one. Each Name is hashed once. An object that moves to another index takes its unique names along.
 */
export function indexChange(
  { group, attributes }: IndexedObject,
  before: IndexedObject | undefined,
  { next, last, all }: ObjectIndexes,
  { uniqueNames }: IndexOptions,
): IndexChange {
  const entries = indexEntries(attributes.list());
  const entriesBefore = indexEntries(before?.attributes.list() ?? []);
  const names = uniqueNameTexts(attributes);
  const namesBefore = before === undefined ? new Set<string>() : uniqueNameTexts(before.attributes);
  const keysIn = (index: RowIndex, texts: ReadonlySet<string>) =>
    [...texts].map((text) => uniqueNameKey(index, group, text));
  const isMoved = next.epoch !== last.epoch;
  const keptTexts = names.intersection(namesBefore);
  const kept = uniqueNames || isMoved ? keysIn(next, keptTexts) : [];
  const gainedTexts = uniqueNames ? names.difference(namesBefore) : new Set<string>();
  const left = isMoved ? keysIn(last, keptTexts) : [];
  const lost = keysIn(last, namesBefore.difference(names));
  // All of them: one that it has kept may be free only now, see `StoreUnit.previousNames`.
  const add = uniqueNames ? [...keysIn(next, gainedTexts), ...kept] : [];
  const texts = [...gainedTexts, ...keptTexts];
  return {
    columns: columnsOf(entries),
    terms: isMoved
      ? { add: termsOf(entries, group, next), remove: termsOf(entriesBefore, group, last) }
      : termChange(entries, entriesBefore, group, next),
    uniqueNames: {
      ...{ add, remove: [...lost, ...left] },
      ...(isMoved && { move: left.map((from, at) => ({ from, to: kept[at] ?? from })) }),
    },
    previousNames: uniqueNames ? [...kept, ...lost] : [],
    aliases: new Map(
      all.length === 1
        ? []
        : add.map((key, at) => [key, all.map((index) => uniqueNameKey(index, group, texts[at] ?? ''))]),
    ),
  };
}

/** Returns the columns of an object with these entries. */
function columnsOf(entries: readonly IndexEntry[]): ObjectColumns {
  const columns: Record<ColumnName, number | null> = { ...noColumns };
  for (const { attribute, number } of entries) if (hasColumn(attribute)) columns[attribute] = number;
  if (secretLengthTypes.includes(columns.ObjectType ?? 0)) columns.CryptographicLength = null;
  return columns;
}

/** Object Types whose Cryptographic Length has no column, because it may be that of a password. */
export const secretLengthTypes: readonly number[] = [...typesOfSecretLength].map((type) =>
  attributeTable.ObjectType.schema.toNumber(type as ObjectTypeName),
);

const noColumns = Object.fromEntries(Object.keys(objectColumns).map((name) => [name, null])) as ObjectColumns;

/** A value with a term. */
interface IndexedValue extends Pick<IndexEntry, 'attribute' | 'field' | 'instance'> {
  readonly value: string | number;
}

/**
 * Returns how the terms of an object change with its entries. Only differences are hashed: mostly a state and
 * a date change, which have columns.
 */
function termChange(
  entries: readonly IndexEntry[],
  before: readonly IndexEntry[],
  group: string,
  index: RowIndex,
): Difference<IndexTerm> {
  const [next, last] = [indexedValues(entries), indexedValues(before)];
  const missing = (values: ReadonlyMap<string, IndexedValue>, others: ReadonlyMap<string, IndexedValue>) =>
    [...values].filter(([key]) => !others.has(key)).map(([, value]) => termOf(value, group, index));
  return { add: missing(next, last), remove: missing(last, next) };
}

/** Returns all terms of an object with these entries. */
function termsOf(entries: readonly IndexEntry[], group: string, index: RowIndex): readonly IndexTerm[] {
  return [...indexedValues(entries).values()].map((value) => termOf(value, group, index));
}

function termOf(
  { attribute, field, instance, value }: IndexedValue,
  group: string,
  index: RowIndex,
): IndexTerm {
  return { term: index.term(group, attribute, field, value), instance };
}

/** The values with terms, each once, by a key that distinguishes them. */
function indexedValues(entries: readonly IndexEntry[]): ReadonlyMap<string, IndexedValue> {
  const values = new Map<string, IndexedValue>();
  const add = (attribute: string, field: string, instance: number, value: string | number) =>
    values.set(
      `${attribute.length} ${field.length} ${instance} ${typeof value} ${attribute}${field}${value}`,
      { attribute, field, instance, value },
    );
  for (const { attribute, field, instance, text, number } of entries) {
    if (hasColumn(attribute)) continue;
    if (hasPresence(attribute)) add(attribute, presence.field, 0, presence.value);
    for (const value of [text, number])
      if (value !== null && hasTerm(attribute, field, value)) add(attribute, field, instance, value);
  }
  return values;
}
