import { X509Certificate } from 'node:crypto';
import t from 'tap';
import { fingerprintOf } from '../../../src/identity/certificate.ts';
import type { MethodName, ParamsOf } from '../../../src/management/api.ts';
import { ApprovalPendingError } from '../../../src/management/errors.ts';
import { AdministratorFixture, certifiedKey, type TestSender } from './administrator-fixture.ts';

/** What is shown of requests for approval, and how what was approved is observed. */

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

async function ask<M extends MethodName>(by: TestSender, method: M, params: ParamsOf<M>): Promise<string> {
  const error = await by.call(method, params).catch((each: unknown) => each);
  if (error instanceof ApprovalPendingError) return error.request;
  throw error;
}

t.test('what was approved is observed as a call of its requester', async (t) => {
  const { fixture, anna, bert } = await start();
  const id = await ask(anna, 'client.setDisabled', disable);
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
  const wrong = await ask(anna, 'client.setDisabled', { name: 'none', disabled: true });
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
      const id = await ask(anna, 'client.setDisabled', disable);
      fixture.observing = async ({ method, outcome }) => {
        if (method === 'client.setDisabled' && outcome.kind === kind) throw new Error('the disk is full');
      };
      await t.rejects(bert.call('approval.approve', { id }), /the disk is full/);
      t.strictSame(fixture.changes, changes, kind);
      t.match(await anna.call('approval.outcome', { id }), { state, decidedBy: 'bert' }, kind);
    }
  },
);

t.test('who approves sees whose certificate it is', async (t) => {
  const { fixture, anna, bert } = await start();
  const { certificate } = await certifiedKey('gerd');
  const shown = {
    ...{ name: 'gerd', role: 'auditor' },
    credential: {
      certificate: { subject: 'CN=gerd', fingerprint: fingerprintOf(new X509Certificate(certificate)) },
    },
  };
  const id = await ask(anna, 'admin.add', { name: 'gerd', role: 'auditor', credential: { certificate } });
  t.strictSame(fixture.calls.at(-1)?.params, shown, 'in the entry');
  const [listed] = await bert.call('approval.list', {});
  t.strictSame(listed?.params, shown);
  const approved = await bert.call('approval.approve', { id });
  t.strictSame(approved.request.params, shown);
  t.match(await bert.call('admin.show', { name: 'gerd' }), { certificate }, 'the certificate itself is kept');
});
