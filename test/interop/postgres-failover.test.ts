import t, { type Test } from 'tap';
import { create } from '../faults/messages.ts';
import { Daemon } from '../fixture/daemon.ts';
import { runKmipd } from '../fixture/kmipd.ts';
import { type Answer, answersOf, uid } from '../protocol/service.ts';
import { debianPrograms, type PairedServer, startPair, waitFor } from './debian-postgres.ts';

/** A primary that is gone, and its standby, which becomes the primary. */

t.setTimeout(200_000);

const skip = debianPrograms === undefined && 'Debian’s PostgreSQL is not installed';

/** Starts both servers, and a daemon whose URL names both. */
async function startAll(t: Test) {
  const { primary, standby } = await startPair(t, debianPrograms as string);
  const hosts = [primary, standby].map(({ port }) => `127.0.0.1:${port}`);
  const daemon = await Daemon.prepare({ store: `postgres://postgres:postgres@${hosts}/keys` });
  t.teardown(() => daemon.remove());
  await daemon.start();
  return { primary, standby, daemon };
}

/** Sends one item and resolves to its answer. */
async function ask(daemon: Daemon, item: ReturnType<typeof create>): Promise<Answer> {
  const client = await daemon.connect();
  const [answer] = answersOf(await client.request('1.4', [item]));
  await client.close();
  return answer as Answer;
}

/** Sends one item while servers change; undefined when the session was not authenticated. */
const tryAsk = (daemon: Daemon, item: ReturnType<typeof create>) => ask(daemon, item).catch(() => undefined);

/** Creates a key, and asks again while the daemon has no server. */
async function createAgain(daemon: Daemon, name: string): Promise<Answer> {
  for (;;) {
    const answer = await tryAsk(daemon, create(name));
    if (answer?.status === 'Success') return answer;
    if (!daemon.isRunning) throw new Error(daemon.output);
  }
}

const get = (daemon: Daemon, { id }: Answer) => ask(daemon, { operation: 'Get', payload: [uid(String(id))] });

async function promote(primary: PairedServer, standby: PairedServer): Promise<void> {
  await primary.crash();
  await standby.query('select pg_promote()');
}

t.test('a daemon goes on by itself when the standby has become the primary', { skip }, async (t) => {
  const { primary, standby, daemon } = await startAll(t);
  await primary.query("alter system set synchronous_commit = 'remote_apply'");
  await primary.query("alter system set synchronous_standby_names = '*'");
  await primary.query('select pg_reload_conf()');
  await waitFor(primary, "select from pg_stat_replication where sync_state = 'sync'");
  const before = await ask(daemon, create('before'));
  t.equal(before.status, 'Success');
  await promote(primary, standby);
  const after = await createAgain(daemon, 'after');
  for (const key of [before, after]) t.equal((await get(daemon, key)).status, 'Success');
  t.ok(daemon.isRunning);
  t.notMatch(daemon.output, /vault accept/, 'nothing was lost');
  t.equal(await daemon.end(), 0);
  const verified = await runKmipd('.', 'verify', '--home', daemon.home);
  t.equal(await verified.exited(), 0, verified.combinedOutput);
});

t.test('a standby that lacks commits is not written to until that is accepted', { skip }, async (t) => {
  const { primary, standby, daemon } = await startAll(t);
  const early = await ask(daemon, create('early'));
  t.equal((await get(daemon, early)).status, 'Success', 'the first Get of a key writes');
  const [{ lsn }] = (await primary.query('select pg_current_wal_lsn() as lsn')) as [{ lsn: string }];
  await waitFor(standby, `select where pg_last_wal_replay_lsn() >= '${lsn}'`);
  await standby.query("alter system set primary_conninfo = ''");
  await standby.query('select pg_reload_conf()');
  await waitFor(standby, 'select where not exists (select from pg_stat_wal_receiver)');
  const late = await ask(daemon, create('late'));
  t.equal(late.status, 'Success');
  await promote(primary, standby);

  const putBack = /the database was put back to an earlier state.*kmipd vault accept/;
  while (daemon.isRunning && !putBack.test(daemon.output)) await tryAsk(daemon, create('refused'));
  t.equal((await ask(daemon, create('refused'))).status, 'OperationFailed');
  t.equal((await get(daemon, early)).status, 'Success', 'reads go on');
  await daemon.end();
  await t.rejects(daemon.start(), putBack);
  const accept = (...args: readonly string[]) =>
    runKmipd('.', 'vault', 'accept', ...args, '--home', daemon.home);
  t.match((await accept()).combinedOutput, /at commit \d+; it was at commit \d+\n/);
  const accepted = await accept('--yes');
  t.equal(await accepted.exited(), 0, accepted.combinedOutput);
  await daemon.start();
  t.equal((await get(daemon, early)).status, 'Success');
  t.equal((await get(daemon, late)).status, 'OperationFailed', 'it is lost');
  t.equal((await ask(daemon, create('new'))).status, 'Success');
  t.equal(await daemon.end(), 0);
});
