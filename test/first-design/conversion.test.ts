import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { Progress } from '../../src/common/progress.ts';
import { isUnvacuumed, keepCopy, markUnvacuumed, vacuum } from '../../src/first-design/kept-copy.ts';
import { type OldContext, openOldBox, unwrapSealingKey } from '../../src/first-design/old-boxes.ts';
import { ManagedObject } from '../../src/object/managed-object.ts';
import { openDatabase } from '../../src/store/open.ts';
import { encryptGcm } from '../../src/vault/aead.ts';
import { checkConverted, clearTexts, expected, OldHome, originalFile } from './fixture.ts';

const homes: OldHome[] = [];
t.teardown(() => {
  for (const home of homes) home.remove();
});

function oldHome(...changes: readonly string[]): OldHome {
  const home = new OldHome();
  homes.push(home);
  home.change(...changes);
  return home;
}

/** The files of a database, by their names without that of the database. */
function filesOf({ directory }: OldHome): readonly string[] {
  return readdirSync(directory).filter((name) => name.startsWith('kmipd.db'));
}

function tablesOf({ file }: OldHome): readonly unknown[] {
  const database = new DatabaseSync(file, { readOnly: true });
  const names = database.prepare("select name from sqlite_schema where type = 'table' order by name").all();
  database.close();
  return names.map(({ name }) => name);
}

t.test('a database of the first design is converted and found whole', async (t) => {
  const home = oldHome();
  await t.rejects(openDatabase(home.url), { code: 'FIRST_DESIGN' });
  await home.convert();
  await checkConverted(t, home);
  t.match(home.said.at(-2), /^converted 21 objects, 11 records and 6 clients in \d+ seconds$/);
});

t.test('nothing readable stays in the database, and all of it in the copy', async (t) => {
  const home = oldHome();
  const before = readFileSync(home.file);
  await home.convert();
  for (const text of clearTexts) {
    t.ok(before.includes(text), `the old database has ${text}`);
    for (const name of filesOf(home)) {
      const isCopy = name === 'kmipd.db.first-design';
      t.equal(readFileSync(join(home.directory, name)).includes(text), isCopy, `${name} ${text}`);
    }
  }
  const copy = join(home.directory, 'kmipd.db.first-design');
  t.equal(statSync(copy).mode & 0o777, 0o600);
  const database = new DatabaseSync(copy, { readOnly: true });
  t.equal(database.prepare('select count(*) as n from object').get()?.n, expected.objects.length);
  t.equal(database.prepare('select max(version) as n from migration').get()?.n, 4);
  database.close();
});

t.test('the report has each client with its role, and counts objects by group and type', async (t) => {
  const home = oldHome();
  await home.convert();
  const text = home.report.join('\n');
  t.match(text, /archive +retired +full +disabled +certificate only +9818c221674d2700\n/);
  t.match(text, /storage +backup +full +enabled +has credentials /);
  t.match(text, /storage +auditor +read-only +enabled +certificate only /);
  t.match(text, /default +PrivateKey +2\n/);
  t.match(text, /ticket +2\n/);
  t.match(text, /kept as \S+kmipd\.db\.first-design: /);
});

t.test('nothing in the report commands a terminal or begins a line of its own', async (t) => {
  const home = oldHome("update client set role = 'full' || char(27, 10) || 'default  root'");
  await home.convert();
  const text = home.report.join('\n');
  t.match(text, /full\\u001b\\u000adefault {2}root/);
  t.notOk(text.includes('\u001b'));
  t.notMatch(text, /^default {2}root/m);
});

t.test('names that were unique stay so, and no others become it', async (t) => {
  const home = oldHome();
  await home.convert();
  await home.opened(async ({ store, vault }) => {
    const insert = async (group: string, text: string) => {
      const object = ManagedObject.create({ id: `new ${group} ${text}`, type: 'SymmetricKey', group });
      object.attributes.add({
        name: 'Name',
        value: { NameValue: text, NameType: 'UninterpretedTextString' },
      });
      const inserts = [object.toStored(vault, { uniqueNames: true })];
      return store.commit({ expects: [], inserts, updates: [] });
    };
    t.equal(await insert('default', 'archived key'), 'taken');
    t.equal(await insert('storage', 'a name of more than two hundred characters '.repeat(12)), 'taken');
    t.equal(
      await insert('default', 'destroyed key'),
      'committed',
      'a destroyed object has given its name up',
    );
    t.equal(await insert('default', 'text 0'), 'committed', 'objects made without the option have none');
    t.equal(await insert('archive', 'archived key'), 'committed', 'another group has names of its own');
  });
});

t.test('values of both formats are opened, under every sealing key', async (t) => {
  const home = oldHome();
  const rootKey = Uint8Array.fromHex(readFileSync(home.rootKeyFile, 'utf8').trim());
  const database = new DatabaseSync(home.file);
  const wrapped = database.prepare('select id, wrapped from sealing_key order by id').all();
  const [key, newest] = wrapped.map((row) =>
    unwrapSealingKey(rootKey, row.id as number, row.wrapped as Uint8Array),
  );
  const seal = (id: string, type: string, plain: Uint8Array) =>
    encryptGcm(
      newest!.key,
      Uint8Array.of(1, 0, 0, 0, wrapped[1]!.id as number),
      randomBytes(12),
      Uint8Array.of(1, ...lengthAndText(id), ...lengthAndText(type)),
      plain,
    );
  for (const row of database.prepare('select * from object where sealed is not null').all()) {
    const { id, grp: group, object_type: objectType, sealed } = row as Record<string, string>;
    const plain = openOldBox(key!, { kind: 'value', id, group, objectType } as OldContext, sealed as never);
    database.prepare('update object set sealed = ? where id = ?').run(seal(id!, objectType!, plain!), id!);
  }
  for (const row of database.prepare('select * from record').all()) {
    const { kind, id, grp: group, version, expires, sealed } = row as Record<string, string>;
    const context = { kind: 'record', recordKind: kind, id, group, version, expires };
    const plain = openOldBox(key!, context as never, sealed as never);
    database
      .prepare('update record set sealed = ? where kind = ? and id = ?')
      .run(seal(`${kind}/${id}`, 'record', plain!), kind!, id!);
  }
  database.close();
  await home.convert();
  await checkConverted(t, home);
});

function lengthAndText(text: string): readonly number[] {
  const bytes = new TextEncoder().encode(text);
  return [bytes.length >>> 8, bytes.length & 0xff, ...bytes];
}

t.test('a database of an older version of the schema is completed first', async (t) => {
  const home = oldHome(
    'drop index object_by_group_and_id',
    "delete from record where kind <> 'ticket'",
    'delete from migration where version > 3',
  );
  await home.convert();
  t.match(home.said.at(-2), /^converted 21 objects, 2 records and 6 clients/);
  const older = oldHome(
    'drop index object_by_group_and_id',
    'drop table record',
    'delete from migration where version > 2',
  );
  await older.convert();
  t.match(older.said.at(-2), /^converted 21 objects, 0 records and 6 clients/);
});

const active = `id = '${expected.ids.active}'`;

/** A change of a row, and where the conversion stops. */
const alterations: Readonly<Record<string, readonly [sql: string, place: RegExp]>> = {
  'a bit of a value': [
    `update object set sealed = cast(substr(sealed, 1, 40) || x'00' || substr(sealed, 42) as blob) where ${active}`,
    new RegExp(
      `^the conversion of the database stopped at first_design_object, id "${expected.ids.active}": its value`,
    ),
  ],
  'the group of an object': [`update object set grp = 'storage' where ${active}`, /its value does not open$/],
  'the type of an object': [`update object set object_type = 'SecretData' where ${active}`, /does not open$/],
  'the value of another object': [
    `update object set sealed = (select sealed from object where id = '${expected.ids.archived}') where ${active}`,
    /its value does not open$/,
  ],
  'the end of the attributes': [
    `update object set attributes = substr(attributes, 1, 60) where ${active}`,
    /it cannot be decoded$/,
  ],
  'the version of a record': [
    "update record set version = version + 1 where kind = 'policy'",
    /stopped at first_design_record, kind policy, id "default": it does not open$/,
  ],
  'credentials of another client': [
    "update record set sealed = (select sealed from record where kind = 'credential' and id = 'vcenter') where kind = 'credential' and id = 'backup'",
    /kind credential, id "backup": it does not open$/,
  ],
};

for (const [what, [sql, place]] of Object.entries(alterations))
  t.test(`${what} was altered: the conversion stops there and loses nothing`, async (t) => {
    const home = oldHome(sql);
    for (let attempt = 1; attempt <= 2; attempt += 1) await t.rejects(home.convert(), { message: place });
    t.strictSame(
      filesOf(home).filter((name) => name.includes('first-design')),
      ['kmipd.db.first-design'],
    );
    await t.rejects(openDatabase(home.url), { code: 'FIRST_DESIGN' });
    home.change(
      `attach '${originalFile}' as original`,
      `replace into first_design_object select * from original.object where ${active}`,
      'update first_design_record set sealed = o.sealed, version = o.version from original.record o where o.seq = first_design_record.seq',
    );
    await t.rejects(home.convert(), { message: /it was altered after the conversion had begun/ });
    await home.convert(undefined, true);
    await checkConverted(t, home);
  });

t.test('without its root key a database stays as it is', async (t) => {
  const home = oldHome();
  const tables = tablesOf(home);
  const key = readFileSync(home.rootKeyFile, 'utf8');
  writeFileSync(home.rootKeyFile, `${key.startsWith('0') ? '1' : '0'}${key.slice(1)}`);
  await t.rejects(home.convert(), { message: /encrypted under another root key/ });
  rmSync(home.rootKeyFile);
  await t.rejects(home.convert(), { message: /root\.key is missing, .*restore it from its backup$/ });
  t.strictSame(filesOf(home), ['kmipd.db'], 'no copy was made');
  const database = new DatabaseSync(home.file);
  t.equal(database.prepare('select count(*) as n from object').get()?.n, expected.objects.length);
  database.close();
  t.strictSame(tablesOf(home), tables, 'no table was created');
});

t.test('a copy needs space, keeps what has its name, and is made once', async (t) => {
  const home = oldHome();
  const { size } = statSync(home.file);
  const needed = Math.ceil((3 * size) / 1_024);
  t.throws(() => keepCopy(home.file, () => 3 * size - 1), {
    message: `the database ${home.file} has to be converted, which needs ${needed} KiB on its file system, and ${needed - 1} KiB are free: free more, then start again`,
  });
  t.strictSame(filesOf(home), ['kmipd.db']);
  const kept = `${home.file}.first-design`;
  writeFileSync(`${kept}.unfinished`, 'of somebody else');
  t.throws(() => keepCopy(home.file), {
    message: /unfinished is not erased: it does not open as a database/,
  });
  // Of a process that was killed.
  writeFileSync(`${kept}.unfinished`, 'SQLite format 3\0 and a bit');
  writeFileSync(kept, 'of another time');
  t.equal(
    keepCopy(home.file, () => 3 * size),
    kept,
  );
  t.equal(readFileSync(`${kept}.1`, 'utf8'), 'of another time');
  t.strictSame(filesOf(home), ['kmipd.db', 'kmipd.db.first-design', 'kmipd.db.first-design.1']);
});

t.test('a conversion whose last step is missing is completed', async (t) => {
  const home = oldHome();
  await home.convert();
  t.notOk(isUnvacuumed(home.file));
  home.change(
    markUnvacuumed,
    'create table old (text text)',
    "insert into old values ('readable')",
    'drop table old',
  );
  t.ok(isUnvacuumed(home.file));
  t.ok(readFileSync(home.file).includes('readable'));
  vacuum(home.file);
  t.notOk(isUnvacuumed(home.file));
  t.notOk(readFileSync(home.file).includes('readable'));
  await checkConverted(t, home);
  writeFileSync(home.file, 'no database');
  t.notOk(isUnvacuumed(home.file), 'what is no database is reported by who opens it');
});

t.test('an operator is told every second how far the conversion has got', (t) => {
  let now = 0;
  t.intercept(performance, 'now', { value: () => now });
  const said: string[] = [];
  const progress = new Progress(1_000, (line) => said.push(line));
  for (now = 400; now <= 2_400; now += 400) progress.add(100);
  t.strictSame(said, [
    'converted 300 of 1000 rows (30 %), about 3 seconds left',
    'converted 600 of 1000 rows (60 %), about 2 seconds left',
  ]);
  now = 3_600;
  t.equal(progress.seconds, 4);
  const inventory = new Progress(10, (line) => said.push(line), 'inventoried');
  now = 5_600;
  inventory.add(5);
  t.equal(said.at(-1), 'inventoried 5 of 10 rows (50 %), about 2 seconds left');
  t.end();
});
