import t from 'tap';
import { Daemon } from '../fixture/daemon.ts';
import { runKmipd } from '../fixture/kmipd.ts';
import { checkMaintenance } from './check-maintenance.ts';
import { findDifferences, type Known, known, resolveUnanswered } from './history.ts';
import { killRepeatedly } from './kill.ts';
import { ask, create, destroy, get, materialHash } from './messages.ts';

// The processes take long on a loaded machine.
t.setTimeout(900_000);

/** A short run; `node test/faults/run.ts --kills N` is the long one. */
t.test(
  'the daemon loses no acknowledged change when it is killed under writes',
  { timeout: 900_000 },
  async (t) => {
    const report = await killRepeatedly({ kills: 7, seed: 20261123, writers: 6 });
    t.same(report.problems, []);
    t.equal(report.kills, 7);
    checkMaintenance(t, report);
    t.ok(report.acknowledged > 100, `${report.acknowledged} messages were acknowledged`);
    t.ok(report.unanswered > 10, `${report.unanswered} were cut off`);
    t.ok(report.ordered > 100, `${report.ordered} messages on shared objects came in a serial order`);
    t.ok(report.tickets > 5, `${report.tickets} tickets were compared`);
    t.ok(report.killsAtStart > 0, `${report.killsAtStart} daemons were killed while they started`);
    const { undone, chain, cell, spend } = report.interrupted;
    t.ok(
      undone + chain + cell + spend > 10,
      `cut off: ${undone} to undo, ${chain} Re-key, ${cell} Import, ${spend} spending`,
    );
  },
);

t.test('the comparison finds a loss', async (t) => {
  const server = await Daemon.prepare();
  t.teardown(() => server.remove());
  await server.start();
  const client = await server.connect();
  const [, got] = await ask(client, [create('one'), get()]);
  const truth = known(got?.id ?? '', (got && materialHash(got)) ?? '', 'one', 'PreActive');
  t.same(await findDifferences(client, [truth]), []);
  const lies: Partial<Known>[] = [
    { id: 'none' },
    { hash: 'other' },
    { name: 'two' },
    { note: 'two' },
    { state: 'Active' },
    { state: 'Destroyed' },
    { purged: 'yes' },
    { initial: '0' },
  ];
  for (const lie of lies)
    t.not((await findDifferences(client, [{ ...truth, ...lie }])).length, 0, JSON.stringify(lie));
  const found: Known[] = [];
  t.match(await resolveUnanswered(client, [{ kind: 'making', names: ['one', 'two'] }], found), [/half made/]);
  t.match(await resolveUnanswered(client, [{ kind: 'undone', names: ['one'] }], found), [/undone, but/]);
  t.match(await resolveUnanswered(client, [{ kind: 'making', names: ['one'], hash: 'other' }], found), [
    /another key/,
  ]);
  t.same(
    await resolveUnanswered(
      client,
      [
        { kind: 'making', names: ['one'] },
        { kind: 'making', names: ['two'] },
      ],
      found,
    ),
    [],
  );
  t.same(
    found,
    [known(truth.id, truth.hash, 'one', 'PreActive')],
    'what was made without an acknowledgement is adopted',
  );
  await client.close();
});

t.test('the comparison knows what a purge allows', async (t) => {
  const server = await Daemon.prepare();
  t.teardown(() => server.remove());
  await server.start();
  const client = await server.connect();
  const [, destroyed] = await ask(client, [create('gone'), destroy()]);
  const gone = known(destroyed?.id ?? '', '', 'gone', 'Destroyed');
  t.same(await findDifferences(client, [gone]), []);
  const dates = [gone.initial, gone.destroyed];
  t.notOk(dates.includes(undefined), 'its dates are known');
  t.match(await findDifferences(client, [{ ...gone, purged: 'yes' }]), [/its purge is lost/]);
  const purge = await runKmipd('.', 'object', 'purge', '--home', server.home, '--days', '0', '--yes');
  t.match(purge.output, /^purged 1 objects/);
  t.match(await findDifferences(client, [{ ...gone, purged: 'no' }]), [/it was purged/]);
  t.match(await findDifferences(client, [{ ...gone, purged: 'yes', destroyed: '0' }]), [
    /its destroyed date was 0/,
  ]);
  gone.purged = 'maybe';
  t.same(await findDifferences(client, [gone]), []);
  t.equal(gone.purged, 'yes', 'it must stay purged');
  t.same([gone.initial, gone.destroyed], dates);
  await client.close();
});
