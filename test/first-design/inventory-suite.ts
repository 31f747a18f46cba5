import { rmSync, writeFileSync } from 'node:fs';
import type t from 'tap';
import { openDatabase } from '../../src/store/open.ts';
import { checkConverted, expected, type OldHome } from './fixture.ts';

const { active, archived } = expected.ids;
const object = (id: string) => `first_design_object where id = '${id}'`;

/** Changes by SQL that each row would survive, and how the conversion names it. */
const changes: Readonly<Record<string, readonly [sql: string, message: RegExp]>> = {
  'the attributes of another object': [
    `update first_design_object set attributes = (select attributes from ${object(archived)}) where id = '${active}'`,
    new RegExp(
      `^the conversion of the database stopped at first_design_object, id "${active}": it was altered`,
    ),
  ],
  'the group of an object without a value': [
    "update first_design_object set grp = 'storage' where sealed is null and grp <> 'storage'",
    /at first_design_object, id "[-0-9a-f]+": it was altered after the conversion had begun; find out who/,
  ],
  'a version': [
    `update first_design_object set version = version + 1 where id = '${active}'`,
    new RegExp(`id "${active}": it was altered`),
  ],
  'a unique name': [
    "update first_design_unique_key set name = 'Name:free again' where name = 'Name:archived key'",
    new RegExp(`id "${archived}": it was altered`),
  ],
  'an object more': [
    `insert into first_design_object (seq, id, grp, object_type, version, attributes, sealed) OVERRIDING select 1000, 'more', grp, object_type, version, attributes, null from ${object(active)}`,
    /at first_design_object, id "more": it was added/,
  ],
  'an object less': [
    `delete from first_design_unique_key; delete from ${object(active)}`,
    /at first_design_object, (id "[-0-9a-f]+": it was altered|seq \d+: it was removed)/,
  ],
  'the last object less': [
    'delete from first_design_object where seq = (select max(seq) from first_design_object)',
    /at first_design_object, seq \d+: it was removed/,
  ],
  'the role of a client': [
    "update first_design_client set role = 'full' where name = 'auditor'",
    /at first_design_client, name "auditor": it was altered/,
  ],
  'another name of a client': [
    "update first_design_client set name = 'intruder' where name = 'auditor'",
    /at first_design_client, name "\w+": it was (added|removed)/,
  ],
  'a client more': [
    "insert into first_design_client select 'intruder', grp, 'full', 'f00d', 0, enrolled_at, certificate from first_design_client where name = 'auditor'",
    /at first_design_client, name "intruder": it was added/,
  ],
  'a client less': [
    "delete from first_design_client where name = 'auditor'",
    /at first_design_client, name "auditor": it was removed/,
  ],
  'a password that is not spent any more': [
    "delete from first_design_record where kind = 'credential-use' and id = 'backup'",
    /at first_design_record, seq \d+: it was removed/,
  ],
  'a record more': [
    "insert into first_design_record (seq, kind, id, grp, version, expires, sealed) OVERRIDING select 1000, kind, 'more', grp, version, expires, sealed from first_design_record where kind = 'credential-use' and id = 'backup'",
    /at first_design_record, kind credential-use, id "more": it was added/,
  ],
};

const tables = ['object', 'unique_key', 'client', 'record'];

/** How one engine makes a database of the first design and changes its rows. */
interface Engine {
  newHome(): Promise<OldHome>;
  change(home: OldHome, sql: string): Promise<void>;
  /** Of `insert into … select` with numbers that the database assigns otherwise. */
  readonly overriding: string;
}

/** Rows that were changed between two steps of the conversion stop it, each by its name. */
export function testInventory(
  test: typeof t,
  { newHome, change, overriding }: Engine,
  skip: string | false,
): void {
  const restore = [
    ...tables.toReversed().map((table) => `delete from first_design_${table}`),
    ...tables.map((table) => `insert into first_design_${table} ${overriding} select * from copy_${table}`),
  ].join(';');

  test.test('rows that were changed after the inventory are named and not converted', { skip }, async (t) => {
    const home = await newHome();
    await interrupt(home);
    for (const table of tables)
      await change(home, `create table copy_${table} as select * from first_design_${table}`);
    for (const [what, [sql, message]] of Object.entries(changes)) {
      await change(home, sql.replace('OVERRIDING', overriding));
      await t.rejects(home.convert(), { message }, what);
      await change(home, restore);
    }
    await t.rejects(openDatabase(home.url), { code: 'FIRST_DESIGN' }, 'nothing is served');
    for (const table of tables) await change(home, `drop table copy_${table}`);
    await home.convert();
    await checkConverted(t, home);
  });

  test.test('an inventory is ignored only when the operator says so', { skip }, async (t) => {
    const home = await newHome();
    await interrupt(home);
    await change(home, "update first_design_client set role = 'full' where name = 'auditor'");
    await t.rejects(home.convert(), { message: /altered/ });
    await home.convert(undefined, true);
    t.match(home.report.join('\n'), /storage +auditor +full /, 'and what was taken over is reported');
  });

  test.test('an inventory of another database or state is refused', { skip }, async (t) => {
    const home = await newHome();
    await interrupt(home);
    for (const table of ['object', 'object_index', 'term', 'unique_key', 'client', 'sealing_key', 'record'])
      await change(home, `alter table first_design_${table} rename to ${table}`);
    await t.rejects(home.convert(), {
      message:
        /tables, and they have their old names: a copy is in the place of the database; if you .* --convert-first-design$/,
    });
    await change(home, 'update object set grp = grp; delete from sealing_key where id > 1');
    await t.rejects(home.convert(), {
      message: /is of a database with other sealing keys: .* --convert-first-design$/,
    });
    writeFileSync(home.inventoryFile, new Uint8Array(100).fill(1));
    await t.rejects(home.convert(), {
      message:
        /inventory is damaged, or of a database under another root key: restore the file from its backup; kmipd serve --convert-first-design discards it /,
    });
    rmSync(home.inventoryFile);
  });
}

/** Has a first attempt end when the inventory is made, and before a row is converted. */
async function interrupt(home: OldHome): Promise<void> {
  await home
    .convert((line) => {
      if (line.startsWith('the inventory has')) throw new Error('interrupted');
    })
    .then(
      () => {
        throw new Error('the conversion was not interrupted');
      },
      (error: Error) => {
        if (error.message !== 'interrupted') throw error;
      },
    );
}
