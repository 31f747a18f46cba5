import t from 'tap';
import { describeRoles } from '../../../src/identity/policy.ts';
import type { ManagementBackends, ManagementCall } from '../../../src/management/api.ts';
import { callMethod } from '../../../src/management/call.ts';
import { ManagementError } from '../../../src/management/errors.ts';
import { ModifyAttribute } from '../../../src/operations/attributes/modify-attribute.ts';
import { granteeId, granteeKind, grantKind, writeGrants } from '../../../src/operations/grants.ts';
import { DelegatedLogin } from '../../../src/operations/sessions/delegated-login.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { UnitOfWork } from '../../../src/protocol/unit-of-work/unit-of-work.ts';
import { enumerated, valueOf } from '../../client.ts';
import { namelessCaller } from '../../unit/management/samples.ts';
import { committedEntries, TestRecorder } from '../audit/test-recorder.ts';
import { sendAs as sendShowing, ticketOf } from '../credentials/credential-headers.ts';
import { enrolForExplanation } from '../explained.ts';
import { contact, outcome, succeed } from '../operations/ask.ts';
import { active, counted, mask, register, symmetric } from '../operations/transfer/wrapping-keys.ts';
import { everything, inPolicy } from '../restricted.ts';
import { createAesPayload2x, uid } from '../service.ts';
import { openGranted } from './granted.ts';

/** What ends grants, who makes them, and what the audit log has of them. */

const recorder = new TestRecorder();
/** Is called before the next commit. */
let beforeCommit: (() => Promise<unknown>) | undefined;
const fixture = await openGranted(t, {
  audit: recorder,
  interceptStore: (store) => ({
    ...store,
    async commit(unit) {
      const act = beforeCommit;
      beforeCommit = undefined;
      await act?.();
      return store.commit(unit);
    },
  }),
});
const { service, grants, grant, sendAs } = fixture;

let writtenAt: number | null = null;
const backends = {
  ...{ store: service.store, vault: service.vault, clients: service.clients },
  roles: () => describeRoles({ reader: ['Get'] }),
  nodes: { list: async () => [{ writtenAt }] },
} as unknown as ManagementBackends;
const call: ManagementCall = (method, params) =>
  callMethod(backends, namelessCaller, method, params, async () => {});

async function ownersKey(): Promise<string> {
  sendAs('owner');
  const id = await register(service, symmetric(counted(16)), active, mask('Encrypt', 'Decrypt'));
  sendAs('grantee');
  return id;
}
const get = (id: string) => outcome(service, '2.1', Get, { UniqueIdentifier: id });
const listed = async (object: string) =>
  (await call('grant.list', { object })).map(({ client, group, state }) => `${client ?? group} ${state}`);
const item = (operation: string, id: string) => ({ operation, payload: [uid(id)] });

/** Makes a key that can be destroyed, with a grant to the grantee. */
async function grantedKey(): Promise<string> {
  sendAs('owner');
  const id = await service.key();
  await grant(id, ['Get', 'GetAttributes']);
  return id;
}

t.test('Destroy ends the grants of the object, unless it is undone', async (t) => {
  const id = await grantedKey();
  sendAs('owner');
  const undo = [enumerated('BatchErrorContinuationOption', 3)];
  await service.batch('1.4', [item('Destroy', id), item('Get', 'none')], undo);
  t.same(await listed(id), ['grantee active']);
  sendAs('grantee');
  t.equal(await get(id), 'Success');
  sendAs('owner');
  t.equal((await service.call('1.4', 'Destroy', [uid(id)])).status, 'Success');
  t.same(await listed(id), []);
  // A record that is there although the object was destroyed permits nothing.
  const unit = new UnitOfWork(service.store, service.vault, { uniqueNames: false, now: 1 });
  await unit.record(grantKind, id);
  const left = { to: { group: 'grantees' }, operations: ['Get', 'GetAttributes'], grantedAt: 1 };
  unit.putRecord(grantKind, id, 'owners', writeGrants([left]));
  await unit.record(granteeKind, granteeId(id, left.to));
  unit.putRecord(granteeKind, granteeId(id, left.to), 'owners', new Uint8Array());
  t.equal(await unit.commit(), 'committed');
  sendAs('grantee');
  for (const operation of ['Get', 'GetAttributes'])
    t.equal((await service.call('2.1', operation, [uid(id)])).reason, 'ObjectNotFound');
});

t.test('what has ended leaves no records', async (t) => {
  const id = await grantedKey();
  const count = async () => {
    const unit = new UnitOfWork(service.store, service.vault, { uniqueNames: false, now: 1 });
    const all = await Promise.all([grantKind, granteeKind].map((kind) => unit.everyRecord(kind, 1_000)));
    return all.map(({ length }) => length);
  };
  const [objects = 0, grantees = 0] = await count();
  await grant(id, ['Get'], { to: { group: 'others' }, until: 1 });
  t.same(await count(), [objects, grantees + 1]);
  t.equal(typeof (await grants.add(id, { to: { group: 'more' }, operations: ['Get'] }, 2)), 'object');
  t.same(await count(), [objects, grantees + 1], 'the one that has ended went');
  await grants.remove(id, { group: 'more' });
  t.same(await count(), [objects, grantees]);
  sendAs('owner');
  t.equal((await service.call('1.4', 'Destroy', [uid(id)])).status, 'Success');
  t.same(await count(), [objects - 1, grantees - 1]);
});

t.test('Destroy ends them also by a ticket with Rights to the object', async (t) => {
  const id = await grantedKey();
  sendAs('owner');
  const right = { Objects: { UniqueIdentifier: [id] } };
  const { Ticket } = await succeed(service, '2.1', DelegatedLogin, { Rights: { Right: [right] } });
  const ticket = ticketOf(Ticket.TicketValue.slice());
  t.equal((await sendShowing(service, '2.1', [item('Destroy', id)], ticket)).reasons, 'Success');
  t.same(await listed(id), []);
});

t.test('Import with Replace Existing ends them: the operator granted another value', async (t) => {
  const id = await grantedKey();
  sendAs('owner', inPolicy({ all: everything }, 'all'));
  const replaced = await outcome(service, '2.1', Import, {
    ...{ UniqueIdentifier: id, ReplaceExisting: true, Attributes: [mask('Encrypt')] },
    Object: symmetric(counted(16)),
  });
  t.equal(replaced, 'Success');
  t.same(await listed(id), []);
  sendAs('grantee');
  t.equal(await get(id), 'ObjectNotFound');
});

t.test('the removal of a client ends the grants to it, and no others', async (t) => {
  const id = await ownersKey();
  const name = 'leaving';
  await enrolForExplanation(service, 'full', { name, group: 'leavers' });
  await call('grant.add', { object: id, client: name, operations: ['Get'] });
  await call('grant.add', { object: id, group: 'leavers', operations: ['Get'] });
  await call('grant.add', { object: id, client: 'grantee', operations: ['Get'] });
  t.same(await listed(id), ['leaving active', 'leavers active', 'grantee active']);
  await call('client.remove', { name });
  t.same(await listed(id), ['leavers unused', 'grantee active'], 'the group keeps its own, without clients');
  await enrolForExplanation(service, 'full', { name, group: 'leavers' });
  t.same(await listed(id), ['leavers active', 'grantee active']);
});

t.test('a client that is enrolled anew under a name has no grant of the one before', async (t) => {
  const id = await ownersKey();
  await enrolForExplanation(service, 'full', { name: 'renamed', group: 'leavers' });
  await call('grant.add', { object: id, client: 'renamed', operations: ['Get'] });
  // As where the removal was interrupted.
  await service.clients.remove('renamed');
  t.same(await listed(id), ['renamed unused']);
  await enrolForExplanation(service, 'full', { name: 'renamed', group: 'leavers', at: new Date() });
  service.sender = { ...service.sender, client: 'renamed', group: 'leavers', enrolledAt: fixture.now + 1 };
  t.equal(await get(id), 'ObjectNotFound');
  // Its removal comes before its addition, which removes what was left.
  await service.clients.remove('renamed');
  const certificate = (await service.clients.byName('grantee'))?.certificate ?? '';
  await t.rejects(call('client.add', { name: 'renamed', group: 'leavers', role: 'full', certificate }));
  t.same(await listed(id), []);
});

t.test('a message whose grant is removed before its commit is executed again without it', async (t) => {
  const id = await ownersKey();
  await grant(id, ['Get']);
  beforeCommit = () => call('grant.remove', { object: id, client: 'grantee' });
  t.equal(await get(id), 'ObjectNotFound', 'the first Get commits that the value has left');
});

t.test('a message whose object is destroyed before its commit is executed again, too', async (t) => {
  const id = await grantedKey();
  beforeCommit = async () => {
    const { sender } = service;
    sendAs('owner');
    await service.call('1.4', 'Destroy', [uid(id)]);
    service.sender = sender;
  };
  sendAs('grantee');
  t.equal(await get(id), 'ObjectNotFound');
});

t.test('a message conflicts when an object changes that it has read by a grant', async (t) => {
  sendAs('owner');
  const id = await register(service, symmetric(counted(16)), mask('Encrypt'), contact('before'));
  await grant(id, ['GetAttributes']);
  beforeCommit = async () => {
    const { sender } = service;
    sendAs('owner');
    const NewAttribute = contact('after');
    await succeed(service, '2.1', ModifyAttribute, { UniqueIdentifier: id, NewAttribute });
    service.sender = sender;
  };
  sendAs('grantee');
  const create = { operation: 'Create', payload: createAesPayload2x() };
  const [read] = await service.batch('2.1', [item('GetAttributes', id), create]);
  t.equal(valueOf(read?.payload as never, 'Attributes', 'ContactInformation'), 'after');
});

t.test('what an operator asks for wrongly is refused with one line', async (t) => {
  const id = await ownersKey();
  const destroyed = await grantedKey();
  sendAs('owner');
  await service.call('1.4', 'Destroy', [uid(destroyed)]);
  writtenAt = 5_000_000_000;
  for (const [params, message] of [
    [{ client: 'grantee', operations: ['Destroy'] }, /^Destroy cannot be granted: it changes the object/],
    [{ client: 'grantee', operations: ['Locate'] }, /^Locate cannot be granted: it searches/],
    [{ client: 'grantee', operations: ['Gett'] }, /no operation of KMIP; did you mean "Get"/],
    [{ client: 'grantee', operations: ['toString'] }, /no operation of KMIP/],
    [{ client: 'grante', operations: ['Get'] }, /^no client "grante" is enrolled; did you mean "grantee"/],
    [{ client: 'owner', operations: ['Get'] }, /is of group owners, whose clients reach all/],
    [{ group: 'owners', operations: ['Get'] }, /is of group owners, whose clients reach all/],
    [{ group: 'nobody', operations: ['Get'] }, /^no client of group nobody is enrolled$/],
    [{ client: 'grantee', operations: ['Get'], until: 4_999_999_999 }, /the time at which it ends is over$/],
    [{ client: 'grantee', operations: ['Get'], object: 'none' }, /there is no object "none"$/],
    [{ client: 'grantee', operations: ['Get'], object: destroyed }, /is destroyed$/],
  ] as const)
    await t.rejects(call('grant.add', { object: id, ...params }), { code: 'MANAGEMENT', message });
  writtenAt = null;
  t.same(await grants.list(id), [], 'nothing was granted');
  await t.rejects(call('grant.remove', { object: id, client: 'grantee' }), ManagementError);
  await t.rejects(call('grant.remove', { object: 'none', group: 'others' }), /group others has no grant/);
});

t.test('a second grant takes the place of the first, and tells what the role lacks', async (t) => {
  const id = await ownersKey();
  await enrolForExplanation(service, 'reader', { name: 'reader', group: 'readers' });
  const asked = { object: id, client: 'reader', operations: ['Get', 'Encrypt', 'Get'] };
  const added = { group: 'owners', isReplaced: false, unpermitted: ['Encrypt'] };
  t.same(await call('grant.add', asked), added);
  t.match(await call('grant.list', { object: id }), [{ operations: ['Get', 'Encrypt'], until: null }]);
  const later = { ...asked, operations: ['Get'], until: 4_000_000_000 };
  t.same(await call('grant.add', later), { ...added, isReplaced: true, unpermitted: [] });
  t.match(await call('grant.list', { object: id }), [
    { object: id, owner: 'owners', client: 'reader', group: null, operations: ['Get'], until: 4_000_000_000 },
  ]);
  writtenAt = 4_000_000_000;
  t.same(await listed(id), ['reader ended']);
  writtenAt = null;
  const all = await call('grant.list', {});
  t.ok(all.some(({ object }) => object === id) && all.some(({ object }) => object !== id));
});

t.test('one object has a hundred grants at most', async (t) => {
  const id = await ownersKey();
  for (let at = 0; at < 100; at += 1) await grant(id, ['Get'], { to: { group: `group${at}` } });
  t.match(await grants.add(id, { to: { group: 'more' }, operations: ['Get'] }, 0), /has 100 grants already/);
  await grant(id, ['Encrypt'], { to: { group: 'group7' } });
  t.equal((await grants.list(id)).length, 100, 'one that is replaced needs no place');
});

t.test('the audit log names the grant that decided, or the line of the role', async (t) => {
  const id = await ownersKey();
  const refused = await ownersKey();
  await grant(id, ['Get', 'Encrypt']);
  await grant(refused, ['Encrypt'], { to: { group: 'grantees' } });
  const rulesOf = async (operation: string, object: string, sender = {}) => {
    sendAs('grantee', sender);
    await service.call('2.1', operation, [uid(object)]);
    const entries = [...(await committedEntries(service)), ...recorder.entries];
    return entries
      .flatMap(({ items }) => items)
      .filter((each) => each.operation === operation && each.objects?.some((of) => of.id === object))
      .map(({ result, rule, objects }) => `${result}: ${rule}, ${objects?.map(({ type }) => type)}`);
  };
  const rule = `grant ${id} to client grantee`;
  t.same(await rulesOf('Get', id), [`Success: ${rule}, SymmetricKey`]);
  t.same(await rulesOf('Encrypt', id), [`OperationFailed: ${rule}, SymmetricKey`], 'the Data is missing');
  t.same(await rulesOf('Encrypt', refused), [
    `OperationFailed: grant ${refused} to group grantees, SymmetricKey`,
  ]);
  t.same(await rulesOf('Get', refused), ['OperationFailed: built-in full, '], 'no grant has decided');
  const restricted = inPolicy({ tried: { operations: ['full'], states: ['Compromised'] } }, 'tried');
  t.match(await rulesOf('Get', id, restricted), [/Success/, /^OperationFailed: roles.tried.states, Symm/]);
});
