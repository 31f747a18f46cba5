import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';

t.setTimeout(300_000);

t.test('a copy of a home without server/ starts, and makes what is missing', async (t) => {
  const home = t.testdir();
  const first = new KmipdProcess(['serve', '--home', home, '--listen', '127.0.0.1:0']);
  await first.ready();
  await first.end();
  rmSync(join(home, 'server'), { recursive: true });
  const again = new KmipdProcess(['serve', '--home', home, '--listen', '127.0.0.1:0']);
  await again.ready();
  await again.end();
  t.ok(existsSync(join(home, 'server', 'key.pem')));
});

t.test('a database without its keyring gets no other one, in a copied home either', async (t) => {
  const directory = t.testdir();
  const run = async (home: string, ...args: string[]) => {
    const command = await runKmipd(directory, ...args, '--home', home);
    return { code: await command.exited(), output: command.combinedOutput };
  };
  t.match(await run('first', 'init'), { code: 0 });
  cpSync(join(directory, 'first'), join(directory, 'copied'), { recursive: true });
  const database = new DatabaseSync(join(directory, 'copied', 'kmipd.db'));
  t.teardown(() => database.close());
  database.exec('delete from keyring');
  const lost = { code: 1, output: /: the database has no keyring, .*: restore it from its backup\n$/ };
  for (const args of [
    ['verify'],
    ['client', 'list'],
    ['vault', 'accept', '--yes'],
    ['client', 'disable', 'demo'],
  ])
    t.match(await run('copied', ...args), lost, args.join(' '));
  t.equal(database.prepare('select count(*) as n from keyring').get()?.n, 0);
  t.notOk(existsSync(join(directory, 'copied', 'keyring.pin.new')));
});
