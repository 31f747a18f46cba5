import t from 'tap';
import type { Credential } from '../../../codec/structures/credentials.ts';
import { DelegatedLogin } from '../../../src/operations/sessions/delegated-login.ts';
import { bytes, enumerated, type RequestItem, structure, text, valueOf } from '../../client.ts';
import { succeed } from '../operations/ask.ts';
import { createAesPayload2x, TestService, uid } from '../service.ts';
import { authenticationHeader, sendAs, ticketOf } from './credential-headers.ts';

async function open(): Promise<TestService> {
  const service = await TestService.open();
  t.teardown(() => service.close());
  service.sender = { fingerprint: 'f1' };
  return service;
}

async function delegate(service: TestService, ...rights: object[]) {
  const { Ticket } = await succeed(service, '2.1', DelegatedLogin, { Rights: { Right: rights } });
  return ticketOf(Ticket.TicketValue.slice());
}

const operations = (...Operation: string[]) => ({ Operations: { Operation } });
const objects = (...UniqueIdentifier: string[]) => ({ Objects: { UniqueIdentifier } });
const groups = (...ObjectGroup: string[]) => ({ ObjectGroups: { ObjectGroup } });

const item = (operation: string, id?: string): RequestItem => ({
  operation,
  payload: id === undefined ? [] : [uid(id)],
});
const query: RequestItem = { operation: 'Query', payload: [enumerated('QueryFunction', 1)] };
const locate: RequestItem = { operation: 'Locate', payload: [structure('Attributes')] };

/** A key of an Object Group. */
function creating(group?: string): RequestItem {
  const [type, attributes] = createAesPayload2x() as unknown as [never, { value: unknown[] }];
  const more = group === undefined ? [] : [text('ObjectGroup', group)];
  return {
    operation: 'Create',
    payload: [type, { ...attributes, value: [...attributes.value, ...more] } as never],
  };
}

async function key(service: TestService, group?: string): Promise<string> {
  const [answer] = await service.batch('2.1', [creating(group)]);
  if (answer?.id === undefined) throw new Error(answer?.message);
  return answer.id;
}

t.test('a ticket allows the operations of its Rights only', async (t) => {
  const service = await open();
  const id = await key(service);
  for (const version of ['2.0', '2.1'] as const) {
    const ticket = await delegate(service, operations('Get', 'Query'), operations('Locate'));
    for (const [each, came] of [
      [item('Get', id), 'Success'],
      [locate, 'Success'],
      [query, 'Success'],
      [item('GetAttributes', id), 'NotAuthorised'],
      [item('Destroy', id), 'NotAuthorised'],
      [creating(), 'NotAuthorised'],
      [item('DiscoverVersions'), 'NotAuthorised'],
    ] as const)
      t.equal(
        (await sendAs(service, version, [each], ticket)).reasons,
        came,
        `${version}: ${each.operation}`,
      );
    const { answers } = await sendAs(service, version, [query], ticket);
    const named = answers[0]?.payload?.type === 'Structure' ? answers[0].payload.value : [];
    t.same(
      named.map(({ value }) => Number(value)).toSorted((a, b) => a - b),
      [0x08, 0x0a, 0x18],
      'Query names what the Rights leave',
    );
  }
  t.equal(
    (await sendAs(service, '2.1', [query], await delegate(service))).reasons,
    'NotAuthorised',
    'no Right',
  );
  const all = await delegate(service, {});
  t.equal(
    (await sendAs(service, '2.1', [item('GetAttributes', id)], all)).reasons,
    'Success',
    'an open Right',
  );
});

t.test('a ticket allows no operation that the role of its client does not include', async (t) => {
  const service = await open();
  const id = await key(service);
  const ticket = await delegate(service, {});
  service.sender = { fingerprint: 'f1', may: (operation) => operation !== 'Get' };
  t.equal((await sendAs(service, '2.1', [item('Get', id)], ticket)).reasons, 'PermissionDenied');
});

t.test('a ticket allows the objects of its Rights, and does not tell whether others exist', async (t) => {
  const service = await open();
  const [mine, other] = [await key(service), await key(service)];
  await service.call('1.4', 'Activate', [uid(mine)]);
  const ticket = await delegate(
    service,
    { ...operations('Get', 'Locate', 'Create'), ...objects(mine) },
    { ...operations('GetAttributes'), ...objects(other) },
  );
  for (const [each, came] of [
    [item('Get', mine), 'Success'],
    [item('Get', other), 'NotAuthorised'],
    [item('Get', 'nothing of the kind'), 'NotAuthorised'],
    [item('GetAttributes', other), 'Success'],
    [item('GetAttributes', mine), 'NotAuthorised'],
    [creating(), 'NotAuthorised'],
  ] as const)
    t.equal((await sendAs(service, '2.1', [each], ticket)).reasons, came, `${each.operation}`);
  const { answers } = await sendAs(service, '2.1', [locate], ticket);
  t.equal(valueOf(answers[0]?.payload as never, 'UniqueIdentifier'), mine);
  t.equal(valueOf(answers[0]?.payload as never, 'LocatedItems'), 1);
});

t.test('operations on many objects see those of the Rights only', async (t) => {
  const service = await open();
  const mine = await key(service);
  await key(service);
  const names = Array.from({ length: 253 }, (_, number) => `key-${number}`);
  const ticket = await delegate(service, { ...operations('Locate'), ...objects(mine, ...names) });
  const { answers, reasons } = await sendAs(service, '2.1', [locate], ticket);
  t.equal(reasons, 'Success');
  t.equal(valueOf(answers[0]?.payload as never, 'LocatedItems'), 1);
});

t.test('a ticket allows objects in its Object Groups, and new ones only there', async (t) => {
  const service = await open();
  const [blue, red, none] = [await key(service, 'blue'), await key(service, 'red'), await key(service)];
  const ticket = await delegate(service, groups('blue', 'green'));
  for (const [each, came] of [
    [item('Get', blue), 'Success'],
    [item('Get', red), 'NotAuthorised'],
    [item('Get', none), 'NotAuthorised'],
    [item('Get', 'nothing of the kind'), 'NotAuthorised'],
    [creating('green'), 'Success'],
    [creating('red'), 'NotAuthorised'],
    [creating(), 'NotAuthorised'],
  ] as const)
    t.equal((await sendAs(service, '2.1', [each], ticket)).reasons, came, `${each.operation}`);
  const { answers } = await sendAs(service, '2.1', [locate], ticket);
  t.equal(valueOf(answers[0]?.payload as never, 'LocatedItems'), 2);
  t.equal(
    (await sendAs(service, '2.1', [creating('green'), item('Get')], ticket)).reasons,
    'Success Success',
  );
});

t.test('a delegated ticket acts for its client as long as that one is authorised', async (t) => {
  const service = await open();
  const id = await key(service);
  const ticket = await delegate(service, operations('Get'));
  service.sender = { client: 'other', group: 'h', fingerprint: 'f2', may: () => false };
  service.isEnrolled = false;
  const get = item('Get', id);
  t.equal((await sendAs(service, '2.1', [get], ticket)).reasons, 'InvalidTicket', 'not enrolled any more');
  const delegator = { client: 'tester', group: 'g', fingerprint: 'f1', may: () => true };
  service.otherClients.set('tester', delegator);
  t.equal((await sendAs(service, '2.1', [get], ticket)).reasons, 'Success');
  t.equal((await sendAs(service, '2.1', [get])).reasons, 'PermissionDenied', 'without it, as itself');
  for (const [what, change, came] of [
    ['another certificate', { fingerprint: 'f3' }, 'InvalidTicket'],
    ['another group', { group: 'i' }, 'InvalidTicket'],
    ['another role', { may: () => false }, 'PermissionDenied'],
  ] as const) {
    service.otherClients.set('tester', { ...delegator, ...change });
    t.equal((await sendAs(service, '2.1', [get], ticket)).reasons, came, what);
  }
});

t.test('a delegated ticket is valid for its number of requests', async (t) => {
  const service = await open();
  const request = { RequestCount: 2, Rights: { Right: [operations('Query')] } };
  const { Ticket } = await succeed(service, '2.0', DelegatedLogin, request);
  const ticket = ticketOf(Ticket.TicketValue.slice());
  const came: string[] = [];
  for (const each of [query, item('Get', 'x'), query])
    came.push((await sendAs(service, '2.0', [each], ticket)).reasons);
  t.same(came, ['Success', 'NotAuthorised', 'UsageLimitExceeded']);
});

t.test('a ticket with Rights gives access to its own jobs only', async (t) => {
  const service = await open();
  const id = await key(service);
  const later = enumerated('AsynchronousIndicator', 1);
  const pending = async (...credentials: Credential[]) => {
    const header = credentials.length > 0 ? [later, authenticationHeader(...credentials)] : [later];
    const message = await service.exchange('2.1', [item('Get', id)], header);
    const value = valueOf(message, 'BatchItem', 'AsynchronousCorrelationValue');
    if (!(value instanceof Uint8Array)) throw new Error('nothing is pending');
    return value.slice();
  };
  const poll = (value: Uint8Array): RequestItem => ({
    operation: 'Poll',
    payload: [bytes('AsynchronousCorrelationValue', value)],
  });
  const ticket = await delegate(service, {});
  const [mine, own] = [await pending(), await pending(ticket)];
  t.match((await sendAs(service, '2.1', [poll(mine)], ticket)).reasons, /^Invalid/, 'not of the delegator');
  const asked = await sendAs(service, '2.1', [{ operation: 'QueryAsynchronousRequests' }], ticket);
  const { payload } = asked.answers[0] ?? {};
  t.equal(payload?.type === 'Structure' && payload.value.length, 1, 'one of two');
  t.match(
    (await sendAs(service, '2.1', [poll(own)], ticket)).answers[0]?.status,
    /^(Success|OperationPending)$/,
  );
  t.match((await sendAs(service, '2.1', [poll(mine)])).answers[0]?.status, /^(Success|OperationPending)$/);
});
