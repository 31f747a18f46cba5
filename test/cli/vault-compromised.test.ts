import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { clientKind } from '../../src/identity/client-entry.ts';
import { decodeKeyring, readStoreId } from '../../src/vault/keyring-format.ts';
import { OpenKeyring } from '../../src/vault/open-keyring.ts';
import { createFileRoot } from '../../src/vault/roots/file-root.ts';
import type { ObjectBoxContext, SealedKey, StoredKeyring } from '../../src/vault/vault.ts';
import { ask, create } from '../faults/messages.ts';
import { Daemon } from '../fixture/daemon.ts';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';

/** What a thief opens who has the old root and yesterday's database. */

t.setTimeout(600_000);

/** Opens the keyring of yesterday's database by a root. */
async function openKeyring(rootKey: string, yesterday: string): Promise<OpenKeyring> {
  const old = new DatabaseSync(yesterday, { readOnly: true });
  const stored = old.prepare('select generation, content from keyring').get() as unknown as StoredKeyring;
  old.close();
  const storeId = readStoreId(stored) as Uint8Array;
  const source = createFileRoot(rootKey);
  const root = await source.open(storeId);
  const keyring = await decodeKeyring(stored, [{ uri: source.uri, root }]);
  await root.close();
  if (typeof keyring === 'string') throw new Error(`yesterday's keyring is ${keyring}`);
  return new OpenKeyring(keyring);
}

/** Whether a thief finds the record of a client in today's database by yesterday's keyring. */
async function findsClient(rootKey: string, yesterday: string, today: string): Promise<boolean> {
  const { indexes } = await openKeyring(rootKey, yesterday);
  const database = new DatabaseSync(today, { readOnly: true });
  const select = database.prepare('select 1 from sealed_record where key = ?');
  const found = indexes.some((index) => select.get(index.key('record', clientKind, 'demo')) !== undefined);
  database.close();
  return found;
}

/** Opens an object of today by the keyring of yesterday and a root; undefined where it does not open. */
async function openStolen(rootKey: string, yesterday: string, today: string, id: string) {
  const open = await openKeyring(rootKey, yesterday);
  const database = new DatabaseSync(today, { readOnly: true });
  const row = database
    .prepare('select id, grp, object_type, version, box from managed_object where id = ?')
    .get(id);
  database.close();
  const context: ObjectBoxContext = {
    ...{ kind: 'object', id, group: row?.grp as string, objectType: row?.object_type as string },
    ...{ version: row?.version as number, valueBinding: null },
  };
  return open.open(context, row?.box as SealedKey);
}

t.test('only the form for a leak keeps the old root from later rows', async (t) => {
  const daemon = await Daemon.prepare({ config: 'vault.activationSeconds = 0\n' });
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-leak-'));
  t.teardown(async () => {
    await daemon.remove();
    rmSync(directory, { recursive: true });
  });
  const at = (name: string) => join(directory, name);
  const kmipd = async (...args: readonly string[]) => {
    const command = await runKmipd(directory, ...args, '--home', daemon.home);
    return { code: await command.exited(), output: command.combinedOutput };
  };
  /** Copies the database as a backup does. */
  const copy = (name: string) => {
    const database = new DatabaseSync(daemon.database);
    database.exec(`vacuum into '${at(name)}'`);
    database.close();
  };
  await daemon.start();
  copy('yesterday.db');
  copyFileSync(join(daemon.home, 'root.key'), at('stolen.key'));

  t.match(await kmipd('vault', 'change-root', 'file:plain.key'), { code: 0 });
  const client = await daemon.connect();
  const [made] = await ask(client, [create('of today')]);
  await client.close();
  const id = made?.id ?? '';
  copy('today.db');
  t.ok(
    await openStolen(at('stolen.key'), at('yesterday.db'), at('today.db'), id),
    'the plain form does not help',
  );

  // Killed at each of its lines, it goes on with the same arguments, or without any.
  const points = [/names both/, /epoch 2 has begun/, /sealed \d+ rows anew/];
  for (const [number, point] of points.entries()) {
    const more = number === 0 ? ['--compromised', 'file:after-leak.key'] : [];
    const command = new KmipdProcess(['vault', 'change-root', ...more, '--home', daemon.home], {
      cwd: directory,
    });
    t.teardown(() => command.end('SIGKILL'));
    await command.waitForOutput(point);
    await command.end('SIGKILL');
  }
  await daemon.end('SIGKILL');
  await daemon.start();
  const renewed = await kmipd('vault', 'change-root');
  t.match(
    renewed,
    { code: 0, output: /with any copy of the database, opens none of the rows/ },
    renewed.output,
  );
  copy('tomorrow.db');
  t.equal(await openStolen(at('stolen.key'), at('yesterday.db'), at('tomorrow.db'), id), undefined);
  t.equal(await findsClient(at('stolen.key'), at('yesterday.db'), at('today.db')), true);
  t.equal(await findsClient(at('stolen.key'), at('yesterday.db'), at('tomorrow.db')), false);
  t.equal(await findsClient(at('after-leak.key'), at('tomorrow.db'), at('tomorrow.db')), true);
  t.ok(
    await openStolen(at('after-leak.key'), at('tomorrow.db'), at('tomorrow.db'), id),
    'the root of the database does',
  );
  t.match(await kmipd('vault', 'status', '--json'), { output: /"epochs":\[\{"epoch":2,"state":"active"/ });
  t.match(await kmipd('verify'), { code: 0 });
  t.match(
    readFileSync(join(daemon.home, 'kmipd.toml'), 'utf8'),
    /^vault\.root = "file:\S+after-leak\.key"$/m,
  );

  // Without a daemon, the database of a home of its own.
  await daemon.end();
  const home = at('home');
  cpSync(daemon.home, home, { recursive: true });
  const offline = await runKmipd(
    directory,
    ...['vault', 'change-root', 'passphrase:', '--passphrase-file', join(daemon.home, 'root.key')],
    ...['--home', home],
  );
  t.equal(await offline.exited(), 0, offline.combinedOutput);
});
