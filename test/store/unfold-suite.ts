import { mock } from 'node:test';
import type { Test } from 'tap';
import { type OpenLane, selectLanes } from '../../src/store/lanes/open-lane.ts';
import { foldedLaneKind } from '../../src/store/lanes/set-hash.ts';
import type { SqlDriver, SqlRow, SqlValue } from '../../src/store/sql-driver.ts';
import { boxTag } from '../../src/vault/vault.ts';
import { MemoryAnchors, runSql } from './lane-process.ts';
import { unit } from './objects.ts';
import { type Process, readRecord, sealedRecord, startNode, vault } from './rollback-scenario.ts';
import type { Engine } from './suite.ts';

/**
 * Tests of a lane that somebody puts back after it was folded, together with a record that was removed since:
 * the sums are right then.
 */

const recipient = vault.key('record', 'recipient', 'r');
const readRecipient = (process: Process) => readRecord(process, 'recipient', recipient);

type Statement = [string, ...SqlValue[]];

/** Two processes that run, and what somebody has kept of a node that was removed. */
interface Scenario {
  readonly url: string;
  readonly driver: SqlDriver;
  readonly first: Process;
  readonly other: Process;
  readonly anchors: MemoryAnchors;
  /** Insert the lane, and the record of its process. */
  readonly putBack: readonly Statement[];
  readonly removeFold: Statement;
}

async function commit(process: Process, more: Parameters<typeof unit>[0]): Promise<void> {
  const result = await process.store.commit(unit(more));
  if (result !== 'committed') throw new Error(`a commit gave ${result}`);
}

function insertion(table: string, row: SqlRow, omitted?: string): Statement {
  const columns = Object.keys(row).filter((column) => column !== omitted);
  const places = columns.map((_, at) => `$${at + 1}`);
  return [
    `insert into ${table} (${columns.join(', ')}) values (${places.join(', ')})`,
    ...columns.map((column) => row[column] ?? null),
  ];
}

async function removeNode(t: Test, engine: Engine, isSeen: boolean): Promise<Scenario> {
  const url = await engine.fresh();
  const driver = await engine.open(url);
  t.teardown(() => driver.close());
  const anchors = new MemoryAnchors();
  const first = await startNode(t, url, { anchors });
  const other = await startNode(t, url, { name: 'other' });
  const gone = await startNode(t, url, { name: 'gone' });
  const record = sealedRecord('r', 'recipient');
  await commit(gone, { records: { expects: [], removals: [], puts: [record] } });
  await gone.close();
  for (const process of [first, other]) await process.lanes.check();
  const lanes = await driver.read(`${selectLanes} where name = 'gone'`, []);
  const kept = await driver.read('select * from sealed_record where key = $1', [recipient]);
  const folded: readonly OpenLane[] = (await first.listLanes(vault)).filter(({ name }) => name === 'gone');
  t.equal(await first.foldLanes(folded, vault), 'committed');
  const stored = await first.store.record('recipient', recipient);
  if (stored === undefined) throw new Error('there is no record');
  const { kind, key, version, box } = stored;
  const removals = [{ kind, key, version, tag: boxTag(box) }];
  await commit(first, { records: { expects: [], removals, puts: [] } });
  if (isSeen) for (const process of [first, other]) await process.lanes.check();
  return {
    ...{ url, driver, first, other, anchors },
    putBack: [
      ...lanes.map((row) => insertion('lane', row)),
      ...kept.map((row) => insertion('sealed_record', row, 'seq')),
    ],
    removeFold: [`delete from sealed_record where kind = '${foldedLaneKind}'`],
  };
}

/** Tests on an engine. */
export async function unfoldSuite(t: Test, engine: Engine): Promise<void> {
  for (const isSeen of [true, false])
    for (const hasRecord of [true, false]) {
      const what = `${isSeen ? '' : ', before a check'}${hasRecord ? '' : ', and the record of the fold is deleted'}`;
      await t.test(`a record that comes back with the lane that had it is not believed${what}`, async (t) => {
        const { url, driver, first, other, anchors, putBack, removeFold } = await removeNode(
          t,
          engine,
          isSeen,
        );
        if (isSeen) t.equal(await readRecipient(other), 'absent');
        const statements = hasRecord ? putBack : [...putBack, removeFold];
        await runSql(driver, ...statements);
        for (const process of [first, other]) {
          // Who has not read the lanes since still has the record, and keeps what it had before the rollback.
          const expected = process === other && !isSeen ? 'r 1' : 'refused';
          t.equal(await readRecipient(process), expected, 'at once');
          await process.lanes.check();
          t.equal(process.rollbacks.length, 1);
          t.equal(await readRecipient(process), expected, 'and later');
          await t.rejects(
            commit(process, { records: { expects: [], removals: [], puts: [sealedRecord('x', 'ticket')] } }),
          );
        }
        for (const known of [anchors, new MemoryAnchors()]) {
          const started = await startNode(t, url, { name: 'started', anchors: known });
          t.equal(started.rollbacks.length, 1, 'at a start');
          t.not(started.problem, undefined);
          t.equal(await readRecipient(started), 'refused');
        }
      });
    }

  await t.test('a lane that is folded is the one that was compared', async (t) => {
    const url = await engine.fresh();
    const first = await startNode(t, url);
    const gone = await startNode(t, url, { name: 'gone' });
    const puts = [sealedRecord('r', 'ticket')];
    await commit(gone, { records: { expects: [], removals: [], puts } });
    const [lane] = (await first.listLanes(vault)).filter(({ name }) => name === 'gone');
    if (lane === undefined) throw new Error('there is no lane');
    for (const other of [
      { ...lane, seq: lane.seq - 1 },
      { ...lane, box: '0'.repeat(64) },
    ])
      t.equal(await first.foldLanes([other], vault), 'conflict');
    t.equal(await first.foldLanes([lane], vault), 'committed');
  });

  await t.test('lanes of two moments are no rollback', async (t) => {
    const url = await engine.fresh();
    const driver = await engine.open(url);
    t.teardown(() => driver.close());
    // It compares the lanes when the test says so, and not each second.
    mock.timers.enable({ apis: ['setInterval'] });
    const watching = await startNode(t, url, { name: 'watching' });
    mock.timers.reset();
    const first = await startNode(t, url);
    const second = await startNode(t, url, { name: 'second' });
    const gone = await startNode(t, url, { name: 'gone' });
    const put = (id: string) => ({
      records: { expects: [], removals: [], puts: [sealedRecord(id, 'ticket')] },
    });
    for (const [at, process] of [first, second, gone].entries()) await commit(process, put(`${at}`));
    await gone.close();
    for (const process of [watching, first, second]) await process.lanes.check();
    const sumLater = await watching.lanes.expectLanes(vault);
    const folded = (await first.listLanes(vault)).filter(({ name }) => name === 'gone');
    t.equal(await first.foldLanes(folded, vault), 'committed');
    const rows = await driver.read(selectLanes, []);
    // Meanwhile one commits, which another one sees and states.
    await commit(first, put('more'));
    await second.lanes.check();
    await commit(second, put('seen'));
    t.equal(sumLater(rows), undefined, 'they are compared first');
    await watching.lanes.compareFolded(vault);
    t.not((await watching.lanes.expectLanes(vault))(await driver.read(selectLanes, [])), undefined);
    await watching.lanes.check();
    t.strictSame(watching.rollbacks, []);
  });

  await t.test('a node is removed with all its lanes, also those that it had never written', async (t) => {
    const url = await engine.fresh();
    const driver = await engine.open(url);
    t.teardown(() => driver.close());
    const first = await startNode(t, url);
    const put = { records: { expects: [], removals: [], puts: [sealedRecord('r', 'ticket')] } };
    await commit(await startNode(t, url, { name: 'gone' }), put);
    const folded = (await first.listLanes(vault)).filter(({ name }) => name === 'gone');
    t.equal(await first.foldLanes(folded, vault), 'committed');
    const command = startNode(t, url, { name: 'gone-command', siblings: ['gone'] });
    await t.rejects(command, /this node was removed by kmipd node remove/);
  });
}
