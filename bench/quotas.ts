/**
 * What quotas cost the store, on both engines: `node bench/quotas.ts [OBJECTS]`. Fills one group, of whose
 * objects every tenth is destroyed, and prints medians in milliseconds of counts, and of commits of one
 * object with a bound and without.
 */
import { randomUUIDv7 } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectBound } from '../src/store/store.ts';
import { startPostgres } from '../test/store/embedded-postgres.ts';
import { openWritable } from '../test/store/start-lanes.ts';
import { createObject } from './created-objects.ts';

const objects = Number(process.argv[2] ?? 100_000);
/** Objects of one transaction that fills the group. */
const batch = 500;
const [manyTimes, fewTimes] = [300, 15];
const group = 'default';

async function measure(engine: string, url: string): Promise<void> {
  const { store, close } = await openWritable(url);
  const insert = async (count: number, bound?: ObjectBound, destroyed = 0) => {
    const inserts = Array.from({ length: count }, (_, at) => {
      const made = createObject(randomUUIDv7());
      const DestroyDate = at < destroyed ? 1 : null;
      return { ...made, group, columns: { ...made.columns, DestroyDate } };
    });
    const result = await store.commit({ expects: [], inserts, updates: [], bound });
    if (result !== 'committed') throw new Error(`the commit was ${result}`);
  };
  const count = (after: number) => store.count({ group, after, limit: Number.MAX_SAFE_INTEGER });
  for (let at = 0; at < objects; at += batch) await insert(batch, undefined, batch / 10);
  const { last } = await count(0);
  const rows: readonly (readonly [string, number, () => Promise<unknown>])[] = [
    ['count of all rows', fewTimes, () => count(0)],
    ['count of newer rows', manyTimes, () => count(last)],
    ['commit of one object', manyTimes, () => insert(1)],
    [
      'the same, bound on newer rows',
      manyTimes,
      () => insert(1, { group, after: last, objects: 2 * manyTimes }),
    ],
    ['the same, bound on all rows', fewTimes, () => insert(1, { group, after: 0, objects: 2 * objects })],
  ];
  for (const [name, times, run] of rows) console.log(engine, name.padEnd(30), await medianOf(times, run));
  await close();
}

async function medianOf(times: number, run: () => Promise<unknown>): Promise<string> {
  const measured: number[] = [];
  for (let at = 0; at < times; at += 1) {
    const started = performance.now();
    await run();
    measured.push(performance.now() - started);
  }
  return `${(measured.toSorted((one, other) => one - other)[times >> 1] ?? Number.NaN).toFixed(2)} ms`;
}

const directory = mkdtempSync(join(tmpdir(), 'kmipd-quotas-'));
await measure('SQLite    ', `sqlite:${join(directory, 'kmipd.db')}`);
rmSync(directory, { recursive: true });
const server = await startPostgres();
if (typeof server === 'string') console.error(server);
else {
  await measure('PostgreSQL', await server.fresh());
  await server.stop();
}
