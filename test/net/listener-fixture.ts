import { randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { defaultLimits, type Limits } from '../../src/common/limits.ts';
import { type AuthenticationResult, fingerprintOf } from '../../src/identity/certificate.ts';
import { Listener, type ListenerOptions } from '../../src/net/listener.ts';
import { ttlvTransport } from '../../src/net/transport.ts';
import type { MessageService } from '../../src/protocol/service.ts';
import type { ListenerObserver } from '../../src/watch/observer.ts';
import { Arrivals, until } from './arrivals.ts';
import { demo, material, other } from './certificates-fixture.ts';
import type { Peer } from './peer-fixture.ts';

/** A listener with a service that echoes, for the tests of this folder. */

/** A message of that many bytes in all; 16 or more, a multiple of 8. */
export function frame(bytes: number, fill = 0, tag: 'request' | 'response' = 'request'): Buffer {
  const message = Buffer.alloc(bytes, fill);
  message.writeUInt32BE(tag === 'request' ? 0x42007801 : 0x42007b01, 0);
  message.writeUInt32BE(bytes - 8, 4);
  return message;
}

/** Answers with the request as a response. */
export const echo: MessageService = {
  async respond(request) {
    const response = Buffer.alloc(request.length);
    response.set(request);
    response[2] = 0x7b;
    return { response, close: false };
  },
  refuseFraming: () => frame(64, 0xee, 'response'),
};

/** A service whose answers wait until the test releases them. */
export interface HeldService {
  readonly service: MessageService;
  /** One entry for each message that has reached the service. */
  readonly begun: Arrivals<true>;
  /** Messages that wait for their release now, and the most that ever waited together. */
  readonly waiting: () => { readonly now: number; readonly max: number };
  /** Lets the service answer the oldest message. */
  release(): void;
}

/** Holds the answers of `service` back. */
export function holdAnswers(service: MessageService = echo): HeldService {
  const waiting: (() => void)[] = [];
  const begun = new Arrivals<true>();
  let max = 0;
  return {
    begun,
    waiting: () => ({ now: waiting.length, max }),
    release: () => waiting.shift()?.(),
    service: {
      ...service,
      async respond(request, conversation) {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          max = Math.max(max, waiting.length);
          begun.add(true);
        });
        return service.respond(request, conversation);
      },
    },
  };
}

/** An event of the listener's observer. */
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

export interface TestListener {
  readonly subject: Listener;
  readonly port: number;
  readonly events: readonly Event[];
  /** Enrolled clients by fingerprint; a client that is deleted here is no longer enrolled. */
  readonly enrolled: Map<string, { name: string; group: string }>;
  /** Number of certificates looked up so far. */
  readonly lookups: () => number;
  /** Resolves with the first event of that kind, past or future, for which `matches` holds. */
  event(kind: keyof ListenerObserver, matches?: (event: Event) => boolean): Promise<Event>;
  /** The server's socket of a peer's connection, once the client is authenticated. */
  socketOf(peer: Peer): Promise<TLSSocket>;
  /** Resolves when the server has read that many bytes from a peer. */
  received(peer: Peer, bytes: number): Promise<void>;
  close(): Promise<void>;
}

export interface TestListenerOptions
  extends Partial<
    Pick<
      ListenerOptions,
      'service' | 'profile' | 'authenticate' | 'material' | 'ticketKeys' | 'transport' | 'perClient'
    >
  > {
  readonly limits?: Partial<Limits>;
}

/** Starts a listener on a free port; `demo` and `other` are enrolled. */
export async function openListener(options: TestListenerOptions = {}): Promise<TestListener> {
  const events: Event[] = [];
  const checks = new Set<() => void>();
  const record = (kind: keyof ListenerObserver) => (event: object) => {
    events.push({ kind, ...event });
    for (const check of checks) check();
  };
  const enrolled = new Map(
    [demo, other].map(({ cert }, index) => {
      const name = index === 0 ? 'demo' : 'other';
      return [fingerprintOf(new X509Certificate(cert as string)), { name, group: 'test' }];
    }),
  );
  let lookups = 0;
  async function authenticate(certificate: X509Certificate): Promise<AuthenticationResult> {
    lookups++;
    const fingerprint = fingerprintOf(certificate);
    const client = enrolled.get(fingerprint);
    if (client === undefined) return { refused: 'certificate not enrolled', fingerprint };
    return { principal: { client: client.name, group: client.group, may: () => true } };
  }
  const sockets = observeSockets(options.transport ?? ttlvTransport());
  const subject = new Listener({
    host: '127.0.0.1',
    port: 0,
    material: options.material ?? material,
    profile: options.profile ?? 'intermediate',
    ticketKeys: options.ticketKeys ?? randomBytes(48),
    limits: { ...defaultLimits, ...options.limits },
    service: options.service ?? echo,
    transport: sockets.transport,
    ...(options.perClient && { perClient: options.perClient }),
    authenticate: options.authenticate ?? authenticate,
    observer: {
      connectionOpened: record('connectionOpened'),
      connectionClosed: record('connectionClosed'),
      connectionEnded: record('connectionEnded'),
      handshakeRefused: record('handshakeRefused'),
      listenerFailed: record('listenerFailed'),
    },
  });
  const { port } = await subject.listen();
  return {
    subject,
    port,
    events,
    enrolled,
    lookups: () => lookups,
    event(kind, matches = () => true) {
      return new Promise((resolve) => {
        function check(): void {
          const event = events.find((each) => each.kind === kind && matches(each));
          if (event === undefined) return;
          checks.delete(check);
          resolve(event);
        }
        checks.add(check);
        check();
      });
    },
    socketOf: sockets.socketOf,
    received: sockets.received,
    close: () => subject.drain(),
  };
}

type Transport = NonNullable<ListenerOptions['transport']>;

/** Wraps a transport, so that a test finds the server's side of a connection. */
function observeSockets(transport: Transport) {
  const accepted = new Map<number | undefined, { readonly socket: TLSSocket; bytes: number }>();
  const sideOf = async ({ socket }: Peer) => {
    const { localPort } = socket;
    await until(() => accepted.has(localPort));
    return accepted.get(localPort) as { readonly socket: TLSSocket; bytes: number };
  };
  return {
    transport: {
      ...transport,
      createConnection(options) {
        const connection = transport.createConnection(options);
        const side = { socket: options.socket, bytes: 0 };
        accepted.set(options.socket.remotePort, side);
        options.socket.on('data', (chunk: Buffer) => {
          side.bytes += chunk.length;
        });
        return connection;
      },
    } satisfies Transport,
    socketOf: async (peer: Peer) => (await sideOf(peer)).socket,
    async received(peer: Peer, bytes: number): Promise<void> {
      const side = await sideOf(peer);
      while (side.bytes < bytes) await once(side.socket, 'data');
    },
  };
}
