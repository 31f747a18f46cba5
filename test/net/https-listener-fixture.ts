import type { Node } from '../../codec/wire/node.ts';
import { httpsTransport } from '../../src/net/https.ts';
import type { MessageService } from '../../src/protocol/service.ts';
import { bytes, decode, encode, requestMessage, structure, text } from '../client.ts';
import { HttpsClient } from '../https-client.ts';
import { demo } from './certificates-fixture.ts';
import { openListener, type TestListener, type TestListenerOptions } from './listener-fixture.ts';
import { connectPeer, type Peer } from './peer-fixture.ts';

/** Answers with the items of the request under another root. */
export const mirror: MessageService = {
  async respond(request, conversation) {
    const response =
      request.length === 0 ? this.refuseFraming('empty', conversation) : encode(answerTo(decode(request)));
    return { response, close: false };
  },
  refuseFraming: (reason, _conversation, version = '1.0') =>
    encode(structure('ResponseMessage', text('ResultMessage', `${version}: ${reason}`))),
};

/** The answer of `mirror` to a request. */
export function answerTo(request: Node): Node {
  return structure('ResponseMessage', ...(request.value as Node[]));
}

export const message = (...payload: Node[]) => requestMessage('1.4', [{ operation: 'Get', payload }]);
export const getRequest = message(
  text('UniqueIdentifier', 'é<&>"\u{1F511}'),
  bytes('KeyMaterial', Uint8Array.of(1, 2, 3)),
);

/** Starts an HTTPS listener with the service `mirror`. */
export async function openHttpsListener(options: TestListenerOptions = {}): Promise<TestListener> {
  return openListener({ service: mirror, transport: httpsTransport(), ...options });
}

export type Pems = { ca: string; cert: string; key: string };
export const clientOf = (port: number) => new HttpsClient({ port, ...(demo as Pems) });
export const plain = { 'Content-Type': 'application/octet-stream' };

/** A connection that sends bytes which HTTP libraries do not send; each piece is one TLS record. */
export async function connectRaw(port: number, ...pieces: readonly (string | Uint8Array)[]): Promise<Peer> {
  const peer = await connectPeer(port);
  for (const piece of pieces) await new Promise((resolve) => peer.socket.write(piece, resolve));
  return peer;
}

/** The head of a POST request whose body has `length` bytes; `more`: further header lines. */
export const head = (length: number, more = '') =>
  `POST /kmip HTTP/1.1\r\nHost: kms\r\nContent-Type: application/octet-stream\r\nContent-Length: ${length}\r\n${more}\r\n`;
