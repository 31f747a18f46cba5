import t from 'tap';
import { Daemon } from '../fixture/daemon.ts';
import { spendAll } from './spending.ts';

// The processes take long on a loaded machine.
t.setTimeout(900_000);

t.test('64 clients spend exactly the Usage Limits of a key on SQLite', { timeout: 900_000 }, async (t) => {
  const server = await Daemon.prepare();
  t.teardown(() => server.remove());
  await spendAll(t, [server]);
});
