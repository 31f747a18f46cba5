import t, { type Test } from 'tap';
import type { TagName } from '../../codec/tags.ts';
import type { Node } from '../../codec/wire/node.ts';
import { operations } from '../../src/operations/index.ts';
import {
  bytes,
  decode,
  encode,
  enumerated,
  find,
  integer,
  item,
  type RequestItem,
  requestMessage,
  structure,
  valueOf,
} from '../client.ts';
import { readEntries, registrations } from '../fuzz/corpus.ts';
import { type Kind, makeObjects, withIdentifiers } from '../fuzz/objects.ts';
import { comparable, kindOf, namesNothing, nobodys, places, taken } from './named-places.ts';
import { observeReads } from './observe-reads.ts';
import { answersOf, createAesPayload2x, outline, TestService, uid } from './service.ts';

/**
 * A request that names an object of another group gets the same bytes as one with an unused name, and the
 * server reads and decrypts as much for it.
 */

const service = await TestService.open({ limits: { jobsPerClient: 1_000 } });
t.teardown(() => service.close());
const reads = observeReads(service);
service.otherClients.set('stranger', { client: 'stranger', group: 'theirs', may: () => true });

const entries = readEntries('corpus');
const makers = registrations(entries);

/** Sends as a client of another group, which has a name of its own. */
async function as<T>(group: string, send: () => Promise<T>): Promise<T> {
  service.sender = { client: group === 'theirs' ? 'stranger' : 'tester', group };
  return send();
}
const sendAs = (group: string, message: Uint8Array) => as(group, () => service.send(message.slice()));

t.test(
  'an object of another group is refused wherever a request names it',
  { timeout: 120_000 },
  async (t) => {
    const theirs = await makeObjects((message) => sendAs('theirs', message), makers);
    const theirState = async () => {
      const answers: unknown[] = [];
      for (const id of theirs.values()) {
        for (const operation of ['Get', 'GetAttributes']) {
          const message = encode(requestMessage('1.4', [{ operation, payload: [uid(id)] }]));
          answers.push(find(decode(await sendAs('theirs', message)), 'BatchItem'));
        }
      }
      return answers;
    };
    const before = await theirState();
    let round = 0;
    let own = new Map<Kind, string>();
    const renew = async () => {
      round += 1;
      own = await makeObjects((message) => sendAs(`own ${round}`, message), makers);
    };
    await renew();
    const tried = new Map<string, number>();
    const found = new Set<string>();
    const corpus = entries.filter(({ label }) => / (1\.4|2\.1)$/.test(label) && !label.startsWith('make '));
    for (const [number, { label, bytes: message }] of corpus.entries()) {
      const [name = ''] = label.split(' ');
      for (const place of places(decode(message))) {
        const play = async (id: string) => {
          const node = decode(withIdentifiers(encode(place.with('PLACE')), own));
          const there = places(node).find(({ text }) => text === 'PLACE');
          const request = encode(there?.with(id) as Node);
          reads();
          const answer = decode(await sendAs(`own ${round}`, request));
          const read = reads();
          const outlined = outline(answersOf(answer));
          if (/:Success|Pending/.test(outlined)) await renew();
          return { outlined, said: JSON.stringify(comparable(answer, id)), read };
        };
        const missing = nobodys(number);
        const none = await play(missing);
        const foreign = await play(theirs.get(kindOf(place.text)) as string);
        const chosen = name === 'Import' && place.tag === 'UniqueIdentifier' && foreign.said.includes(taken);
        if (foreign.said !== none.said && !chosen) t.equal(foreign.said, none.said, `${label}: ${place.tag}`);
        if (!chosen) t.strictSame(foreign.read, none.read, `${label}: ${place.tag}: the same is read`);
        tried.set(name, (tried.get(name) ?? 0) + 1);
        found.add(place.tag);
      }
    }
    const total = [...tried.values()].reduce((sum, count) => sum + count, 0);
    t.ok(total > 300, `${total} places, in ${[...found].join(', ')}`);
    const notAsked = Array.from(operations.keys(), String).filter(
      (name) => !tried.has(name) && !namesNothing.has(name),
    );
    t.same(notAsked, [], 'every operation that can name an object was asked');
    t.same(await theirState(), before, 'their objects are as they were');
  },
);

/** Says the same about a value of theirs and about one that was never given. */
async function alike(
  t: Test,
  name: string,
  value: Uint8Array,
  ask: (value: Uint8Array) => readonly [items: RequestItem[], header?: Node[]],
): Promise<void> {
  const random = new Uint8Array(value.length).fill(0xa5);
  const said: string[] = [];
  for (const each of [random, value]) {
    const answer = decode(await sendAs('own values', encode(requestMessage('2.1', ...ask(each)))));
    said.push(JSON.stringify(comparable(answer, Buffer.from(each).toString('hex'))));
  }
  t.equal(said[1], said[0], name);
}

async function theirsSay(operation: string, payload: Node[], header: Node[] = []): Promise<Node> {
  const answer = decode(
    await sendAs('theirs', encode(requestMessage('2.1', [{ operation, payload }], header))),
  );
  const item = find(answer, 'BatchItem') as Node;
  const status = valueOf(item, 'ResultStatus');
  if (status !== 0 && status !== 2)
    throw new Error(`${operation}: ${String(valueOf(item, 'ResultMessage'))}`);
  return item;
}

async function activeKey(group: string, mask: number): Promise<string> {
  const fields = structure(
    'Attributes',
    enumerated('CryptographicAlgorithm', 3),
    integer('CryptographicLength', 256),
    integer('CryptographicUsageMask', mask),
    item('ActivationDate', 'DateTime', 1_600_000_000),
  );
  const payload = [enumerated('ObjectType', 2), fields];
  const answer = decode(
    await sendAs(group, encode(requestMessage('2.1', [{ operation: 'Create', payload }]))),
  );
  return valueOf(answer, 'BatchItem', 'ResponsePayload', 'UniqueIdentifier') as string;
}

t.test("a correlation value of multi-part data is refused when it is another client's", async (t) => {
  const masks = { Encrypt: 4, Decrypt: 8, MAC: 0x80, MACVerify: 0x100 };
  const yes = (name: TagName) => item(name, 'Boolean', true);
  const data = bytes('Data', new Uint8Array(32));
  const parameters = structure(
    'CryptographicParameters',
    enumerated('BlockCipherMode', 6),
    enumerated('HashingAlgorithm', 6),
  );
  for (const operation of ['Encrypt', 'Decrypt', 'MAC', 'Hash'] as const) {
    const parts = (id: string | undefined, ...more: Node[]) => [
      ...(id === undefined ? [] : [uid(id)]),
      ...(operation === 'MAC' ? [] : [parameters]),
      data,
      ...(operation.endsWith('crypt') ? [bytes('IVCounterNonce', new Uint8Array(16))] : []),
      ...more,
    ];
    const mask = operation === 'Hash' ? undefined : masks[operation];
    const keyOf = async (group: string) => (mask === undefined ? undefined : activeKey(group, mask));
    const [their, own] = [await keyOf('theirs'), await keyOf('own values')];
    const begun = await theirsSay(operation, parts(their, yes('InitIndicator')));
    const value = valueOf(begun, 'ResponsePayload', 'CorrelationValue') as Uint8Array;
    t.ok(value instanceof Uint8Array, `${operation} has begun`);
    for (const id of [own, their]) {
      await alike(t, operation, value, (each) => [
        [{ operation, payload: parts(id, bytes('CorrelationValue', each), yes('FinalIndicator')) }],
      ]);
    }
    const over = await theirsSay(
      operation,
      parts(their, bytes('CorrelationValue', value), yes('FinalIndicator')),
    );
    t.equal(valueOf(over, 'ResultStatus'), 0, `${operation} goes on for those who began it`);
  }
});

t.test('a job of another client cannot be polled, cancelled or listed', async (t) => {
  const begun = await theirsSay('Create', createAesPayload2x(), [enumerated('AsynchronousIndicator', 1)]);
  const value = valueOf(begun, 'AsynchronousCorrelationValue') as Uint8Array;
  t.ok(value instanceof Uint8Array, 'one is pending, or done');
  for (const operation of ['Poll', 'Cancel', 'Process']) {
    await alike(t, operation, value, (each) => [
      [{ operation, payload: [bytes('AsynchronousCorrelationValue', each)] }],
    ]);
  }
  await alike(t, 'QueryAsynchronousRequests', value, (each) => [
    [
      {
        operation: 'QueryAsynchronousRequests',
        payload: [structure('AsynchronousCorrelationValues', bytes('AsynchronousCorrelationValue', each))],
      },
    ],
  ]);
  const all = encode(requestMessage('2.1', [{ operation: 'QueryAsynchronousRequests' }]));
  t.notOk(Buffer.from(await sendAs('own values', all)).includes(value), 'not among all that there are');
  const polled = await theirsSay('Poll', [bytes('AsynchronousCorrelationValue', value)]);
  t.match(valueOf(polled, 'ResultStatus'), /^[02]$/, 'it is there for those who asked for it');
});

t.test('a ticket and a PKCS#11 session of another client are refused', async (t) => {
  const login = await theirsSay('Login', []);
  const ticket = valueOf(login, 'ResponsePayload', 'Ticket', 'TicketValue') as Uint8Array;
  const shown = (value: Uint8Array) =>
    structure('Ticket', enumerated('TicketType', 1), bytes('TicketValue', value));
  await alike(t, 'Logout', ticket, (each) => [[{ operation: 'Logout', payload: [shown(each)] }]]);
  await alike(t, 'a ticket as credential', ticket, (each) => [
    [{ operation: 'Locate' }],
    [
      structure(
        'Authentication',
        structure('Credential', enumerated('CredentialType', 6), structure('CredentialValue', shown(each))),
      ),
    ],
  ]);
  const begun = await theirsSay('PKCS_11', [
    enumerated('PKCS_11Function', 1),
    bytes('PKCS_11InputParameters', Uint8Array.of(1)),
  ]);
  const application = valueOf(begun, 'ResponsePayload', 'CorrelationValue') as Uint8Array;
  t.ok(application instanceof Uint8Array);
  for (const called of [1, 2, 3, 4]) {
    await alike(t, `function ${called}`, application, (each) => [
      [
        {
          operation: 'PKCS_11',
          payload: [enumerated('PKCS_11Function', called), bytes('CorrelationValue', each)],
        },
      ],
    ]);
  }
  t.equal(
    valueOf(await theirsSay('Logout', [shown(ticket)]), 'ResultStatus'),
    0,
    'still there for its client',
  );
});
