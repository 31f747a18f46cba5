import type { Test } from 'tap';
import { joinBytes, splitBytes } from '../../src/common/bytes.ts';
import type { AnchorStore } from '../../src/store/lanes/anchor.ts';
import { selectLanes } from '../../src/store/lanes/open-lane.ts';
import { type Database, openDatabase } from '../../src/store/open.ts';
import type { SqlDriver, SqlRow } from '../../src/store/sql-driver.ts';
import type { StoredObject, WrittenRecord } from '../../src/store/store.ts';
import { boxTag, SealBrokenError, type SealContext, type SealedKey } from '../../src/vault/vault.ts';
import { HashingVault } from './hashing-vault.ts';
import { MemoryAnchors } from './lane-process.ts';
import { object, unit } from './objects.ts';

/** Two processes with a database, and somebody who puts rows of it back. */

export const vault = new HashingVault();

/** Texts in the rows, by which tests know their versions. */
const encode = (text: string) => new TextEncoder().encode(text);

/** Version of an object whose box opens. */
export function sealedObject(id: string, version = 1, group = 'blue'): StoredObject {
  const sealedAt = (at: number) => {
    const context = { id, group, objectType: 'SymmetricKey', version: at, valueBinding: null };
    return vault.seal({ kind: 'object', ...context }, encode(`${id} ${at}`));
  };
  const replacedTag = version === 1 ? null : boxTag(sealedAt(version - 1));
  return object(id, { group, version, box: sealedAt(version), replacedTag });
}

/** Version of a record whose box opens. */
export function sealedRecord(id: string, kind: string, version = 1): WrittenRecord {
  const key = vault.key('record', kind, id);
  const row = { kind, key, group: 'blue', expires: null };
  const sealedAt = (at: number) => {
    const context = { kind: 'record', recordKind: kind, key, group: 'blue', expires: null } as const;
    return vault.seal({ ...context, version: at }, joinBytes(encode(id), encode(`${id} ${at}`)));
  };
  const replacedTag = version === 1 ? null : boxTag(sealedAt(version - 1));
  return { ...row, version, box: sealedAt(version), replacedTag };
}

/** A process with a database. */
export interface Process extends Database {
  /** Rollbacks that were reported. */
  readonly rollbacks: string[];
  /** Why the process stopped writing without a rollback. */
  readonly displacements: string[];
  /** Rows that were reported and not served. */
  readonly forged: string[];
  /** What was said about rows of their kind. */
  readonly reasons: (string | undefined)[];
  /** What was wrong with the records of clients at the start. */
  readonly problem: string | undefined;
}

/** Starts a process as the daemon does. */
export async function startNode(
  t: Test,
  url: string,
  {
    name = 'node',
    siblings = [],
    anchors = new MemoryAnchors(),
  }: { name?: string; siblings?: readonly string[]; anchors?: AnchorStore } = {},
): Promise<Process> {
  const rollbacks: string[] = [];
  const displacements: string[] = [];
  const forged: string[] = [];
  const reasons: (string | undefined)[] = [];
  const database = await openDatabase(url, {
    forged({ table, id, problem }) {
      forged.push(`${table} ${id}`);
      reasons.push(problem);
    },
  });
  t.teardown(() => database.close());
  const observer = {
    rolledBack: (why: string) => rollbacks.push(why),
    displaced: (why: string) => displacements.push(why),
    anchored() {},
    notAnchored() {},
  };
  const { lanes, keyrings } = database;
  await lanes.start({ vault, keyrings, name, siblings, anchors, observer });
  const problem = await database.protectRecords(vault);
  return { ...database, rollbacks, displacements, forged, reasons, problem };
}

/** What a reader gets: the content of the row, `absent`, or `refused`. */
export async function readObject(process: Process, id: string): Promise<string> {
  return orRefused(async () => {
    const [row] = await process.store.load('blue', [id]);
    if (row === undefined) return 'absent';
    const { group, objectType, version, box } = row;
    return open(process, { kind: 'object', id: row.id, group, objectType, version, valueBinding: null }, box);
  });
}

/** As `readObject`, of a record. */
export async function readRecord(process: Process, kind: string, key: string): Promise<string> {
  return orRefused(async () => {
    const row = await process.store.record(kind, key);
    if (row === undefined) return 'absent';
    const { group, version, expires, box } = row;
    return open(
      process,
      { kind: 'record', recordKind: row.kind, key: row.key, group, version, expires },
      box,
    );
  });
}

function open({ learnOpened }: Process, context: SealContext, box: SealedKey): string {
  const plain = vault.open(context, box);
  learnOpened(context, box);
  return new TextDecoder().decode(context.kind === 'record' ? splitBytes(plain)[1] : plain);
}

async function orRefused(read: () => Promise<string>): Promise<string> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof SealBrokenError) return 'refused';
    throw error;
  }
}

/** Rows that somebody has kept. */
export interface KeptRows {
  readonly objects: readonly SqlRow[];
  readonly records: readonly SqlRow[];
  readonly lanes: readonly SqlRow[];
}

/** Reads all rows. */
export async function keepRows(driver: SqlDriver): Promise<KeptRows> {
  return {
    objects: await driver.read('select * from managed_object order by seq', []),
    records: await driver.read('select * from sealed_record order by seq', []),
    lanes: await driver.read(selectLanes, []),
  };
}

/** Writes the first version of everything as one process and the second one as the other. */
export async function writeHistory(first: Process, second: Process, driver: SqlDriver): Promise<KeptRows> {
  const commit = async (process: Process, more: Parameters<typeof unit>[0]) => {
    const result = await process.store.commit(unit(more));
    if (result !== 'committed') throw new Error(`a commit of the history gave ${result}`);
    await Promise.all([first.lanes.check(), second.lanes.check()]);
  };
  const records = (version: number) => ({
    expects: [],
    removals: [],
    puts: [sealedRecord('c', 'client', version), sealedRecord('r', 'ticket', version)],
  });
  await commit(first, { inserts: [sealedObject('a'), sealedObject('b')], records: records(1) });
  await commit(first, {
    records: { ...records(1), puts: [sealedRecord('d', 'client'), sealedRecord('s', 'ticket')] },
  });
  await commit(second, { inserts: [sealedObject('other')] });
  const kept = await keepRows(driver);
  await commit(first, { updates: [sealedObject('a', 2)], records: records(2) });
  await commit(second, { inserts: [sealedObject('last')] });
  return kept;
}
