import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ask, create, get } from '../faults/messages.ts';
import { Daemon } from '../fixture/daemon.ts';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';

/** A database moves from one root to another while clients are served. */

t.setTimeout(600_000);

/** A daemon with some keys, a directory of roots, and commands of its home. */
async function startDaemon(t: Pick<Test, 'teardown'>) {
  const daemon = await Daemon.prepare({ config: '# ours\nvault.activationSeconds = 0\n' });
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-change-'));
  t.teardown(async () => {
    await daemon.remove();
    rmSync(directory, { recursive: true });
  });
  await daemon.start();
  const client = await daemon.connect();
  const made = await ask(
    client,
    Array.from({ length: 20 }, (_, at) => create(`key ${at}`)),
  );
  await client.close();
  const at = (name: string) => join(directory, name);
  const kmipd = async (...args: readonly string[]) => {
    const command = await runKmipd(directory, ...args, '--home', daemon.home);
    return { code: await command.exited(), output: command.combinedOutput, shown: command.output };
  };
  const start = (...args: readonly string[]) =>
    new KmipdProcess(['vault', 'change-root', ...args, '--home', daemon.home], { cwd: directory });
  writeFileSync(at('passphrase'), 'a passphrase for this test\n', { mode: 0o600 });
  return {
    ...{ daemon, at, kmipd, start },
    config: () => readFileSync(join(daemon.home, 'kmipd.toml'), 'utf8'),
    change: (...args: readonly string[]) => kmipd('vault', 'change-root', ...args),
    status: async () => JSON.parse((await kmipd('vault', 'status', '--json')).shown),
    /** Reads keys on one connection until it is stopped; returns how many answers came, all of them right. */
    load: async () => {
      const reader = await daemon.connect();
      let [isStopped, answers] = [false, 0];
      const ids = made.map(({ id }) => id);
      const running = (async () => {
        while (!isStopped)
          for (const { ok } of await ask(reader, [...ids.map(get), create('more')])) {
            if (!ok) throw new Error('a request has failed');
            answers += 1;
          }
      })();
      return async () => {
        isStopped = true;
        await running;
        await reader.close();
        return answers;
      };
    },
  };
}

const sharesOf = (output: string) => output.match(/^kmipd-share:.*$/gm) ?? [];

t.test('file, passphrase, file, shares: under load, and each root alone', async (t) => {
  const { daemon, at, kmipd, start, config, change, status, load } = await startDaemon(t);
  const stop = await load();
  const moved = await change('passphrase:file=passphrase');
  t.match(moved, { code: 0 }, moved.output);
  t.match(moved.output, /^the root passphrase:file=\S+ \([0-9a-f]{16}\) opens the database, beside the one/m);
  t.match(moved.output, /root\.key opens it no more, and still opens every copy made before/);
  t.equal(
    config(),
    `# ours\nvault.root = "passphrase:file=${at('passphrase')}"\nvault.activationSeconds = 0\n`,
  );
  t.match(await status(), { roots: [{ kind: 'passphrase' }], configured: [/^passphrase:file=/] });
  t.ok(existsSync(join(daemon.home, 'root.key')));
  t.notOk(existsSync(join(daemon.home, 'root-change.json')));
  const copy = ['--passphrase-file', 'passphrase'];
  t.match(await kmipd('vault', 'export-root', '--out', 'copy.json', ...copy), { code: 0 });
  t.match(await kmipd('vault', 'import-root', 'copy.json', ...copy), {
    code: 1,
    output: /root names no file/,
  });
  t.match(await kmipd('vault', 'import-root', 'copy.json', '--to', 'restored.key', ...copy), { code: 0 });
  const again = await change('passphrase:file=passphrase');
  t.match(again, { code: 0, output: /^the root of the database is passphrase:file=/ }, again.output);
  t.match(await change(), { code: 2, output: /name the new root/ });
  t.match(await change('passphrase:secret'), { code: 2, output: /must not contain the passphrase/ });
  t.match(await change('--abort'), { code: 1, output: /no change of the root has begun/ });

  t.match(await change('file:moved.key'), { code: 0 });
  t.match(await kmipd('vault', 'rotate'), { code: 0 }, 'one root is enough');

  const command = start('shares:2/3');
  t.teardown(() => command.end('SIGKILL'));
  await command.waitForOutput(/waiting for the shares/);
  const [first = '', second = '', third = ''] = sharesOf(command.output);
  t.ok(third);
  writeFileSync(
    at('wrong'),
    first.replace(/..$/, (end) => (end === '00' ? '11' : '00')),
    { mode: 0o600 },
  );
  t.match(await kmipd('vault', 'unseal', '--file', 'wrong'), { code: 1, output: /a character of the share/ });
  t.match(await change('shares:2/3'), { code: 1, output: /another command changes the root of/ });
  await command.end('SIGKILL');
  t.match(await change('file:other.key'), { code: 1, output: /a change to shares:2\/3 has begun/ });
  const next = start();
  t.teardown(() => next.end('SIGKILL'));
  await next.waitForOutput(/waiting for the shares/);
  t.strictSame(sharesOf(next.output), [], 'nobody sees them twice');
  for (const [name, share] of Object.entries({ first, third })) {
    writeFileSync(at(name), share, { mode: 0o600 });
    t.match(await kmipd('vault', 'unseal', '--file', name), { code: 0 });
  }
  t.equal(await next.exited(), 0, next.combinedOutput);
  t.match(config(), /^vault\.root = "shares:2\/3"$/m);
  t.match(await kmipd('vault', 'export-root', '--out', 'none.json', ...copy), {
    ...{ code: 1, output: /shares are copies already/ },
  });
  t.match(await change('shares:3/5'), { code: 1, output: /are given by the same means/ });
  t.ok((await stop()) > 0);

  await daemon.end();
  writeFileSync(
    join(daemon.home, 'kmipd.toml'),
    `vault.root = "file:${at('moved.key')}"\nvault.activationSeconds = 0\n`,
  );
  await daemon.startSealed();
  t.match(daemon.output, /the database is encrypted under another root key/, 'the former root alone');
  await daemon.end();
  writeFileSync(join(daemon.home, 'kmipd.toml'), 'vault.root = "shares:2/3"\nvault.activationSeconds = 0\n');
  await daemon.startSealed();
  writeFileSync(at('second'), second, { mode: 0o600 });
  for (const name of ['second', 'third'])
    t.match(await kmipd('vault', 'unseal', '--file', name), { code: 0 });
  await daemon.waitForOutput(/ready on/);
  t.match(await kmipd('verify', '--store', `sqlite:${daemon.database}`), { code: 1, output: /sealed/ });
  const last = await change('file:moved.key');
  t.match(last, { code: 0 }, last.output);
  t.match(await kmipd('verify'), { code: 0 });
});

t.test('a change that was killed anywhere goes on, or goes back', async (t) => {
  const { daemon, at, kmipd, start, config, change, status } = await startDaemon(t);
  const points = [/opens the database, beside/, /names both/, /the root of the database is/];
  for (const [number, point] of points.entries()) {
    const uri = `file:${at(`root-${number}.key`)}`;
    const command = start(uri);
    await command.waitForOutput(point);
    await command.end('SIGKILL');
    await daemon.end('SIGKILL');
    await daemon.start();
    t.match(await change(uri), { code: 0 }, `killed at ${point}`);
    t.match(config(), `vault.root = "${uri}"`);
    t.match(await status(), { roots: [{ uri }], configured: [uri] });
    t.match(await kmipd('verify'), { code: 0 });
  }

  // A node that has not got the new root holds the change up.
  const other = Daemon.prepareBeside(daemon);
  t.teardown(() => other.remove());
  const inOther = async (...args: readonly string[]) => {
    const url = `sqlite:${daemon.database}`;
    const command = await runKmipd('.', ...args, '--store', url, '--home', other.home);
    return { code: await command.exited(), output: command.combinedOutput };
  };
  copyFileSync(at('root-2.key'), join(other.home, 'root.key'));
  writeFileSync(join(other.home, 'kmipd.toml'), '');
  t.match(await inOther('client', 'disable', 'demo'), { code: 0 });
  const held = await change('file:next.key', '--wait', '0');
  t.match(held, { code: 1, output: /nodes hold the change up: [0-9a-f]{12} \(generation \d+, last written/ });
  t.match(config(), `vault.root = ["file:${at('next.key')}","file:${at('root-2.key')}"]`);
  t.match(await kmipd('vault', 'rotate'), { code: 0 }, 'both are at hand');

  // The new root is lost here, and another node begins a change of its own.
  const refused = await inOther('vault', 'change-root', 'file:theirs.key');
  t.match(refused, { code: 1, output: /theirs\.key is missing/ });
  rmSync(at('next.key'));
  await daemon.end();
  await daemon.start();
  await daemon.waitForOutput(/this node has not got file:\S+next\.key/);
  t.match(await change('--wait', '0'), { code: 1, output: /next\.key is missing/ });
  const back = await change('--abort');
  t.match(back, { code: 0, output: /is file:\S+root-2\.key, as before/ }, back.output);
  t.match(await status(), { roots: [{ uri: `file:${at('root-2.key')}` }] });
  t.match(config(), `vault.root = "file:${at('root-2.key')}"`);

  // The other node gets the new root, by the same command.
  t.match(await change('file:next.key', '--wait', '0'), { code: 1, output: /nodes hold the change up/ });
  copyFileSync(at('next.key'), join(other.home, 'new.key'));
  const joined = await inOther('vault', 'change-root', `file:${join(other.home, 'new.key')}`);
  t.match(joined, { code: 0 }, joined.output);
  t.match(await change(), { code: 0, output: /the root of the database is/ });
  t.match(config(), `vault.root = "file:${at('next.key')}"`);
  t.match(await kmipd('verify'), { code: 0 });
});
