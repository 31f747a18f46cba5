import { StatementSync } from 'node:sqlite';
import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import { Locate } from '../../src/operations/locate.ts';
import { succeed } from './operations/ask.ts';
import { createAesPayload2x, TestService } from './service.ts';

/** A Locate that has to open every object of a group leaves the thread of the event loop to others. */

t.setTimeout(300_000);

/** Turns of the event loop. */
let turns = 0;
/** SQL texts that this thread ran, with the number of their rows; threads of searches are not seen here. */
const statements: { sql: string; rows: number; turn: number }[] = [];
const { all } = StatementSync.prototype;
StatementSync.prototype.all = function (this: StatementSync, ...parameters: Parameters<typeof all>) {
  const rows = all.apply(this, parameters);
  statements.push({ sql: this.sourceSQL, rows: rows.length, turn: turns });
  return rows;
} as typeof all;

const count = 3_000;
/** Rows of one slice. */
const slice = 16;
const service = await TestService.open();
t.teardown(async () => {
  StatementSync.prototype.all = all;
  await service.close();
});
for (let made = 0; made < count; made += 500) {
  const create = { operation: 'Create', payload: createAesPayload2x() };
  await service.batch(
    '2.1',
    Array.from({ length: 500 }, () => create),
  );
}

t.test('128 conditions on 3,000 objects', async (t) => {
  // The index has none of them, so that every object is opened.
  const conditions = Array.from(
    { length: 128 },
    (_, at): Attribute => ({
      name: 'RandomNumberGenerator',
      value: { RNGAlgorithm: 'DRBG', CryptographicLength: 1_000 + at },
    }),
  );
  let isDone = false;
  const tick = () => {
    turns += 1;
    if (!isDone) setImmediate(tick);
  };
  // The event loop is yielded by the clock: here every look at it finds that it is due.
  const { now } = performance;
  let milliseconds = 0;
  performance.now = () => (milliseconds += 21);
  t.teardown(() => {
    performance.now = now;
  });
  statements.length = 0;
  setImmediate(tick);
  const found = await succeed(service, '2.1', Locate, { Attributes: conditions });
  isDone = true;
  t.same(found.UniqueIdentifier, []);
  const loads = statements.filter(({ sql }) => / where grp = \?1 and id in \(/.test(sql));
  t.equal(
    loads.reduce((sum, { rows }) => sum + rows, 0),
    count,
    'every object was opened',
  );
  t.ok(
    loads.every(({ rows }) => rows <= slice),
    'in slices',
  );
  t.equal(new Set(loads.map(({ turn }) => turn)).size, loads.length, 'a turn of the event loop for each');
  t.same(
    statements.filter(({ sql }) => /object_term|managed_object o|json_each/.test(sql)),
    [],
    'this thread ran no search',
  );
});
