import t from 'tap';
import { RecentEntries } from '../../../src/common/recent-entries.ts';

t.test('at least the entries that were set last are kept, and twice as many at most', async (t) => {
  const count = 10;
  const entries = new RecentEntries<number>(count);
  for (let last = 0; last < 100; last += 1) {
    entries.set(`key ${last}`, last);
    const kept = Array.from({ length: last + 1 }, (_, at) => at).filter(
      (at) => entries.get(`key ${at}`) !== undefined,
    );
    const recent = Array.from({ length: Math.min(count, last + 1) }, (_, at) => last - at).reverse();
    t.strictSame(kept.slice(-recent.length), recent);
    t.ok(kept.length <= 2 * count, `${kept.length} after ${last + 1}`);
  }
});

t.test('the last value of a key counts, and a deleted one is gone', async (t) => {
  const entries = new RecentEntries<string>(2);
  entries.set('a', 'old');
  entries.set('b', 'b');
  entries.set('a', 'new');
  t.equal(entries.get('a'), 'new');
  entries.delete('a');
  t.equal(entries.get('a'), undefined);
  t.equal(entries.get('b'), 'b');
});
