import t from 'tap';
import { Daemon } from '../fixture/daemon.ts';
import { findDifferences, type Known, resolveUnanswered } from './history.ts';
import { killRepeatedly } from './kill.ts';
import { ask, create, get, materialHash } from './messages.ts';

// The processes take long on a loaded machine.
t.setTimeout(900_000);

/** A short run; `node test/faults/run.ts --kills N` is the long one. */
t.test(
  'the daemon loses no acknowledged change when it is killed under writes',
  { timeout: 900_000 },
  async (t) => {
    const report = await killRepeatedly({ kills: 10, seed: 20261123, writers: 6 });
    t.same(report.problems, []);
    t.equal(report.kills, 10);
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
  const truth: Known = {
    id: got?.id ?? '',
    hash: (got && materialHash(got)) ?? '',
    name: 'one',
    state: 'PreActive',
  };
  t.same(await findDifferences(client, [truth]), []);
  const lies: Partial<Known>[] = [
    { id: 'none' },
    { hash: 'other' },
    { name: 'two' },
    { state: 'Active' },
    { state: 'Destroyed' },
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
  t.same(found, [truth], 'what was made without an acknowledgement is adopted');
  await client.close();
});
