import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { ArrangedEntries, evaluateFilter } from '../../src/object/filter-evaluation.ts';
import { indexEntries } from '../../src/object/index-entries.ts';
import { locateFilter } from '../../src/object/locate-filter.ts';
import { indexChange } from '../../src/object/search-index.ts';
import { toStoreFilter } from '../../src/object/store-filter.ts';
import { PlainVault } from '../plain-vault.ts';
import { onlyIndex } from '../row-index.ts';
import { attributeSet, criteria } from '../unit/object/generators.ts';
import { add, object } from './objects.ts';
import { openWritable } from './start-lanes.ts';

const directory = await mkdtemp(join(tmpdir(), 'kmipd-locate-'));
t.teardown(() => rm(directory, { recursive: true, force: true }));

t.test('the database finds the same objects as the filter in memory', async (t) => {
  const { store, close } = await openWritable(`sqlite:${join(directory, 'kmipd.db')}`);
  t.teardown(close);
  const vault = new PlainVault();
  const group = 'blue';
  const sets = fc.sample(attributeSet, { numRuns: 400, seed: 1 });
  const entries = new Map(
    sets.map((set, at) => [String(at), new ArrangedEntries(indexEntries(set.list()))] as const),
  );
  const index = (attributes: (typeof sets)[number]) =>
    indexChange({ group, attributes }, undefined, onlyIndex(vault), { uniqueNames: false });
  await add(store, ...sets.map((set, at) => object(String(at), index(set))));
  let [hits, exact, queries] = [0, 0, 0];
  for (const [at, set] of sets.entries()) {
    for (const asked of fc.sample(criteria(set), { numRuns: 2, seed: at })) {
      const wanted = locateFilter(asked);
      const matches = (id: string) => evaluateFilter(wanted, entries.get(id) as ArrangedEntries);
      const expected = [...entries.keys()].filter(matches);
      const { filter, isExact } = toStoreFilter(wanted, vault, group);
      const query = { group, filter, isExact, offset: 0, limit: 1_000 };
      const { ids, total } = await store.find(query, ({ id }) => matches(id));
      hits += expected.length;
      exact += Number(isExact);
      queries += 1;
      if (total !== expected.length || [...ids].reverse().join() !== expected.join()) {
        t.same([...ids].reverse(), expected, `asked for ${fc.stringify(asked)}`);
      }
    }
  }
  t.ok(exact > queries / 2 && exact < queries, `${exact} of ${queries} filters are exact`);
  t.ok(hits > 1_000, `${hits} objects were found`);
});
