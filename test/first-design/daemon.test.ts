import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { connect, structure, text, valueOf } from '../client.ts';
import { Daemon } from '../fixture/daemon.ts';
import { runKmipd } from '../fixture/kmipd.ts';
import { answersOf, uid } from '../protocol/service.ts';
import { clearTexts, copyOldDatabase, expected } from './fixture.ts';

t.setTimeout(300_000);

/** What a state directory of the first design does not have. */
const newFiles = ['keyring.pin', 'anchor', 'anchor-command', 'node'];

const commands: Readonly<Record<string, readonly string[]>> = {
  'client list': ['client', 'list'],
  'client show': ['client', 'show', 'demo'],
  'client add': ['client', 'add', 'second'],
  'client disable': ['client', 'disable', 'demo'],
  'client credential list': ['client', 'credential', 'list', 'backup'],
  crl: ['crl'],
  'object show': ['object', 'show', expected.ids.active],
  'check-config': ['check-config'],
};

t.test('serve converts a database of the first design, and every other command refuses it', async (t) => {
  // The old database has a client whose role the configuration defines.
  const daemon = await Daemon.prepare({ config: '[roles]\nowner = ["full"]\n' });
  t.teardown(() => daemon.remove());
  for (const name of newFiles) rmSync(join(daemon.home, name), { force: true });
  copyOldDatabase(daemon.home);
  const run = async (...args: readonly string[]) => runKmipd('.', ...args, '--home', daemon.home);
  for (const [name, args] of Object.entries(commands)) {
    const { combinedOutput } = await run(...args);
    t.match(combinedOutput, /has schema version 4, of the first design: "kmipd serve" converts it\n/, name);
  }
  await daemon.start();
  const report = join(daemon.home, 'first-design-conversion.txt');
  t.equal(statSync(report).mode & 0o777, 0o600);
  t.ok(daemon.output.includes(readFileSync(report, 'utf8')), 'the report is printed');
  t.match(daemon.output, /^converted 21 objects, 11 records and 6 clients in \d+ seconds$/m);
  t.match((await run('client', 'credential', 'list', 'backup')).output, /2 of 3 one-time passwords left/);
  t.match((await run('client', 'list')).output, /retired .*disabled/);
  t.equal(await (await run('client', 'add', 'second', '--group', 'default')).exited(), 0);
  t.match(
    (await run('verify')).combinedOutput,
    /^21 objects and \d+ records: all as kmipd has written them, .*\n\S+kmipd.db.first-design: kept from the conversion, .*: kmipd verify --remove-first-design\n/,
  );
  await checkServed(t, daemon);
  for (const name of readdirSync(daemon.home).filter((name) => /^kmipd\.db(-|$)/.test(name)))
    for (const known of clearTexts)
      t.notOk(readFileSync(join(daemon.home, name)).includes(known), `${name} ${known}`);

  t.equal(await daemon.end(), 0);
  await daemon.start();
  t.equal(daemon.output.match(/is converted to a new format/g)?.length, 1, 'once');
  await checkServed(t, daemon);

  t.equal(await daemon.end(), 0);
  await checkConfirmation(t, daemon);
  await checkRemoval(t, daemon);
});

/** The copies are removed when all rows are as they should be, and not before. */
async function checkRemoval(
  t: Pick<typeof import('tap').t, 'equal' | 'match' | 'strictSame'>,
  daemon: Daemon,
): Promise<void> {
  const verify = () => runKmipd('.', 'verify', '--remove-first-design', '--home', daemon.home);
  const copies = () => readdirSync(daemon.home).filter((name) => name.startsWith('kmipd.db.first-design'));
  const database = new DatabaseSync(daemon.database);
  const addTo = (number: number) =>
    database.exec(
      `update managed_object set version = version + ${number} where id = '${expected.ids.active}'`,
    );
  addTo(1);
  const refused = await verify();
  t.match(refused.combinedOutput, /problems were found/);
  t.equal(await refused.exited(), 1);
  t.strictSame(copies(), ['kmipd.db.first-design', 'kmipd.db.first-design.1']);
  addTo(-1);
  database.close();
  t.match((await verify()).output, /\nremoved \S+kmipd.db.first-design, \S+first-design.1; backups/);
  t.strictSame(copies(), []);
  t.match((await verify()).output, /\nnothing is kept of a database of the first design\n/);
}

/** An old database is converted in a home that has used a newer one only when the operator says so, once. */
async function checkConfirmation(
  t: Pick<typeof import('tap').t, 'equal' | 'rejects'>,
  daemon: Daemon,
): Promise<void> {
  const conversions = () => daemon.output.match(/is converted to a new format/g)?.length;
  const refusal =
    /has the first design, and this home has used a database in the second: .*serve --convert-first-design\n/;
  const elsewhere = join(daemon.home, 'elsewhere');
  mkdirSync(elsewhere);
  copyOldDatabase(elsewhere);
  await t.rejects(daemon.start('--store', `sqlite:${elsewhere}/kmipd.db`), refusal, 'at another path');
  copyOldDatabase(daemon.home);
  await t.rejects(daemon.start(), refusal, 'put back');
  t.equal(conversions(), 1, 'neither was converted');
  await daemon.start('--convert-first-design');
  t.equal(conversions(), 2, 'as the operator says');
  t.equal(await daemon.end(), 0);
  await t.rejects(
    daemon.start('--convert-first-design'),
    /does not have the first design, so there is nothing to convert: start without/,
  );
  await daemon.start();
  t.equal(await daemon.end(), 0);
}

/** A client of the group finds the old keys by name and by an attribute of its own, and gets their values. */
async function checkServed(
  t: Pick<typeof import('tap').t, 'strictSame' | 'equal'>,
  daemon: Daemon,
): Promise<void> {
  const { active, archived, ofBackup } = expected.ids;
  const client = await connect({ port: daemon.port, home: daemon.home, name: 'second' });
  const locate = async (...attribute: Parameters<typeof structure>) => {
    const payload = [structure(...attribute)];
    const message = await client.request('2.1', [
      { operation: 'Locate', payload: [structure('Attributes', ...payload)] },
    ]);
    return answersOf(message)[0]?.id;
  };
  const named = (name: string) => locate('Name', text('NameValue', name));
  t.equal(await named('Schlüssel für Köln 🔑'), active);
  t.equal(await named('archived key'), undefined, 'archived objects are not found on-line');
  const custom = await locate(
    'Attribute',
    text('VendorIdentification', 'Zuerich'),
    text('AttributeName', 'Kostenstelle Süd'),
    text('AttributeValue', 'Prüfstand 7'),
  );
  t.equal(custom, active);
  const get = async (id: string) => {
    const [answer] = answersOf(await client.request('2.1', [{ operation: 'Get', payload: [uid(id)] }]));
    return answer?.status === 'Success'
      ? valueOf(answer.payload!, 'SymmetricKey', 'KeyBlock', 'KeyValue', 'KeyMaterial')
      : answer?.reason;
  };
  t.equal(((await get(active)) as Uint8Array).length, 32);
  t.equal(await get(archived), 'ObjectArchived');
  t.equal(await get(ofBackup), 'ObjectNotFound', 'a key of another group');
  await client.close();
}
