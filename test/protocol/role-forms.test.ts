import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import type { ManagedObjectValue } from '../../codec/structures/managed-objects.ts';
import { tagNumber } from '../../codec/tags.ts';
import { nodeCrypto } from '../../src/crypto/node/node.ts';
import { GetAttributes } from '../../src/operations/attributes/get-attributes.ts';
import { ReProvision } from '../../src/operations/certificates/re-provision.ts';
import { Activate } from '../../src/operations/lifecycle/activate.ts';
import { Destroy } from '../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../src/operations/lifecycle/revoke.ts';
import { Locate } from '../../src/operations/locate.ts';
import { DelegatedLogin } from '../../src/operations/sessions/delegated-login.ts';
import { Export } from '../../src/operations/transfer/export.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { valueOf } from '../client.ts';
import { sendAs, ticketOf } from './credentials/credential-headers.ts';
import { openEndpoint } from './endpoint.ts';
import { openEnrolled } from './enrolments.ts';
import { poll, submit, waitForJobs } from './jobs.ts';
import { createPair } from './keys.ts';
import { ask, outcome, succeed } from './operations/ask.ts';
import {
  active,
  counted,
  encryptWith,
  mask,
  register,
  secret,
  symmetric,
  wrappingKey,
} from './operations/transfer/wrapping-keys.ts';
import { closedKey, provenanceOf } from './protection/history.ts';
import { underRole } from './restricted.ts';
import { type TestService as Service, TestService, uid } from './service.ts';

/** In which form and in which states a role lets values leave, on every path by which they do. */

const services = {
  strict: await TestService.open(),
  kmip: await TestService.open({ protection: 'kmip' }),
};
const service = services.strict;
t.teardown(() => Promise.all(Object.values(services).map((each) => each.close())));

const under = (table: Parameters<typeof underRole>[0], at: Service = service) => {
  at.sender = underRole(table);
};
const free = (at: Service = service) => {
  at.sender = {};
};
const leaving = [Get, Export];
const encryption = mask('Encrypt', 'Decrypt');
const opaque: ManagedObjectValue = {
  type: 'OpaqueObject',
  value: { OpaqueDataType: 0x80000001, OpaqueDataValue: counted(9) },
};

t.test('values leave in the formats of the role only', async (t) => {
  free();
  const { id: privateKey, publicId } = await createPair(service, 'EC');
  const objects = {
    symmetric: await register(service, symmetric(counted(16)), active, encryption),
    opaque: await register(service, opaque),
    privateKey,
    publicId,
  };
  for (const [formats, object, asked, expected] of [
    [['Raw'], 'symmetric', undefined, 'Success'],
    [['Raw'], 'symmetric', 'TransparentSymmetricKey', 'KeyFormatTypeNotSupported'],
    [['TransparentSymmetricKey'], 'symmetric', undefined, 'KeyFormatTypeNotSupported'],
    [['TransparentSymmetricKey'], 'symmetric', 'TransparentSymmetricKey', 'Success'],
    [['PKCS_8'], 'privateKey', 'PKCS_8', 'Success'],
    [['PKCS_8'], 'privateKey', 'ECPrivateKey', 'KeyFormatTypeNotSupported'],
    [['X_509'], 'publicId', 'X_509', 'Success'],
    [['Raw'], 'publicId', 'X_509', 'KeyFormatTypeNotSupported'],
    [['Raw'], 'opaque', undefined, 'KeyFormatTypeNotSupported'],
    [['Opaque'], 'opaque', undefined, 'Success'],
  ] as const) {
    under({ formats });
    for (const operation of leaving)
      for (const version of ['1.4', '2.1'] as const) {
        const request = { UniqueIdentifier: objects[object], KeyFormatType: asked };
        const what = `${operation.name} ${version} of ${object} as ${asked} under ${formats}`;
        t.equal(await outcome(service, version, operation, request), expected, what);
      }
  }
});

t.test('a refusal shows nothing: the object still counts as never shown', async (t) => {
  free();
  service.refusedPermissions.length = 0;
  for (const table of [{ formats: ['PKCS_8'] }, { wrapping: 'required' }, { states: ['Deactivated'] }]) {
    free();
    const id = await service.key();
    under(table);
    for (const operation of leaving)
      t.not(await outcome(service, '2.1', operation, { UniqueIdentifier: id }), 'Success');
    t.equal((await provenanceOf(service, id)).shown, 'never', JSON.stringify(table));
    const logged = service.refusedPermissions.splice(0).map(({ operation }) => operation);
    t.same(
      new Set(logged),
      new Set([`roles.tried.${Object.keys(table)[0]}`]),
      'the log names the restriction',
    );
  }
});

t.test('values leave wrapped as those of Sensitive objects where the role demands it', async (t) => {
  for (const [protection, at] of Object.entries(services)) {
    free(at);
    const closed = await closedKey(at);
    const known = await wrappingKey(at);
    const id = await register(at, symmetric(counted(16)), active, encryption);
    const text = await register(at, opaque);
    under({ wrapping: 'required' }, at);
    for (const operation of leaving) {
      const tried = (UniqueIdentifier: string, more = {}) =>
        outcome(at, '2.1', operation, { UniqueIdentifier, ...more });
      const what = `${protection} ${operation.name}`;
      t.equal(await tried(id), 'Sensitive', `${what}: in the clear`);
      t.equal(await tried(text), 'Sensitive', `${what}: what cannot be wrapped`);
      t.equal(await tried(id, encryptWith(closed)), 'Success', `${what}: under a closed key`);
      const expected = protection === 'strict' ? 'Sensitive' : 'Success';
      t.equal(await tried(id, encryptWith(known)), expected, `${what}: under a key that clients know`);
      const signed = { KeyWrappingSpecification: { WrappingMethod: 'MACSign', AttributeName: [] } };
      t.not(await tried(id, signed), 'Success', `${what}: with a MAC alone`);
    }
    t.equal((await ask(at, '1.2', Get, { UniqueIdentifier: id })).reason, 'PermissionDenied', 'in 1.2');
    const { message } = await ask(at, '2.1', Get, { UniqueIdentifier: id });
    t.match(message, /role of the client lets values leave the server only wrapped/);
  }
});

t.test('what is a function of a value is hidden with it', async (t) => {
  free();
  const value = secret(counted(20));
  const { DigestValue } = nodeCrypto.digestObject(value) ?? {};
  const id = await register(service, value, active);
  const shows = async (table: Parameters<typeof underRole>[0]) => {
    under(table);
    const { Attributes } = await succeed(service, '2.1', GetAttributes, { UniqueIdentifier: id });
    const condition: Attribute = { name: 'Digest', value: { DigestValue } as never };
    const found = await succeed(service, '2.1', Locate, { Attributes: [condition] });
    const isShown = Attributes.some(({ name }) => name === 'Digest');
    t.equal(
      found.UniqueIdentifier.includes(id),
      isShown,
      `found where it is shown: ${JSON.stringify(table)}`,
    );
    return isShown;
  };
  t.ok(await shows({}));
  t.ok(
    await shows({ formats: ['Raw'], states: ['Active'], objectTypes: ['SecretData'], algorithms: ['none'] }),
  );
  t.notOk(await shows({ formats: ['Opaque'] }));
  t.notOk(await shows({ states: ['PreActive'] }));
  t.notOk(await shows({ wrapping: 'required' }));
  free();
  const key = await register(service, symmetric(counted(16)), active, encryption);
  under({ wrapping: 'required' });
  const { Attributes } = await succeed(service, '2.1', GetAttributes, { UniqueIdentifier: key });
  t.notOk(
    Attributes.some(({ name }) => name === 'Digest'),
    'of a key too, as of Sensitive ones',
  );
});

t.test('values are used and leave in the states of the role only', async (t) => {
  free();
  const RevocationReason = { RevocationReasonCode: 'KeyCompromise' } as const;
  const make = async (...steps: (typeof Activate | typeof Revoke)[]) => {
    const id = await register(service, symmetric(counted(16)), encryption);
    for (const step of steps) await succeed(service, '2.1', step, { UniqueIdentifier: id, RevocationReason });
    return id;
  };
  const states = {
    PreActive: await make(),
    Active: await make(Activate),
    Compromised: await make(Activate, Revoke),
  };
  for (const allowed of Object.keys(states)) {
    under({ states: [allowed] });
    for (const [state, id] of Object.entries(states))
      for (const operation of leaving) {
        const reason = await outcome(service, '2.1', operation, { UniqueIdentifier: id });
        t.equal(reason, state === allowed ? 'Success' : 'WrongKeyLifecycleState', `${allowed}: ${state}`);
      }
  }
  under({ states: ['Active'] });
  const gone = states.Compromised;
  await succeed(service, '2.1', Destroy, { UniqueIdentifier: gone });
  const exported = await ask(service, '2.1', Export, { UniqueIdentifier: gone });
  t.equal(exported.status, 'Success', 'the attributes of a destroyed object are no value');
});

t.test('a value leaves by Put as by Get, and changes are told of what the role reaches', async (t) => {
  for (const [table, expected] of [
    [{}, 'Put'],
    [{ formats: ['Raw'], objectTypes: ['SymmetricKey'], algorithms: ['AES'], states: ['PreActive'] }, 'Put'],
    [{ formats: ['Opaque'] }, 'Notify'],
    [{ wrapping: 'required' }, 'Notify'],
    [{ states: ['Active'] }, 'Notify'],
    [{ objectTypes: ['SecretData'] }, undefined],
    [{ algorithms: ['AES=128'] }, undefined],
  ] as const) {
    const what = JSON.stringify(table);
    const { service: own, client } = await openEndpoint(t, {
      settings: { put: true },
      authorise: (principal) => ({ ...principal, ...underRole(table) }),
    });
    await client.seen('Query');
    const first = await own.key();
    // Whatever the role does not reach is followed by an object that it reaches.
    const other = 'objectTypes' in table ? secret(counted(8)) : symmetric(counted(16));
    const second = expected === undefined ? await register(own, other, encryption) : undefined;
    const sent = await client.seen(expected ?? 'Put');
    t.equal(valueOf(sent.payload, 'UniqueIdentifier'), second ?? first, what);
    const others = client.asked.filter(({ operation }) => operation === 'Put' || operation === 'Notify');
    t.equal(others.length, 1, what);
    if (expected === 'Notify') t.notMatch(JSON.stringify(sent.payload), `"tag":${tagNumber('Digest')}`, what);
  }
});

t.test('Poll hands out no value that the role has stopped to let out', async (t) => {
  free();
  const id = await register(service, symmetric(counted(16)), active, encryption);
  for (const [table, reason, own = reason] of [
    [{}, 'Success'],
    [{ formats: ['Raw'] }, 'PermissionDenied', 'Success'],
    [{ wrapping: 'required' }, 'PermissionDenied', 'Sensitive'],
    [{ states: ['Deactivated'] }, 'WrongKeyLifecycleState'],
    [{ objectTypes: ['SecretData'] }, 'ObjectNotFound'],
    [{ algorithms: ['AES=256'] }, 'ObjectNotFound'],
  ] as const) {
    free();
    const { values } = await submit(service, '2.1', [{ operation: 'Get', payload: [uid(id)] }]);
    await waitForJobs(service);
    under(table);
    const answer = await poll(service, '2.1', values[0]);
    t.equal(answer.reason ?? answer.status, reason, JSON.stringify(table));
    const again = await submit(service, '2.1', [{ operation: 'Get', payload: [uid(id)] }]);
    await waitForJobs(service);
    const later = await poll(service, '2.1', again.values[0]);
    t.equal(later.reason ?? later.status, own, `a job under the role: ${JSON.stringify(table)}`);
  }
});

t.test('a ticket gives no more than the role of its client', async (t) => {
  service.sender = { fingerprint: 'f1' };
  const id = await register(service, symmetric(counted(16)), active, encryption);
  const Right = { Objects: { UniqueIdentifier: [id] } };
  const { Ticket } = await succeed(service, '2.1', DelegatedLogin, { Rights: { Right: [Right] } });
  const ticket = ticketOf(Ticket.TicketValue.slice());
  for (const [table, reason] of [
    [{}, 'Success'],
    [{ formats: ['Opaque'] }, 'KeyFormatTypeNotSupported'],
    [{ wrapping: 'required' }, 'Sensitive'],
    [{ states: ['Deactivated'] }, 'WrongKeyLifecycleState'],
    [{ objectTypes: ['SecretData'] }, 'ObjectNotFound'],
  ] as const) {
    const owner = { client: 'tester', group: 'g', fingerprint: 'f1', ...underRole(table) };
    service.otherClients.set('tester', owner);
    service.sender = { client: 'bearer', fingerprint: 'f2', may: () => false };
    const { reasons } = await sendAs(service, '2.1', [{ operation: 'Get', payload: [uid(id)] }], ticket);
    t.equal(reasons, reason, JSON.stringify(table));
  }
});

t.test('Re-Provision makes no key that its client could not fetch', async (t) => {
  for (const [table, reason] of [
    [{}, 'Success'],
    [{ formats: ['PKCS_8', 'X_509'] }, 'Success'],
    [{ formats: ['Raw'] }, 'PermissionDenied'],
    [{ wrapping: 'required' }, 'PermissionDenied'],
    [{ states: ['Active'] }, 'PermissionDenied'],
    [{ objectTypes: ['PrivateKey'] }, 'PermissionDenied'],
    [{ objectTypes: ['Certificate'] }, 'PermissionDenied'],
    [{ algorithms: ['RSA'] }, 'PermissionDenied'],
  ] as const) {
    const enrolled = await openEnrolled(t);
    const before = await enrolled.entry();
    enrolled.service.sender = { ...enrolled.service.sender, ...underRole(table) };
    t.equal(await outcome(enrolled.service, '2.1', ReProvision, {}), reason, JSON.stringify(table));
    if (reason !== 'Success') t.same(await enrolled.entry(), before, 'the client is enrolled as before');
  }
});
