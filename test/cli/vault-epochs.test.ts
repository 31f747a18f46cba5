import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { withBackends } from '../../src/cli/state-directory/backends.ts';
import { stateDirectoryAt } from '../../src/cli/state-directory/state-directory.ts';
import { connectManagement } from '../../src/management/client.ts';
import { ask, create, get, materialHash } from '../faults/messages.ts';
import { Daemon } from '../fixture/daemon.ts';
import { runKmipd } from '../fixture/kmipd.ts';

/** A seal epoch begins, takes over what is there, and the ones before it end. */

t.setTimeout(300_000);

async function kmipd(...args: readonly string[]) {
  const command = await runKmipd('.', ...args);
  return { code: await command.exited(), output: command.combinedOutput };
}

const keys = 60;

async function startDaemon(t: Pick<Test, 'teardown'>) {
  const daemon = await Daemon.prepare({ config: 'vault.activationSeconds = 0\n' });
  t.teardown(() => daemon.remove());
  await daemon.start();
  const vault = (...args: readonly string[]) => kmipd('vault', ...args, '--home', daemon.home);
  const client = await daemon.connect();
  const made = await ask(
    client,
    Array.from({ length: keys }, (_, at) => create(`key ${at}`)),
  );
  await client.close();
  const ids = made.map(({ id }) => id);
  const read = async () => {
    const reader = await daemon.connect();
    const answers = await ask(reader, ids.map(get));
    await reader.close();
    return answers.map((answer) => answer.ok && materialHash(answer));
  };
  return { daemon, vault, ids, read };
}

for (const [where, isServing] of [
  ['by the daemon', true],
  ['without a daemon', false],
] as const)
  t.test(`epochs follow each other ${where}`, async (t) => {
    const { daemon, vault, read } = await startDaemon(t);
    const before = await read();
    t.equal(before.filter(Boolean).length, keys);
    if (!isServing) await daemon.end();
    t.match(await vault('retire'), { code: 1, output: /no epoch before 1 is left/ });
    t.match(await vault('rotate'), { code: 0, output: /^epoch 2 has begun/ });
    t.match(await vault('retire'), {
      code: 1,
      output: /\d+ rows are sealed under older epochs: kmipd vault rewrap seals them anew/,
    });
    const rewrapped = await vault('rewrap', '--fast');
    t.match(rewrapped, { code: 0, output: /^sealed \d+ rows anew$/m });
    t.ok(Number(/sealed (\d+)/.exec(rewrapped.output)?.[1]) >= keys);
    t.match(await vault('rewrap'), { code: 0, output: /^sealed 0 rows anew$/m });
    if (!isServing) {
      t.match(await vault('retire'), {
        code: 1,
        output: /nodes have written nothing since the epoch began: \w+; start kmipd there/,
      });
      await daemon.start();
    }
    t.match(await vault('retire'), { code: 0, output: /^retired: 1;/m });
    const { output } = await vault('status', '--json');
    t.match(JSON.parse(output), { epochs: [{ epoch: 2, state: 'active' }] });
    t.match(await kmipd('verify', '--home', daemon.home), { code: 0 });
    t.strictSame(await read(), before);
    t.match(await vault('rotate'), { code: 0, output: /^epoch 3 has begun/ }, 'no number comes twice');
  });

t.test('a row of a retired epoch that is put back is refused', async (t) => {
  const { daemon, vault, ids } = await startDaemon(t);
  const [id = ''] = ids;
  const database = new DatabaseSync(daemon.database);
  t.teardown(() => database.close());
  const row = database.prepare('select box, version from managed_object where id = ?').get(id);
  for (const command of ['rotate', 'rewrap', 'retire']) t.match(await vault(command), { code: 0 }, command);
  await daemon.end();
  database
    .prepare('update managed_object set box = ?, version = ? where id = ?')
    .run(row?.box as Uint8Array, row?.version as number, id);
  await daemon.start();
  const client = await daemon.connect();
  const [answer] = await ask(client, [get(id)]);
  t.notOk(answer?.ok);
  await client.close();
  t.match(await kmipd('verify', '--home', daemon.home), {
    code: 1,
    output: new RegExp(`the object "${id}" was altered outside kmipd`),
  });
});

t.test('an epoch is not retired while a lane is sealed under it', async (t) => {
  const { daemon, vault } = await startDaemon(t);
  const other = Daemon.prepareBeside(daemon);
  t.teardown(() => other.remove());
  await kmipd('client', 'disable', 'demo', '--store', `sqlite:${daemon.database}`, '--home', other.home);
  await kmipd('client', 'enable', 'demo', '--home', daemon.home);
  const name = readFileSync(join(other.home, 'node'), 'utf8').trim();
  for (const command of ['rotate', 'rewrap']) t.match(await vault(command), { code: 0 }, command);
  t.match(await vault('retire'), {
    code: 1,
    output: new RegExp(`nodes have written nothing since the epoch began: ${name};`),
  });
  t.match(await kmipd('node', 'remove', name, '--yes', '--home', daemon.home), { code: 0 });
  t.match(await vault('rewrap'), { code: 0 }, 'the record of the removed node');
  t.match(await vault('retire'), { code: 0 });
  t.match(await kmipd('verify', '--home', daemon.home), { code: 0 });
  await daemon.end();
  await daemon.start();
});

t.test('a daemon that writes nothing seals its lane anew, and that of the commands', async (t) => {
  const { daemon, vault } = await startDaemon(t);
  t.match(await vault('rotate'), { code: 0 });
  const connection = await connectManagement(join(daemon.home, 'kmipd.sock'));
  if (connection === undefined) throw new Error('no daemon answers');
  t.teardown(() => connection.close());
  for (let oldest = 0; oldest < 2; await sleep(50)) {
    const { nodes } = await connection.call('vault.status', {});
    t.equal(nodes.length, 1);
    t.match(nodes[0]?.lanes, [/^[0-9a-f]{12}$/, /^[0-9a-f]{12}-command$/]);
    oldest = nodes[0]?.oldestEpoch ?? 0;
  }
  t.match(await kmipd('verify', '--home', daemon.home), { code: 0 });
});

t.test('an epoch that begins while another one is retired ends nothing more', async (t) => {
  const { daemon, vault, read } = await startDaemon(t);
  const before = await read();
  for (const command of ['rotate', 'rewrap']) t.match(await vault(command), { code: 0 }, command);
  // As a command that was stopped before its last call, while an operator begins one more epoch.
  t.match(await vault('rotate'), { code: 0, output: /^epoch 3 has begun/ });
  const connection = await connectManagement(join(daemon.home, 'kmipd.sock'));
  t.teardown(() => connection?.close());
  // The lane of commands.
  await withBackends(stateDirectoryAt(daemon.home), undefined, async () => {});
  const called = async (epoch: number) => connection?.call('vault.retire', { epoch });
  await t.rejects(called(3), /rows are sealed under epoch 2|nodes have written nothing/);
  await t.rejects(called(4), /nodes have written nothing since the epoch began/, 'none has that number');
  t.same(await called(2), { retired: [1], waitSeconds: 0 });
  t.match(await kmipd('verify', '--home', daemon.home), { code: 0 });
  t.strictSame(await read(), before);
});

t.test('nothing is retired while a row is hidden, put back, or says another epoch', async (t) => {
  const { daemon, vault, ids } = await startDaemon(t);
  const database = new DatabaseSync(daemon.database);
  t.teardown(() => database.close());
  t.match(await vault('rotate'), { code: 0 });
  const [first = '', second = '', third = ''] = ids;
  const seqOf = database.prepare('select seq from managed_object where id = ?').get(first)?.seq as number;
  const rowOf = (id: string) =>
    database.prepare('select box, version from managed_object where id = ?').get(id);
  const old = rowOf(third);
  let own: typeof old;
  const setBox = database.prepare('update managed_object set box = ? where id = ?');
  const forge: readonly (readonly [what: string, change: () => void, undo: () => void])[] = [
    [
      'a number that no page has',
      () => database.prepare('update managed_object set seq = -5 where id = ?').run(first),
      () => database.prepare('update managed_object set seq = ? where id = ?').run(seqOf, first),
    ],
    [
      'a number that no script has',
      () => database.prepare('update managed_object set seq = 4611686018427387904 where id = ?').run(first),
      () => database.prepare('update managed_object set seq = ? where id = ?').run(seqOf, first),
    ],
    [
      'another epoch',
      () => {
        own = rowOf(second);
        const box = Uint8Array.from(own?.box as Uint8Array);
        box.set(Uint8Array.of(0, 0, 0, 9), 2);
        setBox.run(box, second);
      },
      () => setBox.run(own?.box as Uint8Array, second),
    ],
  ];
  for (const [what, change, undo] of forge) {
    change();
    t.match(await vault('rewrap', '--fast'), { output: /sealed \d+ rows anew/ }, what);
    t.match(await vault('retire'), { code: 1, output: /nothing was retired|under older epochs/ }, what);
    undo();
  }
  t.match(await vault('rewrap', '--fast'), { code: 0 });
  // The version of before, in place of the one that the pass has sealed.
  const put = database.prepare('update managed_object set box = ?, version = ? where id = ?');
  put.run(old?.box as Uint8Array, old?.version as number, third);
  await daemon.end();
  await daemon.start();
  await vault('rewrap', '--fast');
  t.match(await vault('retire'), { code: 1, output: /nothing was retired, because a verification found/ });
});

t.test('long names that somebody has inserted harm no pass', async (t) => {
  const { daemon, vault } = await startDaemon(t);
  const database = new DatabaseSync(daemon.database);
  t.teardown(() => database.close());
  const insert = database.prepare(
    "insert into sealed_record (kind, key, grp, version, box) values ('x', ?, '', 1, x'00')",
  );
  for (let row = 0; row < 40; row += 1) insert.run(`${row} ${'n'.repeat(500_000)}`);
  t.match(await vault('rotate'), { code: 0 });
  const { code, output } = await vault('rewrap', '--fast');
  t.notOk(output.length > 20_000, `${output.length} characters, exit code ${code}`);
  t.match(await vault('retire'), { code: 1 });
});
