import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Node } from '../../../codec/wire/node.ts';
import { limitNames } from '../../../src/common/limits.ts';
import { MAC } from '../../../src/operations/cryptography/mac.ts';
import { MACVerify } from '../../../src/operations/cryptography/mac-verify.ts';
import { DelegatedLogin } from '../../../src/operations/sessions/delegated-login.ts';
import { ticketShare } from '../../../src/protocol/batch/attempts.ts';
import { bytes, enumerated, item, type RequestItem, structure, valueOf } from '../../client.ts';
import { gatedOperation, mandatory, waitForJobs } from '../jobs.ts';
import { active, registerKey, withMask } from '../keys.ts';
import { payloadOf, succeed } from '../operations/ask.ts';
import { type Answer, TestService, uid } from '../service.ts';
import { authenticationHeader, ticketOf } from './credential-headers.ts';

/**
 * What is counted for a client is counted for the client of the certificate: the holder of a ticket exhausts
 * what is its own, and neither the client that issued the ticket nor other holders.
 */

/** Counted for the owner of the certificate before a ticket is read. */
const beforeTickets = ['connectionsPerClient'];
const maxFailures = 3;
const limits = {
  failedDecryptions: maxFailures,
  partsPerClient: 3,
  partsBytes: 1_024,
  partsBytesPerClient: 2_048,
  jobsPerClient: 3,
};

/** A service, and messages to it under the certificate and ticket of a sender. */
async function open() {
  const gate = gatedOperation('RNGSeed');
  const service = await TestService.open({ limits, extra: [gate.operation] });
  const mask = withMask('MACVerify', 'MACGenerate', 'Encrypt', 'Decrypt');
  const keys = [await registerKey(service, active, mask), await registerKey(service, active, mask)];
  const ticket = async () => {
    service.sender = {};
    const { Ticket } = await succeed(service, '2.1', DelegatedLogin, { Rights: { Right: [{}] } });
    return authenticationHeader(ticketOf(Ticket.TicketValue.slice()));
  };
  const as = async (sender: Sender, items: readonly RequestItem[], header: readonly Node[] = []) => {
    service.sender = { client: sender.client };
    return service.batch('2.1', items, [...(sender.ticket ? [sender.ticket] : []), ...header]);
  };
  return { service, gate, keys, ticket, as };
}
type Opened = Awaited<ReturnType<typeof open>>;
interface Sender {
  readonly client: string;
  readonly ticket?: Node;
}

const isAnswered = ([answer]: readonly Answer[]) =>
  answer?.status === 'Success' || answer?.status === 'OperationPending';

const verifying = (key: string, MACData: Uint8Array): RequestItem => ({
  operation: 'MACVerify',
  payload: (payloadOf('2.1', MACVerify, { UniqueIdentifier: key, Data, MACData }) as Structure).value,
});
type Structure = Node & { type: 'Structure' };
const Data = new Uint8Array(3);

/** A thing that is counted: uses everything up as a sender, and tells whether a sender has something left. */
interface Counted {
  exhaust(opened: Opened, sender: Sender): Promise<unknown>;
  hasLeft(opened: Opened, sender: Sender): Promise<boolean>;
}

async function verifies({ as, keys, service }: Opened, sender: Sender): Promise<boolean> {
  service.sender = {};
  const key = keys[0] as string;
  const { MACData } = await succeed(service, '2.1', MAC, { UniqueIdentifier: key, Data });
  return isAnswered(await as(sender, [verifying(key, MACData as Uint8Array)]));
}

const failing = (key: string) => Array<RequestItem>(maxFailures).fill(verifying(key, new Uint8Array(16)));
const begun = (length: number) => (key: string) => ({
  operation: 'Decrypt',
  payload: [
    uid(key),
    structure('CryptographicParameters', enumerated('BlockCipherMode', 9)),
    bytes('Data', new Uint8Array(length)),
    bytes('IVCounterNonce', new Uint8Array(12)),
    item('InitIndicator', 'Boolean', true),
  ],
});
const seed: RequestItem = { operation: 'RNGSeed', payload: [bytes('Data', new Uint8Array(1))] };

const counted: Readonly<Record<string, Counted>> = {
  failedDecryptions: {
    exhaust: ({ as, keys }, sender) => as(sender, failing(keys[0] as string)),
    hasLeft: verifies,
  },
  'failedDecryptions in a job': {
    async exhaust({ as, keys, service }, sender) {
      await as(sender, failing(keys[0] as string), mandatory);
      await waitForJobs(service);
    },
    hasLeft: verifies,
  },
  partsPerClient: {
    exhaust: ({ as, keys }, sender) =>
      as(sender, Array(limits.partsPerClient).fill(begun(0)(keys[0] as string))),
    hasLeft: async ({ as, keys }, sender) => isAnswered(await as(sender, [begun(0)(keys[0] as string)])),
  },
  partsBytesPerClient: {
    exhaust: ({ as, keys }, sender) => as(sender, Array(2).fill(begun(1_024 - 12)(keys[0] as string))),
    hasLeft: async ({ as, keys }, sender) => isAnswered(await as(sender, [begun(1)(keys[0] as string)])),
  },
  jobsPerClient: {
    async exhaust({ as, gate }, sender) {
      gate.close();
      for (let n = 0; n < limits.jobsPerClient; n += 1) await as(sender, [seed], mandatory);
    },
    hasLeft: async ({ as }, sender) => isAnswered(await as(sender, [seed], mandatory)),
  },
};

t.test('the table has every limit and table of one client', async (t) => {
  const ofClients = limitNames.filter((name) => name.endsWith('PerClient') || name === 'failedDecryptions');
  const inTable = Object.keys(counted).filter((name) => !name.endsWith(' in a job'));
  t.same(ofClients.toSorted(), [...inTable, ...beforeTickets].toSorted());
  const root = join(import.meta.dirname, '../../../src');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const tables = files.filter((file) =>
    /new (ClientTables|Throttle)\(/.test(readFileSync(join(root, file), 'utf8')),
  );
  // The throttles count attempts at passwords, by the certificate, before a ticket is read.
  const known = ['identity/login-throttle.ts', 'identity/throttle.ts', 'protocol/batch/attempts.ts'];
  t.same(tables.toSorted(), known);
});

for (const [name, { exhaust, hasLeft }] of Object.entries(counted)) {
  t.test(`${name}: the holder of a ticket exhausts what is its own`, async (t) => {
    const opened = await open();
    t.teardown(() => opened.service.close());
    t.teardown(() => opened.gate.open());
    const [one, two] = [await opened.ticket(), await opened.ticket()];
    await exhaust(opened, { client: 'holder', ticket: one });
    t.notOk(await hasLeft(opened, { client: 'holder', ticket: one }), 'by the ticket');
    t.notOk(await hasLeft(opened, { client: 'holder', ticket: two }), 'by another ticket');
    t.notOk(await hasLeft(opened, { client: 'holder' }), 'and without a ticket');
    t.ok(await hasLeft(opened, { client: 'other', ticket: one }), 'another holder of the ticket');
    t.ok(await hasLeft(opened, { client: 'tester' }), 'the client that issued the ticket');
    t.ok(await hasLeft(opened, { client: 'tester', ticket: one }), 'also under its ticket');
  });

  t.test(`${name}: a client exhausts no holder of its tickets`, async (t) => {
    const opened = await open();
    t.teardown(() => opened.service.close());
    t.teardown(() => opened.gate.open());
    const ticket = await opened.ticket();
    await exhaust(opened, { client: 'tester', ticket });
    t.notOk(await hasLeft(opened, { client: 'tester' }), 'its own tickets count as it does');
    t.ok(await hasLeft(opened, { client: 'holder', ticket }));
  });
}

t.test('holders of tickets of one client have a bounded number of guesses together', async (t) => {
  const opened = await open();
  t.teardown(() => opened.service.close());
  const holders = Array.from({ length: ticketShare }, (_, at) => `holder ${at}`);
  const key = opened.keys[0] as string;
  for (const client of holders) await opened.as({ client, ticket: await opened.ticket() }, failing(key));
  const late = { client: 'late', ticket: await opened.ticket() };
  t.notOk(await verifies(opened, late), 'a further holder and ticket');
  t.ok(await verifies(opened, { client: 'tester' }), 'the client that issued them');
  t.ok(await verifies(opened, { client: 'late' }), 'the further holder for itself');
  t.same(
    opened.service.exhausted.map(({ client }) => client),
    holders,
    'told once for each',
  );
  opened.service.now += 60_000;
  t.ok(await verifies(opened, late), 'after a minute');
});

t.test('a stream continues only under certificate and ticket of its first part', async (t) => {
  const opened = await open();
  t.teardown(() => opened.service.close());
  const [one, two] = [await opened.ticket(), await opened.ticket()];
  const key = opened.keys[0] as string;
  const first = { client: 'holder', ticket: one };
  const [started] = await opened.as(first, [begun(1)(key)]);
  const value = valueOf(started?.payload as Node, 'CorrelationValue') as Uint8Array;
  const next: RequestItem = { operation: 'Decrypt', payload: [uid(key), bytes('CorrelationValue', value)] };
  const senders: readonly Sender[] = [
    { client: 'holder' },
    { client: 'holder', ticket: two },
    { client: 'other', ticket: one },
    { client: 'tester' },
    { client: 'tester', ticket: one },
  ];
  for (const sender of senders) {
    const [answer] = await opened.as(sender, [next]);
    t.equal(answer?.reason, 'InvalidCorrelationValue', JSON.stringify(sender.client));
  }
  t.ok(isAnswered(await opened.as(first, [next])));
});
