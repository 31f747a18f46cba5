import type { Test } from 'tap';
import type { SqlDriver, SqlRow, SqlValue } from '../../src/store/sql-driver.ts';
import { StoreUnavailableError } from '../../src/store/store.ts';
import { MemoryAnchors, runSql, wrongSegments } from './lane-process.ts';
import { mirrorSuite } from './mirror-suite.ts';
import { unit } from './objects.ts';
import {
  type KeptRows,
  keepRows,
  type Process,
  readObject,
  readRecord,
  sealedObject,
  startNode,
  vault,
  writeHistory,
} from './rollback-scenario.ts';
import type { Engine } from './suite.ts';

/** Tests of what is found when somebody changes the database beside kmipd, and when. */

type Statement = [string, ...SqlValue[]];
type Target = 'object' | 'record' | 'client';

/** A change of one row: of object a, the ticket r or the client c. */
interface Mutation {
  readonly target: Target;
  readonly what: string;
  /** @param row as it is, @param before as its first version was */
  readonly statements: (row: SqlRow, before: SqlRow) => readonly Statement[];
  /** What is read while the process that has written the row runs, and when it has started afterwards. */
  readonly reads: readonly [running: string, started: string];
  /** Whether the sums of the lanes tell it, too. */
  readonly isSummed: boolean;
}

const rows: Readonly<
  Record<Target, { table: string; where: string; key: string; twin: string; now: string }>
> = {
  object: { table: 'managed_object', key: 'id', where: "id = 'a'", twin: "id = 'b'", now: 'a 2' },
  record: { ...recordRow('ticket', 'r', 's'), now: 'r 2' },
  client: { ...recordRow('client', 'c', 'd'), now: 'c 2' },
};

function recordRow(kind: string, id: string, twin: string) {
  const where = (name: string) => `key = '${vault.key('record', kind, name)}'`;
  return { table: 'sealed_record', key: 'key', where: where(id), twin: where(twin) };
}

/** Columns that are not searched by, beside the box: what they become, and whether the sums contain them. */
const columns: readonly [targets: readonly Target[], set: string, read: string, isSummed: boolean][] = [
  [['object'], "id = 'x'", 'absent', true],
  [['record', 'client'], "key = 'x'", 'absent', true],
  [['object'], "grp = 'red'", 'absent', false],
  [['record', 'client'], "grp = 'red'", 'refused', false],
  [['object'], "object_type = 'SecretData'", 'refused', false],
  [['record'], "kind = 'other'", 'absent', false],
  [['client'], "kind = 'other'", 'absent', true],
  [['object', 'record', 'client'], 'version = 7', 'refused', true],
  [['object', 'record', 'client'], `version = ${2n ** 60n}`, 'refused', true],
  [['record', 'client'], 'expires = 9', 'refused', false],
  [['record', 'client'], `expires = ${2n ** 60n}`, 'refused', false],
];

function mutationsOf(target: Target): readonly Mutation[] {
  const { table, where, twin, key, now } = rows[target];
  const old = now.replace('2', '1');
  const setBox = (box: Uint8Array): Statement => [`update ${table} set box = $1 where ${where}`, box];
  const flipped = (box: Uint8Array, at: number) => box.with(at, (box.at(at) ?? 0) ^ 1);
  const names = target === 'object' ? 'grp, object_type, version, box' : 'kind, grp, version, expires, box';
  const all: Mutation[] = columns
    .filter(([targets]) => targets.includes(target))
    .map(([, set, read, isSummed]) => ({
      ...{ target, what: set, reads: [read, read], isSummed },
      statements: () => [[`update ${table} set ${set} where ${where}`]],
    }));
  for (const [what, at, isSummed] of [
    ['first', 0, false],
    ['last', -1, true],
  ] as const)
    all.push({
      ...{
        target,
        what: `a flipped bit in the ${what} byte of the box`,
        reads: ['refused', 'refused'],
        isSummed,
      },
      statements: ({ box }) => [
        setBox(flipped(box as Uint8Array, at < 0 ? (box as Uint8Array).length - 1 : 0)),
      ],
    });
  return [
    ...all,
    {
      ...{ target, what: 'the row deleted', reads: ['absent', 'absent'], isSummed: true },
      statements: () => [[`delete from ${table} where ${where}`]],
    },
    {
      ...{ target, what: 'its first version put back', reads: ['refused', old], isSummed: true },
      statements: (_, before) => [
        [`update ${table} set version = 1, box = $1 where ${where}`, before.box as Uint8Array],
      ],
    },
    {
      ...{
        target,
        what: 'its box and version exchanged with another row',
        reads: ['refused', 'refused'],
        isSummed: true,
      },
      statements: (row) => [
        [
          `update ${table} set version = (select version from ${table} where ${twin}), box = (select box from ${table} where ${twin}) where ${where}`,
        ],
        [
          `update ${table} set version = $1, box = $2 where ${twin}`,
          row.version as number,
          row.box as Uint8Array,
        ],
      ],
    },
    {
      ...{ target, what: 'a copy of it inserted', reads: [now, now], isSummed: true },
      statements: () => [
        [`insert into ${table} (${key}, ${names}) select 'copy', ${names} from ${table} where ${where}`],
      ],
    },
  ];
}

/** Tests that the rows of an engine are protected. */
export async function rollbackSuite(t: Test, engine: Engine): Promise<void> {
  for (const target of ['object', 'record', 'client'] as const)
    await t.test(`somebody changes the row of one ${target}`, (t) => testMutations(t, engine, target));
  for (const putBack of putBacks)
    await t.test(`somebody puts back ${putBack.what}`, (t) => testPutBack(t, engine, putBack));
  await t.test('a snapshot does not displace what was read', (t) => testSnapshot(t, engine));
  await mirrorSuite(t, engine);
}

/** A verification opens every row, and would fill the memory with rows that nobody reads. */
async function testSnapshot(t: Test, engine: Engine): Promise<void> {
  const { url, driver } = await openEngine(t, engine);
  await writeHistory(await startNode(t, url), await startNode(t, url, { name: 'second' }), driver);
  const third = await startNode(t, url, { name: 'third' });
  await third.snapshot(async (all) => {
    for (const { id, group, objectType, version, box } of await all.objects(0))
      third.learnOpened({ kind: 'object', id, group, objectType, version, valueBinding: null }, box);
  });
  await runSql(driver, ["delete from managed_object where id = 'a'"]);
  t.equal(await readObject(third, 'a'), 'absent', 'not missed');
}

async function testMutations(t: Test, engine: Engine, target: Target): Promise<void> {
  const { url, driver } = await openEngine(t, engine);
  const first = await startNode(t, url);
  const second = await startNode(t, url, { name: 'second' });
  const kept = await writeHistory(first, second, driver);
  const present = await keepRows(driver);
  t.equal(await read(first, target), rows[target].now);
  for (const mutation of mutationsOf(target)) {
    const { what, isSummed } = mutation;
    const isCopy = what.includes('copy');
    // Of clients the lanes state what is there, so nothing else is served.
    const [seen, started] = target === 'client' && !isCopy ? ['refused', 'refused'] : mutation.reads;
    // Objects are never removed: one that the process has seen is there.
    const isMissed = target === 'object' && seen === 'absent';
    const running = isMissed ? 'refused' : seen;
    await runSql(driver, ...mutation.statements(rowOf(present, target), rowOf(kept, target)));

    const alarms = first.forged.length;
    t.equal(await read(first, target), running, `${what}: while the process runs`);
    if (isCopy) t.equal(await read(first, target, 'copy'), 'refused', 'the copy');
    if (isMissed || what.includes('first version') || (target === 'client' && isSummed))
      t.equal(first.forged.length, alarms + 1, `${what}: the alarm sounds`);
    await first.lanes.check();
    t.strictSame(first.rollbacks, [], 'the lanes are as they were');
    t.equal((await wrongSegments(driver)).length > 0, isSummed, `${what}: whether the sums tell it`);

    const again = await startNode(t, url);
    t.equal(again.problem !== undefined, target === 'client', `${what}: clients are compared at the start`);
    t.equal(await read(again, target), target === 'client' ? 'refused' : started, `${what}: after a start`);
    await again.close();
    await restoreRows(driver, target, present);
  }
  t.strictSame(await wrongSegments(driver), [], 'everything is as it was');
}

/** Writes all rows of a table as they were. */
async function restoreRows(driver: SqlDriver, target: Target, kept: KeptRows): Promise<void> {
  const { table } = rows[target];
  const override = driver.dialect.blob === 'bytea' ? ' overriding system value' : '';
  const inserts = (target === 'object' ? kept.objects : kept.records).map((row): Statement => {
    const values = Object.keys(row).map((_, at) => `$${at + 1}`);
    const sql = `insert into ${table} (${Object.keys(row).join(', ')})${override} values (${values.join(', ')})`;
    return [sql, ...Object.values(row)];
  });
  await runSql(driver, [`delete from ${table}`], ...inserts);
}

/** What is put back, and whether a start without an anchor tells it. */
const putBacks: readonly {
  readonly what: string;
  readonly statements: (kept: KeptRows) => readonly Statement[];
  readonly withoutAnchor: 'rollback' | 'clients' | 'nothing';
}[] = [
  {
    what: 'the lane of the process',
    statements: ({ lanes }) => lanes.filter(({ name }) => name === 'node').map(laneBack),
    withoutAnchor: 'rollback',
  },
  {
    what: 'a row and the lane of the process',
    statements: ({ lanes, objects }) => [
      ...lanes.filter(({ name }) => name === 'node').map(laneBack),
      ...objects.filter(({ id }) => id === 'a').map(objectBack),
    ],
    withoutAnchor: 'rollback',
  },
  {
    what: 'all lanes',
    statements: ({ lanes }) => lanes.map(laneBack),
    withoutAnchor: 'clients',
  },
  {
    what: 'all rows and all lanes',
    statements: ({ lanes, objects, records }) => [
      ...lanes.map(laneBack),
      ...objects.map(objectBack),
      ...records.map(recordBack),
      ["delete from managed_object where id = 'last'"],
    ],
    withoutAnchor: 'nothing',
  },
  {
    what: 'no lane of the process',
    statements: () => [["delete from lane where name = 'node'"]],
    withoutAnchor: 'rollback',
  },
  { what: 'no lane at all', statements: () => [['delete from lane']], withoutAnchor: 'clients' },
  {
    what: 'a lane with another box',
    statements: ({ lanes }) => [
      ["update lane set box = $1 where name = 'node'", lanes[0]?.box as Uint8Array],
    ],
    withoutAnchor: 'rollback',
  },
  {
    what: 'a lane with another number',
    statements: () => [["update lane set seq = seq + 1 where name = 'node'"]],
    withoutAnchor: 'rollback',
  },
  {
    what: 'a lane of another era',
    statements: () => [["update lane set era = era + 1 where name = 'node'"]],
    withoutAnchor: 'rollback',
  },
  {
    what: 'a lane of another name',
    statements: () => [["update lane set name = 'third' where name = 'node'"]],
    withoutAnchor: 'rollback',
  },
  {
    what: 'an older keyring',
    statements: () => [['update keyring set generation = 1']],
    withoutAnchor: 'rollback',
  },
];

function laneBack({ name, seq, era, box }: SqlRow): Statement {
  const sql = 'update lane set seq = $2, era = $3, box = $4 where name = $1';
  return [sql, name as string, seq as number, era as number, box as Uint8Array];
}

function objectBack({ id, version, box }: SqlRow): Statement {
  const sql = 'update managed_object set version = $2, box = $3 where id = $1';
  return [sql, id as string, version as number, box as Uint8Array];
}

function recordBack({ key, version, box }: SqlRow): Statement {
  const sql = 'update sealed_record set version = $2, box = $3 where key = $1';
  return [sql, key as string, version as number, box as Uint8Array];
}

async function testPutBack(t: Test, engine: Engine, putBack: (typeof putBacks)[number]): Promise<void> {
  const { url, driver } = await openEngine(t, engine);
  const anchors = new MemoryAnchors();
  const first = await startNode(t, url, { anchors });
  const second = await startNode(t, url, { name: 'second' });
  await first.keyrings.write({ generation: 1, content: new Uint8Array(1) });
  await first.keyrings.write({ generation: 2, content: new Uint8Array(1) });
  const statements = putBack.statements(await writeHistory(first, second, driver));
  await second.close();
  await runSql(driver, ...statements);

  // The first of both may have begun before.
  for (const _ of [1, 2]) await first.lanes.check();
  t.equal(first.rollbacks.length, 1, 'found by the next comparison while the process runs');
  t.match(first.rollbacks[0], /nothing is written, because the database was put back/);
  const next = unit({ inserts: [sealedObject('next')] });
  await t.rejects(first.store.commit(next), StoreUnavailableError, 'nothing is written any more');
  await t.rejects(first.store.ping(), StoreUnavailableError, 'the process is not ready');
  t.equal(await readObject(first, 'b'), 'b 1', 'reads go on');
  await first.close();

  const anchored = await startNode(t, url, { anchors });
  t.equal(anchored.rollbacks.length, 1, 'found at the start, by the anchor');
  t.match(anchored.problem, /put back/);
  t.equal(await read(anchored, 'client'), 'refused', 'nobody is let in');
  await t.rejects(anchored.store.commit(next), StoreUnavailableError);
  await anchored.close();

  const unanchored = await startNode(t, url);
  const found =
    unanchored.rollbacks.length > 0 ? 'rollback' : unanchored.problem === undefined ? 'nothing' : 'clients';
  t.equal(found, putBack.withoutAnchor, 'found at the start without an anchor');
}

async function openEngine(t: Test, engine: Engine): Promise<{ url: string; driver: SqlDriver }> {
  const url = await engine.fresh();
  const driver = await engine.open(url);
  t.teardown(() => driver.close());
  return { url, driver };
}

function rowOf({ objects, records }: KeptRows, target: Target): SqlRow {
  const key = target === 'object' ? '' : vault.key('record', ...recordNames[target]);
  const row =
    target === 'object' ? objects.find(({ id }) => id === 'a') : records.find((record) => record.key === key);
  if (row === undefined) throw new Error(`there is no ${target}`);
  return row;
}

function read(process: Process, target: Target, key?: string): Promise<string> {
  if (target === 'object') return readObject(process, key ?? 'a');
  const [kind, id] = recordNames[target];
  return readRecord(process, kind, key ?? vault.key('record', kind, id));
}

const recordNames = { record: ['ticket', 'r'], client: ['client', 'c'] } as const;
