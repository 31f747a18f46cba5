import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { readJson } from '../../../src/common/json.ts';
import { GetAttributeList } from '../../../src/operations/attributes/get-attribute-list.ts';
import { GetAttributes } from '../../../src/operations/attributes/get-attributes.ts';
import { CreateKeyPair } from '../../../src/operations/creation/create-key-pair.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { Locate } from '../../../src/operations/locate.ts';
import { DelegatedLogin } from '../../../src/operations/sessions/delegated-login.ts';
import { Login } from '../../../src/operations/sessions/login.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { UnitOfWork } from '../../../src/protocol/unit-of-work/unit-of-work.ts';
import { enumerated } from '../../client.ts';
import { sendAs as sendShowing, ticketOf } from '../credentials/credential-headers.ts';
import { poll, process, submit } from '../jobs.ts';
import { active, createPair, Data, withMask } from '../keys.ts';
import { observeReads } from '../observe-reads.ts';
import { ask, attributeOf, attributesOf, having, outcome, payloadOf, succeed } from '../operations/ask.ts';
import {
  counted,
  encryptWith,
  mask,
  register,
  secret,
  symmetric,
} from '../operations/transfer/wrapping-keys.ts';
import { underRole } from '../restricted.ts';
import { outline, type TestService, uid } from '../service.ts';
import { groups, openGranted } from './granted.ts';

/** A grant permits one use of one object, and nothing follows from it for anything else. */

const fixture = await openGranted(t);
const { service, grants, grant, sendAs } = fixture;

const uses = mask('Encrypt', 'Decrypt', 'WrapKey', 'UnwrapKey');
const goOn = [enumerated('BatchErrorContinuationOption', 1)];
const undo = [enumerated('BatchErrorContinuationOption', 3)];
const sensitive: Attribute = { name: 'Sensitive', value: true };
const gcm = { CryptographicParameters: { BlockCipherMode: 'GCM' } } as const;

/** Registers an Active AES key of the owner; the requests that follow are the grantee's. */
async function ownersKey(...attributes: readonly Attribute[]): Promise<string> {
  sendAs('owner');
  const id = await register(service, symmetric(counted(32)), active, uses, ...attributes);
  sendAs('grantee');
  return id;
}

const get = (id: string, more: object = {}) =>
  outcome(service, '2.1', Get, { UniqueIdentifier: id, ...more });
const encrypt = (id: string) =>
  outcome(service, '2.1', Encrypt, { UniqueIdentifier: id, ...gcm, Data: counted(16) });
const limits = (total: bigint): Attribute => ({
  name: 'UsageLimits',
  value: { UsageLimitsTotal: total, UsageLimitsUnit: 'Object' },
});
const asOwner = async <T>(read: (of: TestService) => Promise<T>): Promise<T> => {
  sendAs('owner');
  const result = await read(service);
  sendAs('grantee');
  return result;
};
const countLeft = async (id: string) =>
  (await asOwner(() => attributeOf(service, id, 'UsageLimits'))) as { UsageLimitsCount?: bigint };

t.test('what one item has read by a grant does not exist for items without one', async (t) => {
  const id = await ownersKey();
  await grant(id, ['Get']);
  const item = (operation: string, ...payload: ReturnType<typeof uid>[]) => ({ operation, payload });
  const answers = await service.batch(
    '1.4',
    [
      item('GetAttributes', uid(id)),
      item('Get', uid(id)),
      item('GetAttributes'),
      item('Get'),
      item('Revoke', uid(id)),
      item('Archive', uid(id)),
      item('Destroy', uid(id)),
      item('Destroy'),
      item('Get', uid(id)),
    ],
    goOn,
  );
  t.equal(
    outline(answers),
    'GetAttributes:ItemNotFound Get:Success GetAttributes:ItemNotFound Get:Success Revoke:InvalidMessage ' +
      'Archive:ItemNotFound Destroy:ItemNotFound Destroy:ItemNotFound Get:Success',
  );
  const found = await succeed(service, '2.1', Locate, { Attributes: [] });
  t.same(found.UniqueIdentifier, [], 'and a search finds nothing');
  t.equal(await asOwner(() => service.state(id)), 2, 'the object is as it was');
});

t.test('uses by a grant count for the object, also of items that fail or are undone', async (t) => {
  const id = await ownersKey(limits(3n));
  await grant(id, ['Encrypt']);
  t.equal(await encrypt(id), 'Success');
  t.match(await countLeft(id), { UsageLimitsCount: 2n });
  const item = { operation: 'Encrypt', payload: [] };
  const [answered] = await service.batch('2.1', [encryptItem(id), { ...item, payload: [uid('none')] }], undo);
  t.equal(answered?.status, 'OperationUndone');
  t.match(await countLeft(id), { UsageLimitsCount: 1n });
  t.equal(await asOwner(() => encrypt(id)), 'Success');
  t.equal(await encrypt(id), await asOwner(() => encrypt(id)), 'those of the owner count as well');
  t.not(await encrypt(id), 'Success');
});

function encryptItem(id: string) {
  const payload = payloadOf('2.1', Encrypt, { UniqueIdentifier: id, ...gcm, Data: counted(16) });
  return { operation: 'Encrypt', payload: (payload.type === 'Structure' ? payload.value : []) as never };
}

t.test('random vectors count for the group of the object', async (t) => {
  const id = await ownersKey();
  await grant(id, ['Encrypt']);
  t.equal(await encrypt(id), 'Success');
  const unit = new UnitOfWork(service.store, service.vault, { uniqueNames: false, now: 1 });
  const record = await unit.record('random-iv-uses', id);
  t.equal(record?.group, groups.owner);
  t.match(record && readJson(record.content), { uses: 2 ** 16 });
});

t.test('a Get by a grant is in the history of the object', async (t) => {
  const id = await ownersKey();
  await grant(id, ['Get']);
  t.equal(await get(id), 'Success');
  t.equal(await asOwner(() => attributeOf(service, id, 'Fresh')), false);
});

t.test('Links are hidden, and the Digest unless the value may be fetched', async (t) => {
  sendAs('owner');
  const pair = await createPair(service, 'EC');
  const password = await register(service, secret(counted(16)));
  for (const id of [pair.id, pair.publicId, password]) {
    sendAs('owner');
    const own = (await attributesOf(service, id)).map(({ name }) => name);
    t.ok(own.includes('Digest'), 'the owner sees it');
    t.equal(own.includes('Link'), id !== password);
    for (const operations of [[], ['Get']]) {
      await grant(id, ['GetAttributes', 'GetAttributeList', ...operations]);
      const hidden = operations.length === 0 ? ['Digest', 'Link'] : ['Link'];
      const expected = own.filter((name) => !hidden.includes(name));
      sendAs('grantee');
      const seen = (await attributesOf(service, id)).map(({ name }) => name);
      t.same(seen, expected, `granted ${operations}`);
      const listed = await succeed(service, '2.1', GetAttributeList, { UniqueIdentifier: id });
      t.same(new Set(listed.AttributeReference.map(({ name }) => name)), new Set(expected));
      const byName = { UniqueIdentifier: id, AttributeReference: [{ name: 'Link' }, { name: 'Digest' }] };
      const asked = (await succeed(service, '2.1', GetAttributes, byName)).Attributes;
      t.same(
        asked.map(({ name }) => name),
        operations.length === 0 ? [] : ['Digest'],
      );
    }
    sendAs('grantee', underRole({ operations: ['GetAttributes'] }));
    const seen = (await attributesOf(service, id)).map(({ name }) => name);
    t.notOk(seen.includes('Digest'), 'also where the role permits no Get');
  }
});

t.test('no other key exists beside the granted one, and a Sensitive value does not leave', async (t) => {
  const wrapping = await ownersKey();
  sendAs('owner');
  const second = await register(service, symmetric(counted(33).subarray(1)), active, uses);
  const next: Attribute = { name: 'Link', value: { LinkType: 'NextLink', LinkedObjectIdentifier: second } };
  const id = await ownersKey(next);
  const closed = await ownersKey(sensitive);
  sendAs('grantee');
  const own = await register(service, symmetric(counted(32)), active, uses);
  for (const key of [id, closed, wrapping, second]) await grant(key, ['Get', 'Encrypt']);
  const spec = async (key: string) => {
    const { reason, message } = await ask(service, '2.1', Get, { UniqueIdentifier: id, ...encryptWith(key) });
    return { reason, message };
  };
  const unknown = await spec(crypto.randomUUID());
  t.ok(unknown.reason);
  for (const key of [wrapping, own, second]) t.same(await spec(key), unknown);
  t.same(await spec(id), unknown, 'nor does the key itself, beside the object that is named');
  t.equal(await get(closed), 'Sensitive');
  const xts = { CryptographicParameters: { BlockCipherMode: 'XTS' }, IVCounterNonce: counted(16) } as const;
  const request = { ...xts, Data: counted(32) };
  t.equal(await outcome(service, '2.1', Encrypt, { UniqueIdentifier: id, ...request }), 'ObjectNotFound');
  t.equal(
    await asOwner(() => outcome(service, '2.1', Encrypt, { UniqueIdentifier: id, ...request })),
    'Success',
    'the owner uses both keys',
  );
});

t.test('a use that would make an object is refused, and makes none', async (t) => {
  sendAs('owner');
  const made = await succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: having({ name: 'CryptographicAlgorithm', value: 'ML_KEM_768' }, active),
    PublicKeyAttributes: having(withMask('Encrypt')),
  });
  const id = made.PublicKeyUniqueIdentifier;
  const count = async () =>
    (await succeed(service, '2.1', Locate, { Attributes: [] })).UniqueIdentifier.length;
  const before = await count();
  await grant(id, ['Encrypt']);
  sendAs('grantee');
  const own = await count();
  t.equal(await outcome(service, '2.1', Encrypt, { UniqueIdentifier: id }), 'PermissionDenied');
  t.equal(await count(), own);
  t.equal(await asOwner(count), before);
});

t.test('an asynchronous request has no grants', async (t) => {
  const id = await ownersKey();
  await grant(id, ['Get']);
  const { values } = await submit(service, '2.1', [{ operation: 'Get', payload: [uid(id)] }]);
  t.equal(await process(service, values[0]), 'Success', 'it is done');
  t.equal((await poll(service, '2.1', values[0])).reason, 'ObjectNotFound');
  t.equal(await get(id), 'Success', 'one that is answered at once has');
});

t.test('a ticket with Rights has no grants, one of Login has', async (t) => {
  const id = await ownersKey();
  await grant(id, ['Get']);
  const item = { operation: 'Get', payload: [uid(id)] };
  const show = async (Ticket: { readonly TicketValue: Uint8Array }) =>
    (await sendShowing(service, '2.1', [item], ticketOf(Ticket.TicketValue.slice()))).reasons;
  for (const right of [{}, { Objects: { UniqueIdentifier: [id] } }]) {
    const { Ticket } = await succeed(service, '2.1', DelegatedLogin, { Rights: { Right: [right] } });
    t.not(await show(Ticket), 'Success', JSON.stringify(right));
  }
  const { Ticket } = await succeed(service, '2.1', Login, {});
  t.equal(await show(Ticket), 'Success');
});

t.test('data in parts goes on while the grant is there', async (t) => {
  const id = await ownersKey();
  await grant(id, ['Encrypt']);
  const part = (more: object) =>
    ask(service, '2.1', Encrypt, { UniqueIdentifier: id, ...gcm, Data, ...more });
  const first = await part({ InitIndicator: true });
  const next = { CorrelationValue: first.payload.CorrelationValue?.slice() };
  t.equal((await part(next)).status, 'Success');
  await grants.remove(id, { client: 'grantee' });
  t.equal((await part({ ...next, FinalIndicator: true })).reason, 'ObjectNotFound');
});

t.test('role and enrolment of the grantee bind', async (t) => {
  const id = await ownersKey();
  const all = ['Get', 'GetAttributes', 'Encrypt', 'Decrypt'];
  await grant(id, all);
  sendAs('grantee', underRole({ operations: ['GetAttributes'] }));
  t.equal(await get(id), 'PermissionDenied', 'the role has no Get');
  for (const table of [{ objectTypes: ['SecretData'] }, { algorithms: ['AES=128'] }]) {
    sendAs('grantee', underRole(table));
    t.equal(await get(id), 'ObjectNotFound', 'the role does not reach the object');
  }
  for (const [table, reason] of [
    [{ formats: ['PKCS_8'] }, 'KeyFormatTypeNotSupported'],
    [{ wrapping: 'required' }, 'Sensitive'],
    [{ states: ['Compromised'] }, 'WrongKeyLifecycleState'],
  ] as const) {
    sendAs('grantee', underRole(table as never));
    t.equal(await get(id), reason);
  }
  for (const other of [{ enrolledAt: 1 }, { enrolledAt: undefined }, { client: 'other' }]) {
    sendAs('grantee', other as never);
    t.equal(await get(id), 'ObjectNotFound', 'another client of the name, or another name');
  }
  await grant(id, ['Get'], { to: { group: groups.grantee } });
  sendAs('grantee', { client: 'other' });
  t.equal(await get(id), 'Success', 'a grant to the group is for every client of it');
  t.equal(await encrypt(id), 'ObjectNotFound', 'as far as it goes');
  sendAs('grantee');
  t.equal(await encrypt(id), 'Success', 'grants to client and group permit what each of them does');
  sendAs('third');
  t.equal(await get(id), 'ObjectNotFound');
});

t.test('for whoever has no grant, as much is read of an object with grants as of none', async (t) => {
  const id = await ownersKey();
  await grant(id, ['Get', 'Encrypt']);
  await grant(id, ['Get'], { to: { group: groups.grantee } });
  const reads = observeReads(service);
  for (const operation of ['Get', 'Encrypt', 'Sign', 'GetAttributes', 'Destroy', 'Locate']) {
    const readsOf = async (object: string) => {
      sendAs('third');
      reads();
      await service.call('2.1', operation, [uid(object)]);
      return reads();
    };
    const none = await readsOf(crypto.randomUUID());
    t.strictSame(await readsOf(id), none, operation);
    t.notOk(none.includes('open 1'), 'nothing is opened');
  }
});

t.test('a grant ends by the later one of the clock and what lanes have stated', async (t) => {
  const id = await ownersKey();
  await grant(id, ['Get'], { until: fixture.now + 60 });
  t.equal(await get(id), 'Success');
  service.latestTime = fixture.now + 60;
  t.equal(await get(id), 'ObjectNotFound', 'the clock was set back');
  service.latestTime = 0;
  t.equal(await get(id), 'Success');
  service.now += 60_000;
  t.equal(await get(id), 'ObjectNotFound');
});
