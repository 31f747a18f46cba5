import fc from 'fast-check';
import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { type AttributeName, attributeTable } from '../../../codec/attribute-table.ts';
import type { AttributeFilter, Comparison } from '../../../src/object/attribute-filter.ts';
import { AttributeSet } from '../../../src/object/attribute-set.ts';
import { attributeRules } from '../../../src/object/attributes.ts';
import { ArrangedEntries, evaluateFilter } from '../../../src/object/filter-evaluation.ts';
import { indexEntries } from '../../../src/object/index-entries.ts';
import { locateFilter } from '../../../src/object/locate-filter.ts';
import { nameFilter } from '../../../src/object/names.ts';
import { indexChange } from '../../../src/object/search-index.ts';
import { toStoreFilter } from '../../../src/object/store-filter.ts';
import { objectColumns } from '../../../src/store/columns.ts';
import type { Filter, IndexTerm } from '../../../src/store/store.ts';
import { satisfies } from '../../memory-store.ts';
import { PlainVault } from '../../plain-vault.ts';
import { onlyIndex } from '../../row-index.ts';
import { aesKey, custom, name, now } from './fixtures.ts';
import { attributeSet, criteria } from './generators.ts';

const vault = new PlainVault();
const group = 'storage';
const id = 'k1';
const options = { uniqueNames: false };

/** What the store has of an object with these attributes. */
function rowOf(attributes: AttributeSet) {
  const { columns, terms } = indexChange({ group, attributes }, undefined, onlyIndex(vault), options);
  return { id, columns, terms: terms.add };
}

const entriesOf = (attributes: AttributeSet) => new ArrangedEntries(indexEntries(attributes.list()));

const identified = attributeSet.map((set) => {
  set.add({ name: 'UniqueIdentifier', value: id });
  return set;
});

/** Conditions on fields that the object has, with its values and others, and on whole attributes. */
function conditions(set: AttributeSet): fc.Arbitrary<AttributeFilter> {
  const entries = indexEntries(set.list());
  const attributes = [...new Set([...entries.map(({ attribute }) => attribute), 'Link', 'x-Other'])];
  const comparisons = entries.flatMap(({ attribute, field, text, number }) =>
    [text, number, 'other', 2].flatMap((value): { attribute: string; comparison: Comparison }[] => {
      if (value === null) return [];
      const equal = { attribute, comparison: { field, op: '=' as const, value } };
      if (typeof value === 'string') return [equal];
      // Only masks are compared by bits.
      const ops = attribute.endsWith('Mask') ? (['>=', '<=', 'bits'] as const) : (['>=', '<='] as const);
      return [equal, ...ops.map((op) => ({ attribute, comparison: { field, op, value } }))];
    }),
  );
  const whole = fc.constantFrom(...attributes).map((attribute) => ({ attribute, fields: [] }));
  if (comparisons.length === 0) return whole;
  const some = fc.constantFrom(...comparisons).chain(({ attribute, comparison }) => {
    const others = comparisons.filter((each) => each.attribute === attribute);
    return fc
      .subarray(others, { maxLength: 2 })
      .map((more) => ({ attribute, fields: [comparison, ...more.map((each) => each.comparison)] }));
  });
  const located = criteria(set).map(locateFilter);
  return fc.oneof(whole, { weight: 4, arbitrary: some }, located, fc.constant(nameFilter('ab')));
}

const filters = (set: AttributeSet): fc.Arbitrary<AttributeFilter> =>
  fc.letrec<{ filter: AttributeFilter }>((tie) => ({
    filter: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      conditions(set),
      fc.array(tie('filter'), { maxLength: 3 }).map((all) => ({ all })),
      fc.array(tie('filter'), { maxLength: 3 }).map((any) => ({ any })),
      tie('filter').map((not) => ({ not })),
    ),
  })).filter;

const pair = identified.chain((set) => fc.tuple(fc.constant(set), filters(set)));

t.test('a filter of the store finds every object that matches, and no other when it is exact', async (t) => {
  const count = { exact: 0, matching: 0, more: 0 };
  fc.assert(
    fc.property(pair, ([set, filter]) => {
      const translated = toStoreFilter(filter, vault, group);
      const isFound = satisfies(rowOf(set), translated.filter);
      const isMatching = evaluateFilter(filter, entriesOf(set));
      if (translated.isExact) count.exact++;
      if (isMatching) count.matching++;
      if (isFound && !isMatching) count.more++;
      return translated.isExact ? isFound === isMatching : isFound || !isMatching;
    }),
    { numRuns: 6_000 },
  );
  for (const [what, hits] of Object.entries(count)) t.ok(hits > 300, `${hits} ${what}`);
});

t.test('the difference between two versions leads from the terms of one to those of the other', async (t) => {
  const key = ({ term, instance }: IndexTerm) => `${term}.${instance}`;
  let changes = 0;
  fc.assert(
    fc.property(identified, identified, (before, after) => {
      const [one, other] = [before, after].map((set) => new Set(rowOf(set).terms.map(key)));
      const { terms, columns } = indexChange(
        { group, attributes: after },
        { group, attributes: before },
        onlyIndex(vault),
        options,
      );
      const known = new Set(one);
      changes += terms.add.length + terms.remove.length;
      for (const each of terms.remove) if (!known.delete(key(each))) return false;
      for (const each of terms.add) if (known.has(key(each)) || !known.add(key(each))) return false;
      return (
        known.symmetricDifference(other as Set<string>).size === 0 &&
        JSON.stringify(columns) === JSON.stringify(rowOf(after).columns)
      );
    }),
    { numRuns: 1_000 },
  );
  t.ok(changes > 1_000, `${changes} changes`);
});

t.test('the length of what may be a password is in no column, and is found', (t) => {
  const length: AttributeFilter = {
    attribute: 'CryptographicLength',
    fields: [{ field: '', op: '=', value: 48 }],
  };
  const typed = (value: number): AttributeFilter => ({
    attribute: 'ObjectType',
    fields: [{ field: '', op: '=', value }],
  });
  for (const [type, number] of [
    ['SecretData', 7],
    ['OpaqueObject', 8],
    ['SymmetricKey', 2],
  ] as const) {
    const set = new AttributeSet([
      { name: 'ObjectType', value: type },
      { name: 'CryptographicLength', value: 48 },
    ]);
    const isSecret = number !== 2;
    const row = rowOf(set);
    t.equal(row.columns.CryptographicLength, isSecret ? null : 48, type);
    const numbers = [...Object.values(row.columns), ...row.terms.map(({ term }) => term)];
    t.equal(numbers.includes(48) || row.terms.length > 0, !isSecret, 'nowhere else, and not hashed');
    for (const [filter, isExact] of [
      [length, false],
      [{ all: [length, typed(number)] }, !isSecret],
    ] as const) {
      const translated = toStoreFilter(filter, vault, group);
      t.ok(satisfies(row, translated.filter), type);
      t.equal(translated.isExact, isExact, type);
    }
  }
  t.end();
});

t.test('only differences are hashed, and a usual change has none', async (t) => {
  const { attributes } = aesKey([name('a'), name('b'), { name: 'ObjectGroup', value: 'g' }]);
  const changed = (change: (set: AttributeSet) => void) => {
    const next = attributes.clone();
    change(next);
    const counting = new PlainVault();
    const before = { group, attributes };
    const { terms } = indexChange({ group, attributes: next }, before, onlyIndex(counting), options);
    t.equal(counting.terms, terms.add.length + terms.remove.length);
    return [terms.add.length, terms.remove.length];
  };
  const rows: [what: string, change: (set: AttributeSet) => void, added: number, removed: number][] = [
    ['nothing', () => undefined, 0, 0],
    ['a state', (set) => set.set('State', 'Active'), 0, 0],
    ['dates', (set) => set.set('LastChangeDate', now + 5), 0, 0],
    ['an attribute', (set) => set.set('Comment', 'c'), 1, 0],
    ['one field of a Name', (set) => set.replace('Name', 0, { NameValue: 'c', NameType: 'URI' }), 1, 1],
    ['a Name gone', (set) => set.remove('Name', 0), 0, 1],
    ['a second group', (set) => set.add({ name: 'ObjectGroup', value: 'h' }), 1, 0],
    ['the group gone', (set) => set.remove('ObjectGroup'), 0, 2],
    ['the policy of most objects', (set) => set.set('OperationPolicyName', 'default'), 0, 0],
    ['another policy', (set) => set.set('OperationPolicyName', 'public'), 1, 0],
    ['a use', (set) => set.set('UsageLimits', limits(9n)), 1, 0],
  ];
  for (const [what, change, added, removed] of rows) t.same(changed(change), [added, removed], what);
});

const limits = (UsageLimitsCount: bigint) =>
  ({ UsageLimitsTotal: 10n, UsageLimitsCount, UsageLimitsUnit: 'Object' }) as const;

/** How each kind of condition reaches the store; `terms`: the number of terms of one instance. */
const translations: [what: string, attributes: Attribute[], expected: (Filter | number | 'none')[]][] = [
  ['a state', [some('State', 'Compromised')], [{ column: 'State', op: '=', value: 4 }]],
  [
    'an algorithm',
    [some('CryptographicAlgorithm', 'AES')],
    [{ column: 'CryptographicAlgorithm', op: '=', value: 3 }],
  ],
  ['bits', [some('CryptographicUsageMask', 4)], [{ column: 'CryptographicUsageMask', op: 'bits', value: 4 }]],
  ['bits without a column', [some('ProtectionStorageMask', 1)], ['none']],
  ['a Name', [name('a')], [1, 'none']],
  ['two Names', [name('a'), name('b')], [1, 1, 'none']],
  ['a policy', [some('OperationPolicyName', 'public')], [1]],
  ['a custom text', [custom('a', 'b')], [1]],
  ['limits', [some('UsageLimits', limits(1n))], [1, 'none']],
  ['a digest', [some('Digest', { DigestValue: Uint8Array.of(1), HashingAlgorithm: 'SHA_256' })], [1, 'none']],
  ['a generator', [some('RandomNumberGenerator', { RNGAlgorithm: 'DRBG' })], ['none']],
  ['an identifier', [some('UniqueIdentifier', 'k1')], [{ id: 'k1' }]],
  ['any link', [some('Link', {})], ['none']],
];

function some(attribute: AttributeName, value: unknown): Attribute {
  return { name: attribute, value } as Attribute;
}

t.test('conditions reach the store as columns, terms and identifiers', async (t) => {
  for (const [what, attributes, expected] of translations) {
    const filter = locateFilter({ attributes, now, storageStatusMask: 7 }) as { all: AttributeFilter[] };
    const parts = filter.all.slice(0, attributes.length);
    const translated = parts.map((part) => toStoreFilter(part, vault, group));
    const stated = expected.filter((each) => each !== 'none');
    t.equal(
      translated.every(({ isExact }) => isExact),
      stated.length === expected.length,
      what,
    );
    for (const [at, { filter: found }] of translated.entries()) {
      const wanted = stated[at];
      if (typeof wanted === 'number') t.equal('terms' in found && found.terms.length, wanted, what);
      else t.same(found, wanted ?? { all: [] }, what);
      t.same(
        toStoreFilter({ not: parts[at] as AttributeFilter }, vault, group).filter,
        translated[at]?.isExact === true ? { not: found } : { not: { any: [] } },
        `not ${what}`,
      );
    }
  }
});

t.test('attributes with a column occur once and have a number', async (t) => {
  for (const column of Object.keys(objectColumns) as (keyof typeof objectColumns)[]) {
    const { kind } = attributeTable[column].schema;
    t.ok(['enumeration', 'integer', 'mask', 'boolean', 'date'].includes(kind), `${column}: ${kind}`);
    t.notOk(attributeRules[column].multiple, column);
  }
});
