import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { LoginRefusedError } from '../../../src/management/errors.ts';
import { logInAdministrator } from '../../../src/management/login.ts';
import type { SentRequest } from '../../../src/management/params.ts';
import { isCallSigned, signCall } from '../../../src/management/signed-request.ts';
import { AdministratorFixture, foreignKey } from './administrator-fixture.ts';

t.setTimeout(60_000);

const request = {
  store: 's',
  challenge: 'c',
  id: 1,
  method: 'm',
  params: { a: 1, b: [true, null, { c: 'd' }] },
};

t.test('a signature is of one request, by every kind of key', (t) => {
  const pairs = {
    rsa: generateKeyPairSync('rsa', { modulusLength: 2_048 }),
    'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    'P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    ed25519: generateKeyPairSync('ed25519'),
  };
  const others = [
    { ...request, store: 'sc', challenge: '' },
    { ...request, challenge: 'd' },
    { ...request, id: 2 },
    { ...request, method: 'n' },
    { ...request, params: { ...request.params, a: 2 } },
    { ...request, params: {} },
  ];
  for (const [name, { privateKey, publicKey }] of Object.entries(pairs)) {
    const signature = signCall(request, privateKey);
    t.ok(isCallSigned(request, publicKey, signature), name);
    const reordered = { b: request.params.b, a: 1, left: undefined };
    t.ok(isCallSigned({ ...request, params: reordered }, publicKey, signature), `${name}, as JSON arrives`);
    for (const other of others) t.notOk(isCallSigned(other, publicKey, signature), JSON.stringify(other));
    t.notOk(isCallSigned(request, publicKey, ''), `${name} without`);
    t.notOk(isCallSigned(request, publicKey, 'no Base64'), name);
    for (const [another, pair] of Object.entries(pairs))
      if (another !== name) t.notOk(isCallSigned(request, pair.publicKey, signature), `${name} ${another}`);
  }
  t.end();
});

t.test('a key signs every call, and its role decides', async (t) => {
  const fixture = new AdministratorFixture();
  const bert = await fixture.addByKey('bert', 'auditor');
  const sender = await fixture.logIn(bert);
  t.match(await sender.call('admin.list', {}), [{ name: 'bert' }]);
  t.match(fixture.calls.at(-1)?.caller, { name: 'bert', role: 'auditor', proof: 'certificate' });
  await t.rejects(sender.call('admin.remove', { name: 'bert' }), { code: 'ACCESS_DENIED' });
  t.match(await sender.call('admin.show', { name: 'bert' }), { credential: 'certificate' });
});

/** What somebody does to a request on its way. */
const alterations: Readonly<Record<string, (sent: SentRequest) => SentRequest>> = {
  'sent again': (sent) => sent,
  'with another number': (sent) => ({ ...sent, id: sent.id + 1 }),
  'with other parameters': (sent) => ({ ...sent, id: sent.id + 1, params: { name: 'carl' } }),
  'of another method': (sent) => ({ ...sent, id: sent.id + 1, method: 'admin.remove' }),
  'without a signature': ({ signature: _, ...sent }) => ({ ...sent, id: sent.id + 1 }),
};

for (const [what, alter] of Object.entries(alterations))
  t.test(`a request ${what} ends the session of a key`, async (t) => {
    const fixture = new AdministratorFixture();
    const bert = await fixture.addByKey('bert', 'admin');
    const sender = await fixture.logIn(bert);
    await sender.call('admin.show', { name: 'bert' });
    const { sent } = sender;
    if (sent === undefined) throw new Error('nothing was sent');
    await t.rejects(sender.session.handle(alter(sent)), LoginRefusedError);
    t.ok(sender.session.isEnded);
    t.match(fixture.calls.at(-1), {
      caller: { name: 'bert' },
      outcome: { kind: 'refused', reason: /not signed/ },
    });
  });

t.test('requests of one session are of no use in another one, or at another database', async (t) => {
  const fixture = new AdministratorFixture();
  const bert = await fixture.addByKey('bert', 'admin');
  const first = await fixture.logIn(bert);
  await first.call('admin.list', {});
  const { sent } = first;
  const second = await fixture.logIn(bert);
  if (sent === undefined) throw new Error('nothing was sent');
  await t.rejects(second.session.handle({ ...sent, id: 100 }), LoginRefusedError);
  const elsewhere = fixture.open();
  await t.rejects(logInAdministrator(elsewhere, 'sqlite:/other 2', bert), LoginRefusedError);
  await t.rejects(fixture.logIn({ name: 'bert', key: foreignKey }), LoginRefusedError);
});
