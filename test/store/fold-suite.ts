import type { Test } from 'tap';
import { foldUnit } from '../../src/store/lanes/folded-lanes.ts';
import { Lanes } from '../../src/store/lanes/lanes.ts';
import { type OpenLane, selectLanes } from '../../src/store/lanes/open-lane.ts';
import { foldedLaneKind, foldedSegment } from '../../src/store/lanes/set-hash.ts';
import type { SqlDriver, SqlValue } from '../../src/store/sql-driver.ts';
import { createSqlKeyrings } from '../../src/store/sql-keyrings.ts';
import { StoreUnavailableError } from '../../src/store/store.ts';
import { MemoryAnchors, runSql, wrongSegments } from './lane-process.ts';
import { unit } from './objects.ts';
import {
  type Process,
  readObject,
  readRecord,
  sealedObject,
  sealedRecord,
  startNode,
  vault,
} from './rollback-scenario.ts';
import { startLanes } from './start-lanes.ts';
import type { Engine } from './suite.ts';

/** Tests of lanes that are folded, and of those that somebody else deletes or puts back. */

const clientKey = vault.key('record', 'client', 'c');
const readClient = (process: Process) => readRecord(process, 'client', clientKey);
const keyOf = (name: string) => vault.key('record', foldedLaneKind, name);

/** Two processes that run and a third one, which is gone, each of which has seen the others. */
interface Nodes {
  readonly url: string;
  readonly driver: SqlDriver;
  readonly first: Process;
  readonly other: Process;
  readonly otherAnchors: MemoryAnchors;
  /** Lanes of the node that is gone. */
  readonly gone: readonly OpenLane[];
}

async function insert(process: Process, id: string): Promise<void> {
  const result = await process.store.commit(unit({ inserts: [sealedObject(id)] }));
  if (result !== 'committed') throw new Error(`the insertion of ${id} gave ${result}`);
}

async function lanesOf(process: Process, name: string): Promise<readonly OpenLane[]> {
  return (await process.listLanes(vault)).filter((lane) => lane.name === name);
}

async function startNodes(t: Test, engine: Engine): Promise<Nodes> {
  const url = await engine.fresh();
  const driver = await engine.open(url);
  t.teardown(() => driver.close());
  const otherAnchors = new MemoryAnchors();
  const first = await startNode(t, url);
  const other = await startNode(t, url, { name: 'other', anchors: otherAnchors });
  const gone = await startNode(t, url, { name: 'gone' });
  await insert(first, 'a');
  const records = {
    expects: [],
    removals: [],
    puts: [sealedRecord('c', 'client'), sealedRecord('r', 'ticket')],
  };
  const changes = { inserts: [sealedObject('b')], updates: [sealedObject('a', 2)], records };
  if ((await gone.store.commit(unit(changes))) !== 'committed') throw new Error('no commit');
  await gone.close();
  for (const process of [first, other]) {
    await process.lanes.check();
    await insert(process, `seen by ${process === first ? 'first' : 'other'}`);
  }
  await Promise.all([first.lanes.check(), other.lanes.check()]);
  return { url, driver, first, other, otherAnchors, gone: await lanesOf(first, 'gone') };
}

const names = async (driver: SqlDriver) =>
  (await driver.read(selectLanes, [])).map(({ name }) => String(name)).toSorted();

/** Writes a lane as it was. */
const putBack = ({ row: { name, seq, era, box } }: OpenLane): [string, ...SqlValue[]] => [
  'insert into lane (name, seq, era, box) values ($1, $2, $3, $4)',
  ...[name, seq, era, box],
];
const deleteLane: [string] = ["delete from lane where name = 'gone'"];
const deleteRecords: [string] = [`delete from sealed_record where kind = '${foldedLaneKind}'`];

/** Tests on an engine. */
export async function foldSuite(t: Test, engine: Engine): Promise<void> {
  await t.test('a lane whose process does not run is sealed anew, in its last state only', async (t) => {
    const { url, driver, first, other, gone } = await startNodes(t, engine);
    const [before] = gone;
    const own = await lanesOf(first, 'node');
    t.equal(await first.resealLanes([...gone, ...own], vault), 'committed');
    const [after] = await lanesOf(first, 'gone');
    t.equal(after?.seq, (before?.seq ?? 0) + 1);
    t.strictSame(after?.content, before?.content, 'it states the same');
    t.strictSame(await wrongSegments(driver), []);
    for (const process of [first, other, first, other]) await process.lanes.check();
    t.equal(await first.resealLanes(gone, vault), 'conflict', 'as it was before');
    const again = await startNode(t, url, { name: 'gone' });
    await insert(again, 'goes on');
    await again.close();
    for (const process of [first, other]) await process.lanes.check();
    t.strictSame([...first.rollbacks, ...other.rollbacks, ...first.displacements], []);
  });

  await t.test('processes that run, and those that start, accept a lane that was folded', async (t) => {
    const { url, driver, first, other, otherAnchors, gone } = await startNodes(t, engine);
    const stoppedAnchors = new MemoryAnchors();
    const stopped = await startNode(t, url, { name: 'stopped', anchors: stoppedAnchors });
    await insert(stopped, 'by stopped');
    await stopped.close();
    t.ok(stoppedAnchors.anchors[0]?.lanes.some(({ name }) => name === 'gone'));

    const boxes = vault.sealCounter.own.count;
    t.equal(await first.foldLanes(gone, vault), 'committed');
    t.ok(vault.sealCounter.own.count > boxes + (gone[0]?.content.seals.count ?? 0), 'its boxes are counted');
    t.strictSame(await wrongSegments(driver), [], 'rows and sums agree');
    t.strictSame(await names(driver), ['node', 'other', 'stopped']);
    t.equal(await readClient(other), 'c 1', 'before the next check');
    for (const process of [first, other, first, other]) await process.lanes.check();
    t.strictSame([...first.rollbacks, ...other.rollbacks, ...other.displacements], []);
    t.notOk(
      otherAnchors.anchors[0]?.lanes.some(({ name }) => name === 'gone'),
      'forgotten',
    );
    await insert(other, 'goes on');
    const [own] = await lanesOf(other, 'other');
    t.strictSame(own?.content.seen.map(({ name }) => name).toSorted(), ['node', 'stopped']);

    for (const anchors of [stoppedAnchors, new MemoryAnchors()]) {
      const started = await startNode(t, url, { name: 'stopped', anchors });
      t.strictSame([started.rollbacks, started.problem], [[], undefined]);
      t.equal(await readClient(started), 'c 1');
      await started.close();
    }
    t.strictSame(await wrongSegments(driver), []);
  });

  await t.test('a folded lane is looked up once', async (t) => {
    const url = await engine.fresh();
    const driver = await engine.open(url);
    t.teardown(() => driver.close());
    let lookUps = 0;
    const lanes = new Lanes((sql, parameters) => {
      if (sql.includes('sealed_record')) lookUps += 1;
      return driver.read(sql, parameters);
    });
    // More than once, because a check that is running already may have read the lanes before.
    const check = async () => {
      for (let at = 0; at < 3; at += 1) await lanes.check();
      return lookUps;
    };
    await startLanes({ lanes, keyrings: createSqlKeyrings(driver) }, vault);
    t.teardown(() => lanes.close());
    const gone = await startNode(t, url, { name: 'gone' });
    const first = await startNode(t, url);
    await insert(gone, 'a');
    t.equal(await check(), 2, 'at the start, and a lane that was not known');
    await gone.close();
    await insert(first, 'b');
    t.equal(await check(), 3, 'another one');
    t.equal(await first.foldLanes(await lanesOf(first, 'gone'), vault), 'committed');
    t.equal(await check(), 4, 'one is missing');
    await insert(first, 'c');
    t.equal(await check(), 4, 'this process remembers it');
  });

  await t.test('of two processes that fold a lane at once, one does', async (t) => {
    const { driver, first, other, gone } = await startNodes(t, engine);
    const results = await Promise.all([first, other].map((process) => process.foldLanes(gone, vault)));
    t.strictSame(results.toSorted(), ['committed', 'conflict']);
    t.strictSame(await wrongSegments(driver), []);
    for (const process of [first, other]) {
      await insert(process, `later, ${process === first}`);
      await process.lanes.check();
      t.strictSame([...process.rollbacks, ...process.displacements], []);
    }
    t.equal(await first.foldLanes(gone, vault), 'conflict', 'it is gone');
    t.strictSame(await wrongSegments(driver), []);
  });

  await t.test('a lane that has moved is not folded', async (t) => {
    const { url, driver, first, gone } = await startNodes(t, engine);
    const back = await startNode(t, url, { name: 'gone' });
    await insert(back, 'again');
    t.equal(await first.foldLanes(gone, vault), 'conflict');
    t.strictSame(await wrongSegments(driver), []);
    await insert(back, 'goes on');
    t.strictSame(back.displacements, []);
  });

  for (const how of ['commit', 'check'] as const)
    await t.test(`a process whose lane was folded stops at its next ${how}`, async (t) => {
      const { url, driver, first, other } = await startNodes(t, engine);
      t.equal(await first.foldLanes(await lanesOf(first, 'other'), vault), 'committed');
      if (how === 'check') await other.lanes.check();
      await t.rejects(insert(other, 'never'), StoreUnavailableError);
      t.match(other.displacements, [/this node was removed by kmipd node remove .* remove the file "node"/]);
      t.strictSame(other.rollbacks, []);
      await t.rejects(other.store.ping(), /removed by kmipd node remove/);
      t.equal(await readObject(other, 'b'), 'b 1', 'reads go on');
      t.equal(await readClient(other), 'c 1');
      await other.close();
      await t.rejects(startNode(t, url, { name: 'other' }), /this node was removed by kmipd node remove/);
      t.strictSame(await wrongSegments(driver), []);
      t.strictSame(await names(driver), ['gone', 'node']);
    });

  for (const { what, isFolded, forge } of forgeries)
    await t.test(`somebody else would remove a lane: ${what}`, async (t) => {
      const { url, driver, first, other, otherAnchors, gone } = await startNodes(t, engine);
      // A process that runs may accept the fold before it is forged.
      if (isFolded) await other.close();
      if (isFolded) t.equal(await first.foldLanes(gone, vault), 'committed');
      await runSql(driver, ...(await forge(driver, gone)));
      if (!isFolded) {
        await other.lanes.check();
        t.match(other.rollbacks, [/nothing is written, because the database was put back .* forged/]);
        await t.rejects(insert(other, 'never'), StoreUnavailableError);
        await other.close();
      }
      const started = await startNode(t, url, { name: 'other', anchors: otherAnchors });
      t.equal(started.rollbacks.length, 1, 'found by the anchor');
      t.not(started.problem, undefined);
    });

  await t.test(
    'a folded lane that is put back is found by those that know of it, and at starts',
    async (t) => {
      const { url, driver, first, other, gone } = await startNodes(t, engine);
      t.equal(await first.foldLanes(gone, vault), 'committed');
      await other.lanes.check();
      await runSql(driver, ...gone.map(putBack));
      for (const process of [other, first, await startNode(t, url, { name: 'new' })]) {
        await process.lanes.check();
        t.match(process.rollbacks, [/the row gone of table lane was put back; its node was removed/]);
      }
      t.ok((await wrongSegments(driver)).length > 0, 'the sums tell it, too');
    },
  );

  await t.test('a folded lane that is put back in place of its record is found', async (t) => {
    const { driver, first, other, gone } = await startNodes(t, engine);
    t.equal(await first.foldLanes(gone, vault), 'committed');
    await other.lanes.check();
    await runSql(driver, ...gone.map(putBack), deleteRecords);
    await other.lanes.check();
    t.match(other.rollbacks, [
      /the records of removed nodes in the database are not .*: 0 are there, 1 were written/,
    ]);
    t.ok((await wrongSegments(driver)).includes(foldedSegment));
  });
}

/** What somebody does to remove a lane, some of it after a fold. */
const forgeries: readonly {
  readonly what: string;
  readonly isFolded: boolean;
  readonly forge: (
    driver: SqlDriver,
    gone: readonly OpenLane[],
  ) => Promise<readonly [string, ...SqlValue[]][]>;
}[] = [
  { what: 'there is no record', isFolded: false, forge: async () => [deleteLane] },
  {
    what: 'the record was never committed',
    isFolded: false,
    forge: async (_, gone) => [deleteLane, strayRecord(gone)],
  },
  { what: 'the record was deleted', isFolded: true, forge: async () => [deleteRecords] },
  {
    what: 'the record was altered',
    isFolded: true,
    async forge(driver) {
      const [row] = await driver.read(`select box from sealed_record where key = $1`, [keyOf('gone')]);
      const box = row?.box as Uint8Array;
      const altered = box.with(0, (box[0] ?? 0) ^ 1);
      return [['update sealed_record set box = $1 where key = $2', altered, keyOf('gone')]];
    },
  },
  {
    what: 'the record is a copy of that of another lane',
    isFolded: true,
    async forge() {
      const columns = 'kind, grp, version, expires, box';
      const copy = `insert into sealed_record (key, ${columns}) select '${keyOf('node')}', ${columns} from sealed_record where kind = '${foldedLaneKind}'`;
      return [["delete from lane where name = 'node'"], [copy]];
    },
  },
  {
    what: 'the record is of an earlier commit',
    isFolded: true,
    forge: async (_, gone) => [
      deleteRecords,
      strayRecord(gone.map((lane) => ({ ...lane, seq: lane.seq - 1 }))),
    ],
  },
];

/** Inserts the record of a fold that was not committed. */
function strayRecord(lanes: readonly OpenLane[]): [string, ...SqlValue[]] {
  const step = foldUnit(lanes, 'a', vault).steps.find(({ sql }) => sql.startsWith('insert'));
  if (step === undefined) throw new Error('no record');
  return [step.sql, ...step.parameters];
}
