import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { httpsTransport } from '../../src/net/https.ts';
import { decode, encode, find, integer, item, valueOf } from '../client.ts';
import { type FormName, forms, type HttpsClient } from '../https-client.ts';
import { until } from './arrivals.ts';
import {
  answerTo,
  clientOf,
  connectRaw,
  getRequest,
  head,
  message,
  openHttpsListener,
  plain,
} from './https-listener-fixture.ts';
import { openListener } from './listener-fixture.ts';
import { connectPeer } from './peer-fixture.ts';

t.test('a response has the encoding of its request when one connection carries all of them', async (t) => {
  const listener = await openHttpsListener();
  t.teardown(() => listener.close());
  const client = clientOf(listener.port);
  for (const form of Object.keys(forms) as FormName[]) {
    for (let times = 0; times < 3; times++)
      t.same(await client.exchange(getRequest, form), answerTo(getRequest), form);
  }
  t.equal(listener.lookups(), 1, 'one connection');
  const { mediaType, write } = forms.xml;
  const body = write(getRequest);
  const reply = await client.send({ body, headers: { 'Content-Type': `${mediaType}; Charset="UTF-8"` } });
  t.equal(reply.status, 200);
  t.equal(reply.headers['content-type'], 'text/xml');
  t.equal(reply.headers['cache-control'], 'no-cache, no-store');
  t.equal(reply.headers['content-length'], String(reply.body.length));
  for (const name of ['server', 'x-powered-by', 'via']) t.notOk(reply.headers[name], `no ${name}`);
  const alias = await client.send({ body, headers: { 'Content-Type': 'application/xml' } });
  t.equal(alias.headers['content-type'], 'application/xml');
  const chunked = await client.send({
    body: encode(getRequest),
    headers: { ...plain, 'Transfer-Encoding': 'chunked' },
  });
  t.same(decode(chunked.body), answerTo(getRequest), 'a body in chunks');
  const empty = await client.send({ body: '', headers: { 'Content-Type': 'text/xml' } });
  t.match(empty.text, 'not well-formed XML');
  await client.close();
});

t.test('the server answers with a status and one line when HTTP is wrong', async (t) => {
  const refusals: string[] = [];
  const listener = await openHttpsListener({
    transport: httpsTransport(({ client, reason }) => refusals.push(`${client} ${reason}`)),
  });
  t.teardown(() => listener.close());
  const client = clientOf(listener.port);
  const cases: [status: number, post: Parameters<HttpsClient['send']>[0]][] = [
    [404, { path: '/', headers: plain }],
    [404, { path: '/kmip/', headers: plain }],
    [404, { path: '/KMIP', headers: plain }],
    [405, { method: 'GET' }],
    [405, { method: 'PUT', headers: plain, body: 'x' }],
    [406, { headers: { ...plain, Accept: 'text/xml' }, body: encode(getRequest) }],
    [406, { headers: { ...plain, Accept: '*/*, application/octet-stream;q=0' }, body: encode(getRequest) }],
    [415, { body: 'x' }],
    [417, { headers: { ...plain, Expect: 'the-unexpected' }, body: 'x' }],
    [415, { headers: { 'Content-Type': 'text/plain' }, body: 'x' }],
    [415, { headers: { 'Content-Type': 'text/xml; charset=utf-16' }, body: 'x' }],
    [415, { headers: { ...plain, 'Content-Encoding': 'gzip' }, body: 'x' }],
  ];
  for (const [status, post] of cases) {
    const reply = await client.send(post);
    const name = JSON.stringify({ ...post, body: undefined });
    t.equal(reply.status, status, name);
    if (post.method !== 'HEAD') t.match(reply.text, /^[^\n]+\n$/, name);
    t.equal(reply.headers['content-type'], 'text/plain; charset=utf-8', name);
    t.equal(reply.headers['cache-control'], 'no-cache, no-store', name);
  }
  t.equal(refusals.length, cases.length);
  t.equal(refusals[0], 'demo 404: KMIP is at /kmip');
  const good: Parameters<HttpsClient['send']>[0][] = [
    { path: '/kmip?x=1', headers: plain },
    { headers: { ...plain, Accept: '*/*' } },
    { headers: { ...plain, Accept: 'text/html, application/*;q=0.5' } },
    { headers: { ...plain, Accept: 'application/octet-stream' } },
    { headers: { ...plain, 'Cache-Control': 'no-cache', Pragma: 'no-cache' } },
  ];
  for (const post of good)
    t.equal((await client.send({ body: encode(getRequest), ...post })).status, 200, JSON.stringify(post));
  t.equal(listener.lookups(), 1, 'none of them ends the connection');
  await client.close();

  for (const [status, bytes] of [
    [400, 'nonsense\r\n\r\n'],
    [400, Uint8Array.from(encode(getRequest))],
    [400, 'POST /kmip HTTP/1.1\r\nContent-Length: 0\r\n\r\n'],
    [411, 'POST /kmip HTTP/1.1\r\nHost: kms\r\nContent-Type: text/xml\r\n\r\n'],
    [431, `POST /kmip HTTP/1.1\r\nHost: kms\r\nCookie: ${'x'.repeat(20_000)}\r\n\r\n`],
    [
      400,
      `POST /kmip HTTP/1.1\r\nHost: kms\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
  ] as const) {
    const peer = await connectRaw(listener.port, bytes);
    peer.socket.end();
    t.match(
      String(await peer.closed),
      new RegExp(`^HTTP/1.1 ${status} [\\s\\S]*\r\n\r\n[^\n]+\n$`),
      String(status),
    );
  }
  const old = await connectRaw(listener.port, head(0).replace('HTTP/1.1\r\nHost: kms', 'HTTP/1.0'));
  t.match(
    String(await old.closed),
    /^HTTP\/1.1 200 OK[\s\S]*Connection: close/,
    'HTTP/1.0 needs no Host and is closed',
  );
});

t.test('the server refuses a body in its own encoding when it is not a message', async (t) => {
  const listener = await openHttpsListener();
  t.teardown(() => listener.close());
  const client = clientOf(listener.port);
  t.teardown(() => client.close());
  const messageOf = (form: FormName, body: Uint8Array) => valueOf(forms[form].read(body), 'ResultMessage');
  const two = `<KMIP>${'<RequestMessage/>'.repeat(2)}</KMIP>`;
  const xmlOfVersion = new TextDecoder().decode(forms.xml.write(getRequest)).replace('"Get"', '"Fetch"');
  const inJson = new TextDecoder().decode(forms.json.write(getRequest)).replace('"Get"', '"Fetch"');
  for (const [form, body, expected] of [
    ['xml', '<RequestMessage>', '1.0: not well-formed XML'],
    ['xml', '<!DOCTYPE x []><RequestMessage/>', '1.0: a document type is not allowed'],
    ['xml', two, '1.0: not exactly one message'],
    ['xml', '<Other/>', '1.0: neither'],
    ['xml', xmlOfVersion, '1.4: RequestMessage/BatchItem/Operation: must be a name'],
    ['json', '{"tag":', '1.0: not well-formed JSON'],
    ['json', '[]', '1.0: '],
    ['json', inJson, '1.4: RequestMessage/BatchItem/Operation: must be a name'],
  ] as const) {
    const reply = await client.send({ body, headers: { 'Content-Type': forms[form].mediaType } });
    t.equal(reply.status, 200, body);
    t.ok(String(messageOf(form, reply.body)).startsWith(expected), `${messageOf(form, reply.body)}`);
  }
  const broken = await client.send({ body: Uint8Array.of(0xff), headers: { 'Content-Type': 'text/xml' } });
  t.equal(messageOf('xml', broken.body), '1.0: the text is not UTF-8');
});

t.test('the server refuses a request before reading it when it exceeds the limit', async (t) => {
  const listener = await openHttpsListener({ limits: { requestBytes: 2_048, messageMilliseconds: 1_000 } });
  t.teardown(() => listener.close());
  const client = clientOf(listener.port);
  for (const chunked of [false, true]) {
    const reply = await client.send({
      body: new Uint8Array(100_000),
      headers: { ...plain, ...(chunked && { 'Transfer-Encoding': 'chunked' }) },
    });
    t.equal(reply.status, 413);
    t.match(String(valueOf(decode(reply.body), 'ResultMessage')), 'more than the 2048 bytes allowed');
  }
  t.same(await client.exchange(getRequest, 'ttlv'), answerTo(getRequest), 'the connection stays open');
  // As XML it is longer than 2,048 bytes; only its length as TTLV counts.
  const items = Array.from({ length: 60 }, (_, n) => integer('BatchCount', n));
  t.same(await client.exchange(message(...items), 'xml'), answerTo(message(...items)));
  const tooMany = Array.from({ length: 200 }, (_, n) => integer('BatchCount', n));
  const refused = await client.exchange(message(...tooMany), 'xml');
  t.match(String(valueOf(refused, 'ResultMessage')), 'message larger than 2048 bytes');
  await client.close();

  const expecting = await connectRaw(listener.port, head(5_000, 'Expect: 100-continue\r\n'));
  t.match(String(await expecting.closed), /^HTTP\/1.1 413/, 'the server does not ask for the body');
  const request = encode(getRequest);
  const continued = await connectRaw(
    listener.port,
    head(request.length, 'Expect: 100-continue\r\nConnection: close\r\n'),
  );
  await continued.text('100 Continue');
  continued.socket.write(request);
  t.match(String(await continued.closed), /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK/);
  const endless = await connectRaw(listener.port, head(1_000_000));
  await endless.closed;
  t.equal((await listener.event('connectionEnded')).reason, 'message not completed in time');
});

t.test('listeners apply one limit of connections when they share the map of clients', async (t) => {
  const perClient = new Map<string, number>();
  const listener = await openHttpsListener({ perClient, limits: { connectionsPerClient: 2 } });
  const other = await openListener({ perClient, limits: { connectionsPerClient: 2 } });
  t.teardown(() => Promise.all([listener.close(), other.close()]));
  const first = await connectPeer(other.port);
  const second = await connectPeer(listener.port);
  await until(() => perClient.get('demo') === 2);
  const third = await connectPeer(listener.port);
  await third.closed;
  t.match(await listener.event('handshakeRefused'), {
    reason: 'too many connections of this client',
    client: 'demo',
  });
  first.socket.destroy();
  await until(() => perClient.get('demo') === 1);
  const client = clientOf(listener.port);
  t.same(await client.exchange(getRequest, 'ttlv'), answerTo(getRequest));
  await client.close();
  listener.enrolled.clear();
  await listener.subject.recheck();
  await second.closed;
  t.equal((await listener.event('connectionEnded')).reason, 'certificate not enrolled');
  const stranger = await connectPeer(listener.port);
  await stranger.closed;
  t.match(await listener.event('handshakeRefused', ({ fingerprint }) => fingerprint !== undefined), {
    reason: 'certificate not enrolled',
  });
});

t.test('a request is answered when it arrives before the client is authenticated', async (t) => {
  const listener = await openHttpsListener({
    authenticate: async () => {
      // Time for the request to arrive; the test holds in any order.
      await sleep(150);
      return { principal: { client: 'demo', group: 'test', may: () => true } };
    },
  });
  t.teardown(() => listener.close());
  const client = clientOf(listener.port);
  t.same(await client.exchange(getRequest, 'json'), answerTo(getRequest));
  const large = message(item('Data', 'ByteString', new Uint8Array(200_000).fill(7)));
  const again = clientOf(listener.port);
  t.same(find(await again.exchange(large, 'ttlv'), 'BatchItem'), find(answerTo(large), 'BatchItem'));
  await Promise.all([client.close(), again.close()]);
});
