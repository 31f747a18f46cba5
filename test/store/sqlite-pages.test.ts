import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { type Candidates, compilePage, compileRange } from '../../src/store/search/filter.ts';
import { createSnapshot } from '../../src/store/snapshot.ts';
import type { Read } from '../../src/store/sql-driver.ts';
import { readRecords } from '../../src/store/sql-records.ts';
import { createSqlStore } from '../../src/store/sql-store.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { termOf } from './objects.ts';

/** Where SQLite begins to read a page: at the end of the last one, or at the first row each time. */

const directory = await mkdtemp(join(tmpdir(), 'kmipd-pages-'));
t.teardown(() => rm(directory, { recursive: true, force: true }));
const file = join(directory, 'pages.db');
const driver = await openSqlite(file);
t.teardown(() => driver.close());
const database = new DatabaseSync(file, { readOnly: true });
t.teardown(() => database.close());

interface Operation {
  readonly addr: number;
  readonly opcode: string;
  readonly p2: number;
  readonly p3: number;
  readonly p4: string | null;
}

/**
 * Returns what wrote the last value of the key of each seek: `Variable` for a parameter, `Integer` for a
 * number in the statement.
 */
function sourcesOfSeeks(sql: string): readonly string[] {
  const program = database
    .prepare(`explain ${sql.replaceAll(/\$(?=\d)/g, '?')}`)
    .all() as unknown as readonly Operation[];
  const writes = program.filter(({ opcode }) => /^(Variable|Integer|Int64)$/.test(opcode));
  const seeks = program.filter(({ opcode }) => /^Seek(GT|GE|LT|LE)$/.test(opcode));
  return seeks.map(({ addr, p3, p4 }) => {
    const register = p3 + Math.max(Number(p4), 1) - 1;
    const ofRegister = writes.filter(({ p2 }) => p2 === register);
    // Constants may be written once, at the end of the program, to which its first operation jumps.
    return (ofRegister.findLast((write) => write.addr < addr) ?? ofRegister[0])?.opcode ?? 'unknown';
  });
}

/** Collects the statements that `work` reads by, none of which finds a row. */
async function statementsOf(work: (read: Read) => Promise<unknown>): Promise<readonly string[]> {
  const statements: string[] = [];
  await work(async (sql) => {
    statements.push(sql);
    return [];
  });
  return statements;
}

const notes = { kind: 'note', limit: 10 };
const before = 100;
const group = 'blue';
const page = (candidates: Candidates) =>
  compilePage({ group, candidates, filter: { all: [] }, rows: 10 }, driver.dialect).sql;
const snapshot = (read: Read) => createSnapshot(read, driver.dialect);

const pages: Readonly<Record<string, readonly string[]>> = {
  'of a group': [page({ of: 'group', before })],
  'of a term': [page({ of: { term: termOf('Name', 'a') }, before })],
  'of all objects': await statementsOf((read) => snapshot(read).objects(5)),
  'of all Destroy Dates': await statementsOf((read) => snapshot(read).destroyDates(5)),
  'of all records': await statementsOf((read) => snapshot(read).records(5)),
  'of the records of a kind': await statementsOf((read) => readRecords({ few: read, many: read }, notes)),
  'of the records of a group': await statementsOf((read) =>
    readRecords({ few: read, many: read }, { ...notes, group }),
  ),
  'of expired records': await statementsOf((read) =>
    createSqlStore({ ...driver, counts: driver.counts, read }).deleteExpired(9, () => true),
  ),
};

for (const [name, statements] of Object.entries(pages))
  t.test(`a page ${name} begins where the last one has ended`, async (t) => {
    t.equal(statements.length, 1);
    for (const sql of statements) t.strictSame(sourcesOfSeeks(sql), ['Variable'], sql);
  });

t.test('a page of a range begins where the last one has ended', async (t) => {
  const { sql } = compileRange(group, { column: 'InitialDate', from: 1, to: 9 }, { number: 2, seq: 3 }, 10);
  t.strictSame(sourcesOfSeeks(sql), ['Variable', 'Variable'], sql);
});

t.test('a page of a term in several indexes begins where the last one has ended in each', async (t) => {
  const sql = page({ of: { term: [termOf('Name', 'a'), termOf('Name', 'b')] }, before });
  t.strictSame(sourcesOfSeeks(sql), ['Variable', 'Variable'], sql);
});

t.test('a second bound in the statement would be found', async (t) => {
  const [sql = ''] = pages['of all objects'] ?? [];
  t.strictSame(sourcesOfSeeks(sql.replace('seq <=', 'seq >= 1 and seq <=')), ['Variable']);
  t.strictSame(sourcesOfSeeks(sql.replace('seq > $1', 'seq >= 1 and seq > $1')), ['Integer']);
});
