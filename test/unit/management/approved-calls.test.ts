import { X509Certificate } from 'node:crypto';
import t from 'tap';
import { fingerprintOf } from '../../../src/identity/certificate.ts';
import {
  AdministratorFixture,
  askForApproval,
  certifiedKey,
  type TestSender,
} from './administrator-fixture.ts';

/** How many requests for approval there are, what is shown of them, and how what was approved is observed. */

t.setTimeout(120_000);

const names = ['anna', 'bert', 'carl', 'dora', 'emil', 'fred'] as const;

/** Admins of these names, each with a session. */
async function start() {
  const fixture = new AdministratorFixture();
  const keys = [];
  for (const name of names) keys.push(await fixture.addByKey(name, 'admin'));
  fixture.approval.methods = ['client.setDisabled'];
  const sessions = new Map<string, TestSender>();
  for (const key of keys) sessions.set(key.name, await fixture.logIn(key));
  fixture.calls.length = 0;
  return { fixture, ...(Object.fromEntries(sessions) as Record<(typeof names)[number], TestSender>) };
}

const disable = { name: 'demo', disabled: true };

t.test('what was approved is observed as a call of its requester', async (t) => {
  const { fixture, anna, bert } = await start();
  const id = await askForApproval(anna, 'client.setDisabled', disable);
  fixture.calls.length = 0;
  await bert.call('approval.approve', { id });
  t.match(fixture.calls, [
    { method: 'approval.approve', caller: { name: 'bert' }, outcome: { kind: 'begun' } },
    ...(['begun', 'done'] as const).map((kind) => ({
      ...{ method: 'client.setDisabled', params: disable, outcome: { kind } },
      caller: { name: 'anna', role: 'admin', proof: 'certificate', approvedBy: 'bert', request: id },
    })),
    { method: 'approval.approve', caller: { name: 'bert' }, outcome: { kind: 'done' } },
  ]);
  t.equal(fixture.calls.length, 4);
  const wrong = await askForApproval(anna, 'client.setDisabled', { name: 'none', disabled: true });
  await t.rejects(bert.call('approval.approve', { id: wrong }), /no client "none"/);
  t.match(fixture.calls.at(-2), {
    ...{ method: 'client.setDisabled', caller: { name: 'anna' }, outcome: { kind: 'refused' } },
  });
});

t.test(
  'what cannot be recorded is not begun, and what was done is done though its end was not',
  async (t) => {
    for (const [kind, state, changes] of [
      ['begun', 'failed', []],
      ['done', 'done', ['demo true']],
    ] as const) {
      const { fixture, anna, bert } = await start();
      const id = await askForApproval(anna, 'client.setDisabled', disable);
      fixture.observing = async ({ method, outcome }) => {
        if (method === 'client.setDisabled' && outcome.kind === kind) throw new Error('the disk is full');
      };
      await t.rejects(bert.call('approval.approve', { id }), /the disk is full/);
      t.strictSame(fixture.changes, changes, kind);
      t.match(await anna.call('approval.outcome', { id }), { state, decidedBy: 'bert' }, kind);
    }
  },
);

t.test('requests that were decided keep nobody from asking, and each requester has the newest', async (t) => {
  const { fixture, anna, bert } = await start();
  const first = await askForApproval(anna, 'client.setDisabled', disable);
  await anna.call('approval.reject', { id: first });
  const ids: string[] = [];
  for (let at = 0; at < 105; at += 1) {
    const id = await askForApproval(bert, 'client.setDisabled', disable);
    await bert.call('approval.reject', { id });
    ids.push(id);
  }
  const pending = await askForApproval(bert, 'client.setDisabled', disable);
  t.match(await anna.call('approval.outcome', { id: first }), { state: 'rejected' }, 'of another one');
  for (const id of ids.slice(-20))
    t.match(await bert.call('approval.outcome', { id }), { state: 'rejected' }, id);
  await t.rejects(bert.call('approval.outcome', { id: ids.at(-21) ?? '' }), /there is no request/);
  const rows = [...fixture.store.snapshot().records.values()].filter(({ kind }) => kind === 'approval');
  t.equal(rows.length, 1 + 20 + 1);
  t.match(await bert.call('approval.outcome', { id: pending }), { state: 'pending' });
});

t.test('one requester cannot use up the requests of all', async (t) => {
  const { anna, fred, ...others } = await start();
  const own: string[] = [];
  for (let at = 0; at < 20; at += 1) own.push(await askForApproval(anna, 'client.setDisabled', disable));
  await t.rejects(anna.call('client.setDisabled', disable), {
    message:
      '20 requests of yours wait for approval; have some approved, or withdraw them by kmipd approval reject',
  });
  for (const other of [others.bert, others.carl, others.dora, others.emil])
    for (let at = 0; at < 20; at += 1) await askForApproval(other, 'client.setDisabled', disable);
  await t.rejects(fred.call('client.setDisabled', disable), {
    message: '100 requests wait for approval; approve or reject some of kmipd approval list first',
  });
  await anna.call('approval.reject', { id: own[0] ?? '' });
  await askForApproval(fred, 'client.setDisabled', disable);
});

t.test('who approves sees whose certificate it is', async (t) => {
  const { fixture, anna, bert } = await start();
  const { certificate } = await certifiedKey('gerd');
  const shown = {
    ...{ name: 'gerd', role: 'auditor' },
    credential: {
      certificate: { subject: 'CN=gerd', fingerprint: fingerprintOf(new X509Certificate(certificate)) },
    },
  };
  const id = await askForApproval(anna, 'admin.add', {
    name: 'gerd',
    role: 'auditor',
    credential: { certificate },
  });
  t.strictSame(fixture.calls.at(-1)?.params, shown, 'in the entry');
  const [listed] = await bert.call('approval.list', {});
  t.strictSame(listed?.params, shown);
  const approved = await bert.call('approval.approve', { id });
  t.strictSame(approved.request.params, shown);
  t.match(await bert.call('admin.show', { name: 'gerd' }), { certificate }, 'the certificate itself is kept');
});
