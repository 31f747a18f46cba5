import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { ArrangedEntries, evaluateFilter } from '../../src/object/filter-evaluation.ts';
import { indexEntries } from '../../src/object/index-entries.ts';
import { locateFilter } from '../../src/object/locate-filter.ts';
import { openStore } from '../../src/store/open.ts';
import { attributeSet, criteria } from '../unit/object/generators.ts';
import { add, object } from './objects.ts';

const directory = await mkdtemp(join(tmpdir(), 'kmipd-locate-'));
t.teardown(() => rm(directory, { recursive: true, force: true }));

t.test('the database finds the same objects as the filter in memory', async (t) => {
  const { store, close } = await openStore(`sqlite:${join(directory, 'kmipd.db')}`);
  t.teardown(close);
  const sets = fc.sample(attributeSet, { numRuns: 400, seed: 1 });
  const objects = sets.map((set, at) => object(`o${at}`, { index: indexEntries(set.list()) }));
  await add(store, ...objects);
  let hits = 0;
  for (const [at, set] of sets.entries()) {
    for (const asked of fc.sample(criteria(set), { numRuns: 2, seed: at })) {
      const filter = locateFilter(asked);
      const expected = objects
        .filter(({ index }) => evaluateFilter(filter, new ArrangedEntries(index)))
        .map(({ id }) => id);
      const { ids, total } = await store.find({ group: 'blue', filter, offset: 0, limit: 1_000 });
      hits += expected.length;
      if (total !== expected.length || [...ids].reverse().join() !== expected.join()) {
        t.same([...ids].reverse(), expected, `asked for ${fc.stringify(asked)}`);
      }
    }
  }
  t.ok(hits > 1_000, `${hits} objects were found`);
});
