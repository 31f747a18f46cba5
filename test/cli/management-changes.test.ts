import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { connect } from '../client.ts';
import { Daemon, enrolClients } from '../fixture/daemon.ts';
import { captureCommand } from './run-command.ts';

/** What is in force when a command has ended that asked the daemon for a change. */

t.setTimeout(300_000);

const daemon = await Daemon.prepare();
t.teardown(() => daemon.remove());
const { home } = daemon;
const kmipd = (...args: readonly string[]) => captureCommand(home, ...args);
const identities = await enrolClients(home, ['ended', 'kept']);
await daemon.start();
const connectAs = (name: string) => connect({ port: daemon.port, ...identities.get(name) });

function countTickets(): number {
  using database = new DatabaseSync(daemon.database, { readOnly: true });
  const [row] = database.prepare("select count(*) as tickets from sealed_record where kind = 'ticket'").all();
  return Number(row?.tickets);
}

t.test('a client that was removed leaves no record, whatever it does meanwhile', async (t) => {
  const clients = await Promise.all(Array.from({ length: 6 }, () => connectAs('ended')));
  const loops = clients.map(async (client) => {
    for (;;) await client.request('2.1', [{ operation: 'Login' }, { operation: 'Login' }]);
  });
  const ended = Promise.allSettled(loops);
  while (countTickets() < 50) await sleep(10);
  t.match(await kmipd('client', 'remove', 'ended'), { code: 0, output: /is removed; .*was notified\n$/s });
  t.equal(countTickets(), 0, 'once the command has ended');
  t.match(await ended, Array(6).fill({ status: 'rejected' }));
  t.equal(countTickets(), 0, 'once its connections have ended');
});

t.test('connections of a disabled client end although the reload fails', async (t) => {
  const file = join(home, 'server', 'cert.pem');
  const before = readFileSync(file);
  writeFileSync(file, 'no certificate\n');
  t.teardown(() => writeFileSync(file, before));
  const client = await connectAs('kept');
  const query = () => client.request('2.1', [{ operation: 'DiscoverVersions' }]);
  await query();
  const { code, output } = await kmipd('client', 'disable', 'kept');
  t.equal(code, 0);
  t.match(
    output,
    /^client kept is disabled\nthe change is stored, but the running kmipd \(process \d+\) says: its reload failed, and the former configuration stays in force: .*cert\.pem.*\n$/,
  );
  await t.rejects(query());
});

t.test('a daemon whose database was put back says so, with the way out', async (t) => {
  using database = new DatabaseSync(daemon.database);
  database.exec('pragma busy_timeout = 10000; delete from lane');
  while (!daemon.output.includes('put back')) await sleep(10);
  t.match(await kmipd('client', 'list'), {
    code: 1,
    output:
      /^kmipd: .*the database was put back to an earlier state or forged: .*; see kmipd verify; kmipd vault accept .*\n$/,
  });
});
