import t, { type Test } from 'tap';
import { ask, create, destroy, get } from '../faults/messages.ts';
import { Daemon } from '../fixture/daemon.ts';
import { runKmipd } from '../fixture/kmipd.ts';
import { startPostgres } from '../store/embedded-postgres.ts';

/** Clients notice nothing while a seal epoch begins, takes over every row, and the one before ends. */

t.setTimeout(600_000);

const server = await startPostgres();
if (typeof server !== 'string') t.teardown(() => server.stop());

/** Keys that are there before. */
const keys = 200;
const clients = 6;

t.test('SQLite', (t) => changeUnderLoad(t, undefined));
t.test('PostgreSQL', { skip: typeof server === 'string' && server }, async (t) => {
  if (typeof server !== 'string') await changeUnderLoad(t, await server.fresh());
});

async function changeUnderLoad(t: Test, store: string | undefined): Promise<void> {
  const daemon = await Daemon.prepare({
    config: 'vault.activationSeconds = 0\n',
    ...(store !== undefined && { store }),
  });
  t.teardown(() => daemon.remove());
  await daemon.start();
  const kmipd = async (...args: readonly string[]) => {
    const command = await runKmipd('.', ...args, '--home', daemon.home);
    t.equal(await command.exited(), 0, `${args.join(' ')}: ${command.combinedOutput}`);
  };
  const first = await daemon.connect();
  const made = await ask(
    first,
    Array.from({ length: keys }, (_, at) => create(`key ${at}`)),
  );
  await first.close();
  const ids = made.map(({ id }) => id);

  let isOver = false;
  const failures: string[] = [];
  const load = Array.from({ length: clients }, async (_, number) => {
    const client = await daemon.connect();
    let messages = 0;
    for (; !isOver; messages += 1) {
      const known = ids[(messages * clients + number) % ids.length] as string;
      const answers = await ask(client, [
        create(`client ${number}, ${messages}`),
        get(),
        destroy(),
        get(known),
      ]);
      for (const { ok, message } of answers) if (!ok) failures.push(message);
    }
    await client.close();
    return messages;
  });
  for (const command of ['rotate', 'rewrap', 'retire', 'rotate', 'rewrap', 'retire'])
    await kmipd('vault', command);
  isOver = true;
  const messages = await Promise.all(load);
  t.strictSame(failures, []);
  for (const count of messages) t.ok(count > 5, `${count} messages of four items`);
  await kmipd('verify');
  t.equal(await daemon.end(), 0);
  await daemon.start();
  const last = await daemon.connect();
  t.ok((await ask(last, ids.map(get))).every(({ ok }) => ok));
  await last.close();
}
