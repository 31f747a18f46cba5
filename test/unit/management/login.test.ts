import { randomBytes } from 'node:crypto';
import t from 'tap';
import { Secret } from '../../../src/common/secret.ts';
import { AccessDeniedError, LoginRefusedError, RequestError } from '../../../src/management/errors.ts';
import { logInAdministrator } from '../../../src/management/login.ts';
import {
  AdministratorFixture,
  certifiedKey,
  foreignKey,
  password,
  passwordCredential,
  storeName,
} from './administrator-fixture.ts';

t.setTimeout(120_000);

t.test('a password with a one-time password makes the role that of the administrator', async (t) => {
  const fixture = new AdministratorFixture();
  const anna = await fixture.addByPassword('anna', 'auditor');
  const sender = await fixture.logIn(fixture.show(anna));
  t.match(await sender.call('admin.list', {}), [{ name: 'anna', role: 'auditor' }]);
  await t.rejects(sender.call('admin.remove', { name: 'anna' }), AccessDeniedError);
  t.match(fixture.calls.at(-1), {
    caller: { name: 'anna', role: 'auditor', proof: 'password', credentialId: /^[0-9a-f]{64}$/ },
    method: 'admin.remove',
    outcome: { kind: 'refused', code: 'ACCESS_DENIED' },
  });
});

t.test('a one-time password is valid once, also after a start and for two at once', async (t) => {
  const fixture = new AdministratorFixture();
  const anna = await fixture.addByPassword('anna', 'admin');
  const outcomes = await Promise.allSettled([
    fixture.logIn(fixture.show(anna)),
    fixture.logIn(fixture.show(anna)),
  ]);
  t.strictSame(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  fixture.startAuthenticator();
  await t.rejects(fixture.logIn(fixture.show(anna)), LoginRefusedError, 'after a start');
  await t.rejects(fixture.logIn(fixture.show(anna, { steps: -1 })), LoginRefusedError, 'an earlier one');
  await fixture.logIn(fixture.show(anna, { steps: 1 }));
});

t.test('two processes that verify one code at once accept it once', async (t) => {
  const fixture = new AdministratorFixture();
  const anna = await fixture.addByPassword('anna', 'admin');
  const first = fixture.open();
  fixture.startAuthenticator();
  const other = fixture.open();
  const outcomes = await Promise.allSettled(
    [first, other].map((sender) => logInAdministrator(sender, storeName, fixture.show(anna))),
  );
  t.strictSame(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
});

t.test('the step is stored before the login is answered', async (t) => {
  const fixture = new AdministratorFixture();
  const anna = await fixture.addByPassword('anna', 'admin');
  fixture.store.faults = ['unavailable'];
  await t.rejects(fixture.logIn(fixture.show(anna)), { code: 'STORE_UNAVAILABLE' });
  const sender = fixture.open();
  fixture.store.faults = ['lost'];
  await t.rejects(logInAdministrator(sender, storeName, fixture.show(anna)), { code: 'STORE_UNAVAILABLE' });
  t.ok(sender.session.isEnded);
  await t.rejects(sender.call('admin.list', {}), RequestError);
  await t.rejects(fixture.logIn(fixture.show(anna)), LoginRefusedError, 'it may have been stored');
});

t.test('a clock that was set back makes no one-time password valid again', async (t) => {
  const fixture = new AdministratorFixture();
  const anna = await fixture.addByPassword('anna', 'admin');
  const bert = await fixture.addByPassword('bert', 'admin');
  const unused = fixture.show(anna);
  const again = () => fixture.show(anna);
  fixture.now += 3_600_000;
  await fixture.logIn(fixture.show(bert));
  fixture.now -= 3_600_000;
  await t.rejects(fixture.logIn(unused), LoginRefusedError, 'this process has seen a later time');
  fixture.startAuthenticator();
  await t.rejects(fixture.logIn(again()), LoginRefusedError, 'the last login was later');
  fixture.now += 3_600_000;
  fixture.writtenAt = Math.floor(fixture.now / 1000) + 3_600;
  await t.rejects(fixture.logIn(again()), LoginRefusedError, 'a lane was written later');
  fixture.now += 3_600_000;
  await fixture.logIn(again());
});

t.test('every failed login is one error, and ends the session', async (t) => {
  const fixture = new AdministratorFixture();
  const anna = await fixture.addByPassword('anna', 'admin');
  const carl = await fixture.addByKey('carl', 'admin');
  const dora = await fixture.addByPassword('dora', 'admin');
  await fixture.open().call('admin.setDisabled', { name: 'dora', disabled: true });
  const code = Secret.copyOf(randomBytes(6));
  const shown = () => Secret.copyOf(new TextEncoder().encode(password));
  const attempts = {
    'unknown name': { ...fixture.show(anna), name: 'nobody' },
    'wrong password': fixture.show(anna, { typed: 'correct horse batterx' }),
    'wrong code': { name: 'anna', password: shown(), code },
    'code of another': { name: 'anna', password: shown(), code: Secret.copyOf(codeOf(fixture, dora)) },
    'disabled administrator': fixture.show(dora),
    'password of one with a key': { name: 'carl', password: shown(), code },
    'key of one with a password': { name: 'anna', key: carl.key },
    'key of an unknown name': { name: 'nobody', key: carl.key },
    'wrong key': { name: 'carl', key: foreignKey },
  };
  const messages = new Set<string>();
  const reasons = new Set<string>();
  for (const [what, attempt] of Object.entries(attempts)) {
    const sender = fixture.open();
    const error = await logInAdministrator(sender, storeName, attempt).catch((each: unknown) => each);
    t.ok(error instanceof LoginRefusedError, what);
    messages.add((error as Error).message);
    await t.rejects(sender.call('admin.list', {}), RequestError, `${what}: it is not the nameless admin's`);
    const { outcome, caller, method, params } = fixture.calls.at(-1) ?? {};
    t.match({ caller, method, params }, { caller: { name: undefined }, method: 'service.login' });
    t.strictSame(params, { name: attempt.name });
    reasons.add(outcome?.kind === 'refused' ? String(outcome.reason) : '');
  }
  t.equal(messages.size, 1);
  t.ok(reasons.size > 4, 'the log says more');
});

const codeOf = (fixture: AdministratorFixture, holder: Parameters<AdministratorFixture['show']>[0]) => {
  const shown = fixture.show(holder);
  return 'code' in shown ? shown.code.bytes : new Uint8Array();
};

t.test('a certificate that has expired is refused, in the middle of a session too', async (t) => {
  const fixture = new AdministratorFixture();
  const bert = await fixture.addByKey('bert', 'admin');
  const sender = await fixture.logIn(bert);
  await sender.call('admin.list', {});
  fixture.now += 30 * 366 * 86_400_000;
  await t.rejects(sender.call('admin.list', {}), LoginRefusedError);
  await t.rejects(fixture.logIn(bert), LoginRefusedError);
  t.match(fixture.calls.at(-1)?.outcome, { reason: 'certificate expired' });
});

t.test('logins are throttled by name, also with the right password', async (t) => {
  const fixture = new AdministratorFixture();
  const anna = await fixture.addByPassword('anna', 'admin');
  const bert = await fixture.addByKey('bert', 'admin');
  for (let failures = 0; failures < 5; failures += 1)
    await t.rejects(fixture.logIn(fixture.show(anna, { typed: 'wrong password' })), LoginRefusedError);
  await t.rejects(fixture.logIn(fixture.show(anna)), LoginRefusedError);
  t.match(fixture.calls.at(-1)?.outcome, { reason: 'too many attempts have failed' });
  await fixture.logIn(bert);
  fixture.now += 2_000;
  await fixture.logIn(fixture.show(anna));
});

t.test('a login comes first, once, and after a challenge', async (t) => {
  const fixture = new AdministratorFixture();
  const bert = await fixture.addByKey('bert', 'auditor');
  const late = fixture.open();
  await late.call('admin.list', {});
  await t.rejects(logInAdministrator(late, storeName, bert), RequestError);
  const bare = fixture.open();
  await t.rejects(bare.send('service.login', { name: 'bert', input: null }), RequestError);
  const twice = await fixture.logIn(bert);
  await t.rejects(logInAdministrator(twice, storeName, bert), RequestError);
  await t.rejects(twice.send('service.login', { name: 'bert', input: null }), RequestError);
  t.match(await twice.call('admin.list', {}), [{ name: 'bert' }], 'the session goes on');
});

t.test('an administrator that is changed meanwhile is not recognised any more', async (t) => {
  const fixture = new AdministratorFixture();
  await fixture.addByKey('other', 'admin');
  const changes = {
    disabled: (name: string) => fixture.open().call('admin.setDisabled', { name, disabled: true }),
    removed: (name: string) => fixture.open().call('admin.remove', { name }),
    reset: async (name: string) => {
      const credential = await passwordCredential(randomBytes(20));
      return fixture.open().call('admin.reset', { name, credential });
    },
    'removed, and another one of the name': async (name: string) => {
      await fixture.open().call('admin.remove', { name });
      const { certificate } = await certifiedKey(name);
      return fixture.open().call('admin.add', { name, role: 'admin', credential: { certificate } });
    },
  };
  for (const [at, [what, change]] of Object.entries(changes).entries()) {
    const anna = await fixture.addByPassword(`anna${at}`, 'admin');
    const sender = await fixture.logIn(fixture.show(anna));
    await sender.call('admin.list', {});
    await change(anna.name);
    await t.rejects(sender.call('admin.list', {}), LoginRefusedError, what);
    await t.rejects(sender.call('admin.list', {}), RequestError, `${what}: the session has ended`);
  }
});

t.test('what observes a call sees nothing secret, and a call that it refuses fails', async (t) => {
  const fixture = new AdministratorFixture();
  const anna = await fixture.addByPassword('anna', 'admin');
  await fixture.logIn(fixture.show(anna));
  const seen = JSON.stringify(fixture.calls);
  t.match(seen, '"method":"admin.add"');
  for (const part of ['"salt"', '"N"', password, Buffer.from(anna.secret).toString('base64')])
    t.notOk(seen.includes(part), part);
  t.match(fixture.calls[0]?.params, {
    name: 'anna',
    credential: { password: true, totp: { hash: 'SHA1', secret: true } },
  });
  fixture.observing = async () => {
    throw new Error('the audit log is full');
  };
  await t.rejects(fixture.open().call('admin.list', {}), /the audit log is full/);
  await t.rejects(fixture.logIn(fixture.show(anna, { steps: 1 })), /the audit log is full/);
});
