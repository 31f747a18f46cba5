import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { ask, create, get } from '../faults/messages.ts';
import { Daemon } from '../fixture/daemon.ts';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';
import { startPostgres } from '../store/embedded-postgres.ts';

/** Two nodes on one PostgreSQL move to another root, without a stop. */

t.setTimeout(600_000);

const server = await startPostgres();
const skip = typeof server === 'string' ? server : false;
if (typeof server !== 'string') t.teardown(() => server.stop());

t.test('two nodes change their root under load', { skip }, async (t) => {
  if (typeof server === 'string') return;
  const store = await server.fresh();
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-nodes-'));
  const first = await Daemon.prepare({ store, config: 'vault.activationSeconds = 0\n' });
  const second = Daemon.prepareBeside(first);
  t.teardown(async () => {
    for (const each of [first, second]) await each.remove();
    rmSync(directory, { recursive: true });
  });
  const at = (name: string) => join(directory, name);
  const vault = async ({ home }: Daemon, ...args: readonly string[]) => {
    const command = await runKmipd(directory, 'vault', ...args, '--home', home);
    return { code: await command.exited(), output: command.combinedOutput };
  };
  await first.start();
  await second.start();
  let isStopped = false;
  const load = [first, second].map(async (daemon) => {
    const client = await daemon.connect();
    let count = 0;
    while (!isStopped) {
      const [made] = await ask(client, [create(`key ${count}`)]);
      const [read] = await ask(client, [get(made?.id ?? '')]);
      if (!made?.ok || !read?.ok) throw new Error('a request has failed');
      count += 1;
    }
    await client.close();
    return count;
  });

  const command = new KmipdProcess(['vault', 'change-root', 'file:next.key', '--home', first.home], {
    cwd: directory,
  });
  t.teardown(() => command.end('SIGKILL'));
  await command.waitForOutput(/waiting for nodes that have not got the new root: [0-9a-f]{12} /);
  await second.waitForOutput(/this node has not got file:\S+next\.key/);
  const other = await vault(second, 'change-root', 'file:theirs.key');
  t.match(other, { code: 1, output: /theirs\.key is missing/ }, other.output);
  copyFileSync(at('next.key'), at('theirs.key'));
  const config = join(second.home, 'kmipd.toml');
  const before = readFileSync(config, 'utf8');
  writeFileSync(config, `vault.root = ["file:${at('theirs.key')}", "file:root.key"]\n${before}`);
  process.kill(second.pid, 'SIGHUP');
  await second.waitForOutput(/this node has both/);
  t.equal(await command.exited(), 0, command.combinedOutput);
  t.match(await vault(second, 'change-root', `file:${at('theirs.key')}`), { code: 0 });
  t.match(readFileSync(config, 'utf8'), /^vault\.root = "file:\S+theirs\.key"$/m);
  isStopped = true;
  for (const count of await Promise.all(load)) t.ok(count > 0);

  // In the middle of the next change, one node is killed and loses its root.
  rmSync(join(second.home, 'root.key'));
  t.match(await vault(first, 'change-root', 'file:third.key', '--wait', '0'), {
    ...{ code: 1, output: /nodes hold the change up/ },
  });
  await second.end('SIGKILL');
  rmSync(at('theirs.key'));
  await second.startSealed();
  t.match(second.output, /the root key \S+theirs\.key is missing/);
  t.match(await vault(first, 'change-root', '--wait', '0'), { code: 1, output: /nodes hold the change up/ });
  // Either root unseals it; the new one ends the change.
  copyFileSync(at('third.key'), at('theirs.key'));
  await second.waitForOutput(/ready on/);
  t.match(await vault(first, 'change-root'), { code: 0 });
  const client = await second.connect();
  t.match(await ask(client, [create('after it')]), [{ ok: true }]);
  await client.close();
  const verified = await runKmipd(directory, 'verify', '--home', first.home);
  t.equal(await verified.exited(), 0, verified.combinedOutput);
});
