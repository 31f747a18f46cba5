import t from 'tap';
import type { MessageService } from '../../src/protocol/service.ts';
import { encode } from '../client.ts';
import { getRequest, head, mirror, openHttpsListener } from './https-listener-fixture.ts';
import { echo, frame, openListener, type TestListener } from './listener-fixture.ts';
import { connectPeer } from './peer-fixture.ts';

/**
 * What was done is answered, however the client goes on or the connection ends: a message is executed exactly
 * when its answer arrives (RFC 9112 §9.3.2, §9.6).
 */

const body = Buffer.from(encode(getRequest));
const post = (more = '', version = 'HTTP/1.1') =>
  Buffer.concat([Buffer.from(head(body.length, more).replace('HTTP/1.1', version)), body]);
const garbage = Buffer.from('\x16\x03\x01 this is neither HTTP nor KMIP\r\n\r\n');

/** How a client goes on after a first request, and how many requests can be answered in all. */
interface Way {
  readonly first: Buffer;
  readonly rest?: Buffer;
  readonly answers: number;
  /** Closes the client's side after the rest. */
  readonly ends?: true;
  /** Ends the connection from the server's side, while the first request is executed. */
  readonly server?: 'drain' | 'deadline';
}

const many = (count: number, one: Buffer) => Buffer.concat(Array<Buffer>(count).fill(one));
const chunked = Buffer.from(
  'POST /kmip HTTP/1.1\r\nHost: kms\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n',
);

const https: Readonly<Record<string, Way>> = {
  'Connection: close and a byte': {
    first: post('Connection: close\r\n'),
    rest: Buffer.from('x'),
    answers: 1,
  },
  'Connection: close and a request': { first: post('Connection: close\r\n'), rest: post(), answers: 1 },
  'Connection: close and 1 MB': {
    first: post('Connection: close\r\n'),
    rest: Buffer.alloc(1_000_000),
    answers: 1,
  },
  'HTTP/1.0 and a byte': { first: post('', 'HTTP/1.0'), rest: Buffer.from('x'), answers: 1 },
  'garbage behind one': { first: post(), rest: garbage, answers: 1 },
  'garbage behind three': { first: post(), rest: Buffer.concat([post(), post(), garbage]), answers: 3 },
  'garbage in two pieces': {
    first: post(),
    rest: Buffer.concat([garbage, many(4_000, garbage)]),
    answers: 1,
  },
  'a broken head': {
    first: post(),
    rest: Buffer.from('POST /kmip HTTP/1.1\r\nHost : x\r\n\r\n'),
    answers: 1,
  },
  'a broken chunk': { first: post(), rest: Buffer.concat([chunked, Buffer.from('zz\r\n')]), answers: 1 },
  'a broken chunk at first': {
    first: post(),
    rest: Buffer.concat([post(), chunked, Buffer.from('1\r\nab\r\n0\r\n\r\n')]),
    answers: 2,
  },
  '17 in a row': { first: post(), rest: many(16, post()), ends: true, answers: 17 },
  '1,000 in a row': { first: post(), rest: many(999, post()), ends: true, answers: 1_000 },
  'a closed side': { first: post(), ends: true, answers: 1 },
  'a closed side behind three': { first: post(), rest: many(2, post()), ends: true, answers: 3 },
  'a closed side within a head': { first: post(), rest: Buffer.from('POST /k'), ends: true, answers: 1 },
  'a closed side within a body': { first: post(), rest: post().subarray(0, -5), ends: true, answers: 1 },
  'a drain': { first: post(), server: 'drain', answers: 1 },
  'a drain before more': { first: post(), rest: many(2, post()), server: 'drain', answers: 3 },
  'the deadline': { first: post(), rest: post().subarray(0, -5), server: 'deadline', answers: 1 },
};

const one = frame(400);
const ttlv: Readonly<Record<string, Way>> = {
  'garbage behind one': { first: one, rest: garbage, answers: 1 },
  'garbage behind three': { first: one, rest: Buffer.concat([one, one, garbage]), answers: 3 },
  'much garbage': { first: one, rest: many(4_000, garbage), answers: 1 },
  '17 in a row': { first: one, rest: many(16, one), ends: true, answers: 17 },
  '1,000 in a row': { first: one, rest: many(999, one), ends: true, answers: 1_000 },
  'a closed side': { first: one, ends: true, answers: 1 },
  'a closed side behind three': { first: one, rest: many(2, one), ends: true, answers: 3 },
  'a closed side within a message': { first: one, rest: one.subarray(0, 20), ends: true, answers: 1 },
  'a drain': { first: one, server: 'drain', answers: 1 },
  'a drain before more': { first: one, rest: many(2, one), server: 'drain', answers: 1 },
  'the deadline': { first: one, rest: one.subarray(0, 20), server: 'deadline', answers: 1 },
};

/** A service that counts what it has executed, and holds the first message until it is released. */
function countingService(inner: MessageService) {
  let executed = 0;
  const begun = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const service: MessageService = {
    ...inner,
    async respond(request, conversation) {
      executed++;
      begun.resolve();
      if (executed === 1) await held.promise;
      return inner.respond(request, conversation);
    },
  };
  return { service, begun: begun.promise, release: () => held.resolve(), executed: () => executed };
}

/** Counts the KMIP responses in what the client received. */
const countOf = {
  https: (received: Buffer) => String(received).split('HTTP/1.1 200 OK').length - 1,
  ttlv: (received: Buffer) => {
    let count = 0;
    for (let at = 0; at + 8 <= received.length; at += 8 + received.readUInt32BE(at + 4))
      if (received.readUInt32BE(at + 4) + 8 === one.length) count++;
    return count;
  },
};

const transports = {
  https: { ways: https, inner: mirror, open: openHttpsListener },
  ttlv: { ways: ttlv, inner: echo, open: openListener },
} as const;

for (const [name, { ways, inner, open }] of Object.entries(transports))
  for (const [way, { first, rest = Buffer.alloc(0), answers, ends, server }] of Object.entries(ways))
    for (const when of ['with the request', 'while it is executed'] as const)
      t.test(`${name}: ${way}, ${when}`, async (t) => {
        const { service, begun, release, executed } = countingService(inner);
        const limits = server === 'deadline' ? { messageMilliseconds: 200 } : {};
        const listener: TestListener = await open({ service, limits });
        const peer = await connectPeer(listener.port);
        peer.socket.write(when === 'with the request' ? Buffer.concat([first, rest]) : first);
        await begun;
        if (when === 'while it is executed' && rest.length > 0) peer.socket.write(rest);
        if (ends) peer.socket.end();
        if (server === 'drain') await listener.received(peer, first.length + rest.length);
        const closing = server === 'drain' ? listener.close() : undefined;
        release();
        const received = await peer.closed;
        t.equal(executed(), answers, 'executed');
        t.equal(countOf[name as keyof typeof countOf](received), answers, 'answered');
        t.equal(peer.error(), undefined, 'no reset');
        await (closing ?? listener.close());
      });
