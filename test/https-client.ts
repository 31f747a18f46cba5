import { Agent, request } from 'node:https';
import { jsonToNode, nodeToJson } from '../codec/wire/json.ts';
import type { Node } from '../codec/wire/node.ts';
import { nodeToXml, xmlToNodes } from '../codec/wire/xml.ts';
import { decode, encode, type Identity } from './client.ts';

/** A small client of KMIP over HTTPS for tests: one connection, kept alive. */

const limits = { depth: 64, structureItems: 100_000, bytes: 64 * 1024 * 1024 };
const text = (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

interface Form {
  readonly mediaType: string;
  write(node: Node): Uint8Array;
  read(body: Uint8Array): Node;
}

/** The three encodings of KMIP as HTTP bodies. */
export const forms = {
  ttlv: { mediaType: 'application/octet-stream', write: encode, read: decode },
  xml: {
    mediaType: 'text/xml',
    write: (node) => new TextEncoder().encode(nodeToXml(node)),
    read(body) {
      const [message, ...more] = xmlToNodes(text(body), limits);
      if (message === undefined || more.length > 0) throw new Error('not exactly one message');
      return message;
    },
  },
  json: {
    mediaType: 'application/json',
    write: (node) => new TextEncoder().encode(nodeToJson(node)),
    read: (body) => jsonToNode(text(body), limits),
  },
} satisfies Record<string, Form>;

export type FormName = keyof typeof forms;

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
  /** Text of the body. */
  readonly text: string;
}

export interface Post {
  readonly body?: Uint8Array | string;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export class HttpsClient {
  readonly #agent: Agent;
  readonly #port: number;

  constructor({ port, ca, cert, key }: Identity & { readonly port: number }) {
    this.#port = port;
    this.#agent = new Agent({ ca, cert, key, keepAlive: true, maxSockets: 1 });
  }

  /** Sends an HTTP request, with Content-Length unless the headers contain Transfer-Encoding. */
  send({ body = '', method = 'POST', path = '/kmip', headers = {} }: Post): Promise<Reply> {
    const content = typeof body === 'string' ? new TextEncoder().encode(body) : body;
    const chunked = Object.keys(headers).some((name) => name.toLowerCase() === 'transfer-encoding');
    const length = chunked ? {} : { 'Content-Length': content.length };
    return new Promise((resolve, reject) => {
      const options = { agent: this.#agent, host: '127.0.0.1', port: this.#port, method, path };
      const sent = request({ ...options, headers: { ...length, ...headers } }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const whole = new Uint8Array(Buffer.concat(chunks));
          const { statusCode: status = 0, headers: got } = response;
          resolve({ status, headers: got, body: whole, text: new TextDecoder().decode(whole) });
        });
      });
      sent.on('error', reject);
      sent.end(content);
    });
  }

  /**
   * Sends a message in an encoding and resolves to the answer.
   * @throws {Error} when the answer is not 200 in the same encoding.
   */
  async exchange(message: Node, form: FormName): Promise<Node> {
    const { mediaType, write, read } = forms[form];
    const reply = await this.send({ body: write(message), headers: { 'Content-Type': mediaType } });
    if (reply.status !== 200) throw new Error(`${reply.status}: ${reply.text}`);
    if (reply.headers['content-type'] !== mediaType)
      throw new Error(`an answer of type ${reply.headers['content-type']}`);
    return read(reply.body);
  }

  async close(): Promise<void> {
    this.#agent.destroy();
  }
}
