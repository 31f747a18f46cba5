import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { withBackends } from '../../src/cli/state-directory/backends.ts';
import { stateDirectoryAt } from '../../src/cli/state-directory/state-directory.ts';
import { Daemon } from '../fixture/daemon.ts';
import { runKmipd } from '../fixture/kmipd.ts';
import { waitUntil } from '../wait-until.ts';

/** What an operator does with nodes that are gone, and what becomes of one that is not. */

t.setTimeout(300_000);

async function kmipd(...args: readonly string[]) {
  const command = await runKmipd('.', ...args);
  return { code: await command.exited(), output: command.combinedOutput };
}

/** A daemon, and a second home of its database, of which only commands run. */
async function startNodes(t: Pick<Test, 'teardown'>) {
  const daemon = await Daemon.start();
  t.teardown(() => daemon.remove());
  const other = Daemon.prepareBeside(daemon);
  t.teardown(() => other.remove());
  const store = ['--store', `sqlite:${daemon.database}`];
  const inOther = (...args: readonly string[]) => kmipd(...args, ...store, '--home', other.home);
  const inHome = (...args: readonly string[]) => kmipd(...args, '--home', daemon.home);
  await inOther('client', 'disable', 'demo');
  return {
    daemon,
    other,
    inHome,
    inOther,
    nodeOf: ({ home }: Daemon) => readFileSync(join(home, 'node'), 'utf8').trim(),
  };
}

t.test('the daemon removes a node that is gone', async (t) => {
  const { daemon, other, inHome, inOther, nodeOf } = await startNodes(t);
  const name = nodeOf(other);
  t.match((await inHome('node', 'list')).output, new RegExp(`\n${name} .*Z\n`));
  const shown = await inHome('node', 'remove', name);
  t.match(shown.output, new RegExp(`--yes removes it: its lanes \\(${name}-command\\)`));
  t.match((await inHome('node', 'list')).output, name, 'nothing was removed');

  const removed = await inHome('node', 'remove', name, '--yes');
  t.strictSame([removed.code, removed.output.split(' (')[0]], [0, `node ${name} is removed`]);
  t.notMatch((await inHome('node', 'list')).output, name);
  t.match(await inHome('verify'), { code: 0 });
  t.match(await inHome('client', 'list'), { output: /demo .* disabled/ });
  t.match(await inOther('client', 'enable', 'demo'), {
    code: 1,
    output: /this node was removed by kmipd node remove/,
  });

  // Nobody knows lanes of before, once an operator has accepted the database on every node.
  await daemon.end();
  const database = new DatabaseSync(daemon.database);
  database.exec('delete from lane');
  database.close();
  t.match(await inHome('verify'), {
    code: 1,
    output: /the records of removed nodes .*: 1 are there, 0 were written/,
  });
  t.match(await inHome('vault', 'accept', '--yes'), { code: 0 });
  rmSync(join(other.home, 'anchor-command'));
  t.match(await inOther('client', 'enable', 'demo'), { code: 0 });
  t.match(await inHome('verify'), { code: 0 });
});

t.test('a node that writes while it is watched is not removed', async (t) => {
  const { daemon, other, inHome, inOther, nodeOf } = await startNodes(t);
  const url = `sqlite:${daemon.database}`;
  await withBackends(stateDirectoryAt(other.home), url, async ({ clients }) => {
    const ended = new AbortController();
    const removing = inHome('node', 'remove', nodeOf(other), '--yes').finally(() => ended.abort());
    for (let at = 0; !ended.signal.aborted; at += 1) {
      await clients.setDisabled('demo', at % 2 === 0);
      await sleep(500);
    }
    t.match(await removing, { code: 1, output: /^kmipd: the node .* is alive: it has written meanwhile/ });
  });
  t.match(await inOther('client', 'enable', 'demo'), { code: 0 });
});

t.test('a daemon whose node was removed stops writing, and does not start again', async (t) => {
  const { daemon, inHome, inOther, nodeOf } = await startNodes(t);
  const created = await inHome('client', 'enable', 'demo');
  t.equal(created.code, 0, 'the daemon has a lane');
  const name = nodeOf(daemon);
  // It is alive as long as it moves entries of its audit log into the database.
  const remove = async () => (await inOther('node', 'remove', name, '--yes')).code === 0;
  await waitUntil('the removal of the node', remove);
  await daemon.waitForOutput(/this node was removed by kmipd node remove/).catch(() => {});
  const refused = await inHome('client', 'disable', 'demo');
  t.match(refused, {
    code: 1,
    output: /this node was removed by kmipd node remove .* remove the file "node"/,
  });
  await daemon.end();
  await t.rejects(daemon.start(), /this node was removed by kmipd node remove/);
});
