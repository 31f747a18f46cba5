import type { Test } from 'tap';
import { anchoredRecordKinds, type SetHash } from '../../src/store/lanes/set-hash.ts';
import type { SqlDriver, SqlRow, SqlValue } from '../../src/store/sql-driver.ts';
import { SealBrokenError } from '../../src/vault/vault.ts';
import { MemoryAnchors, runSql } from './lane-process.ts';
import { unit } from './objects.ts';
import {
  keepRows,
  type Process,
  readObject,
  readRecord,
  sealedObject,
  sealedRecord,
  startNode,
  vault,
  writeHistory,
} from './rollback-scenario.ts';
import type { Engine } from './suite.ts';

/** Tests of the records that every process compares with the lanes, and of lanes that cannot be read. */

const keyOf = (kind: string, id: string) => vault.key('record', kind, id);
const readClient = (process: Process, id: string) => readRecord(process, 'client', keyOf('client', id));

/** Writes rows of lanes and records as they were. */
async function putBack(driver: SqlDriver, lanes: readonly SqlRow[], records: readonly SqlRow[]) {
  await runSql(
    driver,
    ...lanes.map(({ name, seq, era, box }): [string, ...SqlValue[]] => [
      'update lane set seq = $2, era = $3, box = $4 where name = $1',
      ...([name, seq, era, box] as SqlValue[]),
    ]),
    ...records.map(({ key, version, box }): [string, ...SqlValue[]] => [
      'update sealed_record set version = $2, box = $3 where key = $1',
      ...([key, version, box] as SqlValue[]),
    ]),
  );
}

/** What somebody inserts as a lane: an expression for each column. */
const lanes = {
  'a number above 2^53': "'x', 1152921504606846976, 1, $1",
  'a number below zero': "'x', -1, 1, $1",
  'an era above 2^53': "'x', 1, 1152921504606846976, $1",
  'an empty box': "'x', 1, 1, $1",
};

/** Tests on an engine. */
export async function mirrorSuite(t: Test, engine: Engine): Promise<void> {
  const start = async (t: Test) => {
    const url = await engine.fresh();
    const driver = await engine.open(url);
    t.teardown(() => driver.close());
    return { url, driver, first: await startNode(t, url) };
  };
  const put = (kind: string, id: string, version = 1) =>
    unit({ records: { expects: [], removals: [], puts: [sealedRecord(id, kind, version)] } });

  await t.test('clients put back together with lanes are refused before the next check', async (t) => {
    const { url, driver, first } = await start(t);
    const second = await startNode(t, url, { name: 'second' });
    await writeHistory(first, second, driver);
    t.equal(await readClient(second, 'c'), 'c 2');
    const kept = await keepRows(driver);
    t.equal(await first.store.commit(put('client', 'c', 3)), 'committed');
    // The first of both may have begun before.
    for (const _ of [1, 2]) await second.lanes.check();
    const present = await keepRows(driver);
    await putBack(driver, kept.lanes, kept.records);
    t.equal(await readClient(second, 'c'), 'refused');
    t.equal(second.rollbacks.length, 1, 'without a check');
    t.match(second.rollbacks[0], /nothing is written, because .* kmipd vault accept/);
    t.equal(await readClient(second, 'd'), 'd 1', 'what has not changed');
    await putBack(driver, present.lanes, present.records);
    t.equal(await readClient(second, 'c'), 'c 3', 'what was there before');
    await runSql(driver, ['update lane set seq = seq + 1'], ['delete from sealed_record']);
    t.equal(await readClient(second, 'c'), 'refused', 'nothing is compared any more');
  });

  await t.test('lanes of before a check are a rollback for the comparison that it begins', async (t) => {
    const { url, driver, first } = await start(t);
    const second = await startNode(t, url, { name: 'second' });
    await writeHistory(first, second, driver);
    const kept = await keepRows(driver);
    const summed = Promise.withResolvers<SetHash | undefined>();
    second.lanes.anchoredMoved = async () => {
      const sumLater = await second.lanes.expectLanes(vault);
      summed.resolve(Promise.try(sumLater, kept.lanes));
    };
    t.equal(await first.store.commit(put('client', 'c', 3)), 'committed');
    await second.lanes.check();
    await t.rejects(summed.promise, { name: 'LaneForgedError' });
  });

  await t.test('commits after the last anchor are missed at the next start, too', async (t) => {
    const { url, driver } = await start(t);
    const anchors = new MemoryAnchors();
    const process = await startNode(t, url, { name: 'third', anchors });
    await process.store.commit(put('ticket', 'r'));
    await process.lanes.check();
    const kept = await keepRows(driver);
    t.equal(await process.store.commit(put('ticket', 's')), 'committed');
    await putBack(driver, kept.lanes, []);
    await runSql(driver, [`delete from sealed_record where key = '${keyOf('ticket', 's')}'`]);
    // The first of both may have begun before.
    for (const _ of [1, 2]) await process.lanes.check();
    t.equal(process.rollbacks.length, 1, 'by the process that has written them');
    await process.close();
    const again = await startNode(t, url, { name: 'third', anchors });
    t.match(again.rollbacks, [/it was at commit 2; .* kmipd vault accept/]);
  });

  for (const [what, values] of Object.entries(lanes))
    await t.test(`a lane with ${what} stops the process`, async (t) => {
      const { url, driver, first } = await start(t);
      await first.store.commit(put('client', 'c'));
      await runSql(driver, [`insert into lane (name, seq, era, box) values (${values})`, new Uint8Array()]);
      await first.lanes.check();
      t.match(first.rollbacks, [/forged: (a|the) row .*of table lane/]);
      await t.rejects(first.store.commit(put('client', 'd')), { code: 'STORE_UNAVAILABLE' });
      const again = await startNode(t, url);
      t.match(again.problem, /forged: (a|the) row .*of table lane/);
      t.equal(await readClient(again, 'c'), 'refused', 'nobody is let in');
    });

  for (const kind of anchoredRecordKinds)
    await t.test(`a record of kind ${kind} is never absent`, async (t) => {
      const { driver, first } = await start(t);
      for (const id of ['a', 'b']) await first.store.commit(put(kind, id));
      const list = async (limit = 9) => (await first.store.records({ kind, limit })).length;
      t.strictSame([await list(), await list(1)], [2, 1]);
      await runSql(driver, [`delete from sealed_record where key = '${keyOf(kind, 'b')}'`]);
      t.equal(await readRecord(first, kind, keyOf(kind, 'b')), 'refused');
      t.equal(await readRecord(first, kind, keyOf(kind, 'none')), 'absent');
      await t.rejects(list(), SealBrokenError);
      t.equal(await readRecord(first, kind, keyOf(kind, 'a')), 'a 1');
      const missing = `${kind} ${keyOf(kind, 'b')}`;
      t.strictSame(first.forged, [`sealed_record ${missing}`, `sealed_record of kind ${kind}`]);
      for (const reason of first.reasons)
        t.match(reason, new RegExp(`1 are there, 2 were written; ${missing} is missing$`));
    });

  await t.test('records other than before are named, and one that does not open at a start', async (t) => {
    const { url, driver, first } = await start(t);
    const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    for (const id of ids) await first.store.commit(put('client', id));
    const nameOf = (id: string) => `client ${keyOf('client', id)}`;
    await runSql(driver, [`update sealed_record set version = 2 where key = '${keyOf('client', 'a')}'`]);
    t.equal(await readClient(first, 'a'), 'refused');
    t.match(first.reasons[0], new RegExp(`; ${nameOf('a')} is another one than before$`));
    const again = await startNode(t, url);
    t.equal(again.problem, `the record ${nameOf('a')} in the database was altered outside kmipd`);
    await runSql(driver, ['delete from sealed_record']);
    // A comparison that has failed is repeated after a second only.
    while (first.reasons.at(-1) === first.reasons[0]) await readClient(first, 'a');
    t.match(first.reasons.at(-1), /^[^;]*; (client \w+ is missing, ){4}client \w+ is missing and 2 more$/);
  });

  await t.test('an object that a process has inserted is never absent for its group', async (t) => {
    const { driver, first } = await start(t);
    await first.store.commit(unit({ inserts: [sealedObject('a')] }));
    await runSql(driver, ['delete from managed_object']);
    t.strictSame(await first.store.load('red', ['a']), [], 'another group never had it');
    t.strictSame(first.forged, []);
    t.equal(await readObject(first, 'a'), 'refused');
    t.strictSame(first.forged, ['managed_object a']);
  });
}
