import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { Operation } from '../codec/enums.ts';
import { type TagName, tagNumber } from '../codec/tags.ts';
import { type Version, versionNumbers } from '../codec/version.ts';
import { BinaryReader, checkStructure } from '../codec/wire/binary-reader.ts';
import { BinaryWriter } from '../codec/wire/binary-writer.ts';
import { type Node, readNode, type TypedValue, writeValue } from '../codec/wire/node.ts';

/** A small KMIP client for tests: mutual TLS, binary TTLV, answers in the order of the requests. */

/**
 * PEM texts: the authority that signed the server's certificate, and the client's own certificate and key.
 */
export interface Identity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface ConnectOptions extends Partial<Identity> {
  readonly port: number;
  /**
   * State directory of the server; the identity is that of its client `name` (`demo`) unless PEM texts are
   * given.
   */
  readonly home?: string;
  readonly name?: string;
  readonly host?: string;
  /** Further options of `node:tls`, e.g. `maxVersion` or `session`. */
  readonly tls?: ConnectionOptions;
  /** Milliseconds to wait for the handshake and for each answer. */
  readonly timeout?: number;
}

export interface RequestItem {
  /** Member of the Operation enumeration, or any number. */
  readonly operation: string | number;
  /** Children of the Request Payload, or the payload itself. */
  readonly payload?: readonly Node[] | Node;
  readonly uniqueBatchItemID?: Uint8Array;
  readonly ephemeral?: boolean;
}

const limits = { depth: 64, structureItems: 100_000 };
const largestAnswer = 64 * 1024 * 1024;

/**
 * Reads `ca.pem`, `cert.pem` and `key.pem` of a directory that `kmipd client add` or the first start wrote.
 */
export async function readIdentity(directory: string): Promise<Identity> {
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((file) => readFile(join(directory, file), 'utf8')),
  );
  return { ca: ca as string, cert: cert as string, key: key as string };
}

/** Resolves to a client once the handshake is done. Rejects with the socket's error or after the timeout. */
export async function connect(options: ConnectOptions): Promise<Client> {
  const { host = '127.0.0.1', port, timeout = 60_000 } = options;
  const stored =
    options.home === undefined
      ? {}
      : await readIdentity(join(options.home, 'clients', options.name ?? 'demo'));
  const { ca, cert, key } = { ...stored, ...present(options) };
  const socket = connectTls({ host, port, ca, cert, key, ...options.tls });
  socket.setNoDelay(true);
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error(`no handshake within ${timeout} ms`)), timeout);
    const settle = (error?: Error) => {
      clearTimeout(timer);
      socket.off('secureConnect', settle).off('error', settle).off('close', closed);
      if (error === undefined) resolve();
      else reject(error);
    };
    const closed = () => settle(new Error('closed during the handshake'));
    socket.once('secureConnect', settle).once('error', settle).once('close', closed);
  });
  return new Client(socket, timeout);
}

function present({ ca, cert, key }: Partial<Identity>): Partial<Identity> {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

interface Waiter {
  resolve(answer: Uint8Array): void;
  reject(error: Error): void;
}

/** A connection to the server. Requests may overlap; the answers arrive in the order of the requests. */
export class Client {
  readonly socket: TLSSocket;
  readonly #timeout: number;
  readonly #waiting: Waiter[] = [];
  #received: Buffer = Buffer.alloc(0);
  #ended: Error | undefined;

  constructor(socket: TLSSocket, timeout: number) {
    this.socket = socket;
    this.#timeout = timeout;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('connection closed by the server')));
  }

  /**
   * Sends bytes unchanged and resolves to the next complete answer. Rejects when the connection ends first.
   */
  send(bytes: Uint8Array): Promise<Uint8Array> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.socket.destroy(new Error(`no answer within ${this.#timeout} ms`)),
        this.#timeout,
      );
      this.#waiting.push({
        resolve: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.socket.write(bytes);
    });
  }

  /** Sends a Request Message given as a tree and resolves with the Response Message. */
  async exchange(request: Node): Promise<Node> {
    return decode(await this.send(encode(request)));
  }

  /** Sends a batch; `header` has further fields of the header in the order of the specification. */
  request(version: Version, items: readonly RequestItem[], header: readonly Node[] = []): Promise<Node> {
    return this.exchange(requestMessage(version, items, header));
  }

  /** Ends the connection and waits until it is closed. */
  async close(): Promise<void> {
    if (this.socket.destroyed) return;
    await new Promise<void>((resolve) => {
      this.socket.once('close', () => resolve());
      this.socket.end();
      setTimeout(() => this.socket.destroy(), 1000).unref();
    });
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= 8) {
      const length = 8 + this.#received.readUInt32BE(4);
      if (length > largestAnswer) return void this.socket.destroy(new Error(`answer of ${length} bytes`));
      if (this.#received.length < length) return;
      const answer = new Uint8Array(this.#received.subarray(0, length));
      this.#received = this.#received.subarray(length);
      const waiter = this.#waiting.shift();
      if (waiter === undefined) return void this.socket.destroy(new Error('an answer without a request'));
      waiter.resolve(answer);
    }
  }

  #fail(error: Error): void {
    this.#ended ??= error;
    for (const waiter of this.#waiting.splice(0)) waiter.reject(this.#ended);
  }
}

type Values = { [V in TypedValue as V['type']]: V['value'] };

/** Creates an item by the name of its tag: `item('BatchCount', 'Integer', 1)`. */
export function item<T extends TypedValue['type']>(name: TagName, type: T, value: Values[T]): Node {
  return { tag: tagNumber(name), type, value } as Node;
}

export function structure(name: TagName, ...children: readonly Node[]): Node {
  return item(name, 'Structure', children);
}

export const text = (name: TagName, value: string): Node => item(name, 'TextString', value);
export const integer = (name: TagName, value: number): Node => item(name, 'Integer', value);
export const enumerated = (name: TagName, value: number): Node => item(name, 'Enumeration', value);
export const bytes = (name: TagName, value: Uint8Array): Node => item(name, 'ByteString', value);

/** Creates a Request Message. */
export function requestMessage(
  version: Version,
  items: readonly RequestItem[],
  header: readonly Node[] = [],
): Node {
  const { major, minor } = versionNumbers(version);
  return structure(
    'RequestMessage',
    structure(
      'RequestHeader',
      structure(
        'ProtocolVersion',
        integer('ProtocolVersionMajor', major),
        integer('ProtocolVersionMinor', minor),
      ),
      ...header,
      integer('BatchCount', items.length),
    ),
    ...items.map(({ operation, payload = [], uniqueBatchItemID, ephemeral }) =>
      structure(
        'BatchItem',
        enumerated('Operation', Operation.toNumber(operation as Operation)),
        ...(ephemeral === undefined ? [] : [item('Ephemeral', 'Boolean', ephemeral)]),
        ...(uniqueBatchItemID === undefined ? [] : [bytes('UniqueBatchItemID', uniqueBatchItemID)]),
        isNodes(payload) ? structure('RequestPayload', ...payload) : payload,
      ),
    ),
  );
}

function isNodes(payload: readonly Node[] | Node): payload is readonly Node[] {
  return Array.isArray(payload);
}

/** Encodes a tree as binary TTLV. */
export function encode(node: Node): Uint8Array {
  const writer = new BinaryWriter(1024);
  writeValue(writer, node.tag, node);
  return writer.finish();
}

/**
 * Decodes binary TTLV into a tree.
 * @throws {WireError} when it is not well-formed.
 */
export function decode(message: Uint8Array): Node {
  checkStructure(message, limits);
  return readNode(new BinaryReader(message));
}

/** Returns the children of a structure with a tag; none when the node is no structure. */
export function children(node: Node | undefined, name: TagName): Node[] {
  return node?.type === 'Structure' ? node.value.filter((child) => child.tag === tagNumber(name)) : [];
}

/**
 * Finds the first item at a path of tags, e.g. `find(answer, 'BatchItem', 'ResponsePayload',
 * 'UniqueIdentifier')`.
 */
export function find(node: Node, ...path: readonly TagName[]): Node | undefined {
  return path.reduce<Node | undefined>((at, name) => children(at, name)[0], node);
}

/** Returns the value of the first item at a path of tags. */
export function valueOf(node: Node, ...path: readonly TagName[]): Node['value'] | undefined {
  return find(node, ...path)?.value;
}
