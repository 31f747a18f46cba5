import type { Node } from '../../codec/wire/node.ts';
import { httpsTransport } from '../../src/net/https.ts';
import type { MessageService } from '../../src/protocol/service.ts';
import { bytes, decode, encode, requestMessage, structure, text } from '../client.ts';
import { HttpsClient } from '../https-client.ts';
import { type Door, type DoorOptions, demo, enter, openDoor, sleep } from './listener-fixture.ts';

/** Request in, response out: the same items under another root. */
export const mirror: MessageService = {
  async respond(request) {
    const response = request.length === 0 ? this.refuseFraming('empty') : encode(answerTo(decode(request)));
    return { response, close: false };
  },
  refuseFraming: (reason, version = '1.0') =>
    encode(structure('ResponseMessage', text('ResultMessage', `${version}: ${reason}`))),
};

export function answerTo(request: Node): Node {
  return structure('ResponseMessage', ...(request.value as Node[]));
}

export const message = (...payload: Node[]) => requestMessage('1.4', [{ operation: 'Get', payload }]);
export const wanted = message(
  text('UniqueIdentifier', 'é<&>"\u{1F511}'),
  bytes('KeyMaterial', Uint8Array.of(1, 2, 3)),
);

export async function open(options: DoorOptions = {}): Promise<Door> {
  return openDoor({ service: mirror, transport: httpsTransport(), ...options });
}

export type Pems = { ca: string; cert: string; key: string };
export const clientOf = (port: number) => new HttpsClient({ port, ...(demo as Pems) });
export const plain = { 'Content-Type': 'application/octet-stream' };

/** A raw connection: what HTTP libraries do not let us send. */
export async function raw(port: number, ...pieces: readonly (string | Uint8Array)[]) {
  const peer = await enter(port);
  for (const piece of pieces) {
    peer.socket.write(piece);
    await sleep(5);
  }
  return peer;
}
export const head = (length: number, more = '') =>
  `POST /kmip HTTP/1.1\r\nHost: kms\r\nContent-Type: application/octet-stream\r\nContent-Length: ${length}\r\n${more}\r\n`;
