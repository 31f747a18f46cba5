import type { SealedKey } from '../vault/vault.ts';
import type { SqlDriver, SqlRow, SqlStep } from './sql-driver.ts';
import type { RecordChanges, RecordQuery, StoredRecord } from './store.ts';

/** Records in SQL. Writes of records are steps of the unit that `sql-store.ts` commits. */

/** Records deleted in one unit; bounds how long the unit holds the write lock. */
const maxDeletedRecords = 256;

const columns = 'kind, id, grp, version, expires, sealed';
const selectOne = `select ${columns} from record where kind = $1 and id = $2`;
const isLive = '(expires is null or expires > $2)';
const selectOfKind = `select ${columns} from record where kind = $1 and ${isLive} order by seq limit $3`;
const selectOfGroup = `select ${columns} from record where kind = $1 and grp = $4 and ${isLive} order by seq limit $3`;
const selectExpired =
  'select kind, id, version from record where expires is not null and expires <= $1 order by expires limit $2';

const exists = 'select 1 as one from record where kind = $1 and id = $2';
const hasVersion = 'select 1 as one from record where kind = $1 and id = $2 and version = $3';
const insert = `insert into record (${columns}) values ($1, $2, $3, $4, $5, $6) on conflict (kind, id) do nothing`;
const update =
  'update record set version = $4, expires = $5, sealed = $6 where kind = $1 and id = $2 and grp = $3 and version = $7';
const remove = 'delete from record where kind = $1 and id = $2 and version = $3';

/** Earlier than any expiry date. */
const beforeAnyExpiry = -1;

/** As `Store.record`. */
export async function readRecord(
  driver: SqlDriver,
  kind: string,
  id: string,
): Promise<StoredRecord | undefined> {
  const [row] = await driver.read(selectOne, [kind, id]);
  return row && toRecord(row);
}

/** As `Store.records`. */
export async function readRecords(
  driver: SqlDriver,
  { kind, group, limit, at = beforeAnyExpiry }: RecordQuery,
): Promise<readonly StoredRecord[]> {
  const rows =
    group === undefined
      ? await driver.read(selectOfKind, [kind, at, limit])
      : await driver.read(selectOfGroup, [kind, at, limit, group]);
  return rows.map(toRecord);
}

/**
 * Returns the steps of record changes. Removals come first, so that one unit can replace an expired record.
 */
export function recordSteps({ expects, puts, removals }: RecordChanges): readonly SqlStep[] {
  const written = new Set([...puts, ...removals].map(keyOf));
  return [
    ...expects.filter((expected) => !written.has(keyOf(expected))).map(expectationStep),
    ...removals.map(({ kind, id, version }) => step(remove, [kind, id, version])),
    ...puts.map((record) => {
      const { kind, id, group, version, expires, sealed } = record;
      const values = [kind, id, group, version, expires, sealed];
      return version === 1 ? step(insert, values) : step(update, [...values, version - 1]);
    }),
  ];
}

/** Returns the names of all records in the changes, each once. */
export function recordNamesOf({ expects, puts, removals }: RecordChanges): readonly RecordName[] {
  const named = [...expects, ...puts, ...removals].map(({ kind, id }) => [keyOf({ kind, id }), { kind, id }]);
  return [...new Map(named as [string, RecordName][]).values()];
}

/** As `Store.deleteExpired`. */
export async function deleteExpiredRecords(driver: SqlDriver, now: number): Promise<boolean> {
  const rows = await driver.read(selectExpired, [now, maxDeletedRecords]);
  if (rows.length === 0) return false;
  const records = rows.map((row) => ({ kind: row.kind as string, id: row.id as string }));
  // A record that was renewed meanwhile has another version and stays.
  const steps = rows.map(({ kind, id, version }): SqlStep => {
    return { sql: remove, parameters: [kind as string, id as string, version as number] };
  });
  await driver.commit({ objects: [], records, steps });
  return rows.length === maxDeletedRecords;
}

interface RecordName {
  readonly kind: string;
  readonly id: string;
}

/** Unambiguous, because a kind contains no slash. */
function keyOf({ kind, id }: RecordName): string {
  return `${kind}/${id}`;
}

function expectationStep({ kind, id, version }: RecordChanges['expects'][number]): SqlStep {
  return version === 0
    ? { sql: exists, parameters: [kind, id], rows: 0, otherwise: 'conflict' }
    : step(hasVersion, [kind, id, version]);
}

function step(sql: string, parameters: SqlStep['parameters']): SqlStep {
  return { sql, parameters, rows: 1, otherwise: 'conflict' };
}

function toRecord(row: SqlRow): StoredRecord {
  return {
    kind: row.kind as string,
    id: row.id as string,
    group: row.grp as string,
    version: row.version as number,
    expires: row.expires as number | null,
    sealed: row.sealed as SealedKey,
  };
}
