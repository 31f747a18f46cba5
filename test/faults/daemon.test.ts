import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import {
  type Client,
  encode,
  enumerated,
  integer,
  requestMessage,
  structure,
  text,
  valueOf,
} from '../client.ts';
import { Daemon } from '../fixture/daemon.ts';
import { ask, create, get, locate, materialHash } from './messages.ts';

const query = { operation: 'Query', payload: [enumerated('QueryFunction', 1)] };

t.test('the daemon serves other clients when a connection breaks in the middle of a message', async (t) => {
  const server = await Daemon.prepare({ config: '[limits]\nmessageMilliseconds = 300\n' });
  t.teardown(() => server.remove());
  await server.start();
  const whole = encode(requestMessage('1.4', [create('torn')]));
  const served = async (after: string) => {
    const next = await server.connect();
    const [answer] = await ask(next, [query]);
    t.ok(answer?.ok, `${after}: the next client is served`);
    const [found] = await ask(next, [locate('torn')]);
    t.notOk(
      found?.payload && valueOf(found.payload, 'UniqueIdentifier'),
      `${after}: half a message does nothing`,
    );
    await next.close();
  };
  for (const part of [1, 7, 8, 9, whole.length - 1]) {
    const reset = await server.connect();
    reset.socket.write(whole.subarray(0, part));
    await sleep(10);
    reset.socket.destroy();
    const ended = await server.connect();
    ended.socket.end(whole.subarray(0, part));
    await served(`${part} of ${whole.length} bytes`);
  }
  const waiting = await server.connect();
  await t.rejects(
    waiting.send(whole.subarray(0, 100)),
    'a message that is never finished ends the connection',
  );
  t.ok(
    await server.waitForOutput(/message not completed in time/),
    'the log says that its deadline has passed',
  );
  await served('unfinished');
  const gone = await server.connect();
  gone.socket.write(encode(requestMessage('1.4', [create('unread')])));
  gone.socket.destroy();
  await served('unread answer');
  t.ok(server.isRunning);
  t.notMatch(server.output, /failed unexpectedly|internal error/);
});

t.test('the daemon serves its open connections when it cannot open more files', async (t) => {
  // 45 are open before the first connection, most of them by its threads.
  const server = await Daemon.prepare({ maxOpenFiles: 64 });
  t.teardown(() => server.remove());
  await server.start();
  const clients: Client[] = [];
  const full = async () => {
    for (;;) clients.push(await server.connect(2_000));
  };
  await t.rejects(full(), 'at some point a connection is refused');
  t.ok(clients.length > 5, `${clients.length} connections were open`);
  const [first] = clients;
  if (first === undefined) return;
  const [made] = await ask(first, [create('crowded')]);
  t.ok(made?.ok, 'those that are open are served');
  for (const client of clients) await client.close();
  const next = await server.connect();
  t.ok((await ask(next, [get(made?.id)]))[0]?.ok, 'and others again once files are free again');
  await next.close();
  t.notMatch(server.output, /failed unexpectedly|internal error/);
  t.equal(await server.end(), 0);
});

t.test('the daemon answers Query and Discover Versions only when the root key is missing', async (t) => {
  const server = await Daemon.prepare();
  t.teardown(() => server.remove());
  await server.start();
  const before = await server.connect();
  const [, got] = await ask(before, [create('sealed'), get()]);
  const hash = got && materialHash(got);
  await before.close();
  await server.end();
  const key = join(server.home, 'root.key');
  renameSync(key, `${key}.away`);
  await server.startSealed();
  t.notOk(existsSync(key), 'no other key is made');
  const client = await server.connect();
  for (const item of [query, { operation: 'DiscoverVersions' }]) {
    const [answer] = await ask(client, [item]);
    t.ok(answer?.ok, `${item.operation} is answered`);
  }
  const refused = [
    get(got?.id),
    create('other'),
    locate('sealed'),
    { operation: 'Destroy', payload: [text('UniqueIdentifier', got?.id ?? '')] },
  ];
  for (const item of refused) {
    const [answer] = await ask(client, [item]);
    t.match(answer, { ok: false, message: /sealed/ }, `${item.operation} is refused`);
  }
  await client.close();
  t.equal(await server.end(), 0);
  renameSync(`${key}.away`, key);
  await server.start();
  const after = await server.connect();
  const [again] = await ask(after, [get(got?.id)]);
  t.equal(again && materialHash(again), hash, 'with the key back, so is everything else');
  await after.close();
});

t.test('a database of a newer kmipd is refused', async (t) => {
  const server = await Daemon.prepare();
  t.teardown(() => server.remove());
  const database = new DatabaseSync(server.database);
  database.exec("insert into migration (version, name, applied_at) values (9999, 'of the future', 0)");
  database.close();
  await t.rejects(server.start(), /schema version 9999.*newer/s);
  t.not(await server.end(), 0);
  const unchanged = new DatabaseSync(server.database, { readOnly: true });
  t.match(unchanged.prepare('select max(version) as version from migration').get(), { version: 9999 });
  unchanged.close();
});

t.test('SIGTERM lets messages in flight finish', async (t) => {
  const server = await Daemon.prepare();
  t.teardown(() => server.remove());
  await server.start();
  const idle = await server.connect();
  const idleEnded = new Promise((resolve) => idle.socket.once('close', resolve));
  const busy = await server.connect(30_000);
  const attribute = (name: string, value: ReturnType<typeof integer>) =>
    structure('Attribute', text('AttributeName', name), value);
  const slow = busy.request('1.4', [
    {
      operation: 'CreateKeyPair',
      payload: [
        structure(
          'CommonTemplateAttribute',
          attribute('Cryptographic Algorithm', enumerated('AttributeValue', 4)),
          attribute('Cryptographic Length', integer('AttributeValue', 4096)),
        ),
      ],
    },
  ]);
  await sleep(250);
  const ended = server.end('SIGTERM');
  const answer = await slow;
  const id = String(valueOf(answer, 'BatchItem', 'ResponsePayload', 'PrivateKeyUniqueIdentifier'));
  t.equal(valueOf(answer, 'BatchItem', 'ResultStatus'), 0, 'the answer came');
  await idleEnded;
  t.equal(await ended, 0);
  await t.rejects(server.connect(1_000), 'nobody else is let in');
  await server.start();
  const after = await server.connect();
  t.ok((await ask(after, [get(id)]))[0]?.ok, 'and what it says is true');
  await after.close();
});
