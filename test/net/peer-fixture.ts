import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { demo } from './certificates-fixture.ts';

/** The client's side of a connection: everything that was received, and how the connection ended. */
export interface Peer<S extends Socket = TLSSocket> {
  readonly socket: S;
  /** Resolves with the first `count` whole messages, in order. */
  answers(count: number): Promise<Buffer[]>;
  /** Resolves with everything received as soon as the text occurs in it. */
  text(expected: string): Promise<string>;
  /** Resolves when the connection is closed, with everything that was received. */
  readonly closed: Promise<Buffer>;
  /** The first session ticket; TLS 1.2 sends it in the handshake, 1.3 after it. */
  readonly session: Promise<Buffer>;
  readonly error: () => NodeJS.ErrnoException | undefined;
}

/** Connects with TLS and resolves after the handshake as the client sees it. */
export async function connectPeer(port: number, options: ConnectionOptions = demo): Promise<Peer> {
  const socket = connectTls({ host: '127.0.0.1', port, ...options });
  const peer = observe(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('close', () => reject(peer.error() ?? new Error('closed')));
  });
  return peer;
}

/** Connects with TCP only. */
export async function connectPlain(port: number): Promise<Peer<Socket>> {
  const socket = connectTcp(port, '127.0.0.1');
  const peer = observe(socket);
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return peer;
}

/** The peer reads nothing from now on. */
export function stopReading(peer: Peer): void {
  peer.socket.pause();
  peer.socket.removeAllListeners('data');
}

function observe<S extends Socket>(socket: S): Peer<S> {
  let received = Buffer.alloc(0);
  let failure: NodeJS.ErrnoException | undefined;
  const checks = new Set<() => void>();
  const session = new Promise<Buffer>((resolve) => socket.once('session', resolve));
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    for (const check of checks) check();
  });
  socket.on('error', (error) => {
    failure = error;
  });
  const closed = new Promise<Buffer>((resolve) => {
    socket.on('close', () => {
      resolve(received);
      for (const check of checks) check();
    });
  });
  const wait = <T>(find: () => T | undefined) =>
    new Promise<T>((resolve, reject) => {
      function check(): void {
        const found = find();
        if (found !== undefined) resolve(found);
        else if (socket.destroyed) reject(failure ?? new Error(`closed after ${received.length} bytes`));
        else return;
        checks.delete(check);
      }
      checks.add(check);
      check();
    });
  return {
    socket,
    closed,
    session,
    error: () => failure,
    answers: (count) =>
      wait(() => {
        const messages = split(received);
        return messages.length >= count ? messages.slice(0, count) : undefined;
      }),
    text: (expected) => wait(() => (received.includes(expected) ? String(received) : undefined)),
  };
}

/** The whole TTLV messages at the beginning of `bytes`. */
function split(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const end = at + 8 + bytes.readUInt32BE(at + 4);
    if (end > bytes.length) break;
    messages.push(bytes.subarray(at, end));
    at = end;
  }
  return messages;
}
