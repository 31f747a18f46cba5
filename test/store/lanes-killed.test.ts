import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { createAnchorFiles } from '../../src/cli/state-directory/anchor-files.ts';
import { openDriver } from '../../src/store/open.ts';
import { startPostgres } from './embedded-postgres.ts';
import { wrongSegments } from './lane-process.ts';
import { startNode, vault } from './rollback-scenario.ts';

/** A process that was killed at any moment leaves rows, lanes and anchor that belong together. */

const kills = Number(process.env.KMIPD_KILLS ?? 20);
const writer = fileURLToPath(new URL('./write-until-killed.ts', import.meta.url));
const directory = await mkdtemp(join(tmpdir(), 'kmipd-killed-'));
t.teardown(() => rm(directory, { recursive: true, force: true }));
const server = await startPostgres();
if (typeof server !== 'string') t.teardown(() => server.stop());

t.test('SQLite', (t) => killRepeatedly(t, `sqlite:${join(directory, 'kmipd.db')}`));
t.test('PostgreSQL', { skip: typeof server === 'string' && server }, async (t) => {
  if (typeof server !== 'string') await killRepeatedly(t, await server.fresh());
});

async function killRepeatedly(t: Test, url: string): Promise<void> {
  const anchor = join(directory, `anchor of ${t.name}`);
  let last = 0;
  for (let kill = 1; kill <= kills; kill += 1) {
    const child = spawn(process.execPath, [writer, url, anchor], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout });
    let left = 1 + (kill % 7);
    for await (const line of lines) {
      if (line !== 'written') t.fail(line);
      left -= 1;
      // A moment within the next group, another one each time.
      if (left === 0) setTimeout(() => child.kill('SIGKILL'), (kill * 0.7) % 9);
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');

    const driver = await openDriver(url);
    t.strictSame(await wrongSegments(driver), [], `kill ${kill}: rows and lanes agree`);
    await driver.close();
    const node = await startNode(t, url, { anchors: createAnchorFiles([anchor], anchor) });
    t.strictSame([node.rollbacks, node.problem], [[], undefined], `kill ${kill}: no alarm`);
    await node.close();
    const [state] = await createAnchorFiles([anchor], anchor).read(vault.storeNames);
    const { seq = 0 } = state?.lanes.find(({ name }) => name === 'node') ?? {};
    t.ok(seq > last, `kill ${kill}: the anchor goes on`);
    last = seq;
  }
}
