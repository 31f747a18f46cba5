import { randomBytes, X509Certificate } from 'node:crypto';
import t from 'tap';
import { createAuthority } from '../../../certs/issue.ts';
import { generateKey } from '../../../certs/keys.ts';
import { ManagementError } from '../../../src/management/errors.ts';
import { logInAdministrator } from '../../../src/management/login.ts';
import {
  AdministratorFixture,
  certifiedKey,
  passwordCredential,
  storeName,
} from './administrator-fixture.ts';

t.setTimeout(120_000);

t.test('administrators are added, shown, disabled, reset and removed', async (t) => {
  const fixture = new AdministratorFixture();
  const { call } = fixture.open();
  t.strictSame(await call('admin.list', {}), []);
  await fixture.addByPassword('anna', 'operator');
  const { certificate } = await certifiedKey('bert');
  await call('admin.add', { name: 'bert', role: 'auditor', credential: { certificate } });
  t.match(await call('admin.list', {}), [
    { name: 'anna', role: 'operator', disabled: false, credential: 'password', fingerprint: null },
    { name: 'bert', role: 'auditor', disabled: false, credential: 'certificate' },
  ]);
  const shown = await call('admin.show', { name: 'bert' });
  t.equal(new X509Certificate(shown.certificate ?? '').raw.compare(new X509Certificate(certificate).raw), 0);
  t.match(shown.fingerprint, /^[0-9a-f]{64}$/);
  t.strictSame(await call('admin.setDisabled', { name: 'anna', disabled: true }), { isChanged: true });
  t.strictSame(await call('admin.setDisabled', { name: 'anna', disabled: true }), { isChanged: false });
  t.match(await call('admin.show', { name: 'anna' }), { disabled: true, certificate: null });
  await call('admin.reset', {
    name: 'anna',
    credential: { certificate: (await certifiedKey('a')).certificate },
  });
  t.match(await call('admin.show', { name: 'anna' }), { disabled: true, credential: 'certificate' });
  await call('admin.remove', { name: 'anna' });
  t.match(await call('admin.list', {}), [{ name: 'bert' }]);
  for (const method of ['admin.show', 'admin.remove'] as const)
    await t.rejects(call(method, { name: 'anna' }), /there is no administrator "anna"/);
  await t.rejects(call('admin.show', { name: 'brt' }), /did you mean "bert"/);
});

t.test('one key or one secret has one name', async (t) => {
  const fixture = new AdministratorFixture();
  const { call } = fixture.open();
  const secret = randomBytes(20);
  const key = await generateKey('ec');
  const [certificate, renewed] = [await createAuthority('One', key), await createAuthority('Two', key)];
  await call('admin.add', { name: 'anna', role: 'admin', credential: await passwordCredential(secret) });
  await call('admin.add', { name: 'bert', role: 'admin', credential: { certificate } });
  const add = (credential: Parameters<typeof call<'admin.add'>>[1]['credential']) =>
    call('admin.add', { name: 'carl', role: 'auditor', credential });
  await t.rejects(add(await passwordCredential(secret)), /this secret is that of administrator "anna"/);
  await t.rejects(add({ certificate }), /this key is that of administrator "bert" already/);
  await t.rejects(add({ certificate: renewed }), /this key is that of administrator "bert" already/);
  await t.rejects(
    call('admin.reset', { name: 'anna', credential: { certificate: renewed } }),
    /this key is that of administrator "bert" already/,
  );
  await t.rejects(call('admin.reset', { name: 'bert', credential: { certificate: renewed } }), /another one/);
  const others = await Promise.allSettled(
    ['carl', 'dora'].map(async (name) => {
      const { certificate: fresh } = { certificate: await createAuthority(name, sharedKey) };
      return fixture.open().call('admin.add', { name, role: 'admin', credential: { certificate: fresh } });
    }),
  );
  t.strictSame(others.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'], 'at the same time');
  await t.rejects(
    call('admin.add', { name: 'anna', role: 'admin', credential: await passwordCredential(randomBytes(20)) }),
    /"anna" exists already/,
  );
});

const sharedKey = await generateKey('ec');

t.test('certificates that prove nothing are refused', async (t) => {
  const { call } = new AdministratorFixture().open();
  const add = (certificate: string) =>
    call('admin.add', { name: 'anna', role: 'admin', credential: { certificate } });
  await t.rejects(add('no certificate'), /must be certificates in PEM that can be read/);
  const past = await createAuthority('Past', await generateKey('ec'), new Date('2000-01-01'));
  await t.rejects(add(past), /cannot be used: certificate expired/);
  const later = await createAuthority('Later', await generateKey('ec'), new Date(Date.now() + 864e5 * 30));
  await t.rejects(add(later), /cannot be used: certificate not yet valid/);
});

t.test('secrets that are too short, or not for this process, are refused', async (t) => {
  const { call } = new AdministratorFixture().open();
  const { password, totp } = await passwordCredential(randomBytes(20));
  const add = (given: typeof totp | { hash: 'SHA256'; secret: string }) =>
    call('admin.add', { name: 'anna', role: 'admin', credential: { password, totp: given } });
  await t.rejects(add({ hash: 'SHA256', secret: totp.secret }), /the secret of SHA256 has 32 bytes/);
  await t.rejects(
    add({ ...totp, secret: randomBytes(90).toString('base64') }),
    /not encrypted for this kmipd/,
  );
});

t.test('only the nameless admin leaves none who could undo it', async (t) => {
  const fixture = new AdministratorFixture();
  const anna = await fixture.addByKey('anna', 'admin');
  const bert = await fixture.addByKey('bert', 'admin');
  await fixture.addByKey('carl', 'operator');
  const byAnna = await fixture.logIn(anna);
  const byBert = await fixture.logIn(bert);
  await byAnna.call('admin.setDisabled', { name: 'bert', disabled: true });
  await t.rejects(byBert.call('admin.list', {}), { code: 'LOGIN_REFUSED' });
  const last = /"anna" is the last enabled admin; only kmipd without --as/;
  await t.rejects(byAnna.call('admin.setDisabled', { name: 'anna', disabled: true }), last);
  await t.rejects(byAnna.call('admin.remove', { name: 'anna' }), last);
  await byAnna.call('admin.remove', { name: 'carl' });
  await byAnna.call('admin.setDisabled', { name: 'bert', disabled: false });
  await t.rejects(byBert.call('admin.list', {}), { code: 'REQUEST' }, 'its session has ended');
  const again = await fixture.logIn(bert);
  const outcomes = await Promise.allSettled([
    byAnna.call('admin.remove', { name: 'bert' }),
    again.call('admin.remove', { name: 'anna' }),
  ]);
  t.strictSame(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'], 'each other');
  const [left] = await fixture.open().call('admin.list', {});
  await fixture.open().call('admin.remove', { name: left?.name ?? '' });
  t.strictSame(await fixture.open().call('admin.list', {}), []);
});

t.test('a row that was altered, put back or deleted is refused', async (t) => {
  const fixture = new AdministratorFixture();
  const anna = await fixture.addByKey('anna', 'admin');
  const bert = await fixture.addByPassword('bert', 'admin');
  const enabled = fixture.rowOf('anna');
  const { call } = fixture.open();
  const attempt = () => fixture.logIn(anna);
  const forge = async (what: string, row: typeof enabled | null) => {
    fixture.forged.set(enabled.key, row);
    await t.rejects(attempt(), { code: 'LOGIN_REFUSED' }, what);
    t.match(fixture.calls.at(-1)?.outcome, { reason: /altered outside kmipd/ }, what);
    await t.rejects(call('admin.list', {}), { code: 'SEAL_BROKEN' }, what);
    await t.rejects(call('admin.remove', { name: 'bert' }), { code: 'SEAL_BROKEN' }, what);
    fixture.forged.clear();
  };
  await call('admin.setDisabled', { name: 'anna', disabled: true });
  await forge('an earlier one', enabled);
  await call('admin.setDisabled', { name: 'anna', disabled: false });
  await forge('none', null);
  await forge('that of another', { ...fixture.rowOf('bert'), key: enabled.key });
  await forge('an altered one', { ...enabled, box: enabled.box.with(30, 7) as typeof enabled.box });
  await attempt();
  await call('admin.remove', { name: 'anna' });
  fixture.forged.set(enabled.key, enabled);
  await t.rejects(attempt(), { code: 'LOGIN_REFUSED' }, 'one that was removed');
  const { certificate } = await certifiedKey('anna');
  const credential = { certificate };
  await t.rejects(call('admin.add', { name: 'anna', role: 'admin', credential }), { code: 'SEAL_BROKEN' });
  fixture.forged.clear();
  await fixture.addByKey('anna', 'auditor');
  await forge('that of a former one of the name', enabled);
  // A used one-time password changes the list too.
  const unusedRow = fixture.rowOf('bert');
  const shown = fixture.show(bert);
  await logInAdministrator(fixture.open(), storeName, shown);
  fixture.forged.set(unusedRow.key, unusedRow);
  fixture.startAuthenticator();
  await t.rejects(
    fixture.logIn(fixture.show(bert)),
    { code: 'LOGIN_REFUSED' },
    'before its password was used',
  );
});

t.test('there is a bound to the number of administrators', async (t) => {
  const fixture = new AdministratorFixture();
  const { call } = fixture.open();
  const add = async (name: string) =>
    call('admin.add', { name, role: 'auditor', credential: await passwordCredential(randomBytes(20)) });
  for (let at = 0; at < 100; at += 1) await add(`a${at}`);
  await t.rejects(add('more'), ManagementError);
  t.equal((await call('admin.list', {})).length, 100);
});
