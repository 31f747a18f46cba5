import { randomBytes, X509Certificate } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { createAuthority, issueClient, issueServer } from '../../certs/issue.ts';
import { generateKey, type IssuedCertificate, openAuthority, privateKeyToPem } from '../../certs/keys.ts';
import { defaultLimits, type Limits } from '../../src/common/limits.ts';
import { fingerprintOf } from '../../src/identity/certificate.ts';
import { type AuthenticationResult, Listener, type ListenerOptions } from '../../src/net/listener.ts';
import type { MessageService } from '../../src/protocol/service.ts';
import type { ListenerObserver } from '../../src/watch/observer.ts';

/** A listener with throwaway certificates and a service that echoes, for the tests of this folder. */

const authorityKey = await generateKey('ec');
export const authority = openAuthority(await createAuthority('Test Authority', authorityKey), authorityKey);
const strangerKey = await generateKey('ec');
export const stranger = openAuthority(await createAuthority('Stranger', strangerKey), strangerKey);
const serverKey = await generateKey('ec');

export const material = {
  cert: await issueServer(authority, serverKey, ['localhost', '127.0.0.1']),
  key: privateKeyToPem(serverKey),
  ca: [authority.certificate],
};

/** What a client presents. */
export function identity({ certificate, key }: IssuedCertificate): ConnectionOptions {
  return { cert: certificate, key: privateKeyToPem(key), ca: authority.certificate };
}

export const demo = identity(await issueClient(authority, 'demo'));
export const other = identity(await issueClient(authority, 'other'));

/** A message of that many bytes in all; 16 or more, a multiple of 8. */
export function frame(bytes: number, fill = 0, tag: 'request' | 'response' = 'request'): Buffer {
  const message = Buffer.alloc(bytes, fill);
  message.writeUInt32BE(tag === 'request' ? 0x42007801 : 0x42007b01, 0);
  message.writeUInt32BE(bytes - 8, 4);
  return message;
}

/** The request as a response. */
export const echo: MessageService = {
  async respond(request) {
    const response = Buffer.alloc(request.length);
    response.set(request);
    response[2] = 0x7b;
    return { response, close: false };
  },
  refuseFraming: () => frame(64, 0xee, 'response'),
};

export interface Event {
  readonly kind: keyof ListenerObserver;
  readonly reason?: string;
  readonly peer?: string;
  readonly level?: string;
  readonly client?: string;
  readonly fingerprint?: string;
  readonly resumed?: boolean;
  readonly protocol?: string;
  readonly error?: Error;
}

export interface Door {
  readonly listener: Listener;
  readonly port: number;
  readonly events: readonly Event[];
  /** Names by fingerprint; take one out and the client is no longer enrolled. */
  readonly enrolled: Map<string, { name: string; group: string }>;
  /** Certificates looked up so far. */
  readonly asked: () => number;
  /** Resolves with the first event of that kind, past or to come. */
  event(kind: keyof ListenerObserver, matches?: (event: Event) => boolean): Promise<Event>;
  close(): Promise<void>;
}

export interface DoorOptions
  extends Partial<
    Pick<
      ListenerOptions,
      'service' | 'profile' | 'authenticate' | 'material' | 'ticketKeys' | 'transport' | 'perClient'
    >
  > {
  readonly limits?: Partial<Limits>;
}

/** Starts a listener on a free port; `demo` and `other` are enrolled. */
export async function openDoor(options: DoorOptions = {}): Promise<Door> {
  const events: Event[] = [];
  const waiting = new Set<() => void>();
  const note = (kind: keyof ListenerObserver) => (event: object) => {
    events.push({ kind, ...event });
    for (const wake of waiting) wake();
  };
  const enrolled = new Map(
    [demo, other].map(({ cert }, index) => {
      const name = index === 0 ? 'demo' : 'other';
      return [fingerprintOf(new X509Certificate(cert as string)), { name, group: 'test' }];
    }),
  );
  let asked = 0;
  async function authenticate(certificate: X509Certificate): Promise<AuthenticationResult> {
    asked++;
    const fingerprint = fingerprintOf(certificate);
    const client = enrolled.get(fingerprint);
    if (client === undefined) return { refused: 'certificate not enrolled', fingerprint };
    return { principal: { client: client.name, group: client.group, may: () => true } };
  }
  const listener = new Listener({
    host: '127.0.0.1',
    port: 0,
    material: options.material ?? material,
    profile: options.profile ?? 'intermediate',
    ticketKeys: options.ticketKeys ?? randomBytes(48),
    limits: { ...defaultLimits, ...options.limits },
    service: options.service ?? echo,
    ...(options.transport && { transport: options.transport }),
    ...(options.perClient && { perClient: options.perClient }),
    authenticate: options.authenticate ?? authenticate,
    observer: {
      connectionOpened: note('connectionOpened'),
      connectionClosed: note('connectionClosed'),
      connectionEnded: note('connectionEnded'),
      handshakeRefused: note('handshakeRefused'),
      listenerFailed: note('listenerFailed'),
    },
  });
  const { port } = await listener.listen();
  return {
    listener,
    port,
    events,
    enrolled,
    asked: () => asked,
    event(kind, matches = () => true) {
      return new Promise((resolve, reject) => {
        const found = () => events.find((event) => event.kind === kind && matches(event));
        const late = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`no ${kind} within 10 s: ${JSON.stringify(events)}`));
        }, 10_000);
        function look(): void {
          const event = found();
          if (event === undefined) return;
          clearTimeout(late);
          waiting.delete(look);
          resolve(event);
        }
        waiting.add(look);
        look();
      });
    },
    close: () => listener.drain(),
  };
}

/** What came over a connection until now, and how it ended. */
export interface Peer<S extends Socket = TLSSocket> {
  readonly socket: S;
  /** Whole answers, in order. */
  answers(count: number): Promise<Buffer[]>;
  /** Resolves when the connection is closed, with everything that came. */
  readonly closed: Promise<Buffer>;
  /** The first ticket, with which the session can be resumed; TLS 1.2 sends it within the handshake, 1.3 behind it. */
  readonly session: Promise<Buffer>;
  readonly error: () => NodeJS.ErrnoException | undefined;
}

/** Resolves after the handshake as the client sees it. */
export async function enter(port: number, options: ConnectionOptions = demo): Promise<Peer> {
  const socket = connectTls({ host: '127.0.0.1', port, ...options });
  const peer = observe(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('close', () => reject(peer.error() ?? new Error('closed')));
  });
  return peer;
}

/** A plain TCP connection. */
export async function knock(port: number): Promise<Peer<Socket>> {
  const socket = connectTcp(port, '127.0.0.1');
  const peer = observe(socket);
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return peer;
}

function observe<S extends Socket>(socket: S): Peer<S> {
  let received = Buffer.alloc(0);
  let failure: NodeJS.ErrnoException | undefined;
  const wake = new Set<() => void>();
  const session = new Promise<Buffer>((resolve) => socket.once('session', resolve));
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    for (const look of wake) look();
  });
  socket.on('error', (error) => {
    failure = error;
  });
  const closed = new Promise<Buffer>((resolve) => {
    socket.on('close', () => {
      resolve(received);
      for (const look of wake) look();
    });
  });
  return {
    socket,
    closed,
    session,
    error: () => failure,
    answers(count) {
      return new Promise((resolve, reject) => {
        function look(): void {
          const whole = split(received);
          if (whole.length >= count) resolve(whole.slice(0, count));
          else if (socket.destroyed) reject(failure ?? new Error(`closed after ${whole.length} answers`));
          else return;
          wake.delete(look);
        }
        wake.add(look);
        look();
      });
    },
  };
}

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

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 500) throw new Error('it did not come true within 5 s');
    await sleep(10);
  }
}

/** Reads nothing from now on. */
export function deaf(peer: Peer): void {
  peer.socket.pause();
  peer.socket.removeAllListeners('data');
}
