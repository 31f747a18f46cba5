import fc from 'fast-check';
import t from 'tap';
import { type Attribute, attributeKey } from '../../../codec/attribute.ts';
import { type AttributeName, attributeRow } from '../../../codec/attribute-table.ts';
import type { AttributeSet } from '../../../src/object/attribute-set.ts';
import { ArrangedEntries, evaluateFilter } from '../../../src/object/filter-evaluation.ts';
import { indexEntries } from '../../../src/object/index-entries.ts';
import { type LocateCriteria, locateFilter } from '../../../src/object/locate-filter.ts';
import { stateAt } from '../../../src/object/state.ts';
import { attributeSet, criteria } from './generators.ts';

const pair = attributeSet.chain((set) => fc.tuple(fc.constant(set), criteria(set)));

/** Evaluates Locate criteria on attribute values instead of index entries. */
function found(
  set: AttributeSet,
  { attributes, storageStatusMask = 1, objectGroupMember, now: at }: LocateCriteria,
): boolean {
  const isDate = (each: Attribute) =>
    each.vendor === undefined && attributeRow(each.name).schema.kind === 'date';
  const dates = Map.groupBy(attributes.filter(isDate), (each) => each.name as AttributeName);
  const inRange = [...dates].every(([date, given]) => {
    const bounds = given.map((each) => each.value as number);
    const value = set.get(date) as number | undefined;
    return (
      bounds.length <= 2 &&
      value !== undefined &&
      value >= Math.min(...bounds) &&
      value <= Math.max(...bounds)
    );
  });
  const storage = set.has('DestroyDate') ? 4 : set.has('ArchiveDate') ? 2 : 1;
  const member =
    objectGroupMember === undefined ||
    (set.has('ObjectGroup') && (objectGroupMember === 'GroupMemberDefault' || set.get('Fresh') === true));
  const others = attributes.filter((each) => !isDate(each));
  return (
    inRange && (storage & storageStatusMask) !== 0 && member && others.every((each) => meets(set, each, at))
  );
}

function meets(set: AttributeSet, asked: Attribute, at: number): boolean {
  if (asked.vendor === undefined && asked.name === 'State')
    return set.has('State') && stateAt(set, at) === asked.value;
  return set.all(attributeKey(asked)).some((has) => {
    if (asked.vendor !== undefined) return show(has.value) === show(asked.value);
    const { kind } = attributeRow(asked.name).schema;
    if (kind === 'mask') return ((has.value as number) & (asked.value as number)) === asked.value;
    if (kind !== 'struct') return show(has.value) === show(asked.value);
    return Object.entries(asked.value as object).every(([field, value]) => {
      const own = (has.value as unknown as Record<string, unknown>)[field];
      if (Array.isArray(value) && value.length === 0) return true;
      if (field === 'UsageLimitsTotal' || field === 'UsageLimitsCount')
        return own !== undefined && (own as bigint) >= (value as bigint);
      return show(own) === show(value);
    });
  });
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, inner) => {
    if (typeof inner === 'bigint') return `${inner}n`;
    if (inner instanceof Uint8Array) return [...inner];
    // Big Integers are equal by value, 01 as 0001.
    return inner?.type === 'BigInteger' ? ['big', Number(`0x${inner.value.toHex()}`)] : inner;
  });
}

t.test('a filter over index entries matches the same objects as their values', async (t) => {
  let hits = 0;
  fc.assert(
    fc.property(pair, ([set, asked]) => {
      const expected = found(set, asked);
      if (expected && asked.attributes.length > 0) hits++;
      return evaluateFilter(locateFilter(asked), new ArrangedEntries(indexEntries(set.list()))) === expected;
    }),
    { numRuns: 20_000 },
  );
  t.ok(hits > 500, `both results occur (${hits} hits)`);
});
