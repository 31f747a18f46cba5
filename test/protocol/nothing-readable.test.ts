import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { KnownValues } from './known-values.ts';
import { nothingReadableSuite } from './nothing-readable-suite.ts';

/** Whoever reads the file of a database, its log and its index learns no value and no digest of one. */

t.setTimeout(600_000);

const directory = await mkdtemp(join(tmpdir(), 'kmipd-readable-'));
const file = join(directory, 'kmipd.db');
t.teardown(() => rm(directory, { recursive: true, force: true }));

t.test('the search recognises every notation', async (t) => {
  const known = new KnownValues();
  const value = known.text();
  const bytes = Buffer.from(value);
  const notations = [
    value,
    Buffer.from(value, 'utf16le'),
    Buffer.from(value, 'utf16le').swap16(),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    ...['', 'a', 'ab', 'abc'].flatMap((before) =>
      ['', 'c', 'cd'].map((after) => Buffer.from(`${before}${value}${after}`).toString('base64')),
    ),
    JSON.stringify({ at: known.integer() }),
    `n = ${known.long()}`,
  ];
  for (const each of notations) {
    const inside = Buffer.concat([Buffer.from('..'), Buffer.from(each as string), Buffer.from('..')]);
    t.equal(known.find([inside]).length, 1, String(each));
    t.equal(known.find([inside.subarray(0, inside.length / 2)]).length, 0, `${each}, cut`);
  }
});

t.test('SQLite', (t) =>
  nothingReadableSuite(t, {
    store: `sqlite:${file}`,
    read: async () =>
      [file, `${file}-wal`, `${file}-shm`].filter(existsSync).map((each) => readFileSync(each)),
    async checkpoint() {
      // The service may have a read transaction in this turn.
      await setImmediate();
      const database = new DatabaseSync(file);
      const row = database.prepare('pragma wal_checkpoint(truncate)').get();
      database.close();
      if (row?.busy !== 0) throw new Error('the checkpoint did not come to its end');
    },
  }),
);
