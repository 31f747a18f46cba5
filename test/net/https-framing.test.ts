import t from 'tap';
import type { MessageService } from '../../src/protocol/service.ts';
import { encode } from '../client.ts';
import { demo } from './certificates-fixture.ts';
import { connectRaw, getRequest, mirror, openHttpsListener } from './https-listener-fixture.ts';
import { connectPeer } from './peer-fixture.ts';

const body = Buffer.from(encode(getRequest)).toString('latin1');
const length = `Content-Length: ${body.length}`;
const type = 'Content-Type: application/octet-stream';
const chunk = `${body.length.toString(16)}\r\n${body}\r\n`;
/** What a smuggled request would be; it must never be answered. */
const second = `POST /kmip HTTP/1.1\r\nHost: kms\r\n${type}\r\n${length}\r\n\r\n${body}`;

const post = (...lines: string[]) => `POST /kmip HTTP/1.1\r\n${type}\r\n${lines.join('\r\n')}\r\n\r\n`;
const host = 'Host: kms';

/** Requests whose end or target two readers may see in different places (RFC 9112 §6.3, §11.2). */
const refused: readonly (readonly [name: string, request: string])[] = [
  ['two equal Host fields', post(host, host, length) + body],
  ['two different Host fields', post(host, 'Host: other', length) + body],
  ['two Host fields in different cases', post(host, 'hOST: other', length) + body],
  ['a list of hosts', post('Host: kms, other', length) + body],
  ['a Host with a path', post('Host: kms/kmip', length) + body],
  ['a Host with a user', post('Host: user@kms', length) + body],
  ['no Host in HTTP/1.1', post(length) + body],
  ['two equal Content-Lengths', post(host, length, length) + body],
  ['two different Content-Lengths', post(host, length, 'Content-Length: 0') + body],
  ['a list of Content-Lengths', post(host, `${length}, ${body.length}`) + body],
  ['a signed Content-Length', post(host, `Content-Length: +${body.length}`) + body],
  ['a Content-Length in hex', post(host, `Content-Length: 0x${body.length.toString(16)}`) + body],
  ['a negative Content-Length', post(host, 'Content-Length: -1') + body],
  ['a Content-Length beyond 64 bits', post(host, 'Content-Length: 18446744073709551617') + body],
  ['Content-Length and Transfer-Encoding', post(host, length, 'Transfer-Encoding: chunked') + body],
  ['Transfer-Encoding and Content-Length', post(host, 'Transfer-Encoding: chunked', length) + body],
  [
    'two Transfer-Encodings',
    `${post(host, 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')}${chunk}0\r\n\r\n`,
  ],
  ['a second coding after chunked', `${post(host, 'Transfer-Encoding: chunked, identity')}${chunk}0\r\n\r\n`],
  ['a coding before chunked', `${post(host, 'Transfer-Encoding: gzip, chunked')}${chunk}0\r\n\r\n`],
  ['a coding like chunked', `${post(host, 'Transfer-Encoding: xchunked')}${chunk}0\r\n\r\n`],
  ['a quoted coding', `${post(host, 'Transfer-Encoding: "chunked"')}${chunk}0\r\n\r\n`],
  ['white space before the colon', post(host, `Content-Length : ${body.length}`) + body],
  ['white space before a name', post(host, ` ${length}`) + body],
  ['a folded line', post(host, `X-Folded: a\r\n ${length}`, 'Content-Length: 0')],
  ['a bare line feed between fields', `POST /kmip HTTP/1.1\r\n${host}\n${type}\r\n${length}\r\n\r\n${body}`],
  ['a bare line feed after the head', `POST /kmip HTTP/1.1\r\n${host}\r\n${type}\r\n${length}\n\n${body}`],
  ['a bare carriage return in a field', post(host, `X: a\r${length}`, 'Content-Length: 0')],
  ['a NUL in a field', post(host, `X: a\0b`, length) + body],
  ['a chunk of a signed length', `${post(host, 'Transfer-Encoding: chunked')}+${chunk}0\r\n\r\n`],
  ['a chunk with a prefix of hex', `${post(host, 'Transfer-Encoding: chunked')}0x${chunk}0\r\n\r\n`],
  [
    'a bare line feed after the length of a chunk',
    `${post(host, 'Transfer-Encoding: chunked')}${chunk.replace('\r\n', '\n')}0\r\n\r\n`,
  ],
  [
    'a bare line feed in the extension of a chunk',
    `${post(host, 'Transfer-Encoding: chunked')}${chunk.replace('\r\n', ';a\n')}0\r\n\r\n`,
  ],
  ['a chunk longer than its length', `${post(host, 'Transfer-Encoding: chunked')}1\r\nab\r\n0\r\n\r\n`],
  ['chunks in HTTP/1.0', `${post('Transfer-Encoding: chunked').replace('1.1', '1.0')}${chunk}0\r\n\r\n`],
  ['HTTP/0.9', `POST /kmip\r\n\r\n${body}`],
  ['HTTP/1.2', `${post(host, length).replace('HTTP/1.1', 'HTTP/1.2')}${body}`],
  ['HTTP/2 without ALPN', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a target with white space', `${post(host, length).replace('/kmip', '/km ip')}${body}`],
];

/** Starts a listener that counts the messages of its service. */
async function openCountingListener(t: Tap) {
  let answered = 0;
  const service: MessageService = {
    ...mirror,
    respond(request, conversation) {
      answered++;
      return mirror.respond(request, conversation);
    },
  };
  const { port, close } = await openHttpsListener({ service });
  t.teardown(() => close());
  return {
    port,
    takeAnswered() {
      const count = answered;
      answered = 0;
      return count;
    },
  };
}
type Tap = Pick<typeof t, 'teardown'>;

t.test(
  'a request is refused, and what follows is not answered, when its framing or target is ambiguous',
  async (t) => {
    const listener = await openCountingListener(t);
    for (const [name, request] of refused) {
      const peer = await connectRaw(listener.port, Buffer.from(request + second, 'latin1'));
      peer.socket.end();
      const received = String(await peer.closed);
      // Node's parser finds some faults after the head, when the connection can only be closed.
      t.match(received, /^(HTTP\/1\.1 400 [^\r]*\r\n(?!.*HTTP\/1\.1 \d).*)?$/s, name);
    }
    t.equal(listener.takeAnswered(), 0);
  },
);

/** Unusual requests whose meaning is clear. */
const accepted: readonly (readonly [name: string, request: string])[] = [
  [
    'an absolute target, whose host replaces Host',
    post(host, length).replace('/kmip', 'https://other/kmip') + body,
  ],
  ['an empty Host', post('Host:', length) + body],
  ['a Host with a port', post('Host: [::1]:5697', length) + body],
  ['white space around a value', post(host, `Content-Length: \t ${body.length} \t`) + body],
  [
    'chunks with extensions and trailers',
    `${post(host, 'Transfer-Encoding: Chunked')}${chunk.replace('\r\n', ';a=b\r\n')}0\r\nX: y\r\n\r\n`,
  ],
  ['an empty line before the request', `\r\n${post(host, length)}${body}`],
];

t.test('an unusual request is answered when its framing is clear', async (t) => {
  const listener = await openCountingListener(t);
  for (const [name, request] of accepted) {
    const peer = await connectRaw(
      listener.port,
      Buffer.from(request + second.replace(host, `${host}\r\nConnection: close`), 'latin1'),
    );
    const received = String(await peer.closed);
    t.equal(received.split('HTTP/1.1 200 OK').length - 1, 2, name);
    t.equal(listener.takeAnswered(), 2, name);
  }
});

t.test('ALPN offers HTTP/1.1 and HTTP/1.0', async (t) => {
  const listener = await openHttpsListener();
  t.teardown(() => listener.close());
  const cases: [offered: string[] | undefined, chosen: string | false][] = [
    [undefined, false],
    [['http/1.1'], 'http/1.1'],
    [['http/1.0'], 'http/1.0'],
    [['http/1.0', 'http/1.1'], 'http/1.1'],
    [['h2', 'http/1.1'], 'http/1.1'],
  ];
  for (const [ALPNProtocols, chosen] of cases) {
    const peer = await connectPeer(listener.port, { ...demo, ...(ALPNProtocols && { ALPNProtocols }) });
    t.equal(peer.socket.alpnProtocol, chosen, String(ALPNProtocols));
    peer.socket.write(Buffer.from(post(length).replace('1.1', '1.0') + body, 'latin1'));
    t.match(String(await peer.closed), /^HTTP\/1\.1 200 OK/, String(ALPNProtocols));
  }
  await t.rejects(connectPeer(listener.port, { ...demo, ALPNProtocols: ['h2'] }), 'HTTP/2 alone is refused');
});
