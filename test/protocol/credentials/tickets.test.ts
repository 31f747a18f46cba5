import t from 'tap';
import { DelegatedLogin } from '../../../src/operations/sessions/delegated-login.ts';
import { Login } from '../../../src/operations/sessions/login.ts';
import { bytes, enumerated, integer, item, type RequestItem, structure } from '../../client.ts';
import { succeed } from '../operations/ask.ts';
import { createAesPayload2x, TestService, uid } from '../service.ts';
import { authenticationHeader, sendAs, ticketNode, ticketOf } from './credential-headers.ts';

const versions = ['2.0', '2.1'] as const;
const query: RequestItem = { operation: 'Query', payload: [enumerated('QueryFunction', 1)] };
const create: RequestItem = { operation: 'Create', payload: createAesPayload2x() };
const get = (id: string): RequestItem => ({ operation: 'Get', payload: [uid(id)] });
const nothing = ticketOf(new Uint8Array(32));

async function open(): Promise<TestService> {
  const service = await TestService.open();
  t.teardown(() => service.close());
  service.sender = { fingerprint: 'f1' };
  return service;
}

async function login(service: TestService, request: object = {}): Promise<Uint8Array> {
  return (await succeed(service, '2.1', Login, request)).Ticket.TicketValue.slice();
}

async function delegate(service: TestService, rights: readonly object[], more: object = {}) {
  const request = { ...more, Rights: { Right: [...rights] } };
  return (await succeed(service, '2.1', DelegatedLogin, request)).Ticket.TicketValue.slice();
}

t.test('a ticket is valid for the requested number of requests, failed and open ones included', async (t) => {
  const service = await open();
  for (const version of versions) {
    const ticket = ticketOf(await login(service, { LeaseTime: 0, RequestCount: 3 }));
    const came: string[] = [];
    for (const each of [query, get('nothing of the kind'), query, query, create])
      came.push((await sendAs(service, version, [each], ticket)).reasons);
    t.same(
      came,
      ['Success', 'ObjectNotFound', 'Success', 'UsageLimitExceeded', 'UsageLimitExceeded'],
      version,
    );
  }
});

t.test('a message counts as one request of the ticket, and Undo does not take it back', async (t) => {
  const service = await open();
  const ticket = ticketOf(await login(service, { RequestCount: 2 }));
  t.equal((await sendAs(service, '2.1', [query, query, query], ticket)).reasons, 'Success Success Success');
  const undo = enumerated('BatchErrorContinuationOption', 3);
  const message = await service.batch('2.1', [create, get('nothing')], [undo, authenticationHeader(ticket)]);
  t.same(
    message.map(({ status }) => status),
    ['OperationUndone', 'OperationFailed'],
  );
  t.equal((await sendAs(service, '2.1', [query], ticket)).reasons, 'UsageLimitExceeded');
});

t.test("a ticket gets the requested lease time up to the server's limit", async (t) => {
  const service = await open();
  const day = 86_400;
  for (const [lease, lasts] of [
    [60, 60],
    [0, day],
    [undefined, day],
    [10 * day, day],
  ] as const) {
    const ticket = ticketOf(await login(service, lease === undefined ? {} : { LeaseTime: lease }));
    service.now += (lasts - 1) * 1000;
    t.equal((await sendAs(service, '2.1', [query], ticket)).reasons, 'Success', `${lease}: before the end`);
    service.now += 1000;
    t.equal((await sendAs(service, '2.1', [query], ticket)).reasons, 'InvalidTicket', `${lease}: at the end`);
  }
});

t.test('Logout ends a ticket with and without showing it', async (t) => {
  const service = await open();
  for (const shown of [true, false]) {
    const value = await login(service);
    const logout: RequestItem = { operation: 'Logout', payload: [ticketNode(value)] };
    const credentials = shown ? [ticketOf(value)] : [];
    t.equal((await sendAs(service, '2.1', [logout], ...credentials)).reasons, 'Success');
    t.equal((await sendAs(service, '2.1', [query], ticketOf(value))).reasons, 'InvalidTicket');
    t.equal((await sendAs(service, '2.1', [logout])).reasons, 'InvalidTicket', 'a second time');
  }
  const limited = await login(service, { RequestCount: 1 });
  const ended = { operation: 'Logout', payload: [ticketNode(limited)] };
  t.equal(
    (await sendAs(service, '2.1', [ended], ticketOf(limited))).reasons,
    'Success',
    'with its last request',
  );
  const undone = await login(service);
  const logout = { operation: 'Logout', payload: [ticketNode(undone)] };
  await service.batch('2.1', [logout, get('nothing')], [enumerated('BatchErrorContinuationOption', 3)]);
  t.equal((await sendAs(service, '2.1', [query], ticketOf(undone))).reasons, 'Success', 'an undone Logout');
});

t.test('a ticket is refused when it is unknown, malformed or repeated', async (t) => {
  const service = await open();
  const value = await login(service);
  const wrong = value.with(31, (value[31] ?? 0) ^ 1);
  const otherType = {
    CredentialType: 'Ticket' as const,
    CredentialValue: { Ticket: { TicketType: 0x80000001, TicketValue: value } },
  };
  for (const [what, ...credentials] of [
    ['unknown', nothing],
    ['one bit wrong', ticketOf(wrong)],
    ['cut', ticketOf(value.subarray(0, 31))],
    ['empty', ticketOf(new Uint8Array())],
    ['of another type', otherType],
    ['two of them', ticketOf(value), ticketOf(value)],
  ] as const) {
    const { answers } = await sendAs(service, '2.1', [query, create], ...credentials);
    t.match(answers, [{ operation: 'Query', reason: 'InvalidTicket' }], what);
    t.equal(answers.length, 1, `${what}: Stop leaves the second item unrun`);
  }
  t.equal(
    (await sendAs(service, '1.4', [{ operation: 'Locate' }], nothing)).reasons,
    'AuthenticationNotSuccessful',
  );
});

t.test(
  "a ticket of Login is valid for its client only, and ends with the client's certificate and group",
  async (t) => {
    const service = await open();
    const ticket = ticketOf(await login(service));
    for (const [what, sender] of [
      ['another client', { client: 'other', fingerprint: 'f2' }],
      ['another certificate', { fingerprint: 'f2' }],
      ['another group', { fingerprint: 'f1', group: 'h' }],
    ] as const) {
      service.sender = sender;
      t.equal((await sendAs(service, '2.1', [query], ticket)).reasons, 'InvalidTicket', what);
    }
    service.sender = { fingerprint: 'f1' };
    t.equal((await sendAs(service, '2.1', [query], ticket)).reasons, 'Success');
  },
);

t.test('Login is refused when it is requested with a ticket', async (t) => {
  const service = await open();
  for (const value of [await login(service), await delegate(service, [{}])]) {
    for (const [operation, ...payload] of [['Login'], ['DelegatedLogin', structure('Rights')]] as const) {
      const { reasons } = await sendAs(service, '2.1', [{ operation, payload }], ticketOf(value));
      t.equal(reasons, 'PermissionDenied', operation);
    }
  }
});

t.test('Login, Delegated Login and Logout refuse invalid requests', async (t) => {
  const service = await open();
  const limits = (total: bigint, unit: number) =>
    structure(
      'UsageLimits',
      item('UsageLimitsTotal', 'LongInteger', total),
      enumerated('UsageLimitsUnit', unit),
    );
  for (const [operation, ...payload] of [
    ['Login', integer('RequestCount', -1)],
    ['Login', limits(-1n, 1)],
    ['Login', limits(1n, 0x80000001)],
    [
      'DelegatedLogin',
      structure('Rights', structure('Right', structure('Operations', enumerated('Operation', 0x7fff)))),
    ],
    [
      'DelegatedLogin',
      structure(
        'Rights',
        structure('Right', structure('Objects', ...Array.from({ length: 257 }, () => uid('a')))),
      ),
    ],
  ] as const) {
    t.equal((await sendAs(service, '2.1', [{ operation, payload }])).reasons, 'InvalidField');
  }
  t.equal((await sendAs(service, '2.1', [{ operation: 'DelegatedLogin' }])).reasons, 'InvalidMessage');
  t.equal((await sendAs(service, '2.1', [{ operation: 'Logout' }])).reasons, 'InvalidMessage');
});

t.test('ten of 64 concurrent messages succeed when a ticket has ten requests left', async (t) => {
  const service = await open();
  const ticket = ticketOf(await login(service, { RequestCount: 10 }));
  const all = await Promise.all(Array.from({ length: 64 }, () => sendAs(service, '2.1', [create], ticket)));
  const came = all.map(({ reasons }) => reasons);
  t.equal(came.filter((each) => each === 'Success').length, 10);
  t.equal(came.filter((each) => each === 'UsageLimitExceeded').length, 54);
});

t.test('concurrent messages of 64 groups succeed with delegated tickets', async (t) => {
  const service = await open();
  const ticket = ticketOf(await delegate(service, [{}], { RequestCount: 10 }));
  service.otherClients.set('tester', { client: 'tester', group: 'g', fingerprint: 'f1', may: () => true });
  const all = await Promise.all(
    Array.from({ length: 64 }, (_, number) => {
      service.sender = { client: `c${number}`, group: `g${number}` };
      return sendAs(service, '2.1', [create], ticket);
    }),
  );
  t.equal(all.filter(({ reasons }) => reasons === 'Success').length, 10);
  t.equal(all.filter(({ reasons }) => reasons === 'UsageLimitExceeded').length, 54);
  service.sender = { fingerprint: 'f1' };
  const found = await service.batch('2.1', [{ operation: 'Locate', payload: [structure('Attributes')] }]);
  t.equal(
    found[0]?.payload?.type === 'Structure' && found[0].payload.value.length,
    11,
    'ten keys of the delegator',
  );
});

t.test('Usage Limits of a ticket and of a Right count the data that keys protect', async (t) => {
  const service = await open();
  const { UniqueIdentifier: id } = { UniqueIdentifier: await service.key([]) };
  await service.call('1.4', 'Activate', [uid(id)]);
  const ecb = structure('CryptographicParameters', enumerated('BlockCipherMode', 2));
  const encrypt = (length: number): RequestItem => ({
    operation: 'Encrypt',
    payload: [uid(id), ecb, bytes('Data', new Uint8Array(length))],
  });
  const limits = (total: bigint, unit: 'Byte' | 'Object') => ({
    UsageLimitsTotal: total,
    UsageLimitsUnit: unit,
  });
  for (const [what, value] of [
    ['ticket, bytes', await login(service, { UsageLimits: limits(48n, 'Byte') })],
    ['ticket, objects', await login(service, { UsageLimits: limits(2n, 'Object') })],
    ['right, bytes', await delegate(service, [{ UsageLimits: limits(48n, 'Byte') }])],
    [
      'two rights',
      await delegate(service, [{ UsageLimits: limits(16n, 'Byte') }, { UsageLimits: limits(1n, 'Object') }]),
    ],
  ] as const) {
    const ticket = ticketOf(value);
    t.equal(
      (await sendAs(service, '2.1', [encrypt(15)], ticket)).reasons === 'Success',
      false,
      `${what}: fails`,
    );
    t.equal((await sendAs(service, '2.1', [encrypt(16)], ticket)).reasons, 'Success', `${what}: first`);
    t.equal((await sendAs(service, '2.1', [encrypt(32)], ticket)).reasons, 'Success', `${what}: second`);
    t.equal((await sendAs(service, '2.1', [encrypt(16)], ticket)).reasons, 'UsageLimitExceeded', what);
    t.equal((await sendAs(service, '2.1', [get(id)], ticket)).reasons, 'Success', `${what}: Get is no use`);
  }
});
