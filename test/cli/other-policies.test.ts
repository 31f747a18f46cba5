import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Daemon } from '../fixture/daemon.ts';
import { startPostgres } from '../store/embedded-postgres.ts';

/** Nodes of one database with other roles than each other. */

t.setTimeout(300_000);

const server = await startPostgres();
const skip = typeof server === 'string' ? server : false;
if (typeof server !== 'string') t.teardown(() => server.stop());

const alarm = /other nodes stated other roles/;
const settled = /all nodes state the same roles/;

t.test('nodes notice that they permit different things, until they permit the same', { skip }, async (t) => {
  if (typeof server === 'string') return;
  const first = await Daemon.prepare({ store: await server.fresh() });
  t.teardown(() => first.remove());
  const second = Daemon.prepareBeside(first);
  t.teardown(() => second.remove());
  const file = join(second.home, 'kmipd.toml');
  const before = readFileSync(file, 'utf8');
  appendFileSync(file, '\n[roles]\nlab = ["Get"]\n');
  await first.start();
  await second.start();
  await Promise.all([first.waitForOutput(alarm), second.waitForOutput(alarm)]);
  const named = (daemon: Daemon) => readFileSync(join(daemon.home, 'node'), 'utf8').trim();
  t.match(first.output, `"nodes":"${named(second)}"`, 'the other node is named');

  writeFileSync(file, before);
  process.kill(second.pid, 'SIGHUP');
  await Promise.all([first.waitForOutput(settled), second.waitForOutput(settled)]);
  t.equal(first.output.match(new RegExp(alarm, 'g'))?.length, 1, 'it is said once');

  appendFileSync(file, '\n# The same roles in other words.\n[roles]\n');
  process.kill(second.pid, 'SIGHUP');
  await second.waitForOutput(/configuration reloaded/);
  await second.end();
  await first.end();
  t.equal(first.output.match(new RegExp(alarm, 'g'))?.length, 1);
});
