import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { create } from '../faults/messages.ts';
import { Daemon } from '../fixture/daemon.ts';
import { runKmipd } from '../fixture/kmipd.ts';
import { nothingReadableSuite } from '../protocol/nothing-readable-suite.ts';
import { type Answer, answersOf, uid } from '../protocol/service.ts';
import { startPostgres } from '../store/embedded-postgres.ts';
import { makeServerDirectory, runProgram } from '../store/postgres-process.ts';
import { debianPrograms } from './debian-postgres.ts';

/** Dumps of a database in use: what a reader learns from one, and what happens when it is restored. */

t.setTimeout(300_000);

const server =
  debianPrograms === undefined
    ? 'Debian’s PostgreSQL is not installed'
    : await startPostgres({ programs: debianPrograms });
if (typeof server === 'string') t.test('PostgreSQL', { skip: server }, async () => {});
else {
  t.teardown(() => server.stop());
  const program = (name: string) => join(debianPrograms as string, name);
  const dump = (url: string, ...args: readonly string[]) => runProgram(program('pg_dump'), [...args, url]);

  await t.test('a dump has nothing of what clients write in a form that can be read', async (t) => {
    const store = await server.fresh();
    await nothingReadableSuite(t, {
      store,
      read: () =>
        Promise.all([
          dump(store),
          dump(store, '--column-inserts'),
          dump(store, '--format=custom', '--compress=0'),
        ]),
      // A dump has no replaced rows.
      checkpoint: async () => {},
    });
  });

  await t.test('a dump that was restored is accepted only on purpose', async (t) => {
    const store = await server.fresh();
    const daemon = await Daemon.prepare({ store });
    t.teardown(() => daemon.remove());
    const ask = async (item: ReturnType<typeof create>): Promise<Answer> => {
      const client = await daemon.connect();
      const [answer] = answersOf(await client.request('1.4', [item]));
      await client.close();
      return answer as Answer;
    };
    const get = ({ id }: Answer) => ask({ operation: 'Get', payload: [uid(String(id))] });
    await daemon.start();
    const early = await ask(create('early'));
    t.equal((await get(early)).status, 'Success', 'the first Get of a key writes');
    const directory = makeServerDirectory();
    t.teardown(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'dump.sql');
    await dump(store, `--file=${file}`);
    const late = await ask(create('late'));
    t.equal(late.status, 'Success', 'the dump is older than this key');
    t.equal(await daemon.end(), 0);

    const restored = await server.fresh();
    await runProgram(program('psql'), [
      ...['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', `--dbname=${restored}`, `--file=${file}`],
    ]);
    writeFileSync(join(daemon.home, 'kmipd.toml'), `store = "${restored}"\n`);
    const putBack =
      /the database was put back to an earlier state .* it was at commit \d+; .* kmipd vault accept/;
    await t.rejects(daemon.start(), putBack);
    const command = async (...args: readonly string[]) => {
      const process = await runKmipd('.', ...args, '--home', daemon.home);
      return { code: await process.exited(), output: process.combinedOutput };
    };
    t.match(await command('client', 'list'), { code: 1, output: putBack });
    const listed = await command('vault', 'accept');
    t.match(listed, { code: 1, output: /it was at commit \d+\nclient demo, group default/ });
    t.match(await command('vault', 'accept', '--yes'), { code: 0, output: /\naccepted 1 objects/ });
    t.match(await command('verify'), { code: 0 });
    await daemon.start();
    t.equal((await get(early)).status, 'Success');
    t.equal((await get(late)).status, 'OperationFailed', 'it is not in the dump');
    t.equal((await ask(create('new'))).status, 'Success');
    t.equal(await daemon.end(), 0);
    t.match(await command('verify'), { code: 0 });
  });
}
