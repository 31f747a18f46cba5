import t from 'tap';
import { Daemon } from '../fixture/daemon.ts';
import { startPostgres } from '../store/embedded-postgres.ts';
import { spendAll } from './spending.ts';

// The processes take long on a loaded machine.
t.setTimeout(900_000);

const postgres = await startPostgres();
const missing = typeof postgres === 'string' ? postgres : false;
t.teardown(() => (typeof postgres === 'string' ? undefined : postgres.stop()));

for (const daemons of [1, 2] as const) {
  const title = `64 clients on PostgreSQL, ${daemons === 1 ? 'one daemon' : 'two daemons'}`;
  t.test(title, { skip: missing, timeout: 900_000 }, async (t) => {
    if (typeof postgres === 'string') return;
    const first = await Daemon.prepare({ store: await postgres.fresh() });
    t.teardown(() => first.remove());
    const servers = [first];
    if (daemons === 2) {
      const second = Daemon.prepareBeside(first);
      t.teardown(() => second.remove());
      servers.push(second);
    }
    await spendAll(t, servers);
  });
}
