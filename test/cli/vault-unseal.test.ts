import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';
import { tryDestroy } from './try-destroy.ts';

/** What custodians and operators do with a vault that is sealed, and what its status says. */

t.setTimeout(600_000);

const directory = mkdtempSync(join(tmpdir(), 'kmipd-unseal-'));
const processes: KmipdProcess[] = [];
t.teardown(async () => {
  for (const each of processes) await each.end('SIGKILL');
  rmSync(directory, { recursive: true });
});

async function kmipd(home: string, ...args: readonly string[]) {
  const command = await runKmipd(directory, ...args, '--home', home);
  return { code: await command.exited(), output: command.combinedOutput };
}

function serve(home: string): KmipdProcess {
  const daemon = new KmipdProcess(['serve', '--home', home, '--listen', '127.0.0.1:0'], { cwd: directory });
  processes.push(daemon);
  return daemon;
}

/** Writes a secret to a file as a custodian has it, and returns its name. */
function put(name: string, content: string): string {
  writeFileSync(join(directory, name), content, { mode: 0o600 });
  return name;
}

t.test('custodians unseal a vault with three of five shares', async (t) => {
  const home = join(directory, 'shares');
  const made = await kmipd(home, 'init', '--root', 'shares:3/5');
  t.equal(made.code, 0, made.output);
  const shares = made.output.match(/^kmipd-share:.*$/gm) ?? [];
  t.equal(shares.length, 5);
  t.match(made.output, /shown once, now/);
  const stored = ['root-settings.json', 'kmipd.toml', 'kmipd.db'].map((name) =>
    readFileSync(join(home, name), 'latin1'),
  );
  for (const share of shares) t.notOk(stored.some((text) => text.includes(share.split(':')[3] ?? '')));
  t.match(await kmipd(home, 'vault', 'unseal', '--file', put('1', shares[0] ?? '')), {
    code: 1,
    output: /^kmipd: no kmipd serves \S+: start it, kmipd serve --home/,
  });
  const alone = await kmipd(home, 'vault', 'status');
  t.match(alone, { code: 0, output: /^sealed: 0 of the 3 shares .*\nroot: {3}shares:3\/5\n$/ });
  t.match(await kmipd(home, 'client', 'list'), { code: 1, output: /the vault is sealed: 0 of the 3/ });
  t.match(await kmipd(home, 'check-config'), { code: 0, output: /sealed at the start until operators give/ });

  const daemon = serve(home);
  const { port } = await daemon.sealed();
  t.match(await kmipd(home, 'vault', 'status', '--json'), {
    output: /^\{"sealed":true,"reason":"0 of the 3/,
  });
  const give = (name: string, share = '') =>
    kmipd(home, 'vault', 'unseal', '--file', put(name, `${share}\n`));
  t.match(await give('5', shares[4]), {
    code: 0,
    output: /^1 of 3 shares are there; the vault is sealed: 1 of the 3 shares/,
  });
  const wrong = (shares[1] ?? '').replace(
    /:([0-9a-f]{64}):/,
    (_, hex) => `:${hex.split('').reverse().join('')}:`,
  );
  t.match(await give('2', wrong), { code: 1, output: /^kmipd: a character of the share is wrong/ });
  t.match(await give('x', passphrase), { code: 1, output: /^kmipd: nothing of the kind unseals the vault/ });
  t.match(await give('2', shares[1]), { code: 0, output: /^2 of 3 shares are there/ });
  t.equal(daemon.isRunning && / ready on /.test(daemon.output), false);
  t.match(await give('3', shares[2]), { code: 0, output: /^the vault is unsealed\n$/ });
  t.equal((await daemon.ready()).port, port);
  t.equal(await tryDestroy(port, join(home, 'clients', 'demo')), 'permitted');
  t.match(await give('4', shares[3]), { code: 1, output: /^kmipd: the vault is unsealed already/ });
  for (const share of shares) t.notOk(daemon.combinedOutput.includes(share.split(':')[3] ?? ''));

  const status = await kmipd(home, 'vault', 'status');
  t.match(status.output, /^WHAT +NAME +STATE +SINCE\nkeyring +generation 1 +unsealed\n/);
  t.match(status.output, /^root +[0-9a-f]{16} +live +\d{4}-\S+Z +shares:3\/5$/m);
  t.match(status.output, /^epoch +1 +active +\S+Z +\d+ boxes$/m);
  t.match(status.output, /^node +[0-9a-f]{12} +generation 1 +\S+Z +this node, roots [0-9a-f]{16}$/m);
  const json = JSON.parse((await kmipd(home, 'vault', 'status', '--json')).output);
  t.match(json, {
    ...{ sealed: false, reason: null, configured: ['shares:3/5'], generation: 1 },
    roots: [{ id: /^[0-9a-f]{16}$/, kind: 'shares', uri: 'shares:3/5', since: /Z$/, atHand: true }],
    epochs: [{ epoch: 1, state: 'active', created: /Z$/, seals: Number }],
    nodes: [{ keyring: 1, roots: [/^[0-9a-f]{16}$/] }],
  });
});

const passphrase = 'a passphrase for this test';

t.test('an operator unseals a vault by its passphrase', async (t) => {
  const home = join(directory, 'typed');
  const file = put('passphrase', passphrase);
  t.equal((await kmipd(home, 'init', '--root', `passphrase:file=${file}`)).code, 0);
  const config = join(home, 'kmipd.toml');
  writeFileSync(config, readFileSync(config, 'utf8').replace(/^root = .*$/m, 'root = "passphrase:"'));
  const daemon = serve(home);
  await daemon.sealed();
  t.match(daemon.output, /^sealed: its passphrase has not been given: kmipd vault unseal$/m);
  t.match(await kmipd(home, 'vault', 'unseal', '--file', put('wrong', 'some other passphrase')), {
    code: 1,
    output:
      /^kmipd: the passphrase \(passphrase:\) is wrong, or the database is encrypted under another root\n$/,
  });
  t.match(await kmipd(home, 'vault', 'unseal', '--file', file), {
    code: 0,
    output: /^the vault is unsealed\n$/,
  });
  await daemon.ready();
  t.match((await kmipd(home, 'client', 'list')).output, /^demo /m, 'the daemon answers for the command');
  t.match((await kmipd(home, 'vault', 'status')).output, /^root .* passphrase:file=\S+$/m);
  t.notMatch(daemon.combinedOutput, passphrase);
});
