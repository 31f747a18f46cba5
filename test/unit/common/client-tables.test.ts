import t from 'tap';
import { ClientTables, maxEntriesPerClient } from '../../../src/common/client-tables.ts';

t.test('ClientTables bounds the entries of each client and removes none before its time', async (t) => {
  let now = 0;
  const tables = new ClientTables<{ until: number }>(() => now);
  tables.set('b', 'x', { until: 100 });
  for (let n = 0; n < maxEntriesPerClient; n += 1) {
    t.notOk(tables.isFull('a'));
    tables.set('a', `k${n}`, { until: 50 + n });
  }
  t.ok(tables.isFull('a'));
  t.notOk(tables.isFull('b'));
  t.same(tables.get('a', 'k0'), { until: 50 });
  tables.set('a', 'k0', { until: 500 });
  t.ok(tables.isFull('a'));
  now = 51;
  t.same(tables.get('a', 'k0'), { until: 500 });
  t.equal(tables.get('a', 'k1'), undefined, 'it has ended');
  t.notOk(tables.isFull('a'), 'an ended entry does not count');
  tables.delete('a', 'k0');
  t.equal(tables.get('a', 'k0'), undefined);
  t.same(tables.get('b', 'x'), { until: 100 });
});

t.test('ClientTables frees the entries of clients that no longer fail', async (t) => {
  let now = 0;
  const ended: string[] = [];
  const entry = (name: string, until: number) => ({
    get until() {
      if (until <= now) ended.push(name);
      return until;
    },
  });
  const tables = new ClientTables<{ readonly until: number }>(() => now);
  tables.set('gone', 'x', entry('gone', 10));
  now = 60_000;
  tables.set('a', 'x', entry('a', 70_000));
  t.same(ended, ['gone'], 'looked at in the removal');
  now = 120_000;
  tables.set('a', 'y', entry('y', 130_000));
  t.same(ended, ['gone', 'a'], 'and not found by the next one');
});
