import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { ask, create, get } from '../faults/messages.ts';
import { Daemon } from '../fixture/daemon.ts';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';
import { startPostgres } from '../store/embedded-postgres.ts';

/** A database on PostgreSQL moves between roots that people give. */

t.setTimeout(600_000);

const server = await startPostgres();
const skip = typeof server === 'string' ? server : false;
if (typeof server !== 'string') t.teardown(() => server.stop());

t.test('file, passphrase, shares, file and other shares, after a leak too', { skip }, async (t) => {
  if (typeof server === 'string') return;
  const store = await server.fresh();
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-people-'));
  const daemon = await Daemon.prepare({ store, config: 'vault.activationSeconds = 0\n' });
  t.teardown(async () => {
    await daemon.remove();
    rmSync(directory, { recursive: true });
  });
  const kmipd = async (...args: readonly string[]) => {
    const command = await runKmipd(directory, ...args, '--home', daemon.home);
    return { code: await command.exited(), output: command.combinedOutput };
  };
  const unseal = (name: string, secret: string) => {
    writeFileSync(join(directory, name), `${secret}\n`, { mode: 0o600 });
    return kmipd('vault', 'unseal', '--file', name);
  };
  const requireRoot = (uri: RegExp) => t.match(readFileSync(join(daemon.home, 'kmipd.toml'), 'utf8'), uri);
  /** Moves to shares, of which two are given while the command waits, and returns them all. */
  const changeToShares = async (...args: readonly string[]) => {
    const command = new KmipdProcess(['vault', 'change-root', ...args, '--home', daemon.home], {
      cwd: directory,
    });
    t.teardown(() => command.end('SIGKILL'));
    await command.waitForOutput(/waiting for the shares/);
    const shares = command.output.match(/^kmipd-share:.*$/gm) ?? [];
    t.equal(shares.length, 3);
    for (const share of shares.slice(0, 2)) t.match(await unseal('share', share), { code: 0 });
    t.equal(await command.exited(), 0, command.combinedOutput);
    return shares;
  };
  await daemon.start();
  const client = await daemon.connect();
  const [made] = await ask(client, [create('a key')]);
  await client.close();

  const passphrase = 'a passphrase for this test';
  writeFileSync(join(directory, 'passphrase'), `${passphrase}\n`, { mode: 0o600 });
  const typed = await kmipd('vault', 'change-root', 'passphrase:', '--passphrase-file', 'passphrase');
  t.match(typed, { code: 0 }, typed.output);
  await daemon.end();
  await daemon.startSealed();
  t.match(await unseal('given', 'another passphrase for this test'), { code: 1 });
  t.match(await unseal('given', passphrase), { code: 0, output: /^the vault is unsealed\n$/ });

  const first = await changeToShares('--compromised', 'shares:2/3');
  requireRoot(/^vault\.root = "shares:2\/3"$/m);
  const between = await kmipd('vault', 'change-root', '--compromised', 'file:between.key');
  t.match(between, { code: 0, output: /^the old root, with any copy of the database/m }, between.output);
  const second = await changeToShares('shares:2/3');
  rmSync(join(directory, 'between.key'));
  await daemon.end();
  await daemon.startSealed();
  t.match(await unseal('share', first[2] ?? ''), { code: 1 }, 'a share of those before');
  for (const share of second.slice(1)) t.match(await unseal('share', share), { code: 0 });
  await daemon.waitForOutput(/ready on/);
  const reader = await daemon.connect();
  t.match(await ask(reader, [get(made?.id ?? '')]), [{ ok: true }]);
  await reader.close();
});
