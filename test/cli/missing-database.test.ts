import { cpSync, existsSync, readdirSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { children, connect, decode, encode, enumerated, requestMessage, text, valueOf } from '../client.ts';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';
import { createAesPayload1x } from '../protocol/service.ts';

/** A database that is missing is missed: nothing puts an empty one in its place. */

t.setTimeout(600_000);

const directory = t.testdir();
const at = (...path: readonly string[]) => join(directory, ...path);
const run = async (...args: readonly string[]) => {
  const ended = await runKmipd(directory, ...args);
  return { status: await ended.exited(), errors: ended.errors, output: ended.output };
};
t.equal((await run('init', '--home', 'made', '--listen', '127.0.0.1:0')).status, 0);

/** Copies the home and takes its database away. */
function homeWithout(name: string, take: (database: string) => void): string {
  cpSync(at('made'), at(name), { recursive: true });
  take(at(name, 'kmipd.db'));
  return name;
}

const absences: Readonly<Record<string, (database: string) => void>> = {
  'no file': (database) => rmSync(database),
  'an empty file': (database) => truncateSync(database),
};
const commands: Readonly<Record<string, readonly string[]>> = {
  'client list': ['client', 'list'],
  'client show': ['client', 'show', 'demo'],
  'client add': ['client', 'add', 'second', '--out', 'out'],
  'client disable': ['client', 'disable', 'demo'],
  'client credential': ['client', 'credential', 'add', 'demo', '--username', 'u', '--one-time', '1'],
  crl: ['crl'],
  'object trust': ['object', 'trust', 'one', '--fingerprint', '0'.repeat(64)],
  'check-config': ['check-config'],
  serve: ['serve'],
};

for (const [absence, take] of Object.entries(absences))
  t.test(`${absence}: every command refuses, and creates none`, async (t) => {
    const home = homeWithout(absence.replaceAll(' ', '-'), take);
    const before = readdirSync(at(home)).filter((name) => /\.db(-|$)/.test(name));
    for (const [name, command] of Object.entries(commands)) {
      const { status, errors, output } = await run(...command, '--home', home);
      t.not(status, 0, name);
      t.match(`${errors}${output}`, /cannot open the database \S+: it is missing or empty: /, name);
      t.same(
        readdirSync(at(home)).filter((file) => /\.db(-|$)/.test(file)),
        before,
        name,
      );
    }
    const serving = new KmipdProcess(
      ['serve', '--home', home, '--store', `sqlite:${at(home, 'new.db')}`, '--listen', '127.0.0.1:0'],
      { cwd: directory },
    );
    await serving.ready();
    t.ok(existsSync(at(home, 'new.db')), 'a database that the command line names is created');
    serving.signal('SIGTERM');
    t.equal(await serving.exited(), 0);
    take(at(home, 'new.db'));
    const again = await run('serve', '--home', home, '--store', `sqlite:${at(home, 'new.db')}`);
    t.not(again.status, 0);
    t.match(again.errors, /is missing or empty: .* remove keyring\.pin /, 'unless it was used before');
  });

t.test('a database that is renamed under its daemon loses nothing', async (t) => {
  const home = homeWithout('renamed', () => {});
  const [database, moved] = [at(home, 'kmipd.db'), at(home, 'moved.db')];
  const serve = async () => {
    const daemon = new KmipdProcess(['serve', '--home', home, '--listen', '127.0.0.1:0'], { cwd: directory });
    return { daemon, port: (await daemon.ready()).port };
  };
  const { daemon, port } = await serve();
  const client = await connect({ port, home: at(home) });
  const ask = async (operation: string, payload: Parameters<typeof requestMessage>[1][number]['payload']) => {
    const answer = decode(
      await client.send(encode(requestMessage('1.4', [{ operation, payload } as never]))),
    );
    return children(answer, 'BatchItem').map((item) => ({
      status: valueOf(item, 'ResultStatus'),
      id: valueOf(item, 'ResponsePayload', 'UniqueIdentifier'),
    }))[0];
  };
  const created: unknown[] = [];
  const create = async () => {
    const answer = await ask('Create', createAesPayload1x());
    t.equal(answer?.status, 0, 'created');
    created.push(answer?.id);
  };
  await create();
  renameSync(database, moved);
  t.equal((await ask('Locate', [enumerated('ObjectType', 2)] as never))?.status, 1, 'a search fails');
  await create();
  for (const command of [['client', 'list'], ['crl'], ['serve']]) {
    const { status, errors } = await run(...command, '--home', home);
    t.not(status, 0, command.join(' '));
    t.match(errors, /its write-ahead log is there: the database was renamed or removed|in use by/);
  }
  t.notOk(existsSync(database), 'none takes its place');
  renameSync(moved, database);
  await create();
  daemon.signal('SIGKILL');
  await daemon.exited();
  t.ok(statSync(database).size > 0);
  await client.close().catch(() => {});

  const again = await serve();
  const reader = await connect({ port: again.port, home: at(home) });
  for (const id of created) {
    const request = requestMessage('1.4', [
      { operation: 'Get', payload: [text('UniqueIdentifier', String(id))] },
    ]);
    const answer = decode(await reader.send(encode(request)));
    t.equal(valueOf(answer, 'BatchItem', 'ResultStatus'), 0, `${id} is there`);
  }
  await reader.close();
  again.daemon.signal('SIGTERM');
  t.equal(await again.daemon.exited(), 0);
});
