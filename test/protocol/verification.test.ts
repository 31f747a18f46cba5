import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { verifyRows } from '../../src/cli/verification/verify-rows.ts';
import { SetAttribute } from '../../src/operations/attributes/set-attribute.ts';
import { Destroy } from '../../src/operations/lifecycle/destroy.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { anchoredSegment, segmentOf } from '../../src/store/lanes/set-hash.ts';
import { having, named, succeed } from './operations/ask.ts';
import { TestService } from './service.ts';

/** A verification names every row that is not as the server has written it. */

const directory = await mkdtemp(join(tmpdir(), 'kmipd-verified-'));
const file = join(directory, 'kmipd.db');
const service = await TestService.open({ store: `sqlite:${file}`, uniqueNames: true });
const database = new DatabaseSync(file);
t.teardown(async () => {
  database.close();
  await service.close();
  await rm(directory, { recursive: true });
});

const verify = () => service.snapshot((rows) => verifyRows(rows, service.vault, async () => {}));

const register = async (bytes: number, name: string) =>
  (
    await succeed(service, '2.1', Register, {
      ObjectType: 'OpaqueObject',
      Attributes: having(named(name), { name: 'Comment', value: 'text' }),
      Object: {
        type: 'OpaqueObject',
        value: { OpaqueDataType: 0x80000001, OpaqueDataValue: new Uint8Array(bytes).fill(7) },
      },
    })
  ).UniqueIdentifier;

const first = await register(100, 'first');
const large = await register(10_000, 'large');
const changed = await register(100, 'changed');
await succeed(service, '2.1', SetAttribute, {
  UniqueIdentifier: changed,
  NewAttribute: { name: 'Comment', value: 'other' },
});
const destroyed = await register(5_000, 'destroyed');
await succeed(service, '2.1', Destroy, { UniqueIdentifier: destroyed });
for (let at = 0; at < 70; at += 1) await register(10, `many ${at}`);
await service.clients.add({
  ...{ name: 'c', group: 'g', role: 'full', fingerprint: '1'.repeat(64), certificate: 'none' },
  ...{ disabled: false, enrolledAt: 1 },
});

t.test('nothing is wrong with rows that the server has written', async (t) => {
  const expected = { objects: 74, records: 2, problems: [], unlisted: 0, altered: [], isIndexWrong: false };
  t.match(await verify(), expected);
});

const of = (id: string) => `id = '${id}'`;
const seqOf = (id: string) => `(select seq from managed_object where ${of(id)})`;
const huge = 2n ** 60n;
const altered = (id: string) => `the object "${id}" was altered outside kmipd`;
const column = (name: string) => `the column of ${name} of the object "${first}" is wrong`;
const segment = /^segment \d+( \(.*\))? has \d+ rows, of which some are earlier versions or were altered$/;
const count = /^segment \d+( \(.*\))? has \d+ rows; \d+ were written$/;
const rowsOf = (sql: string) => database.prepare(sql).all() as { readonly id: string }[];
/** Segments that are not empty. */
const segments = new Set([
  anchoredSegment,
  ...rowsOf('select id from managed_object').map(({ id }) => segmentOf(id)),
]);
const strayTerms = /^rows of object_term that are of no object: [1-9]/;
const strayNames = /^rows of unique_name that are of no object: 1$/;

/** An identifier in another segment. */
const elsewhere = segmentOf('x') === segmentOf(first) ? 'y' : 'x';
/** What is altered, and what is reported, in order. */
const alterations: readonly [sql: string, ...problems: (string | RegExp)[]][] = [
  [`update managed_object set grp = 'x' where ${of(first)}`, altered(first)],
  [`update managed_object set object_type = 'SecretData' where ${of(first)}`, altered(first)],
  [`update managed_object set version = 9 where ${of(first)}`, altered(first), segment],
  [`update managed_object set box = zeroblob(200) where ${of(first)}`, altered(first), segment],
  [`update managed_object set value = zeroblob(200) where ${of(large)}`, altered(large)],
  [`update managed_object set value = null where ${of(large)}`, altered(large)],
  [`update managed_object set id = '${elsewhere}' where ${of(first)}`, altered(elsewhere), count, count],
  [`delete from managed_object where ${of(first)}`, strayTerms, strayNames, count],
  // Larger than a number of JavaScript can be: the row is named all the same.
  [`update managed_object set version = ${huge} where ${of(first)}`, altered(first), count],
  [`update managed_object set state = ${huge} where ${of(first)}`, column('State')],
  [`update managed_object set state = -${huge} where ${of(first)}`, column('State')],
  [
    `update managed_object set seq = ${huge} where ${of(first)}`,
    'rows with a number that the database does not give: 1',
    strayTerms,
    strayNames,
    count,
  ],
  // An epoch that no process has begun.
  [
    `update managed_object set box = cast(substr(box, 1, 2) || x'00000063' || substr(box, 7) as blob) where ${of(first)}`,
    altered(first),
  ],
  [`update managed_object set state = 7 where ${of(first)}`, column('State')],
  [`update managed_object set initial_date = null where ${of(first)}`, column('InitialDate')],
  [
    `delete from object_term where object = ${seqOf(changed)} and term = (select min(term) from object_term where object = ${seqOf(changed)})`,
    `terms of the object "${changed}" are missing`,
  ],
  [
    `update or replace object_term set object = ${seqOf(large)} where object = ${seqOf(first)}`,
    `terms of the object "${first}" are missing`,
    `rows of object_term are not of the object "${large}"`,
  ],
  ['insert into object_term values (1, 2, 3)', strayTerms],
  [
    `update object_term set instance = ${huge} where object = ${seqOf(changed)} and term = (select min(term) from object_term where object = ${seqOf(changed)})`,
    `terms of the object "${changed}" are missing`,
    `rows of object_term are not of the object "${changed}"`,
  ],
  [
    `update unique_name set object = ${seqOf(large)} where object = ${seqOf(first)}`,
    `rows of unique_name are not of the object "${large}"`,
  ],
  ["insert into unique_name values ('g', 'x', 99999)", strayNames],
  [
    "update sealed_record set grp = 'x' where kind = 'client'",
    /^the record "client [0-9a-f]{32}" was altered/,
  ],
  [
    "update sealed_record set expires = 5 where kind = 'client'",
    /^the record "client [0-9a-f]{32}" was altered/,
  ],
  [
    `update sealed_record set version = ${huge} where kind = 'client'`,
    /^the record "client [0-9a-f]{32}" was altered/,
    count,
  ],
  [
    `update sealed_record set expires = ${huge} where kind = 'client'`,
    /^the record "client [0-9a-f]{32}" was altered/,
  ],
  ["delete from sealed_record where kind = 'client'", /^segment 31 .* has 1 rows; 2 were written$/],
  ['delete from lane', ...Array<RegExp>(segments.size).fill(count)],
  ['update lane set seq = seq + 1', /^the row [0-9a-f]{12} of table lane does not open$/],
];

const tables = ['managed_object', 'object_term', 'unique_name', 'sealed_record', 'lane'];
const written = tables.map((table) => database.prepare(`select * from ${table}`).all());

/** Writes all rows as they were. */
function restore(): void {
  database.exec('begin');
  for (const [at, table] of tables.entries()) {
    database.exec(`delete from ${table}`);
    for (const row of written[at] ?? []) {
      const names = Object.keys(row);
      const sql = `insert into ${table} (${names.join(', ')}) values (${names.map(() => '?').join(', ')})`;
      database.prepare(sql).run(...Object.values(row));
    }
  }
  database.exec('commit');
}

for (const [sql, ...problems] of alterations)
  t.test(`a verification finds: ${sql}`, async (t) => {
    t.not(database.prepare(sql).run().changes, 0);
    const found = (await verify()).problems;
    t.match(found, problems);
    t.equal(found.length, problems.length);
    restore();
    t.strictSame((await verify()).problems, []);
  });
