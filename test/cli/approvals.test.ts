import { X509Certificate } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { FlatItem } from '../../src/audit/sinks/formats/flatten.ts';
import { fingerprintOf } from '../../src/identity/certificate.ts';
import { Daemon } from '../fixture/daemon.ts';
import { KmipdProcess } from '../fixture/kmipd.ts';
import { waitUntil } from '../wait-until.ts';
import { base32ToBytes, codeAt, writeCertifiedKey } from './administrator.ts';
import { captureCommand } from './run-command.ts';

/** The two-person rule, by commands. */

t.setTimeout(300_000);

const daemon = await Daemon.prepare();
t.teardown(() => daemon.remove());
const { home } = daemon;
const kmipd = (...args: readonly string[]) => captureCommand(home, ...args);
const as = (name: string) => ['--as', name, '--as-key', join(home, `${name}.key`)] as const;

for (const name of ['anna', 'bert']) {
  const certificate = await writeCertifiedKey(home, name);
  await kmipd('admin', 'add', name, '--role', 'admin', '--cert', certificate);
}
const config = join(home, 'kmipd.toml');
const methods = ['client.remove', 'vault.addRoot', 'vault.keepRoot'];
appendFileSync(config, `\n[approval]\nmethods = ${JSON.stringify(methods)}\nhours = 1\n`);

const pending =
  /^kmipd: nothing was changed yet: another administrator has to approve it until .*Z, by kmipd approval approve ([0-9a-f]{12})\n$/;

/** Resolves to items of an operation once the log has such ones: the daemon moves entries there in time. */
const recorded = (operation: string, isSought: (item: FlatItem) => boolean, count = 1) =>
  waitUntil(`the record of ${operation}`, async () => {
    const { output } = await kmipd('audit', 'show', '--json', '--limit', '0', '--operation', operation);
    const lines = output.split('\n').filter((line) => line.startsWith('{'));
    const found = lines.map((line) => JSON.parse(line) as FlatItem).filter(isSought);
    return found.length >= count && found;
  });

async function ask(...args: readonly string[]): Promise<string> {
  const { code, output } = await kmipd(...args);
  const [, id] = pending.exec(output) ?? [];
  if (code === 1 && id !== undefined) return id;
  throw new Error(output);
}

t.test('without a daemon, a request waits in the database', async (t) => {
  t.match(await kmipd('client', 'remove', 'demo'), { code: 1, output: /under the two-person rule/ });
  const id = await ask('client', 'remove', 'demo', ...as('anna'));
  t.match(await kmipd('client', 'remove', 'demo', ...as('anna'), '--as-wait', '1'), {
    ...{ code: 1, output: /no kmipd serves this home/ },
  });
  t.match(await kmipd('approval', 'list'), {
    code: 0,
    output: new RegExp(
      `request: +${id}\nstate: +pending\nasked by: +anna\nexpires: .*\nmethod: +client\\.remove\nparameters: +\\{"name":"demo"\\}\n`,
    ),
  });
  t.match(await kmipd('approval', 'approve', id), { code: 1, output: /by administrators only: give --as/ });
  t.match(await kmipd('approval', 'approve', id, ...as('anna')), { code: 1, output: /is your own/ });
  t.match(await kmipd('client', 'list'), { output: /^demo/m });
  t.match(await kmipd('approval', 'reject', id, ...as('bert')), {
    ...{ code: 0, output: /state: +rejected by bert\n.*nothing was changed\n$/s },
  });
  t.match(await kmipd('approval', 'approve', id, ...as('bert')), { code: 1, output: /rejected by bert/ });
});

t.test('a request outlives the daemon, and its change is in force at once', async (t) => {
  await daemon.start();
  const id = await ask('client', 'remove', 'demo', ...as('anna'));
  const connection = await daemon.connect();
  await daemon.end();
  connection.close();
  await daemon.start();
  const client = await daemon.connect();
  t.match(await kmipd('approval', 'approve', id, ...as('bert')), {
    ...{ code: 0, output: /state: +done by bert\n.*approved and done\n$/s },
  });
  await t.rejects(client.request('2.1', [{ operation: 'Query' }]));
  t.match(await kmipd('client', 'list'), { output: /no clients are enrolled/ });
  const isExecuted = ({ details }: FlatItem) => details?.['approvedBy'] === 'bert';
  const executed = { administrator: 'anna', details: { request: id, name: 'demo' } };
  t.match(await recorded('client.remove', isExecuted, 2), [
    { ...executed, result: 'Begun' },
    { ...executed, result: 'Success' },
  ]);
  t.match(await kmipd('approval', 'list', '--json'), { output: new RegExp(`"id":"${id}".*"state":"done"`) });
});

t.test('a login is recorded with the administrator that it was for, and one that failed too', async (t) => {
  const wrong = ['--as', 'bert', '--as-key', join(home, 'anna.key')];
  t.match(await kmipd('admin', 'list', ...wrong), { code: 1, output: /the login was refused/ });
  await kmipd('admin', 'list', ...as('anna'));
  const [failed] = await recorded('service.login', ({ result }) => result === 'OperationFailed');
  t.match(failed, { administrator: 'bert', reason: 'wrong signature' });
  t.notOk(failed !== undefined && 'role' in failed, 'no role was given');
  const ofAnna = await recorded('service.login', ({ administrator }) => administrator === 'anna');
  t.match(ofAnna[0], { role: 'admin', result: 'Success' });
});

t.test('who approves sees whose certificate it is', async (t) => {
  const certificate = await writeCertifiedKey(home, 'dora');
  const id = await ask('admin', 'add', 'dora', '--role', 'auditor', '--cert', certificate, ...as('anna'));
  const fingerprint = fingerprintOf(new X509Certificate(readFileSync(certificate)));
  const credential = `{"certificate":{"subject":"CN=dora","fingerprint":"${fingerprint}"}}`;
  const shown = `parameters:  {"name":"dora","role":"auditor","credential":${credential}}\n`;
  const { output } = await kmipd('approval', 'list');
  t.ok(output.includes(shown), output);
  const approved = await kmipd('approval', 'approve', id, ...as('bert'));
  t.ok(approved.output.includes(shown), approved.output);
  const entries = await recorded('admin.add', ({ details }) => details?.['approvedBy'] === 'bert');
  t.match(entries[0], {
    administrator: 'anna',
    details: {
      'credential.certificate.subject': 'CN=dora',
      'credential.certificate.fingerprint': fingerprint,
    },
  });
});

t.test('an administrator that two add has the secret that was shown to the first', async (t) => {
  const file = join(home, 'carls-password');
  writeFileSync(file, 'correct horse battery\n');
  const asked = await kmipd(
    'admin',
    'add',
    'carl',
    '--role',
    'auditor',
    '--password-file',
    file,
    ...as('anna'),
  );
  const [, secret = ''] = /^secret: ([A-Z2-7]{32})$/m.exec(asked.output) ?? [];
  const [, id = ''] = /approval approve ([0-9a-f]{12})\n$/.exec(asked.output) ?? [];
  const logIn = () => {
    const proof = ['--as-password-file', file, '--as-totp', codeAt(base32ToBytes(secret), 0)];
    return kmipd('admin', 'list', '--as', 'carl', ...proof);
  };
  t.match(await logIn(), { code: 1, output: /the login was refused/ });
  await daemon.end();
  await daemon.start();
  const { output } = await kmipd('approval', 'approve', id, ...as('bert'));
  t.match(output, /"password":true,"totp":\{"hash":"SHA1","secret":true\}/);
  t.match(await logIn(), { code: 0, output: /^carl +auditor/m });
});

t.test('a command that waits goes on when each of its steps was approved', async (t) => {
  const root = join(home, 'other.key');
  const args = ['vault', 'change-root', `file:${root}`, '--home', home, ...as('anna'), '--as-wait', '200'];
  const changing = new KmipdProcess(args);
  for (const method of ['vault.addRoot', 'vault.keepRoot']) {
    const id = await waitUntil(`the request for ${method}`, async () => {
      if (!changing.isRunning) throw new Error(changing.combinedOutput);
      const { output } = await kmipd('approval', 'list', '--json');
      const requests = output.split('\n').filter((line) => line !== '');
      const found = requests
        .map((line) => JSON.parse(line))
        .find((each) => each.method === method && each.state === 'pending');
      return found?.id as string | undefined;
    });
    t.match(await kmipd('approval', 'approve', id, ...as('bert')), { code: 0 }, method);
  }
  t.match(await changing.waitForOutput(/the root of the database is .*\n/), [/other\.key/]);
  t.equal(await changing.exited(), 0);
  t.match(await kmipd('vault', 'status'), { output: /other\.key/ });
});

t.test('methods that cannot be under the rule are refused by check-config and the start', async (t) => {
  await daemon.end();
  const root = `file:${join(home, 'other.key')}`;
  writeFileSync(config, `[vault]\nroot = "${root}"\n[approval]\nmethods = ["client.remov"]\n`);
  const wrong =
    /approval\.methods: "client\.remov" cannot be under the two-person rule; did you mean "client\.remove"/;
  const checking = new KmipdProcess(['check-config', '--home', home]);
  t.equal(await checking.exited(), 1);
  t.match(checking.combinedOutput, wrong);
  await t.rejects(daemon.start(), wrong);
  t.match(await kmipd('client', 'list'), { code: 1, output: wrong });
});
