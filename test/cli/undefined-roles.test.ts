import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { describeUndefinedRoles } from '../../src/daemon/undefined-roles.ts';
import { connect, readIdentity, requestMessage, valueOf } from '../client.ts';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';

/** Roles that clients have and that no configuration defines. */

t.setTimeout(600_000);

const serve = ['serve', '--home', 'home', '--listen', '127.0.0.1:0'];
const problem =
  '"roles" does not define "lab", the role of one: define it in kmipd.toml, or remove the client and add it with another role';

t.test('a configuration without the role of a client is refused', async (t) => {
  const directory = t.testdir();
  const configure = (roles: string) => writeFileSync(join(directory, 'home', 'kmipd.toml'), roles);
  const run = async (...args: string[]) => {
    const command = await runKmipd(directory, ...args, '--home', 'home');
    return { code: await command.exited(), text: command.combinedOutput };
  };
  t.equal((await run('init')).code, 0);
  configure('[roles]\nlab = ["Ping", "Locate"]\n');
  t.equal((await run('client', 'add', 'one', '--role', 'lab')).code, 0);

  const daemon = new KmipdProcess(serve, { cwd: directory });
  t.teardown(() => daemon.end('SIGKILL'));
  const { port } = await daemon.ready();
  const identity = await readIdentity(join(directory, 'home', 'clients', 'one'));
  const client = await connect({ port, ...identity });
  t.teardown(() => client.close());
  const locate = requestMessage('1.4', [{ operation: 'Locate', payload: [] }]);
  const status = async () => valueOf(await client.exchange(locate), 'BatchItem', 'ResultStatus');

  configure('');
  t.match(await daemon.reload(), /the reload failed/);
  t.ok(daemon.output.includes(JSON.stringify(problem).slice(1, -1)), 'the log says which role');
  t.equal(await status(), 0, 'the roles stay as they were');
  const checked = await run('check-config');
  t.ok(checked.text.includes(problem));
  t.equal(checked.code, 1);
  await daemon.end();

  const refused = new KmipdProcess(serve, { cwd: directory });
  t.teardown(() => refused.end('SIGKILL'));
  t.equal(await refused.exited(), 1);
  t.ok(refused.combinedOutput.includes(`kmipd: ${problem}`));

  const key = join(directory, 'home', 'root.key');
  renameSync(key, join(directory, 'away'));
  const sealed = new KmipdProcess(serve, { cwd: directory });
  t.teardown(() => sealed.end('SIGKILL'));
  await sealed.sealed();
  renameSync(join(directory, 'away'), key);
  sealed.signal('SIGHUP');
  await sealed.waitForOutput(/"level":"error".*does not define/);
  await sealed.waitForOutput(/the reload failed/);
});

t.test('each role that is not defined is named once, with five of its clients', async (t) => {
  const clients = [
    ...['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => ({ name, role: 'lab' })),
    { name: 'h', role: '__proto__' },
    { name: 'i', role: 'full' },
    { name: 'j', role: 'own' },
  ];
  const remedy = 'define it in kmipd.toml, or remove the client and add it with another role';
  t.same(describeUndefinedRoles({ roles: { own: ['Get'] } }, clients), [
    `"roles" does not define "lab", the role of a, b, c, d, e and 2 more: ${remedy}`,
    `"roles" does not define "__proto__", the role of h: ${remedy}`,
  ]);
});
