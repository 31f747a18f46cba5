import t from 'tap';
import type { Credential } from '../../../codec/structures/credentials.ts';
import { isWithin, versions } from '../../../codec/version.ts';
import { Login } from '../../../src/operations/sessions/login.ts';
import { enumerated, type RequestItem, structure } from '../../client.ts';
import { succeed } from '../operations/ask.ts';
import { TestService } from '../service.ts';
import {
  authenticationHeader,
  hashedPassword,
  password,
  quickVerifier,
  sendAs,
  setCredentials,
  ticketOf,
  user,
} from './credential-headers.ts';

const query: RequestItem = { operation: 'Query', payload: [enumerated('QueryFunction', 1)] };
const discover: RequestItem = { operation: 'DiscoverVersions' };
const ping: RequestItem = { operation: 'Ping' };
const locate: RequestItem = { operation: 'Locate' };
const refused = 'AuthenticationNotSuccessful';

async function open(options: Parameters<typeof TestService.open>[0] = {}): Promise<TestService> {
  const service = await TestService.open(options);
  t.teardown(() => service.close());
  return service;
}

const device = (fields: Record<string, string>): Credential => ({
  CredentialType: 'Device',
  CredentialValue: fields,
});
const oneTime = (Username: string, OneTimePassword: string, Password?: string): Credential => ({
  CredentialType: 'OneTimePassword',
  CredentialValue: { Username, OneTimePassword, Password },
});
const attestation: Credential = {
  CredentialType: 'Attestation',
  CredentialValue: {
    Nonce: { NonceID: new Uint8Array(1), NonceValue: new Uint8Array(8) },
    AttestationType: 'TPMQuote',
    AttestationMeasurement: new Uint8Array(4),
  },
};
const vendor: Credential = {
  CredentialType: 0x80000001,
  CredentialValue: { type: 'TextString', value: 'x' },
};
/** POSIX microseconds of the service's clock, plus `more`. */
const time = (service: TestService, more = 0) => BigInt(service.now) * 1000n + BigInt(more);

t.test('passwords and devices are ignored when the operator gave the client no credentials', async (t) => {
  const service = await open();
  const hashed = hashedPassword('u', 'p', time(service)).credential;
  for (const version of versions) {
    for (const [what, credential, came, since] of [
      ['a password that is not configured', password('somebody', 'secret'), 'Success', '1.0'],
      ['an empty one', password('', ''), 'Success', '1.0'],
      ['none beside the name', password('somebody'), 'Success', '1.0'],
      ['a device', device({ DeviceSerialNumber: '1', Password: 'x' }), 'Success', '1.1'],
      ['a device without anything', device({}), 'Success', '1.1'],
      ['Attestation', attestation, 'FeatureNotSupported', '1.2'],
      ['a kind of its own', vendor, 'FeatureNotSupported', '1.0'],
      ['One Time Password', oneTime('u', '123456'), refused, '2.0'],
      ['Hashed Password', hashed, refused, '2.0'],
    ] as const) {
      if (!isWithin(version, since)) continue;
      t.equal((await sendAs(service, version, [locate], credential)).reasons, came, `${version}: ${what}`);
    }
  }
  t.notMatch(service.authenticationFailures, ['x'].concat(['somebody']));
  const empty = await service.batch('2.1', [locate], [structure('Authentication')]);
  t.match(empty, [{ status: 'Success' }], 'Authentication without a Credential');
});

t.test('a client is authenticated by username and password', async (t) => {
  const service = await open();
  await setCredentials(service, {
    users: [await user('alice', 'right'), await user('bob', 'other')],
    devices: [],
  });
  for (const version of versions) {
    for (const [what, shown, came] of [
      ['right', [password('alice', 'right')], 'Success'],
      ['another user of the client', [password('bob', 'other')], 'Success'],
      ['wrong', [password('alice', 'wrong')], refused],
      ['the other’s', [password('alice', 'other')], refused],
      ['empty', [password('alice', '')], refused],
      ['left out', [password('alice')], refused],
      ['unknown user', [password('carol', 'right')], refused],
      ['a device', [device({ DeviceSerialNumber: '1' })], refused],
      ['missing', [], refused],
    ] as const) {
      t.equal((await sendAs(service, version, [locate], ...shown)).reasons, came, `${version}: ${what}`);
    }
  }
});

t.test('open operations are answered without credentials, but not with wrong ones', async (t) => {
  const service = await open();
  await setCredentials(service, { users: [await user('alice', 'right')], devices: [] });
  const items = [query, discover, ping, locate];
  const goOn = enumerated('BatchErrorContinuationOption', 1);
  const reasons = async (...header: Credential[]) =>
    (
      await service.batch('2.1', items, header.length > 0 ? [goOn, authenticationHeader(...header)] : [goOn])
    ).map(({ operation, reason, status }) => `${operation}: ${reason ?? status}`);
  t.same(await reasons(), [
    'Query: Success',
    'DiscoverVersions: Success',
    `Ping: ${refused}`,
    `Locate: ${refused}`,
  ]);
  t.same(
    await reasons(password('alice', 'wrong')),
    items.map(({ operation }) => `${operation}: ${refused}`),
  );
  t.same(
    await reasons(password('alice', 'right')),
    items.map(({ operation }) => `${operation}: Success`),
  );
});

t.test('missing authentication is refused before anything else is checked', async (t) => {
  const service = await open({ may: () => false });
  await setCredentials(service, { users: [await user('alice', 'right')], devices: [] });
  for (const operation of ['Certify', 'Get', 'Interop']) {
    t.equal((await sendAs(service, '2.1', [{ operation }])).reasons, refused, operation);
    t.equal((await sendAs(service, '2.1', [{ operation }], password('a', 'b'))).reasons, refused, operation);
  }
  t.equal(
    (await sendAs(service, '2.1', [{ operation: 'Get' }], password('alice', 'right'))).reasons,
    'PermissionDenied',
  );
});

t.test('a client that shows several credentials is refused unless all are valid', async (t) => {
  const service = await open();
  await setCredentials(service, {
    users: [await user('alice', 'right')],
    devices: [{ fields: { DeviceSerialNumber: '1' } }],
  });
  const [right, wrong] = [password('alice', 'right'), password('alice', 'wrong')];
  const [known, unknown] = [device({ DeviceSerialNumber: '1' }), device({ DeviceSerialNumber: '2' })];
  for (const version of ['1.2', '1.4', '2.0', '2.1'] as const) {
    for (const [shown, came] of [
      [[right, known], 'Success'],
      [[right, unknown], refused],
      [[wrong, known], refused],
      [[known, wrong], refused],
      [[right, attestation], 'FeatureNotSupported'],
      [[right, vendor], 'FeatureNotSupported'],
      [Array.from({ length: 9 }, () => right), refused],
    ] as const)
      t.equal((await sendAs(service, version, [locate], ...shown)).reasons, came, version);
  }
});

t.test('a device is refused unless every configured field is shown', async (t) => {
  const service = await open();
  await setCredentials(service, {
    users: [],
    devices: [
      { fields: { DeviceSerialNumber: '1', NetworkIdentifier: 'n' }, password: await quickVerifier('right') },
      { fields: { MachineIdentifier: 'm' } },
    ],
  });
  for (const [fields, came] of [
    [{ DeviceSerialNumber: '1', NetworkIdentifier: 'n', Password: 'right' }, 'Success'],
    [{ DeviceSerialNumber: '1', NetworkIdentifier: 'n', MediaIdentifier: 'x', Password: 'right' }, 'Success'],
    [{ DeviceSerialNumber: '1', NetworkIdentifier: 'n', Password: 'wrong' }, refused],
    [{ DeviceSerialNumber: '1', NetworkIdentifier: 'n' }, refused],
    [{ DeviceSerialNumber: '1', Password: 'right' }, refused],
    [{ DeviceSerialNumber: '1', NetworkIdentifier: 'o', Password: 'right' }, refused],
    [{ MachineIdentifier: 'm' }, 'Success'],
    [{ MachineIdentifier: 'n' }, refused],
    [{}, refused],
  ] as const)
    t.equal((await sendAs(service, '2.1', [locate], device(fields))).reasons, came, JSON.stringify(fields));
});

t.test('a one-time password is valid once', async (t) => {
  const service = await open();
  await setCredentials(service, {
    users: [await user('alice', 'right', ['one', 'two', 'three', 'four'])],
    devices: [],
  });
  for (const [what, credential, came] of [
    ['first', oneTime('alice', 'one'), 'Success'],
    ['again', oneTime('alice', 'one'), refused],
    ['wrong', oneTime('alice', 'seven'), refused],
    ['unknown user', oneTime('bob', 'two'), refused],
    ['with a wrong password', oneTime('alice', 'two', 'wrong'), refused],
    ['with the password', oneTime('alice', 'two', 'right'), 'Success'],
    ['again with it', oneTime('alice', 'two', 'right'), refused],
  ] as const)
    t.equal((await sendAs(service, '2.1', [locate], credential)).reasons, came, what);
  service.now += 3_600_001;
  const twice = [oneTime('alice', 'three'), oneTime('alice', 'three')];
  t.equal((await sendAs(service, '2.1', [locate], ...twice)).reasons, refused, 'twice in one message');
  service.now += 3_600_001;
  const badTicket = [oneTime('alice', 'three'), ticketOf(new Uint8Array(32))];
  t.equal((await sendAs(service, '2.1', [locate], ...badTicket)).reasons, 'InvalidTicket');
  t.equal(
    (await sendAs(service, '2.1', [locate], oneTime('alice', 'three'))).reasons,
    'Success',
    'was not spent',
  );
  const all = await Promise.all(
    Array.from({ length: 16 }, () => sendAs(service, '2.1', [locate], oneTime('alice', 'four'))),
  );
  t.equal(all.filter(({ reasons }) => reasons === 'Success').length, 1, 'sixteen at once: one of them');
});

t.test('a ticket replaces the credentials that it was issued for', async (t) => {
  const service = await open();
  service.sender = { fingerprint: 'f1' };
  const before = (await succeed(service, '2.1', Login, {})).Ticket.TicketValue.slice();
  await setCredentials(service, { users: [await user('alice', 'right')], devices: [] });
  t.equal((await sendAs(service, '2.1', [{ operation: 'Login' }])).reasons, refused, 'not without them');
  const { answers } = await sendAs(service, '2.1', [{ operation: 'Login' }], password('alice', 'right'));
  t.match(answers, [{ status: 'Success' }]);
  t.equal((await sendAs(service, '2.1', [locate], ticketOf(before))).reasons, 'Success');
  const both = [ticketOf(before), password('alice', 'right')];
  t.equal((await sendAs(service, '2.1', [locate], ...both)).reasons, 'Success', 'both hold');
  const wrong = [ticketOf(before), password('alice', 'wrong')];
  t.equal((await sendAs(service, '2.1', [locate], ...wrong)).reasons, refused, 'one does not');
});

t.test(
  'a changed password is effective at once, also on connections that have shown the old one',
  async (t) => {
    const service = await open();
    service.memory = new Set();
    await setCredentials(service, { users: [await user('alice', 'old')], devices: [] });
    t.equal((await sendAs(service, '2.1', [locate], password('alice', 'old'))).reasons, 'Success');
    t.equal(service.memory.size, 1);
    t.notMatch([...service.memory].join(), /old|alice/);
    t.equal(
      (await sendAs(service, '2.1', [locate], password('alice', 'old'))).reasons,
      'Success',
      'remembered',
    );
    await setCredentials(service, { users: [await user('alice', 'new')], devices: [] });
    t.equal((await sendAs(service, '2.1', [locate], password('alice', 'old'))).reasons, refused);
    t.equal((await sendAs(service, '2.1', [locate], password('alice', 'new'))).reasons, 'Success');
  },
);

t.test('a client is authenticated by its certificate when its credentials have been removed', async (t) => {
  const service = await open();
  await setCredentials(service, { users: [], devices: [] });
  t.equal((await sendAs(service, '2.1', [locate])).reasons, 'Success');
  t.equal((await sendAs(service, '2.1', [locate], password('a', 'b'))).reasons, 'Success');
  await service.clients.remove('tester');
  t.equal((await sendAs(service, '2.1', [locate])).reasons, refused, 'not when the client has been removed');
});

t.test('a client that guesses is throttled, one that knows the password is not', async (t) => {
  const service = await open();
  await setCredentials(service, {
    users: [await user('alice', 'right'), await user('bob', 'right')],
    devices: [],
  });
  const attempt = async (name: string, word: string) =>
    (await sendAs(service, '2.1', [locate], password(name, word))).reasons;
  for (let number = 0; number < 5; number++) t.equal(await attempt('alice', `guess ${number}`), refused);
  t.equal(await attempt('alice', 'right'), refused, 'not even the right one');
  t.match(service.authenticationFailures.at(-1), /too many/);
  t.equal(await attempt('bob', 'right'), 'Success', 'another user is not concerned');
  service.now += 1000;
  t.equal(await attempt('alice', 'wrong again'), refused);
  service.now += 1000;
  t.equal(await attempt('alice', 'right'), refused, 'the time has doubled');
  service.now += 1000;
  t.equal(await attempt('alice', 'right'), 'Success');
  t.equal(await attempt('alice', 'wrong'), refused);
  t.equal(await attempt('alice', 'right'), 'Success', 'success has forgotten the failures');
});

t.test('the fixed credential of conformance tests is valid in interop mode only', async (t) => {
  const fixed = password('administrator', 'password');
  for (const interop of [true, false]) {
    const service = await open({ interop });
    t.equal((await sendAs(service, '2.1', [locate], fixed)).reasons, 'Success', 'nobody asked for one');
    await setCredentials(service, { users: [await user('alice', 'right')], devices: [] });
    const came = (await sendAs(service, '2.1', [locate], fixed)).reasons;
    t.equal(came, interop ? 'Success' : refused, `interop: ${interop}`);
    t.equal((await sendAs(service, '2.1', [locate], password('administrator', 'other'))).reasons, refused);
  }
});

t.test('the refusal has the same text for every cause, and names nothing', async (t) => {
  const service = await open();
  await setCredentials(service, { users: [await user('alice', 'right', ['one'])], devices: [] });
  const messages = new Set<string | undefined>();
  for (const shown of [
    password('alice', 'wrong-secret'),
    password('carol', 'wrong-secret'),
    device({ DeviceSerialNumber: 'wrong-secret' }),
    oneTime('alice', 'wrong-secret'),
    hashedPassword('alice', 'wrong-secret', time(service)).credential,
  ]) {
    const { answers } = await sendAs(service, '2.1', [locate], shown);
    messages.add(answers[0]?.message);
  }
  t.equal(messages.size, 1);
  t.notMatch([...messages, ...service.authenticationFailures].join(), /secret|alice|carol/);
});
