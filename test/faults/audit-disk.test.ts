import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { text } from '../client.ts';
import { Daemon } from '../fixture/daemon.ts';
import { runKmipd } from '../fixture/kmipd.ts';
import { findUnrecorded } from './audited.ts';
import { ask, create, get } from './messages.ts';
import { fillDisk, mountSmallDisk, unmountDisk } from './small-disk.ts';

/** The disk of the audit journal fills: nothing leaves unrecorded, or the gap is recorded afterwards. */

// The processes take long on a loaded machine.
t.setTimeout(600_000);

async function open(t: Test, config: string) {
  const server = await Daemon.prepare({ config });
  t.teardown(() => server.remove());
  const directory = join(server.home, 'audit');
  mkdirSync(directory, { mode: 0o700 });
  const missing = mountSmallDisk(directory, '1m');
  if (missing !== undefined) return missing;
  t.teardown(async () => {
    await server.end();
    unmountDisk(directory);
  });
  await server.start();
  const client = await server.connect();
  t.teardown(() => client.close());
  const since = Date.now();
  const send = async (value: string, request: Parameters<typeof ask>[1][0]) =>
    (await ask(client, [request], [text('ClientCorrelationValue', value)]))[0];
  const made = await send('made', create('key'));
  await send('fresh', get(made?.id));
  return {
    server,
    ballast: join(directory, 'ballast'),
    since,
    read: (value: string) => send(value, get(made?.id)),
  };
}

/** How often many requests are sent at once: what was moved into the database gives its space to others. */
const maxRounds = 20;
const valuesOf = (prefix: string) => Array.from({ length: 50 }, (_, at) => `${prefix}-${at}`);

t.test('where records must not be missing, no key leaves while they cannot be written', async (t) => {
  const opened = await open(t, '');
  if (typeof opened === 'string') return void t.test('a small disk', { skip: opened }, async () => {});
  const { server, ballast, since, read } = opened;
  t.ok((await read('before'))?.ok);
  fillDisk(ballast);
  const answered = ['before'];
  let refused: Awaited<ReturnType<typeof read>>;
  for (let round = 0; refused === undefined && round < maxRounds; round += 1) {
    const values = valuesOf(`full-${round}`);
    const answers = await Promise.all(values.map(read));
    answered.push(...values.filter((_, at) => answers[at]?.ok === true));
    refused = answers.find((answer) => answer?.ok !== true);
  }
  t.match(refused, { ok: false, payload: undefined, message: /reference/ });
  t.notMatch(refused?.message, /disk|space|ENOSPC/i, 'the client is told nothing of the inside');
  t.match(server.output, /the audit log cannot be written: requests are refused/);
  rmSync(ballast);
  t.ok((await read('after'))?.ok, 'with free space it serves again');
  t.strictSame(await findUnrecorded(server.home, [...answered, 'after'], since), []);
  t.match(server.output, /the audit log can be written again/);
});

t.test('where service goes on, the gap is a record afterwards', async (t) => {
  const opened = await open(t, 'audit.onFailure = "alarm"\n');
  if (typeof opened === 'string') return void t.test('a small disk', { skip: opened }, async () => {});
  const { server, ballast, since, read } = opened;
  fillDisk(ballast);
  let count = 0;
  const isTold = () => /the audit log cannot be written: requests are not recorded/.test(server.output);
  for (let round = 0; !isTold() && round < maxRounds; round += 1) {
    const answers = await Promise.all(valuesOf(`gap-${round}`).map(read));
    t.ok(
      answers.every((answer) => answer?.ok === true),
      'keys are served',
    );
    count += answers.length;
  }
  t.ok(isTold());
  rmSync(ballast);
  t.ok((await read('after'))?.ok);
  t.strictSame(await findUnrecorded(server.home, ['after'], since), []);
  const show = await runKmipd('.', 'audit', 'show', '--home', server.home, '--json', '--limit', '0');
  t.equal(await show.exited(), 0);
  const items = show.output
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const lost = items.filter(({ operation }) => operation === 'EntriesLost');
  const written = items.filter(({ clientCorrelation }) => String(clientCorrelation).startsWith('gap-'));
  const counted = lost.reduce((sum, { count }) => sum + count, 0);
  t.ok(counted > 0);
  t.equal(counted + written.length, count, 'each is recorded, or counted as lost');
});
