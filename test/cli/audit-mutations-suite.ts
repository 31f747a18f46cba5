import { copyFileSync, existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { checkpointFilesIn } from '../../src/audit/checkpoints/checkpoint-files.ts';
import { type OpenedDatabase, openDatabaseOf } from '../../src/cli/state-directory/open-database.ts';
import { requireInitialised, type StateDirectory } from '../../src/cli/state-directory/state-directory.ts';
import { addBlock, type ChainEntry, chainStart } from '../../src/common/audit-chain.ts';
import { appendEntries, startChain } from '../../src/store/audit/audit-block.ts';
import { type BlockRow, openBlock } from '../../src/store/audit/audit-blocks.ts';
import { chainCutKind } from '../../src/store/audit/chain-cuts.ts';
import { encodeLane } from '../../src/store/lanes/lane-content.ts';
import type { OpenLane } from '../../src/store/lanes/open-lane.ts';
import { foldedLaneKind } from '../../src/store/lanes/set-hash.ts';
import { sealRecordBox } from '../../src/store/record-boxes.ts';
import type { SqlDriver, SqlRow, SqlStep } from '../../src/store/sql-driver.ts';
import type { SealedKey } from '../../src/vault/vault.ts';
import {
  checkpointsOf,
  commitEntries,
  copyHome,
  moveEntries,
  numbersFrom,
  openReader,
  prepareHome,
  startLogging,
  verifyLogOf,
} from './audit-log-home.ts';
import { type Mutation, mutationsOf, type StoredBlock, sample } from './audit-mutations.ts';

/** Tests of what a verification finds when somebody changes the audit log in the database. */

export interface MutatedEngine {
  /** URL of a new database. */
  fresh(): Promise<string>;
  /** Opens connections over which any statement can be run. */
  open(url: string): Promise<SqlDriver>;
  /** Follows the columns of an insertion that gives the number itself. */
  readonly overriding: string;
}

/** A log of more than 10,000 entries, in chains of a daemon, of commands, and of a node that was removed. */
interface WrittenLog {
  readonly home: StateDirectory;
  readonly driver: SqlDriver;
  readonly reader: OpenedDatabase;
  /** Lanes at the moment of each checkpoint. */
  readonly lanesAt: readonly (readonly SqlRow[])[];
}

const selectBlocks = 'select seq, chain, first, count, time, box from audit_block order by seq';
const selectLanes = 'select name, seq, era, box from lane';
const selectFolds = `select kind, key, grp, version, expires, box from sealed_record where kind = '${foldedLaneKind}'`;

function putRecord({ kind, key, grp, version, expires, box }: SqlRow): SqlStep {
  return {
    sql: 'insert into sealed_record (kind, key, grp, version, expires, box) values ($1, $2, $3, $4, $5, $6)',
    parameters: [kind, key, grp, version, expires, box].map((cell) => cell ?? null),
  };
}

export async function auditMutationsSuite(t: Test, engine: MutatedEngine): Promise<void> {
  t.setTimeout(900_000);
  await t.test('changes of the audit log are found', (t) => findChanges(t, engine));
}

async function findChanges(t: Test, engine: MutatedEngine): Promise<void> {
  const url = await engine.fresh();
  const log = await writeLog(t, engine, url);
  const { home, reader, driver } = log;
  const rows = (await driver.read(selectBlocks, [])) as unknown as readonly StoredBlock[];
  const run = (steps: readonly SqlStep[]) => driver.commit({ objects: [], changes: [], steps });
  const insert = `insert into audit_block (seq, chain, first, count, time, box) ${engine.overriding} values ($1, $2, $3, $4, $5, $6)`;
  const put = ({ seq, chain, first, count, time, box }: SqlRow): SqlStep => ({
    sql: insert,
    parameters: [seq, chain, first, count, time, box].map((cell) => cell ?? null),
  });
  const remove = (seq: number): SqlStep => ({
    sql: 'delete from audit_block where seq = $1',
    parameters: [seq],
  });
  const apply = ({ remove: gone, put: come }: Mutation) =>
    run([...gone.map(remove), ...come.map((row) => remove(Number(row.seq))), ...come.map(put)]);
  const undo = async ({ remove: gone, put: come }: Mutation) => {
    const touched = new Set([...gone, ...come.map((row) => Number(row.seq))]);
    await run([...[...touched].map(remove), ...rows.filter(({ seq }) => touched.has(seq)).map(put)]);
  };
  const setLanes = (lanes: readonly SqlRow[]) =>
    run([
      { sql: 'delete from lane', parameters: [] },
      ...lanes.map(({ name, seq, era, box }) => ({
        sql: 'insert into lane (name, seq, era, box) values ($1, $2, $3, $4)',
        parameters: [name, seq, era, box].map((cell) => cell ?? null),
      })),
    ]);
  const problems = async () => (await verifyLogOf(home, reader)).problems;

  await t.test('the log as it was written has no fault', async (t) => {
    const report = await verifyLogOf(home, reader);
    t.same([report.problems, report.notes], [[], []]);
    t.ok(report.entries >= 10_000, `${report.entries} entries`);
    t.equal(report.chains, 3);
    t.equal(report.blocks, rows.length);
    t.equal(report.newest, report.latest);
    t.ok(report.checkpoints >= 10);
  });

  const mutations = mutationsOf(rows);
  t.ok(mutations.length >= 250, `${mutations.length} mutations`);
  for (const state of ['while no daemon runs', 'while a daemon has it open'])
    await t.test(`every single mutation is found ${state}`, async (t) => {
      const daemon =
        state === 'while no daemon runs' ? undefined : await startLogging(home, { isSigning: false });
      // The second time some of each kind are enough.
      for (const mutation of daemon === undefined ? mutations : sample(mutations, 40)) {
        await apply(mutation);
        const found = await problems();
        await undo(mutation);
        if (found.length === 0) t.fail(mutation.what);
      }
      await daemon?.close();
      t.same(await problems(), [], `no fault after ${mutations.length} mutations were undone`);
    });

  await t.test('every byte of sampled boxes is authentic', async (t) => {
    const bySize = rows.toSorted((one, other) => one.box.length - other.box.length);
    for (const row of sample(bySize, 4)) {
      t.ok(openBlock(row as unknown as BlockRow, reader.vault), 'as it is');
      const opening = row.box.keys().filter((at) => {
        const box = row.box.with(at, (row.box[at] ?? 0) ^ 0x80) as SealedKey;
        return openBlock({ ...(row as unknown as BlockRow), box }, reader.vault) !== undefined;
      });
      t.same([...opening], [], `${row.box.length} bytes`);
    }
  });

  await t.test('a log that was put back to a checkpoint is found by an anchor or a checkpoint', async (t) => {
    const now = await driver.read(selectLanes, []);
    const folds = await driver.read(selectFolds, []);
    for (const [at, lanes] of log.lanesAt.entries()) {
      const mutation = truncationTo(rows, await openLanesOf(log, lanes));
      await setLanes(lanes);
      // The other node was removed later.
      await run([{ sql: `delete from sealed_record where kind = '${foldedLaneKind}'`, parameters: [] }]);
      await apply(mutation);
      t.match((await problems()).join('\n'), /of table lane is (at commit|missing)/, `${at}: by the anchor`);
      const found = await withoutAnchors(home, problems);
      t.match(found.join('\n'), /its end is missing, or the database was put back/, `${at}: by a checkpoint`);
      const blind = await withoutAnchors(home, () => withoutCheckpoints(home, problems));
      t.same(blind, [], `${at}: nothing without both`);
      const [, checkpoints] = checkpointFilesIn(home.audit);
      const kept = join(home.directory, 'kept');
      copyFileSync(checkpoints, kept);
      const given = () => verifyLogOf(home, reader, { files: [kept] });
      const report = await withoutAnchors(home, () => withoutCheckpoints(home, given));
      t.ok(report.problems.length > 0, `${at}: by a checkpoint that was kept`);
      await setLanes(now);
      await run(folds.map(putRecord));
      await undo(mutation);
    }
    t.same(await problems(), []);
  });

  await t.test(
    'a chain that was written anew with all keys of the vault is found by checkpoints',
    async (t) => {
      const now = await driver.read(selectLanes, []);
      const chains = Map.groupBy(rows, ({ chain }) => chain);
      const [blocks = []] = [...chains.values()].toSorted((one, other) => other.length - one.length);
      for (const altered of sample(blocks, 5)) {
        const { lane, mutation } = forge(log, await openLanesOf(log, now), blocks, altered);
        await setLanes(now.map((row) => (row.name === lane.name ? lane : row)));
        await apply(mutation);
        for (const find of [problems, () => withoutAnchors(home, problems)])
          t.match((await find()).join('\n'), /are not those of the checkpoint of/, `row ${altered.seq}`);
        await setLanes(now);
        await undo(mutation);
      }
      t.same(await problems(), []);
    },
  );

  await t.test('the record of a cut explains where a chain begins', async (t) => {
    const chains = Map.groupBy(rows, ({ chain }) => chain);
    const [blocks = []] = [...chains.values()].toSorted((one, other) => other.length - one.length);
    const removal = { sql: `delete from sealed_record where kind = '${chainCutKind}'`, parameters: [] };
    for (const kept of sample(blocks, 4).slice(1)) {
      const oldest = blocks.filter(({ seq }) => seq < kept.seq);
      const cut = { what: 'cut', remove: oldest.map(({ seq }) => seq), put: [] };
      const record = cutBefore(log, blocks, kept);
      await apply(cut);
      t.match((await problems()).join('\n'), /which no cut explains/);
      await run([putRecord(record)]);
      const { newest, latest, ...report } = await verifyLogOf(home, reader);
      t.same(report.problems, []);
      t.equal(newest, latest);
      await run([removal, putRecord({ ...record, box: (record.box as Uint8Array).toReversed() })]);
      t.match((await problems()).join('\n'), /of a cut was altered outside kmipd/);
      await run([removal, putRecord(cutBefore(log, blocks, blocks[1] as StoredBlock))]);
      if (kept !== blocks[1]) t.ok((await problems()).length > 0, 'of an earlier one');
      await run([removal]);
      await undo(cut);
    }
    t.same(await problems(), []);
  });
}

/** Returns the record of a cut in front of a block of a chain. */
function cutBefore(
  { reader: { vault } }: WrittenLog,
  blocks: readonly StoredBlock[],
  kept: StoredBlock,
): SqlRow {
  let position = chainStart;
  for (const row of blocks.filter(({ seq }) => seq < kept.seq))
    position = addBlock(position, openBlock(row as unknown as BlockRow, vault) ?? []);
  const { count: first, head } = position;
  const content = new TextEncoder().encode(JSON.stringify({ first, head: head.toHex() }));
  const { group: grp, ...record } = sealRecordBox(
    vault,
    { kind: chainCutKind, group: '', expires: null },
    { id: kept.chain, content },
  ).put;
  return { ...record, grp, replacedTag: null };
}

async function writeLog(t: Test, engine: MutatedEngine, url: string): Promise<WrittenLog> {
  const home = await prepareHome(t, url);
  const driver = await engine.open(url);
  t.teardown(() => driver.close());
  const removed = await startLogging(copyHome(t, home), { isSigning: false });
  const name = removed.audit.log.node;
  for (const first of [0, 100, 150]) await commitEntries(removed, name, numbersFrom(first, first + 50));
  await removed.close();
  const lanesAt: (readonly SqlRow[])[] = [];
  const daemon = await startLogging(home);
  for (let written = 0, round = 0; written < 10_000; round += 1) {
    // Blocks of one entry, of a few, and full ones.
    const size = [1, 3, 400, 17, 90][round % 5] ?? 1;
    const numbers = numbersFrom(written, written + size);
    if (round % 2 === 0) await moveEntries(daemon, numbers);
    else await commitEntries(daemon, daemon.audit.log.node, numbers);
    written += size;
    if (round % 9 !== 0) continue;
    await daemon.audit.checkpoints.soon();
    lanesAt.push(await driver.read(selectLanes, []));
  }
  const node = (await daemon.nodes.list()).find((each) => each.name === name);
  t.ok(await daemon.nodes.remove(name, node?.commits ?? 0), 'the lane of the other node is folded');
  await daemon.audit.checkpoints.soon();
  const names = checkpointsOf(home).map(({ lanes }) => lanes.some((lane) => lane.name === name));
  t.same([names[0], names.at(-1)], [true, false], 'it is named until then');
  const command = await openDatabaseOf(home, requireInitialised(home), {
    mustExist: true,
    lanes: { process: 'command' },
  });
  for (const first of [0, 7, 200])
    await commitEntries(command, daemon.audit.log.node, numbersFrom(first, first + 60));
  await command.close();
  await daemon.close();
  const reader = await openReader(home);
  t.teardown(() => reader.close());
  // The last ones are those of the whole log, or before the other node was removed.
  return { home, driver, reader, lanesAt: sample(lanesAt.slice(0, -1), 5) };
}

async function openLanesOf({ reader }: WrittenLog, lanes: readonly SqlRow[]): Promise<readonly OpenLane[]> {
  const { openLane, toLaneRow } = await import('../../src/store/lanes/open-lane.ts');
  return lanes.map((row) => openLane(toLaneRow(row), reader.vault));
}

/** Removes the blocks that lanes do not state. */
function truncationTo(rows: readonly StoredBlock[], lanes: readonly OpenLane[]): Mutation {
  const counts = new Map(lanes.map(({ content }) => [content.audit?.id, content.audit?.count ?? 0]));
  const later = rows.filter(({ chain, first }) => first >= (counts.get(chain) ?? 0));
  return { what: 'put back', remove: later.map(({ seq }) => seq), put: [] };
}

/** Writes a chain anew from a block on, whose first entry is another one, and the lane that states it. */
function forge(
  { reader: { vault } }: WrittenLog,
  lanes: readonly OpenLane[],
  blocks: readonly StoredBlock[],
  altered: StoredBlock,
): { readonly lane: SqlRow; readonly mutation: Mutation } {
  const [chain = ''] = blocks.map((row) => row.chain);
  let position = { ...startChain(), id: chain };
  const put: SqlRow[] = [];
  for (const row of blocks) {
    const entries: ChainEntry[] = [...(openBlock(row as unknown as BlockRow, vault) ?? [])];
    if (row === altered) entries[0] = { salt: new Uint8Array(16), text: '{"time":1,"kind":"message"}' };
    const added = appendEntries(position, entries, { vault, time: row.time });
    const [, , , , box] = added.steps[0]?.parameters ?? [];
    if (row.seq >= altered.seq) put.push({ ...row, box: box as Uint8Array });
    position = added.chain;
  }
  const lane = lanes.find(({ content }) => content.audit?.id === chain);
  if (lane?.content.audit === undefined) throw new Error('the chain has no lane');
  const { name, content, row } = lane;
  const seq = row.seq + 1;
  const audit = { ...content.audit, ...position, journal: lane.content.audit.journal };
  const box = vault.seal({ kind: 'lane', name, seq, era: row.era }, encodeLane({ ...content, audit }));
  return {
    lane: { name, seq, era: row.era, box },
    mutation: { what: 'forged', remove: put.map((each) => Number(each.seq)), put },
  };
}

/** Runs `work` while files have other names. */
async function without<T>(files: readonly string[], work: () => Promise<T>): Promise<T> {
  const there = files.filter((file) => existsSync(file));
  for (const file of there) renameSync(file, `${file}.away`);
  try {
    return await work();
  } finally {
    for (const file of there) renameSync(`${file}.away`, file);
  }
}

const withoutAnchors = <T>({ anchors }: StateDirectory, work: () => Promise<T>) =>
  without(Object.values(anchors), work);
const withoutCheckpoints = <T>({ audit }: StateDirectory, work: () => Promise<T>) =>
  without(checkpointFilesIn(audit), work);
