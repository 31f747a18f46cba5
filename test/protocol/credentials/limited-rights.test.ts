import t from 'tap';
import type { Credential } from '../../../codec/structures/credentials.ts';
import type { Node } from '../../../codec/wire/node.ts';
import { operations } from '../../../src/operations/index.ts';
import type { LimitedRight } from '../../../src/operations/operation.ts';
import { DelegatedLogin } from '../../../src/operations/sessions/delegated-login.ts';
import { Login } from '../../../src/operations/sessions/login.ts';
import { bytes, children, enumerated, item, structure, text, valueOf } from '../../client.ts';
import { gatedOperation, mandatory, poll, submit, waitForJobs } from '../jobs.ts';
import { succeed } from '../operations/ask.ts';
import { createAesPayload2x, TestService, uid } from '../service.ts';
import { authenticationHeader, sendAs, ticketNode, ticketOf } from './credential-headers.ts';

/** The operations that a limited Right does not reach as it reaches an object, by what it allows of them. */
const limitedRights: Readonly<Record<Exclude<LimitedRight, 'objects'>, readonly string[]>> = {
  'new-objects': ['Create', 'CreateKeyPair', 'Import', 'Register'],
  'own-jobs': ['Cancel', 'Poll', 'Process', 'QueryAsynchronousRequests'],
  public: ['DiscoverVersions', 'Hash', 'Ping', 'Query', 'RNGRetrieve'],
  nothing: [
    ...['DelegatedLogin', 'GetConstraints', 'Interop', 'Log', 'Login', 'Logout', 'Notify', 'PKCS_11', 'Put'],
    ...['RNGSeed', 'ReProvision', 'SetConstraints', 'SetDefaults', 'SetEndpointRole'],
  ],
};
const objects = { Objects: { UniqueIdentifier: ['one'] } };
const groups = { ObjectGroups: { ObjectGroup: ['blue'] } };
const rights: Readonly<Record<string, readonly [object, allows: readonly LimitedRight[]]>> = {
  objects: [objects, ['objects', 'own-jobs', 'public']],
  groups: [groups, ['objects', 'new-objects', 'own-jobs', 'public']],
  both: [{ ...objects, ...groups }, ['objects', 'new-objects', 'own-jobs', 'public']],
  'no objects': [{ Objects: { UniqueIdentifier: [] } }, ['objects', 'own-jobs', 'public']],
  unlimited: [{}, ['objects', 'new-objects', 'own-jobs', 'public', 'nothing']],
};

async function open(options: Parameters<typeof TestService.open>[0] = {}): Promise<TestService> {
  const service = await TestService.open(options);
  t.teardown(() => service.close());
  service.sender = { fingerprint: 'f1' };
  return service;
}

async function delegate(service: TestService, ...Right: object[]): Promise<Credential> {
  const { Ticket } = await succeed(service, '2.1', DelegatedLogin, { Rights: { Right } });
  return ticketOf(Ticket.TicketValue.slice());
}

t.test('every operation states what a limited Right allows of it', async (t) => {
  for (const [allowed, names] of Object.entries(limitedRights)) {
    const stated = [...operations.values()].filter(({ limitedRight }) => limitedRight === allowed);
    t.same(stated.map(({ name }) => name).toSorted(), names.toSorted(), allowed);
  }
});

t.test('a Right reaches an operation only as the operation states it', async (t) => {
  const service = await open({ interop: true });
  for (const [kind, [right, allows]] of Object.entries(rights)) {
    const ticket = await delegate(service, right);
    for (const { name, limitedRight, direction } of operations.values()) {
      if (direction === 'server-to-client') continue;
      const { answers } = await sendAs(service, '2.1', [{ operation: name, payload: [] }], ticket);
      const isRefused = answers[0]?.message === `the Rights of the ticket do not include ${name}`;
      t.equal(isRefused, !allows.includes(limitedRight), `${kind}: ${name}: ${answers[0]?.message}`);
    }
    const query = { operation: 'Query', payload: [enumerated('QueryFunction', 1)] };
    const { answers } = await sendAs(service, '2.1', [query], ticket);
    const named = children(answers[0]?.payload, 'Operation');
    const allowed = [...operations.values()].filter(
      ({ name, limitedRight }) => name !== 'Interop' && allows.includes(limitedRight),
    );
    t.equal(named.length, allowed.length, `${kind}: Query names what the Rights leave`);
  }
});

t.test('a limited Right does not show what belongs to the group', async (t) => {
  const service = await open();
  const attributes = structure('Attributes', item('LeaseTime', 'Interval', 77));
  const defaults = structure(
    'ObjectDefaults',
    structure('ObjectTypes', enumerated('ObjectType', 2)),
    attributes,
  );
  const setting = [structure('DefaultsInformation', defaults)];
  t.equal((await service.call('2.1', 'SetDefaults', setting)).status, 'Success');
  const query = { operation: 'Query', payload: [enumerated('QueryFunction', 0x0d)] };
  const shown = async (right: object) =>
    JSON.stringify((await sendAs(service, '2.1', [query], await delegate(service, right))).answers);
  t.match(await shown({}), /"value":77\b/);
  t.notMatch(await shown(groups), /"value":77\b/);
});

t.test('a limited Right does not change which objects it includes', async (t) => {
  const service = await open();
  const id = await service.key();
  const change = { Operations: { Operation: ['AddAttribute', 'SetAttribute'] } };
  const ticket = await delegate(
    service,
    { ...change, Objects: { UniqueIdentifier: [id] } },
    { Operations: { Operation: ['Get'] }, ...groups },
  );
  const add = (name: 'ObjectGroup' | 'Comment') => ({
    operation: 'AddAttribute',
    payload: [uid(id), structure('NewAttribute', text(name, 'blue'))],
  });
  t.equal((await sendAs(service, '2.1', [add('Comment')], ticket)).reasons, 'Success');
  t.equal((await sendAs(service, '2.1', [add('ObjectGroup')], ticket)).reasons, 'NotAuthorised');
  const get = { operation: 'Get', payload: [uid(id)] };
  t.equal((await sendAs(service, '2.1', [get], ticket)).reasons, 'NotAuthorised');
});

t.test('every Object Group of a new object has to be in the Rights', async (t) => {
  const service = await open();
  const ticket = await delegate(service, groups, { ObjectGroups: { ObjectGroup: ['green'] } });
  const [type, given] = createAesPayload2x() as [Node, Node];
  const reasonsOf = async (...names: string[]) => {
    const stated = names.map((name) => text('ObjectGroup', name));
    const attributes = { ...given, value: [...(given.value as Node[]), ...stated] } as Node;
    const create = { operation: 'Create', payload: [type, attributes] };
    return (await sendAs(service, '2.1', [create], ticket)).reasons;
  };
  for (const names of [['blue'], ['green'], ['blue', 'green']])
    t.equal(await reasonsOf(...names), 'Success', names.join());
  for (const names of [[], ['red'], ['blue', 'red'], ['red', 'green', 'blue']])
    t.equal(await reasonsOf(...names), 'NotAuthorised', names.join());
});

t.test('a job is answered only for the ticket that sent it, and for its client', async (t) => {
  const service = await open();
  const tickets = [await delegate(service, {}), await delegate(service, groups), undefined];
  const headers = tickets.map((ticket) => (ticket === undefined ? [] : [authenticationHeader(ticket)]));
  const payload = [enumerated('HashingAlgorithm', 6)];
  const hash = {
    operation: 'Hash',
    payload: [structure('CryptographicParameters', ...payload), bytes('Data', new Uint8Array(1))],
  };
  for (const [sender, header] of headers.entries()) {
    const { values } = await submit(service, '2.1', [hash], [...mandatory, ...header]);
    await waitForJobs(service);
    for (const [asker, credentials] of headers.entries()) {
      const asked = [
        {
          operation: 'Poll',
          payload: [bytes('AsynchronousCorrelationValue', values[0] ?? new Uint8Array())],
        },
      ];
      const [answer] = await service.batch('2.1', asked, credentials);
      const isOwn = sender === asker || tickets[asker] === undefined;
      t.equal(answer?.reason ?? answer?.status, isOwn ? 'Success' : 'InvalidAsynchronousCorrelationValue');
    }
  }
});

t.test('a job gives no output when its client may not do it any more', async (t) => {
  const gated = gatedOperation('Ping');
  const service = await open({ extra: [gated.operation] });
  let may = (_operation: string): boolean => true;
  service.sender = { fingerprint: 'f1', may: (operation) => may(operation) };
  const payload = [
    structure('CryptographicParameters', enumerated('HashingAlgorithm', 6)),
    bytes('Data', Uint8Array.of(1)),
  ];
  const hash = { operation: 'Hash', payload };
  const { values } = await submit(service, '2.1', [hash]);
  await waitForJobs(service);
  may = (operation) => operation !== 'Hash';
  t.equal((await poll(service, '2.1', values[0])).reason, 'PermissionDenied', 'the role has lost it');
  may = () => true;
  service.sender = { fingerprint: 'f1', group: 'another' };
  t.equal((await poll(service, '2.1', values[0])).reason, 'InvalidAsynchronousCorrelationValue', 'moved');
  service.sender = { fingerprint: 'f1' };
  t.equal((await poll(service, '2.1', values[0])).status, 'Success');

  const { Ticket } = await succeed(service, '2.1', Login, {});
  const value = Ticket.TicketValue.slice();
  const ticket = authenticationHeader(ticketOf(value));
  // The first job holds the queue of the group until the ticket of the second has ended.
  await submit(service, '2.1', [{ operation: 'Ping', payload: [] }]);
  const second = await submit(service, '2.1', [hash], [...mandatory, ticket]);
  t.equal((await service.call('2.1', 'Logout', [ticketNode(value)])).status, 'Success');
  gated.open();
  await waitForJobs(service);
  const { reason } = await poll(service, '2.1', second.values[0]);
  t.equal(reason, 'InvalidAsynchronousCorrelationValue', 'the ticket has ended');
});

t.test('data in parts is answered only for the ticket that began it', async (t) => {
  const service = await open();
  const tickets = [await delegate(service, {}), await delegate(service, groups), undefined];
  const headers = tickets.map((ticket) => (ticket === undefined ? [] : [authenticationHeader(ticket)]));
  const part = (...more: Node[]) => ({
    operation: 'Hash',
    payload: [
      structure('CryptographicParameters', enumerated('HashingAlgorithm', 6)),
      bytes('Data', Uint8Array.of(1)),
      ...more,
    ],
  });
  for (const [sender, header] of headers.entries())
    for (const [asker, credentials] of headers.entries()) {
      const begun = await service.exchange('2.1', [part(item('InitIndicator', 'Boolean', true))], header);
      const value = valueOf(begun, 'BatchItem', 'ResponsePayload', 'CorrelationValue') as Uint8Array;
      const last = part(bytes('CorrelationValue', value), item('FinalIndicator', 'Boolean', true));
      const [answer] = await service.batch('2.1', [last], credentials);
      t.equal(answer?.reason ?? answer?.status, sender === asker ? 'Success' : 'InvalidCorrelationValue');
      if (sender !== asker) await service.batch('2.1', [last], header);
    }
});

t.test('a Right counts the use of keys under it although it is limited', async (t) => {
  const service = await open();
  const [type, given] = createAesPayload2x() as [Node, Node];
  const blue = { ...given, value: [...(given.value as Node[]), text('ObjectGroup', 'blue')] } as Node;
  const { id = '' } = await service.call('2.1', 'Create', [type, blue]);
  await service.call('2.1', 'Activate', [uid(id)]);
  const usage = { UsageLimitsTotal: 1n, UsageLimitsUnit: 'Object' };
  const ticket = await delegate(service, { ...groups, UsageLimits: usage });
  const encrypt = {
    operation: 'Encrypt',
    payload: [
      uid(id),
      structure('CryptographicParameters', enumerated('BlockCipherMode', 6)),
      bytes('Data', new Uint8Array(16)),
      bytes('IVCounterNonce', new Uint8Array(16)),
    ],
  };
  const reasons = [];
  for (let n = 0; n < 2; n += 1) reasons.push((await sendAs(service, '2.1', [encrypt], ticket)).reasons);
  t.same(reasons, ['Success', 'UsageLimitExceeded']);
});
