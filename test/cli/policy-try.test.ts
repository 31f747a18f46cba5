import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { connect, type Identity } from '../client.ts';
import { ask, create, get, locate } from '../faults/messages.ts';
import { Daemon, enrolClients } from '../fixture/daemon.ts';
import { runKmipd } from '../fixture/kmipd.ts';

t.setTimeout(300_000);

t.test('roles that are not in force yet are tried against what was done', async (t) => {
  const role = '["Create", "Get", "Locate"]';
  const server = await Daemon.prepare({ config: `[roles]\nlab = ${role}\n` });
  t.teardown(() => server.remove());
  const identity = (await enrolClients(server.home, ['lab'], 'lab')).get('lab') as Identity;
  await server.start();
  const client = await connect({ port: server.port, ...identity });
  const [made] = await ask(client, [create('key')]);
  for (let at = 0; at < 3; at += 1) await ask(client, [get(made?.id)]);
  await ask(client, [locate('key')]);
  await ask(client, [get('none')]);
  await client.close();
  t.equal(await server.end(), 0);

  const attempt = async (roles: string) => {
    writeFileSync(join(server.home, 'next.toml'), `[roles]\n${roles}\n`);
    const file = join(server.home, 'next.toml');
    const tried = await runKmipd('.', 'policy', 'try', file, '--home', server.home, '--json');
    const code = await tried.exited();
    const found = tried.output
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    return { code, errors: tried.errors, found: found.map(({ last, ...rest }) => rest) };
  };
  const of = (operation: string, count: number, rule: string, object: string | undefined) => ({
    ...{ client: 'lab', role: 'lab', operation, rule, count },
    ...(object !== undefined && { object }),
  });
  t.strictSame(await attempt(`lab = ${role}`), { code: 0, errors: '', found: [] });
  t.match(await attempt('lab = ["Create", "Locate"]'), {
    code: 1,
    errors: 'kmipd: 3 of 5 requests of the last 30 days would have been refused\n',
    found: [of('Get', 3, 'roles.lab', made?.id)],
  });
  const tables: readonly (readonly [lines: string, found: readonly object[]])[] = [
    ['wrapping = "required"', [of('Get', 3, 'roles.lab.wrapping', made?.id)]],
    [
      'algorithms = ["AES=128", "RSA"]',
      [of('Get', 3, 'roles.lab.algorithms', made?.id), of('Create', 1, 'roles.lab.algorithms', made?.id)],
    ],
    [
      'objectTypes = ["Certificate"]',
      [of('Get', 3, 'roles.lab.objectTypes', made?.id), of('Create', 1, 'roles.lab.objectTypes', made?.id)],
    ],
    ['states = ["Active"]', [of('Get', 3, 'roles.lab.states', made?.id)]],
    ['formats = ["PKCS_8"]', []],
  ];
  for (const [lines, found] of tables)
    t.strictSame((await attempt(`[roles.lab]\noperations = ${role}\n${lines}`)).found, found, lines);
  t.strictSame(
    (await attempt('')).found.map(({ rule, count }) => [rule, count]),
    [
      ['the role lab is not defined', 3],
      ['the role lab is not defined', 1],
      ['the role lab is not defined', 1],
    ],
  );
  t.match((await attempt('lab = ["Gett"]')).errors, /Gett/, 'a configuration that cannot be used is refused');
});
