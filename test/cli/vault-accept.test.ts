import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t, { type Test } from 'tap';
import { connect, enumerated, integer, structure, text } from '../client.ts';
import { Daemon } from '../fixture/daemon.ts';
import { runKmipd } from '../fixture/kmipd.ts';
import { answersOf, uid } from '../protocol/service.ts';

t.setTimeout(300_000);

/** What an operator does with a database that somebody else has changed, or that was put back. */

const attribute = (name: string, value: ReturnType<typeof text>) =>
  structure('Attribute', text('AttributeName', name), value);
const template = (name: string) =>
  structure(
    'TemplateAttribute',
    attribute('Cryptographic Algorithm', enumerated('AttributeValue', 3)),
    attribute('Cryptographic Length', integer('AttributeValue', 128)),
    attribute('Cryptographic Usage Mask', integer('AttributeValue', 12)),
    attribute('Name', structure('AttributeValue', text('NameValue', name), enumerated('NameType', 1))),
  );

async function prepare(t: Pick<Test, 'teardown'>): Promise<Daemon> {
  const daemon = await Daemon.prepare();
  t.teardown(() => daemon.remove());
  return daemon;
}

const create = async (daemon: Daemon, ...names: readonly string[]): Promise<readonly string[]> => {
  const client = await connect({ port: daemon.port, home: daemon.home });
  const items = names.map((name) => ({
    operation: 'Create',
    payload: [enumerated('ObjectType', 2), template(name)],
  }));
  const answers = answersOf(await client.request('1.4', items));
  await client.close();
  return answers.map(({ id }) => String(id));
};

const get = async (daemon: Daemon, ...ids: readonly string[]) => {
  const client = await connect({ port: daemon.port, home: daemon.home });
  const statuses: unknown[] = [];
  for (const id of ids) {
    const answers = answersOf(await client.request('1.4', [{ operation: 'Get', payload: [uid(id)] }]));
    statuses.push(...answers.map(({ status }) => status));
  }
  await client.close();
  return statuses;
};

const alter = (daemon: Daemon, ...statements: readonly (readonly [string, ...string[]])[]) => {
  const database = new DatabaseSync(daemon.database);
  for (const [sql, ...parameters] of statements) database.prepare(sql).run(...parameters);
  database.close();
};

const rowsOf = (daemon: Daemon, sql: string) => {
  const database = new DatabaseSync(daemon.database);
  const rows = database.prepare(sql).all();
  database.close();
  return rows;
};

async function command(daemon: Daemon, ...args: readonly string[]) {
  const process = await runKmipd('.', ...args, '--home', daemon.home);
  return { code: await process.exited(), output: process.combinedOutput };
}

t.test('rows that were altered, removed and forged are listed, and accepted as they are', async (t) => {
  const daemon = await prepare(t);
  await daemon.start();
  const ids = await create(daemon, 'a', 'b', 'c', 'd');
  const [altered, removed, hidden, untouched] = ids as [string, string, string, string];
  t.equal((await command(daemon, 'client', 'add', 'second', '--out', daemon.home)).code, 0);
  t.equal(await daemon.end(), 0);
  const nothing = await command(daemon, 'vault', 'accept', '--yes');
  t.same(nothing, { code: 0, output: 'nothing is wrong with the database\n' });
  alter(
    daemon,
    ['update managed_object set box = substr(box, 1, 60) where id = ?', altered],
    ['delete from managed_object where id = ?', removed],
    ['delete from object_term where object = (select seq from managed_object where id = ?)', hidden],
    ["delete from sealed_record where kind = 'client' and seq = (select max(seq) from sealed_record)"],
  );
  alter(daemon, ["delete from sealed_record where kind = 'client' and seq > 2"]);
  await t.rejects(
    daemon.start(),
    /the records of clients and policies in the database are not those .* kmipd vault accept/,
  );
  const refused = await command(daemon, 'vault', 'accept');
  t.equal(refused.code, 1);
  for (const line of [
    `kmipd: the object "${altered}" was altered outside kmipd`,
    `kmipd: terms of the object "${hidden}" are missing`,
    'client demo, group default, role full',
  ])
    t.ok(refused.output.includes(`${line}\n`), line);
  t.match(refused.output, /segment 31 .* has \d rows; \d were written\n/);
  t.match(refused.output, /--yes goes on .* removes the 1 rows that do not open or were put back$/m);
  await t.rejects(daemon.start(), /the records of clients/, 'nothing was changed');
  const accepted = await command(daemon, 'vault', 'accept', '--yes');
  t.match(
    accepted.output,
    /\naccepted 2 objects and \d records; 1 rows that did not open or were put back were removed;/,
  );
  t.equal(accepted.code, 0);
  t.equal((await command(daemon, 'verify')).code, 0);
  await daemon.start();
  t.same(await get(daemon, altered, removed, hidden, untouched), [
    'OperationFailed',
    'OperationFailed',
    'Success',
    'Success',
  ]);
  await create(daemon, 'e');
  t.equal((await command(daemon, 'client', 'add', 'third', '--out', join(daemon.home, 'x'))).code, 0);
  t.equal(await daemon.end(), 0);
  t.equal((await command(daemon, 'verify')).code, 0, 'after further commits');
});

t.test('rows with impossible numbers are kept when they open', async (t) => {
  const daemon = await prepare(t);
  await daemon.start();
  const ids = await create(daemon, 'a', 'b', 'c', 'd');
  const [, negative, large, damaged] = ids as [string, string, string, string];
  t.equal((await command(daemon, 'client', 'add', 'second', '--out', daemon.home)).code, 0);
  t.equal(await daemon.end(), 0);
  alter(
    daemon,
    ['update managed_object set seq = -seq where id = ?', negative],
    ['update managed_object set seq = 1 << 60 where id = ?', large],
    ['update managed_object set seq = 0, box = substr(box, 1, 60) where id = ?', damaged],
    ["update sealed_record set seq = -seq where kind = 'client'"],
    ['update sqlite_sequence set seq = 1 << 60'],
  );
  const [strays] = rowsOf(daemon, 'select count(*) as n from sealed_record where seq < 0');
  const records = Number(strays?.n);
  t.ok(records >= 2, 'clients');
  const listed = await command(daemon, 'vault', 'accept');
  t.match(listed, { code: 1, output: `a number that the database does not give: ${records + 3}\n` });
  for (const table of ['managed_object', 'sealed_record'])
    t.match(listed.output, `the sequence that numbers the rows of ${table} was changed outside kmipd\n`);
  t.match(listed.output, `that do not open among ${records + 3} that get a new number\n`);
  const accepted = await command(daemon, 'vault', 'accept', '--yes');
  t.match(
    accepted.output,
    /\naccepted 3 objects and \d+ records; 1 rows that did not open or were put back were removed; /,
  );
  t.match(accepted.output, ` removed; ${records + 3} got a new number; other nodes`);
  t.match(await command(daemon, 'verify'), { code: 0 });
  t.match((await command(daemon, 'client', 'list')).output, /demo(.|\n)*second/);
  await daemon.start();
  t.same(await get(daemon, ...ids), ['Success', 'Success', 'Success', 'OperationFailed']);
  t.not((await create(daemon, 'e'))[0], 'undefined');
  t.equal(await daemon.end(), 0);
  t.match(await command(daemon, 'verify'), { code: 0 });
});

t.test('a database that was put back as a whole is accepted', async (t) => {
  const daemon = await prepare(t);
  await daemon.start();
  const [early = ''] = await create(daemon, 'early');
  t.same(await get(daemon, early), ['Success'], 'the first Get of a key writes');
  t.equal(await daemon.end(), 0);
  // What is in the write-ahead log only would be missing in the copy.
  alter(daemon, ['pragma wal_checkpoint(truncate)']);
  const kept = join(daemon.home, 'kept');
  copyFileSync(daemon.database, kept);
  await daemon.start();
  const [late = ''] = await create(daemon, 'late');
  const beside = await command(daemon, 'vault', 'accept', '--yes');
  t.match(beside, { code: 1, output: /is in use by/ }, 'beside a daemon');
  t.equal(await daemon.end(), 0);
  for (const name of readdirSync(daemon.home).filter((each) => /^kmipd\.db-/.test(each)))
    rmSync(join(daemon.home, name));
  copyFileSync(kept, daemon.database);
  const putBack = /put back to an earlier state .* it was at commit \d+; .* kmipd vault accept/;
  await t.rejects(daemon.start(), putBack, 'nobody is let in');
  const add = ['client', 'add', 'second', '--out', join(daemon.home, 'x')];
  const reading = [['client', 'list'], ['client', 'show', 'demo'], ['check-config']];
  t.match(await command(daemon, ...add), { code: 1, output: putBack });
  const before = readdirSync(daemon.home);
  for (const args of reading) t.match(await command(daemon, ...args), { code: 1, output: putBack });
  t.same(readdirSync(daemon.home), before, 'nothing was written');
  const anchor = join(daemon.home, 'anchor');
  const anchors = readFileSync(anchor);
  writeFileSync(anchor, 'no anchor\n');
  for (const args of reading)
    t.match(await command(daemon, ...args), {
      code: 1,
      output: /^kmipd: \S+anchor is damaged; [^\n]+\n$/,
    });
  const other = `{"format":1,"store":"${'0'.repeat(32)}","keyring":1,"lanes":{}}\n`;
  writeFileSync(anchor, `${anchors}${other}`);
  t.match((await command(daemon, 'vault', 'accept')).output, /it was at commit \d+\n/);
  alter(daemon, ["insert into lane (name, seq, era, box) values ('x', 1152921504606846976, 1, x'')"]);
  const unreadable = /a row of table lane is not one that kmipd writes/;
  await t.rejects(daemon.start(), unreadable);
  t.match(await command(daemon, 'client', 'list'), { code: 1, output: unreadable });
  const accepted = await command(daemon, 'vault', 'accept', '--yes');
  t.match(accepted.output, unreadable);
  t.match(accepted.output, /\naccepted 1 objects/);
  t.equal(readFileSync(anchor, 'utf8'), other, 'the anchor of another database stays');
  alter(daemon, ['pragma wal_checkpoint(truncate)']);
  const now = join(daemon.home, 'now');
  copyFileSync(daemon.database, now);
  const replaceBy = (file: string) => {
    for (const name of readdirSync(daemon.home).filter((each) => /^kmipd\.db-/.test(each)))
      rmSync(join(daemon.home, name));
    copyFileSync(file, daemon.database);
  };
  replaceBy(kept);
  const older = /is older than the one that this home used last: the database was put back/;
  for (const args of [['client', 'list'], ['verify']])
    t.match(await command(daemon, ...args), { code: 1, output: older }, 'before anything is written');
  replaceBy(now);
  await daemon.start();
  t.same(await get(daemon, early, late), ['Success', 'OperationFailed']);
  t.not((await create(daemon, 'new'))[0], 'undefined');
  t.equal(await daemon.end(), 0);

  const lanes = rowsOf(daemon, 'select name, seq, era, hex(box) as box from lane');
  writeFileSync(join(daemon.home, 'anchor'), 'of somebody else\n');
  const damaged = /\/anchor is damaged; see kmipd verify; kmipd vault accept goes on/;
  await t.rejects(daemon.start(), damaged);
  const verified = await command(daemon, 'verify');
  t.match(verified, { code: 1, output: damaged });
  t.match(verified.output, /2 objects and \d records were read; 1 problems were found/);
  t.match(await command(daemon, 'vault', 'accept', '--yes'), {
    code: 0,
    output: /\n\S+\/anchor could not be read and was removed, with what it had of other databases\n/,
  });
  t.equal((await command(daemon, 'verify')).code, 0);

  const [{ name }] = rowsOf(daemon, 'select name from lane') as [{ name: string }];
  const old = lanes.find((lane) => lane['name'] !== name);
  t.not(old, undefined);
  const columns =
    "insert into lane (name, seq, era, box) select value ->> 'name', value ->> 'seq', value ->> 'era'";
  alter(daemon, [`${columns}, unhex(value ->> 'box') from (select ? as value)`, JSON.stringify(old)]);
  const ended = /the row \S+ of table lane does not open/;
  await t.rejects(daemon.start(), ended, 'a lane of before is none any more');
  t.match(await command(daemon, 'verify'), { code: 1, output: ended });
});
