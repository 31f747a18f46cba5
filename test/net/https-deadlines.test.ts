import t from 'tap';
import type { MessageService } from '../../src/protocol/service.ts';
import { bytes, encode, integer, structure } from '../client.ts';
import { type FormName, forms } from '../https-client.ts';
import { clientOf, head, message, mirror, open, plain, raw, wanted } from './https-listener-fixture.ts';
import { enter, sleep, until } from './listener-fixture.ts';

/** Answers when told to. */
function held() {
  const waiting: (() => void)[] = [];
  const service: MessageService = {
    ...mirror,
    async respond(request, conversation) {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return mirror.respond(request, conversation);
    },
  };
  return { service, begun: () => waiting.length, release: () => waiting.shift()?.() };
}

t.test('deadlines', async (t) => {
  const limits = { messageMilliseconds: 300, idleMilliseconds: 1_000, writeMilliseconds: 500 };
  const door = await open({ limits });
  t.teardown(() => door.close());
  const ended = (count: number) =>
    until(() => door.events.filter(({ kind }) => kind === 'connectionEnded').length === count);
  const silent = await raw(door.port);
  await silent.closed;
  t.notOk(
    door.events.some(({ kind }) => kind === 'connectionEnded'),
    'silence is no news',
  );
  const inHead = await raw(door.port, 'POST /km');
  await inHead.closed;
  await ended(1);
  const inBody = await raw(door.port, head(100), 'x');
  await inBody.closed;
  await ended(2);
  const more = await raw(door.port, head(0), '\r\n');
  await more.closed;
  t.equal(
    door.events.filter(({ kind }) => kind === 'connectionEnded').length,
    2,
    'an empty line is no request',
  );
  const second = await raw(door.port, head(0), 'POST');
  t.match(String(await second.closed), /^HTTP\/1.1 200/);
  await ended(3);
  const reasons = door.events.flatMap(({ kind, reason }) => (kind === 'connectionEnded' ? [reason] : []));
  t.same([...new Set(reasons)], ['message not completed in time']);
});

t.test('an answer that nobody reads', async (t) => {
  const huge = encode(structure('ResponseMessage', bytes('Data', new Uint8Array(30_000_000))));
  const service = { ...mirror, respond: async () => ({ response: huge, close: false }) };
  const door = await open({ service, limits: { writeMilliseconds: 300 } });
  t.teardown(() => door.close());
  const deafPeer = await enter(door.port);
  deafPeer.socket.pause();
  deafPeer.socket.removeAllListeners('data');
  deafPeer.socket.write(head(0));
  t.equal((await door.event('connectionEnded')).reason, 'response not read in time');
  await until(() => huge.every((byte) => byte === 0));
  t.pass('it is wiped all the same');
});

t.test('answers are wiped once they are sent, the binary form of a text as well', async (t) => {
  const answers: Uint8Array[] = [];
  const service: MessageService = {
    ...mirror,
    async respond(request, conversation) {
      const { response } = await mirror.respond(request, conversation);
      answers.push(response);
      return { response, close: false };
    },
  };
  const door = await open({ service });
  t.teardown(() => door.close());
  const client = clientOf(door.port);
  for (const form of Object.keys(forms) as FormName[]) await client.exchange(wanted, form);
  await until(() => answers.every((answer) => answer.every((byte) => byte === 0)));
  t.equal(answers.length, 3);
  await client.close();
});

t.test('requests sent ahead are answered one at a time and in order, but not without end', async (t) => {
  const { service, begun, release } = held();
  const door = await open({ service });
  t.teardown(() => door.close());
  const numbered = [1, 2, 3].map((n) => encode(message(integer('BatchCount', n))));
  const peer = await raw(
    door.port,
    Buffer.concat(numbered.flatMap((each) => [Buffer.from(head(each.length)), each])),
  );
  for (let n = 0; n < 3; n++) {
    await until(() => begun() === 1);
    await sleep(20);
    t.equal(begun(), 1);
    release();
  }
  await sleep(50);
  peer.socket.end();
  const answers = String(await peer.closed)
    .split('HTTP/1.1 200 OK')
    .slice(1);
  t.same(
    answers.map((answer) => answer.charCodeAt(answer.length - 5)),
    [1, 2, 3],
  );
  const eager = await raw(door.port, head(0).repeat(100));
  t.equal((await door.event('connectionEnded')).reason, 'too many pipelined requests');
  await eager.closed;
});

t.test('draining answers what has begun and begins nothing', async (t) => {
  const { service, begun, release } = held();
  const door = await open({ service });
  const client = clientOf(door.port);
  const idle = await raw(door.port, head(0));
  await until(() => begun() === 1);
  release();
  await sleep(50);
  const answer = client.send({ body: encode(wanted), headers: plain });
  await until(() => begun() === 1);
  const partial = encode(wanted);
  const late = await raw(door.port, head(partial.length), partial.subarray(0, 20));
  const closed = door.close();
  await idle.closed;
  release();
  const reply = await answer;
  t.equal(reply.status, 200);
  t.equal(reply.headers['connection'], 'close');
  late.socket.write(partial.subarray(20));
  await until(() => begun() === 1);
  release();
  t.match(String(await late.closed), /^HTTP\/1.1 200 OK/, 'a request that was arriving');
  await closed;
  await client.close();
});
