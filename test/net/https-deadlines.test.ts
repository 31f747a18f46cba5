import t from 'tap';
import type { MessageService } from '../../src/protocol/service.ts';
import { bytes, encode, integer, structure } from '../client.ts';
import { type FormName, forms } from '../https-client.ts';
import { until } from './arrivals.ts';
import {
  clientOf,
  connectRaw,
  getRequest,
  head,
  message,
  mirror,
  openHttpsListener,
  plain,
} from './https-listener-fixture.ts';
import { holdAnswers } from './listener-fixture.ts';
import { connectPeer, stopReading } from './peer-fixture.ts';

t.test('a connection ends when a request is incomplete or the client idle', async (t) => {
  const limits = { messageMilliseconds: 300, idleMilliseconds: 1_000, writeMilliseconds: 500 };
  const listener = await openHttpsListener({ limits });
  t.teardown(() => listener.close());
  const ended = (count: number) =>
    until(() => listener.events.filter(({ kind }) => kind === 'connectionEnded').length === count);
  const silent = await connectRaw(listener.port);
  await silent.closed;
  t.notOk(
    listener.events.some(({ kind }) => kind === 'connectionEnded'),
    'idle connections are closed without a report',
  );
  const inHead = await connectRaw(listener.port, 'POST /km');
  await inHead.closed;
  await ended(1);
  const inBody = await connectRaw(listener.port, head(100), 'x');
  await inBody.closed;
  await ended(2);
  const more = await connectRaw(listener.port, head(0), '\r\n');
  await more.closed;
  t.equal(
    listener.events.filter(({ kind }) => kind === 'connectionEnded').length,
    2,
    'an empty line does not begin a request',
  );
  const second = await connectRaw(listener.port, head(0), 'POST');
  t.match(String(await second.closed), /^HTTP\/1.1 200/);
  await ended(3);
  const reasons = listener.events.flatMap(({ kind, reason }) => (kind === 'connectionEnded' ? [reason] : []));
  t.same([...new Set(reasons)], ['message not completed in time']);
});

t.test('a connection ends when the client does not read a response', async (t) => {
  const huge = encode(structure('ResponseMessage', bytes('Data', new Uint8Array(30_000_000))));
  const service = { ...mirror, respond: async () => ({ response: huge, close: false }) };
  const listener = await openHttpsListener({ service, limits: { writeMilliseconds: 300 } });
  t.teardown(() => listener.close());
  const peer = await connectPeer(listener.port);
  stopReading(peer);
  peer.socket.write(head(0));
  t.equal((await listener.event('connectionEnded')).reason, 'response not read in time');
  await until(() => huge.every((byte) => byte === 0));
  t.pass('the response is wiped');
});

t.test('responses are wiped when they are sent, including the TTLV form of XML and JSON', async (t) => {
  const answers: Uint8Array[] = [];
  const service: MessageService = {
    ...mirror,
    async respond(request, conversation) {
      const { response } = await mirror.respond(request, conversation);
      answers.push(response);
      return { response, close: false };
    },
  };
  const listener = await openHttpsListener({ service });
  t.teardown(() => listener.close());
  const client = clientOf(listener.port);
  for (const form of Object.keys(forms) as FormName[]) await client.exchange(getRequest, form);
  await until(() => answers.every((answer) => answer.every((byte) => byte === 0)));
  t.equal(answers.length, 3);
  await client.close();
});

t.test('pipelined requests are answered one at a time and in order', async (t) => {
  const { service, begun, waiting, release } = holdAnswers(mirror);
  const listener = await openHttpsListener({ service });
  t.teardown(() => listener.close());
  const numbered = [1, 2, 3].map((n) => encode(message(integer('BatchCount', n))));
  const peer = await connectRaw(
    listener.port,
    Buffer.concat(
      numbered.flatMap((each, at) => [
        Buffer.from(head(each.length, at === 2 ? 'Connection: close\r\n' : '')),
        each,
      ]),
    ),
  );
  for (let n = 1; n <= 3; n++) {
    await begun.nth(n);
    t.same(waiting(), { now: 1, max: 1 });
    release();
  }
  const answers = String(await peer.closed)
    .split('HTTP/1.1 200 OK')
    .slice(1);
  t.same(
    answers.map((answer) => answer.charCodeAt(answer.length - 5)),
    [1, 2, 3],
  );
});

t.test('no more is read while too many pipelined requests are pending', async (t) => {
  const { service, begun, release } = holdAnswers(mirror);
  const listener = await openHttpsListener({ service });
  t.teardown(() => listener.close());
  const eager = await connectRaw(listener.port);
  eager.socket.write(head(0).repeat(50_000));
  for (let n = 1; n <= 200; n++) {
    await begun.nth(n);
    release();
  }
  const socket = await listener.socketOf(eager);
  t.ok(socket.isPaused());
  t.ok(socket.bytesRead < 1_000_000, `${socket.bytesRead} bytes of 5 MB have been read`);
  eager.socket.destroy();
  await until(() => {
    release();
    return socket.destroyed;
  });
});

t.test('drain answers requests that have begun and accepts no others', async (t) => {
  const { service, begun, release } = holdAnswers(mirror);
  const listener = await openHttpsListener({ service });
  const client = clientOf(listener.port);
  const idle = await connectRaw(listener.port, head(0));
  await begun.nth(1);
  release();
  await idle.text('HTTP/1.1 200 OK');
  const answer = client.send({ body: encode(getRequest), headers: plain });
  await begun.nth(2);
  const partial = encode(getRequest);
  const late = await connectRaw(listener.port, head(partial.length), partial.subarray(0, 20));
  await listener.received(late, head(partial.length).length + 20);
  const closed = listener.close();
  await idle.closed;
  release();
  const reply = await answer;
  t.equal(reply.status, 200);
  t.equal(reply.headers['connection'], 'close');
  late.socket.write(partial.subarray(20));
  await begun.nth(3);
  release();
  t.match(String(await late.closed), /^HTTP\/1.1 200 OK/, 'a request that was arriving');
  await closed;
  await client.close();
});
