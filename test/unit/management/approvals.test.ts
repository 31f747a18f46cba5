import { randomBytes } from 'node:crypto';
import t from 'tap';
import type { MethodName } from '../../../src/management/api.ts';
import {
  approvableMethods,
  needsApproval,
  requireApprovable,
} from '../../../src/management/approval-rule.ts';
import { PlainVault } from '../../plain-vault.ts';
import {
  AdministratorFixture,
  askForApproval,
  certifiedKey,
  password,
  passwordCredential,
} from './administrator-fixture.ts';
import { samples } from './samples.ts';

t.setTimeout(60_000);

/** Two admins, an operator and an auditor, with `client.setDisabled` under the rule. */
async function start() {
  const fixture = new AdministratorFixture();
  const keys = {
    anna: await fixture.addByKey('anna', 'admin'),
    bert: await fixture.addByKey('bert', 'admin'),
    otto: await fixture.addByKey('otto', 'operator'),
    aida: await fixture.addByKey('aida', 'auditor'),
  };
  fixture.approval.methods = ['client.setDisabled', 'client.remove'];
  const [anna, bert] = [await fixture.logIn(keys.anna), await fixture.logIn(keys.bert)];
  const [otto, aida] = [await fixture.logIn(keys.otto), await fixture.logIn(keys.aida)];
  return { fixture, keys, anna, bert, otto, aida };
}

const disable = { name: 'demo', disabled: true };

t.test('a call under the rule is done when another administrator approves it', async (t) => {
  const { fixture, anna, bert, aida } = await start();
  const id = await askForApproval(anna, 'client.setDisabled', disable);
  t.match(fixture.calls.at(-1), {
    ...{ caller: { name: 'anna' }, method: 'client.setDisabled', outcome: { kind: 'pending', request: id } },
  });
  t.strictSame(fixture.changes, []);
  t.match(await anna.call('approval.outcome', { id }), { state: 'pending', result: null });
  t.match(await aida.call('approval.list', {}), [
    { id, method: 'client.setDisabled', params: disable, requester: 'anna', state: 'pending' },
  ]);
  const { request, result } = await bert.call('approval.approve', { id });
  t.match(request, { id, state: 'done', requester: 'anna', decidedBy: 'bert', params: disable });
  t.strictSame(result, { isChanged: true });
  t.strictSame(fixture.changes, ['demo true']);
  t.strictSame(await anna.call('approval.outcome', { id }), {
    ...{ state: 'done', decidedBy: 'bert', result: { isChanged: true }, problem: null },
  });
  for (const other of [bert, aida])
    await t.rejects(other.call('approval.outcome', { id }), /there is no request|may not call/);
  await t.rejects(bert.call('approval.approve', { id }), /is decided: done by bert/);
  await t.rejects(bert.call('approval.reject', { id }), /is decided: done by bert/);
  t.strictSame(fixture.changes, ['demo true'], 'once');
});

t.test('two who approve at once have it done once', async (t) => {
  const { fixture, keys, anna, bert } = await start();
  fixture.approval.methods = [];
  const carl = await fixture.addByKey('carl', 'admin');
  fixture.approval.methods = ['client.setDisabled'];
  const id = await askForApproval(anna, 'client.setDisabled', disable);
  const outcomes = await Promise.allSettled(
    [bert, await fixture.logIn(carl), await fixture.logIn(keys.bert)].map((by) =>
      by.call('approval.approve', { id }),
    ),
  );
  t.strictSame(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected', 'rejected']);
  t.strictSame(fixture.changes, ['demo true']);
});

t.test('the nameless admin neither asks nor decides', async (t) => {
  const { fixture, anna } = await start();
  const nameless = fixture.open();
  await t.rejects(nameless.call('client.setDisabled', disable), /under the two-person rule: .*--as NAME/);
  const id = await askForApproval(anna, 'client.setDisabled', disable);
  for (const method of ['approval.approve', 'approval.reject'] as const)
    await t.rejects(nameless.call(method, { id }), { code: 'ACCESS_DENIED' });
  t.match(await nameless.call('approval.list', {}), [{ id, state: 'pending' }]);
  t.strictSame(fixture.changes, []);
});

t.test('nobody approves what is his own, by another name neither', async (t) => {
  const { fixture, keys, anna, bert } = await start();
  const own = await askForApproval(anna, 'client.setDisabled', disable);
  await t.rejects(anna.call('approval.approve', { id: own }), /is your own/);
  const again = await fixture.logIn(keys.anna);
  await t.rejects(again.call('approval.approve', { id: own }), /is your own/, 'by another connection');
  fixture.approval.methods = [];
  const { certificate } = await bert.call('admin.show', { name: 'anna' });
  await bert.call('admin.remove', { name: 'anna' });
  const credential = { certificate: certificate ?? '' };
  await bert.call('admin.add', { name: 'zoe', role: 'admin', credential });
  const zoe = await fixture.logIn({ name: 'zoe', key: keys.anna.key });
  await t.rejects(zoe.call('approval.approve', { id: own }), /is your own/, 'the same key');
  t.strictSame(fixture.changes, []);
});

t.test('who approves could do it alone without the rule', async (t) => {
  const { fixture, anna, otto, aida } = await start();
  const forOtto = await askForApproval(anna, 'client.setDisabled', disable);
  const forAdmins = await askForApproval(anna, 'client.remove', { name: 'demo' });
  await t.rejects(aida.call('approval.approve', { id: forOtto }), /auditor may not call approval\.approve/);
  await t.rejects(otto.call('approval.approve', { id: forAdmins }), /operator may not call client\.remove/);
  await t.rejects(otto.call('approval.reject', { id: forAdmins }), /operator may not call client\.remove/);
  await otto.call('approval.approve', { id: forOtto });
  t.strictSame(fixture.changes, ['demo true']);
  await t.rejects(otto.call('client.remove', { name: 'demo' }), /operator may not call client\.remove/);
  await t.rejects(aida.call('client.setDisabled', disable), /auditor may not call client\.setDisabled/);
});

t.test('a request is rejected, or withdrawn, and stays undone', async (t) => {
  const { fixture, anna, bert } = await start();
  const rejected = await askForApproval(anna, 'client.setDisabled', disable);
  t.match(await bert.call('approval.reject', { id: rejected }), { request: { state: 'rejected' } });
  t.match(await anna.call('approval.outcome', { id: rejected }), { state: 'rejected', decidedBy: 'bert' });
  const withdrawn = await askForApproval(anna, 'client.setDisabled', disable);
  t.match(await anna.call('approval.reject', { id: withdrawn }), { request: { decidedBy: 'anna' } });
  for (const id of [rejected, withdrawn])
    await t.rejects(bert.call('approval.approve', { id }), /is decided: rejected by/);
  t.strictSame(fixture.changes, []);
});

t.test('a requester that could not ask any more has nothing approved', async (t) => {
  const changes: Readonly<Record<string, (fixture: AdministratorFixture) => Promise<unknown>>> = {
    disabled: (fixture) => fixture.open().call('admin.setDisabled', { name: 'anna', disabled: true }),
    removed: (fixture) => fixture.open().call('admin.remove', { name: 'anna' }),
    'with another credential': async (fixture) => {
      fixture.approval.methods = [];
      const { certificate } = await certifiedKey('anna');
      return fixture.open().call('admin.reset', { name: 'anna', credential: { certificate } });
    },
    'with a lower role': async (fixture) => {
      fixture.approval.methods = [];
      const { certificate } = await fixture.open().call('admin.show', { name: 'anna' });
      await fixture.open().call('admin.remove', { name: 'anna' });
      const credential = { certificate: certificate ?? '' };
      return fixture.open().call('admin.add', { name: 'anna', role: 'auditor', credential });
    },
  };
  for (const [what, change] of Object.entries(changes)) {
    const { fixture, anna, bert } = await start();
    const id = await askForApproval(anna, 'client.setDisabled', disable);
    await change(fixture);
    await t.rejects(bert.call('approval.approve', { id }), /cannot be approved|may not call/, what);
    t.strictSame(fixture.changes, [], what);
  }
});

t.test('a request ends with its time, and what fails is done by nobody', async (t) => {
  const { fixture, anna, bert } = await start();
  fixture.approval.seconds = 0;
  const expired = await askForApproval(anna, 'client.setDisabled', disable);
  await t.rejects(bert.call('approval.approve', { id: expired }), /there is no request .* expired/);
  t.strictSame(await bert.call('approval.list', {}), []);
  fixture.approval.seconds = 3_600;
  const id = await askForApproval(anna, 'client.setDisabled', { name: 'none', disabled: true });
  await t.rejects(bert.call('approval.approve', { id }), /no client "none" is enrolled/);
  t.match(await anna.call('approval.outcome', { id }), {
    ...{ state: 'failed', decidedBy: 'bert', problem: /no client "none"/ },
  });
  await t.rejects(bert.call('approval.approve', { id }), /is decided: failed by bert/);
});

t.test('an administrator that two have added logs in, and its secrets are shown to nobody', async (t) => {
  const { fixture, anna, bert } = await start();
  const secret = randomBytes(20);
  const credential = await passwordCredential(secret);
  const id = await askForApproval(anna, 'admin.add', { name: 'carl', role: 'auditor', credential });
  const [shown] = await bert.call('approval.list', {});
  t.match(shown?.params, {
    ...{ name: 'carl', role: 'auditor' },
    credential: { password: true, totp: { hash: 'SHA1', secret: true } },
  });
  const seen = JSON.stringify([await bert.call('approval.approve', { id }), shown, fixture.calls]);
  for (const part of ['"salt"', password, secret.toString('base64')]) t.notOk(seen.includes(part), part);
  const carl = await fixture.logIn(fixture.show({ name: 'carl', secret }));
  t.equal((await carl.call('admin.list', {})).length, 5);
  const records = [...fixture.store.snapshot().records.values()].filter(({ kind }) => kind === 'approval');
  t.notOk(
    records.some(({ box }) => Buffer.from(box).includes(secret)),
    'the request has it no more',
  );
});

t.test('a row of a request that was altered is refused', async (t) => {
  const { fixture, anna, bert } = await start();
  const id = await askForApproval(anna, 'client.setDisabled', disable);
  const key = new PlainVault().key('record', 'approval', id);
  const row = fixture.store.snapshot().records.get(key);
  if (row === undefined) throw new Error('there is no row');
  fixture.forged.set(key, { ...row, expires: (row.expires ?? 0) + 1 });
  await t.rejects(bert.call('approval.approve', { id }), /sealed for another row/);
  fixture.forged.clear();
  await bert.call('approval.approve', { id });
  fixture.forged.set(key, row);
  await t.rejects(bert.call('approval.approve', { id }), /is decided|changed at the same time/, 'put back');
  t.strictSame(fixture.changes, ['demo true']);
});

t.test('the rule is about the methods that it names, and about new administrators always', (t) => {
  const makes = (method: MethodName, params: object) =>
    ['admin.add', 'admin.reset'].includes(method) ||
    (method === 'admin.setDisabled' && !(params as { disabled: boolean }).disabled);
  const enable = { name: 'anna', disabled: false };
  for (const method of Object.keys(samples) as MethodName[])
    for (const params of [...samples[method], ...(method === 'admin.setDisabled' ? [enable] : [])]) {
      const isNeeded = (...methods: MethodName[]) =>
        needsApproval({ methods, seconds: 1 }, method, params as never);
      t.equal(isNeeded(), false, `${method} without a rule`);
      t.equal(isNeeded('crl.revoke'), method === 'crl.revoke' || makes(method, params), method);
      if (approvableMethods.includes(method)) t.equal(isNeeded(method), true, `${method} under the rule`);
    }
  const show = { name: '5d0c8a1b2c3d' };
  t.equal(needsApproval({ methods: ['node.remove'], seconds: 1 }, 'node.remove', show), false);
  requireApprovable(approvableMethods);
  for (const wrong of ['client.list', 'client.remov', 'vault.rewrap', 'object.purge', 'toString', ''])
    t.throws(() => requireApprovable(['client.add', wrong]), /cannot be under the two-person rule/, wrong);
  t.throws(() => requireApprovable(['client.remov']), /did you mean "client\.remove"/);
  t.end();
});
