import t from 'tap';
import { openPostgres } from '../../src/store/postgres.ts';
import { createSqlStore } from '../../src/store/sql-store.ts';
import type { StoreUnit } from '../../src/store/store.ts';
import { startPostgres } from './embedded-postgres.ts';
import { object, record, unit } from './objects.ts';
import { withLanes } from './start-lanes.ts';

/** Two nodes that insert the same name at the same time, each under a hash of another index. */

const rounds = 200;

const server = await startPostgres();
if (typeof server === 'string') {
  t.test('PostgreSQL', { skip: server }, async () => {});
} else {
  t.teardown(() => server.stop());
  const url = await server.fresh();
  const drivers = [await openPostgres(url), await openPostgres(url)];
  t.teardown(() => Promise.all(drivers.map((driver) => driver.close())));
  const stores = await Promise.all(drivers.map(async (driver) => createSqlStore(await withLanes(driver))));

  /** What the two nodes insert in one round: the hashes of one name, each with the other. */
  const inserts: Readonly<Record<string, (round: number, own: string, other: string) => StoreUnit>> = {
    'a unique name': (round, own, other) => {
      const [name, same] = [`${own} ${round}`, `${other} ${round}`];
      const inserted = object(`${own} object ${round}`, { uniqueNames: { add: [name] } });
      return unit({ inserts: [inserted], aliases: new Map([[name, [name, same].toSorted()]]) });
    },
    'a record': (round, own, other) => {
      const row = record(`${own} ${round}`);
      const keys = [row.key, record(`${other} ${round}`).key].toSorted();
      const aliases = new Map([[row.key, keys]]);
      return unit({ records: { expects: [], puts: [row], removals: [], aliases } });
    },
  };

  for (const [what, insert] of Object.entries(inserts))
    t.test(`${what} is inserted once`, async (t) => {
      const results = new Map<string, number>();
      for (let round = 0; round < rounds; round += 1) {
        const [first, second] = await Promise.all([
          stores[0]?.commit(insert(round, 'old', 'new')),
          stores[1]?.commit(insert(round, 'new', 'old')),
        ]);
        const result = [first, second].toSorted().join(' and ');
        results.set(result, (results.get(result) ?? 0) + 1);
      }
      const refusal = what === 'a record' ? 'committed and conflict' : 'committed and taken';
      t.strictSame([...results], [[refusal, rounds]]);
    });
}
