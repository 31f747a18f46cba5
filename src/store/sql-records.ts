import { boxTag, type SealedKey } from '../vault/vault.ts';
import { cellBytes, cellNumber, cellText, exactInteger } from './cells.ts';
import { removalOf } from './record-boxes.ts';
import { othersOf, reservesOf } from './reserves.ts';
import { hasOwnNumber, isNumberAfter } from './row-numbers.ts';
import type { Read, SqlDriver, SqlRow, SqlStep, SqlUnit, SqlValue, WrittenRow } from './sql-driver.ts';
import type { RecordChanges, RecordQuery, Store, StoredRecord } from './store.ts';

/** Records in SQL. Writes of records are steps of the unit that `sql-store.ts` commits. */

/** Records deleted in one unit; bounds how long the unit holds the write lock. */
const maxDeletedRecords = 256;

const columns = 'kind, key, grp, version, expires, box';
/** Selects the fields of `toRecord`. */
export const recordFields = `kind, key, grp, ${exactInteger('version')} as version, ${exactInteger('expires')} as expires, box`;
const selectOne = `select ${recordFields} from sealed_record where key = $1 and kind = $2`;
const isLive = '(expires is null or expires > $2)';
const isNext = `${isNumberAfter('seq', '$4')} order by seq limit $3`;
const selectOfKind = `select seq, ${recordFields} from sealed_record where kind = $1 and ${isLive} and ${isNext}`;
const selectOfGroup = `select seq, ${recordFields} from sealed_record where kind = $1 and grp = $5 and ${isLive} and ${isNext}`;
const selectExpired = `select seq, ${recordFields} from sealed_record where expires >= $2 and expires <= $1 and (expires > $2 or seq > $3) and ${hasOwnNumber('seq')} order by expires, seq limit $4`;

const exists = 'select 1 as one from sealed_record where key = $1';
const hasVersion = 'select 1 as one from sealed_record where key = $1 and kind = $2 and version = $3';
const insert = `insert into sealed_record (${columns}) values ($1, $2, $3, $4, $5, $6) on conflict (key) do nothing`;
const update =
  'update sealed_record set version = $4, expires = $5, box = $6 where kind = $1 and key = $2 and grp = $3 and version = $7';
const remove = 'delete from sealed_record where key = $1 and kind = $2 and version = $3';

/** Records of one read. */
const pageRecords = 256;
/** Earlier than any expiry date. */
const beforeAnyExpiry = -1;

/** As `Store.record`. */
export async function readRecord(
  driver: Pick<SqlDriver, 'read'>,
  kind: string,
  key: string,
): Promise<StoredRecord | undefined> {
  const [row] = await driver.read(selectOne, [key, kind]);
  // A row of another name, whatever the database answers, does not open under this one.
  return row && { ...toRecord(row), kind, key };
}

/** How a list is read: its first page, and the others, which may be many. */
export interface RecordReads {
  readonly few: Read;
  readonly many: Read;
}

type ListedRecord = Awaited<ReturnType<Store['records']>>[number];

/** As `Store.records`. */
export async function readRecords(
  { few, many }: RecordReads,
  { kind, group, limit, at = beforeAnyExpiry, after: first = 0 }: RecordQuery,
): Promise<readonly ListedRecord[]> {
  const [sql, more] = group === undefined ? [selectOfKind, []] : [selectOfGroup, [group]];
  const records: ListedRecord[] = [];
  for (let read = few, after: SqlValue = first; records.length < limit; read = many) {
    const rows = Math.min(limit - records.length, pageRecords);
    const page = await read(sql, [kind, at, rows, after, ...more]);
    // As in `readRecord`, for everything that was asked for.
    for (const row of page)
      records.push({
        ...{ ...toRecord(row), kind, seq: Number(row.seq) },
        ...(group !== undefined && { group }),
      });
    after = page.at(-1)?.seq ?? 0;
    if (page.length < rows) break;
  }
  return records;
}

/** What a unit needs for its record changes. */
type RecordUnit = Pick<SqlUnit, 'changes' | 'reserves' | 'steps'> & Required<Pick<SqlUnit, 'records'>>;

/**
 * Returns the part of a unit that makes record changes. Removals come first, so that one unit can replace an
 * expired record.
 */
export function recordUnit({ expects, puts, removals, aliases = new Map() }: RecordChanges): RecordUnit {
  const written = new Set([...puts, ...removals].map(({ key }) => key));
  const named = [...expects, ...puts, ...removals].map(({ kind, key }) => [key, { kind, key }] as const);
  return {
    records: [...new Map(named).values()],
    reserves: reservesOf(aliases),
    changes: [...removals.map(removedRow), ...puts.map(writtenRow)],
    steps: [
      ...expects.filter(({ key }) => !written.has(key)).map(expectationStep),
      ...removals.map(removalStep),
      ...[...aliases.keys()].flatMap((key) => othersOf(aliases, key).map(absenceStep)),
      ...puts.map(({ kind, key, group, version, expires, box }): SqlStep => {
        const values = [kind, key, group, version, expires, box];
        return version === 1
          ? { ...step(insert, values), numbers: 'sealed_record' }
          : step(update, [...values, version - 1]);
      }),
    ],
  };
}

/** As `Store.deleteExpired`. */
export async function deleteExpiredRecords(
  driver: SqlDriver,
  now: number,
  isGenuine: (record: StoredRecord) => boolean,
): Promise<void> {
  let after: readonly SqlValue[] = [0, 0];
  for (;;) {
    const rows = await driver.read(selectExpired, [now, ...after, maxDeletedRecords]);
    const last = rows.at(-1);
    if (last === undefined) return;
    const removals = rows.map(toRecord).filter(isGenuine).map(removalOf);
    // A record that was renewed or deleted meanwhile fails the unit; the next sweep leaves it out.
    await driver.commit({ objects: [], ...recordUnit({ expects: [], puts: [], removals }) });
    after = [last.expires as number, last.seq as number];
  }
}

function removedRow({ kind, key, version, tag }: RecordChanges['removals'][number]): WrittenRow {
  return { table: 'sealed_record', id: key, kind, before: { version, tag }, after: null };
}

function writtenRow({ kind, key, version, box, replacedTag }: RecordChanges['puts'][number]): WrittenRow {
  const before = replacedTag && { version: version - 1, tag: replacedTag };
  if ((before === null) !== (version === 1))
    throw new TypeError('an update of a record names the tag that it replaces, an insertion none');
  return { table: 'sealed_record', id: key, kind, before, after: { version, tag: boxTag(box) } };
}

function expectationStep({ kind, key, version }: RecordChanges['expects'][number]): SqlStep {
  return version === 0 ? absenceStep(key) : step(hasVersion, [key, kind, version]);
}

function absenceStep(key: string): SqlStep {
  return { sql: exists, parameters: [key], rows: 0, otherwise: 'conflict' };
}

function removalStep({ kind, key, version }: RecordChanges['removals'][number]): SqlStep {
  return step(remove, [key, kind, version]);
}

function step(sql: string, parameters: SqlStep['parameters']): SqlStep {
  return { sql, parameters, rows: 1, otherwise: 'conflict' };
}

/** Returns the record in a row. */
export function toRecord(row: SqlRow): StoredRecord {
  return {
    kind: cellText(row.kind),
    key: cellText(row.key),
    group: cellText(row.grp),
    version: cellNumber(row.version),
    expires: row.expires === null ? null : cellNumber(row.expires),
    box: cellBytes(row.box) as SealedKey,
  };
}
