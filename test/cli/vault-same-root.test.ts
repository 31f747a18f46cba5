import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ask, create } from '../faults/messages.ts';
import { Daemon } from '../fixture/daemon.ts';
import { KmipdProcess, mainFile, runKmipd } from '../fixture/kmipd.ts';

/** A root that leaked is not replaced by itself, by whatever URI it is named. */

t.setTimeout(600_000);

const passphrase = 'a passphrase for this test';

/** A home with a daemon, if it is to serve, a directory of roots, and the command of the home. */
async function prepareHome(t: Pick<Test, 'teardown'>, isServing: boolean) {
  const daemon = await Daemon.prepare({ config: 'vault.activationSeconds = 0\n' });
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-same-'));
  t.teardown(async () => {
    await daemon.remove();
    rmSync(directory, { recursive: true });
  });
  if (isServing) await daemon.start();
  const vault = async (...args: readonly string[]) => {
    const command = await runKmipd(directory, 'vault', ...args, '--home', daemon.home);
    return { code: await command.exited(), output: command.combinedOutput, shown: command.output };
  };
  const note = join(daemon.home, 'root-change.json');
  return {
    ...{ daemon, directory, note },
    at: (name: string) => join(directory, name),
    change: (...args: readonly string[]) => vault('change-root', ...args),
    /** What a refused change leaves as it is. */
    state: async () => {
      const { configured, generation, roots, epochs } = JSON.parse((await vault('status', '--json')).shown);
      const config = readFileSync(join(daemon.home, 'kmipd.toml'), 'utf8');
      const numbers = epochs.map(({ epoch }: { readonly epoch: number }) => epoch);
      return { config, configured, generation, roots, numbers, hasNote: existsSync(note) };
    },
  };
}

const refusal = {
  code: 1,
  output: /^kmipd: nothing was changed: \S+ has the key that opens the database already/,
};

for (const [where, isServing] of [
  ['of a running daemon', true],
  ['without a daemon', false],
] as const)
  t.test(`the root ${where} is refused in its own place`, async (t) => {
    const { daemon, at, change, state } = await prepareHome(t, isServing);
    const rootKey = join(daemon.home, 'root.key');
    copyFileSync(rootKey, at('copy.key'));
    writeFileSync(at('passphrase'), `${passphrase}\n`, { mode: 0o600 });
    const typed = ['passphrase:', '--passphrase-file', 'passphrase'];

    const byFile = await state();
    for (const args of [[`file:${rootKey}`], ['file:copy.key']]) {
      const refused = await change('--compromised', ...args);
      t.match(refused, refusal, refused.output);
      t.notMatch(refused.output, /the old root, with any copy/);
      t.strictSame(await state(), byFile, args.join(' '));
    }

    t.match(await change('--compromised', ...typed), { code: 0, output: /^retired: 1;/m });
    const byPassphrase = isServing ? await state() : undefined;
    // Without a daemon, the passphrase opens the vault first.
    for (const args of [typed, ['passphrase:file=passphrase', ...typed.slice(1)]]) {
      const refused = await change('--compromised', ...args);
      t.match(refused, refusal, refused.output);
      t.notOk(existsSync(join(daemon.home, 'root-change.json')));
      if (byPassphrase !== undefined) t.strictSame(await state(), byPassphrase, args.join(' '));
    }

    const ended = await change('--compromised', 'file:other.key', ...typed.slice(1));
    t.match(ended, { code: 0, output: /^the old root, with any copy of the database/m }, ended.output);
    t.match(await state(), { configured: [`file:${at('other.key')}`], numbers: [3], hasNote: false });
    if (!isServing) await daemon.start();
    const client = await daemon.connect();
    t.match(await ask(client, [create('after it')]), [{ ok: true }]);
    await client.close();
  });

t.test('a root that has only moved counts as the same one', async (t) => {
  const { daemon, at, note, change, state } = await prepareHome(t, true);
  const rootKey = join(daemon.home, 'root.key');
  copyFileSync(rootKey, at('copy.key'));
  const to = `file:${at('copy.key')}`;
  // As a move to another place that was interrupted has it.
  writeFileSync(note, `${JSON.stringify({ to, isCompromised: false, previous: [] })}\n`, { mode: 0o600 });
  const before = await state();
  t.match(await change('--compromised'), refusal);
  t.strictSame(await state(), before);
  const moved = await change();
  t.match(moved, { code: 0, output: /^the root of the database is file:\S+copy\.key/ }, moved.output);
  t.notMatch(moved.output, /opens it no more/, 'one key is one root');
  t.match(await state(), { configured: [to], numbers: [1], hasNote: false });
  t.match(await change('--compromised', `file:${rootKey}`), refusal);
  writeFileSync(note, '{"to":"file:/a","isCompromised":"yes"}\n');
  t.match(await change('file:next.key'), {
    ...{ code: 1, output: /root-change\.json is damaged: remove it, .* with --compromised if the root/ },
  });
});

t.test('a note of a change that was ended elsewhere is forgotten', async (t) => {
  const { at, note, change, state } = await prepareHome(t, true);
  const before = await state();
  const leaked = { to: `file:${at('leaked.key')}`, isCompromised: true, rootId: '0123456789abcdef' };
  writeFileSync(note, `${JSON.stringify({ ...leaked, previous: [], lastEpoch: 1 })}\n`, { mode: 0o600 });
  const refused = await change();
  t.match(refused, { code: 1, output: /was ended elsewhere, .* run the command with the root that/ });
  t.strictSame(await state(), before, 'and without the note');
  t.notOk(existsSync(at('leaked.key')));
});

t.test('the last epoch of a note that begins anew does not count', async (t) => {
  const { at, note, change, state } = await prepareHome(t, true);
  const to = `file:${at('next.key')}`;
  // As if no epoch that is there had been wrapped by the former root: nothing would be renewed.
  writeFileSync(note, `${JSON.stringify({ to, isCompromised: true, lastEpoch: 0 })}\n`, { mode: 0o600 });
  const changed = await change();
  t.match(changed, { code: 0, output: /^epoch 2 has begun;.*\n(.*\n)*retired: 1;/m }, changed.output);
  t.match(await state(), { configured: [to], numbers: [2], hasNote: false });
});

t.test('a root that the daemon has lost is not said to be there', async (t) => {
  const { daemon, change } = await prepareHome(t, true);
  const rootKey = join(daemon.home, 'root.key');
  const key = readFileSync(rootKey);
  rmSync(rootKey);
  const refused = await change(`file:${rootKey}`);
  t.match(refused, { code: 1, output: /^kmipd: the root key \S+root\.key is missing/ }, refused.output);
  t.notOk(existsSync(rootKey), 'nor made anew');
  writeFileSync(rootKey, key, { mode: 0o600 });
  t.match(await change(`file:${rootKey}`), { code: 0, output: /^the root of the database is file:/ });
});

t.test('without a daemon a passphrase from a pipe serves for all steps', async (t) => {
  const { daemon, directory, at, state } = await prepareHome(t, false);
  writeFileSync(at('passphrase'), `${passphrase}\n`, { mode: 0o600 });
  const command = new KmipdProcess(
    ['vault', 'change-root', '--compromised', 'passphrase:', '--home', daemon.home],
    { cwd: directory, command: ['sh', '-c', 'cat passphrase | "$0" "$@"', process.execPath, mainFile] },
  );
  t.teardown(() => command.end('SIGKILL'));
  t.equal(await command.exited(), 0, command.combinedOutput);
  t.match(command.output, /^sealed \d+ rows anew\nretired: 1;.*\nthe old root, with any copy/m);
  t.match(await state(), { configured: ['passphrase:'], hasNote: false });
});
