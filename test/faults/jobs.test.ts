import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { Node } from '../../codec/wire/node.ts';
import {
  bytes,
  type Client,
  children,
  enumerated,
  integer,
  type RequestItem,
  structure,
  text,
  valueOf,
} from '../client.ts';
import { Daemon } from '../fixture/daemon.ts';

// The processes take long on a loaded machine.
t.setTimeout(900_000);

/** Requests that were answered as pending, when the daemon is killed or stopped. */

const later = [enumerated('AsynchronousIndicator', 1)];
const pending = 2;

const named = (name: string): Node => structure('Name', text('NameValue', name), enumerated('NameType', 1));
const create = (name: string): readonly RequestItem[] => [
  {
    operation: 'Create',
    payload: [
      enumerated('ObjectType', 2),
      structure(
        'Attributes',
        enumerated('CryptographicAlgorithm', 3),
        integer('CryptographicLength', 256),
        integer('CryptographicUsageMask', 12),
        named(name),
      ),
    ],
    uniqueBatchItemID: Uint8Array.of(1),
  },
  { operation: 'Activate', payload: [], uniqueBatchItemID: Uint8Array.of(2) },
];

/** The requests that a connection has submitted until it broke; `unanswered` were in flight then. */
interface Submitted {
  readonly name: string;
  readonly values: readonly Uint8Array[];
}

async function submit(client: Client, prefix: string, into: Submitted[]): Promise<string> {
  for (let at = 0; ; at++) {
    const name = `${prefix}-${at}`;
    try {
      const answer = await client.request('2.1', create(name), later);
      const values = children(answer, 'BatchItem').map(
        (item) => valueOf(item, 'AsynchronousCorrelationValue') as Uint8Array,
      );
      into.push({ name, values });
    } catch {
      return name;
    }
  }
}

/** Status of a polled item: 0 when it is done and well. */
async function polled(client: Client, value: Uint8Array): Promise<unknown> {
  const payload = [bytes('AsynchronousCorrelationValue', value)];
  for (;;) {
    const answer = await client.request('2.1', [{ operation: 'Poll', payload }]);
    const status = valueOf(answer, 'BatchItem', 'ResultStatus');
    if (status !== pending) return status;
    await sleep(10);
  }
}

async function count(client: Client, name: string): Promise<number> {
  const payload = [structure('Attributes', named(name))];
  const answer = await client.request('2.1', [{ operation: 'Locate', payload }]);
  return children(children(children(answer, 'BatchItem')[0], 'ResponsePayload')[0], 'UniqueIdentifier')
    .length;
}

async function round(t: Test, server: Daemon, prefix: string, signal: 'SIGKILL' | 'SIGTERM') {
  const submitted: Submitted[] = [];
  const clients = await Promise.all([1, 2, 3, 4].map(() => server.connect()));
  const work = Promise.all(clients.map((client, at) => submit(client, `${prefix}-${at}`, submitted)));
  while (submitted.length < 60) await sleep(1);
  await server.end(signal);
  const unanswered = await work;
  await server.start();
  const client = await server.connect();
  for (const { name, values } of submitted) {
    for (const value of values) t.equal(await polled(client, value), 0, `${name} is done`);
    t.equal(await count(client, name), 1, `${name} is there once`);
  }
  for (const name of unanswered) t.ok((await count(client, name)) <= 1, `${name} at most once`);
  await client.close();
  t.comment(`${submitted.length} messages`);
}

t.test('pending work survives kill -9 and SIGTERM, and is done once', { timeout: 900_000 }, async (t) => {
  const server = await Daemon.prepare();
  t.teardown(() => server.remove());
  await server.start();
  await round(t, server, 'killed', 'SIGKILL');
  await round(t, server, 'again', 'SIGKILL');
  await round(t, server, 'asked', 'SIGTERM');
  t.notMatch(server.output, /failed unexpectedly|internal error/);
});
