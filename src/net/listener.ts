import { randomBytes, X509Certificate } from 'node:crypto';
import type { AddressInfo, DropArgument, Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { type Address, formatAddress } from '../common/address.ts';
import type { Limits } from '../common/limits.ts';
import type { Principal } from '../identity/principal.ts';
import type { Conversation, MessageService } from '../protocol/service.ts';
import type { ListenerObserver, RefusedHandshake } from '../watch/observer.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { handshakeFailure } from './handshake-failure.ts';
import { Handshakes } from './handshakes.ts';
import { contextOptions, type TlsMaterial, type TlsProfile } from './tls.ts';

/** The peer as the directory knows it, or why it is turned away. */
export type AuthenticationResult =
  | { readonly principal: Principal }
  | { readonly refused: string; readonly fingerprint: string; readonly name?: string };

/** What speaks on a connection once its client is known: TTLV as it is, or within HTTP. */
export interface ProtocolConnection {
  readonly socket: TLSSocket;
  /** Replaced when the client's entry in the directory has changed; counts from the next message on. */
  conversation: Conversation;
  /** Ends the connection at the next message boundary. */
  finish(): void;
}

/** The language of a door. */
export interface Transport {
  /** Names in ALPN (RFC 7301); none for plain TTLV. */
  readonly protocols: readonly string[];
  /** What connection ids begin with, so that logs tell the doors apart. */
  readonly prefix: string;
  createConnection(options: ConnectionOptions): ProtocolConnection;
}

/** Plain TTLV. `endpoints` take over where a client exchanges the roles; when left out none can. */
export function ttlvTransport(endpoints?: ConnectionOptions['endpoints']): Transport {
  return {
    protocols: [],
    prefix: '',
    createConnection: (options) => new Connection({ ...options, endpoints }),
  };
}

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** Plain TTLV when left out. */
  readonly transport?: Transport;
  /** Open connections of each client. Doors that share it bound a client's connections together. */
  readonly perClient?: Map<string, number>;
  readonly material: TlsMaterial;
  readonly profile: TlsProfile;
  /** 48 random bytes, the same for all workers of a server, so that each can resume the others' sessions. */
  readonly ticketKeys: Buffer;
  readonly limits: Limits;
  readonly service: MessageService;
  readonly observer: ListenerObserver;
  /** Asked on every connection, resumed or not, and again on every recheck. Rejects when the directory is away. */
  authenticate(certificate: X509Certificate): Promise<AuthenticationResult>;
}

interface Session {
  readonly connection: ProtocolConnection;
  /** Read once: every reading of it costs native memory for a while. */
  readonly certificate: X509Certificate;
  /** The certificate by which its client may be enrolled in place of that one, and until when (ms since 1970) that helps it. */
  expected?: { readonly certificate: X509Certificate; readonly until: number };
}

/**
 * How long a connection outlives the certificate that its client has replaced on it: time to fetch the new one, without
 * which the client would be locked out.
 */
const replacedCertificateGraceMilliseconds = 60_000;

const keepAliveMilliseconds = 60_000;
/** Clients reconnect all at once after a power cut; the kernel's own bound (somaxconn) is usually 4,096. */
const backlog = 4_096;

/** The TLS listener (mutual authentication): who is let in, how many, and how they leave. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #handshakes: Handshakes;
  readonly #sessions = new Set<Session>();
  readonly #transport: Transport;
  readonly #perClient: Map<string, number>;
  #count = 0;
  #draining = false;
  #rechecking: Promise<void> | undefined;

  constructor(options: ListenerOptions) {
    const { limits, observer } = options;
    this.#options = options;
    this.#transport = options.transport ?? ttlvTransport();
    this.#perClient = options.perClient ?? new Map();
    this.#handshakes = new Handshakes(limits.handshakeMilliseconds, (event) =>
      observer.handshakeRefused(event),
    );
    this.#server = createServer({
      ...contextOptions(options.material, options.profile, options.ticketKeys),
      ...(this.#transport.protocols.length > 0 && { ALPNProtocols: [...this.#transport.protocols] }),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: limits.handshakeMilliseconds,
      // During the handshake a peer that hangs up is gone at once; a connection allows it later, see there.
      allowHalfOpen: false,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMilliseconds,
    });
    this.#server.maxConnections = limits.connections;
    this.#server.on('connection', (socket: Socket) => this.#handshakes.begin(socket));
    this.#server.on('tlsClientError', (error, socket) => {
      this.#handshakes.refuse(socket, handshakeFailure(error, socket));
    });
    this.#server.on('secureConnection', (socket) => void this.#authenticate(socket));
    this.#server.on('drop', (dropped) => {
      observer.handshakeRefused({
        reason: 'too many connections',
        peer: droppedPeer(dropped),
        level: 'warn',
      });
    });
  }

  /** Starts listening; the address that was bound (port 0 picks a free one). Rejects with the system's error. */
  listen(): Promise<Address> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, host, backlog }, () => {
        this.#server.off('error', reject);
        this.#server.on('error', (error) => this.#options.observer.listenerFailed(error));
        const address = this.#server.address() as AddressInfo;
        resolve({ host: address.address, port: address.port });
      });
    });
  }

  /**
   * Takes new certificates and trust anchors for connections to come. The ticket keys change with them, for a resumed
   * session is not verified against the new anchors. Throws when they do not fit together; the old ones stay then.
   */
  reload(material: TlsMaterial, ticketKeys: Buffer = randomBytes(48)): void {
    this.#server.setSecureContext(contextOptions(material, this.#options.profile, ticketKeys));
  }

  /** Ends connections whose clients may no longer speak, one question for each certificate. Rejects when the directory is away. */
  recheck(): Promise<void> {
    this.#rechecking ??= this.#recheck().finally(() => {
      this.#rechecking = undefined;
    });
    return this.#rechecking;
  }

  async #recheck(): Promise<void> {
    const asked = new Map<string, AuthenticationResult>();
    const ask = async (certificate: X509Certificate): Promise<AuthenticationResult> => {
      const known = asked.get(certificate.fingerprint256);
      const admission = known ?? (await this.#options.authenticate(certificate));
      asked.set(certificate.fingerprint256, admission);
      return admission;
    };
    for (const guest of this.#sessions) {
      const { connection } = guest;
      let admission = await ask(guest.certificate);
      if ('refused' in admission && guest.expected !== undefined && Date.now() < guest.expected.until)
        admission = asShown(connection.conversation.principal, await ask(guest.expected.certificate));
      const { principal, connection: id } = connection.conversation;
      const reason = reasonToEnd(admission, principal);
      if (reason === undefined && 'principal' in admission) {
        connection.conversation = { ...connection.conversation, principal: admission.principal };
      } else if (reason !== undefined && !connection.socket.destroyed) {
        this.#options.observer.connectionEnded({ reason, client: principal.client, connection: id });
        connection.socket.destroy();
      }
    }
  }

  /** Stops accepting, lets messages in flight finish, then ends everything; at the deadline by force. */
  async drain(): Promise<void> {
    this.#draining = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#handshakes.abandon();
    for (const { connection } of this.#sessions) connection.finish();
    const timer = setTimeout(() => {
      for (const { connection } of this.#sessions) connection.socket.destroy();
    }, this.#options.limits.drainMilliseconds);
    await closed;
    clearTimeout(timer);
  }

  get connections(): number {
    return this.#sessions.size;
  }

  /** Lets an authenticated peer in. Nothing it sends is read before the directory has answered. */
  async #authenticate(socket: TLSSocket): Promise<void> {
    socket.on('error', () => socket.destroy());
    socket.disableRenegotiation();
    const peer = this.#handshakes.peerOf(socket);
    const certificate = socket.getPeerX509Certificate();
    const admission = certificate === undefined ? undefined : await this.#ask(certificate);
    if (socket.destroyed) return;
    const refusal = this.#refusalOf(admission);
    if (refusal !== undefined) return this.#handshakes.refuse(socket, refusal);
    this.#handshakes.end(socket);
    if (certificate === undefined || admission === undefined || 'refused' in admission || this.#draining) {
      return void socket.destroy();
    }
    this.#accept(socket, certificate, admission.principal, peer);
  }

  async #ask(certificate: X509Certificate): Promise<AuthenticationResult> {
    try {
      return await this.#options.authenticate(certificate);
    } catch {
      const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
      return { refused: 'the directory of clients cannot be read', fingerprint };
    }
  }

  #refusalOf(admission: AuthenticationResult | undefined): Omit<RefusedHandshake, 'peer'> | undefined {
    // Node lets a resumed TLS 1.3 session without a certificate pass as authorised (nodejs/node #35317).
    if (admission === undefined) return { reason: 'no client certificate', level: 'warn' };
    if ('refused' in admission) {
      const { refused: reason, fingerprint, name: client } = admission;
      return { reason, fingerprint, client, level: 'warn' };
    }
    const { client } = admission.principal;
    if ((this.#perClient.get(client) ?? 0) < this.#options.limits.connectionsPerClient) return undefined;
    return { reason: 'too many connections of this client', client, level: 'warn' };
  }

  /** The certificate of a guest has been replaced on its connection: others that came with it end at their next message. */
  #endOthers(guest: Session): void {
    for (const { connection, certificate } of this.#sessions) {
      if (connection === guest.connection) continue;
      if (certificate.fingerprint256 !== guest.certificate.fingerprint256) continue;
      const { principal, connection: id } = connection.conversation;
      const reason = 'the client has replaced its certificate';
      this.#options.observer.connectionEnded({ reason, client: principal.client, connection: id });
      connection.finish();
    }
  }

  #accept(socket: TLSSocket, certificate: X509Certificate, principal: Principal, peer: string): void {
    const { observer, limits, service } = this.#options;
    const { client } = principal;
    const id = `${this.#transport.prefix}${(++this.#count).toString(36)}`;
    const sessionControl = {
      expect: (expected: Uint8Array) => {
        const until = Date.now() + replacedCertificateGraceMilliseconds;
        guest.expected = { certificate: new X509Certificate(expected), until };
      },
      replaced: () => this.#endOthers(guest),
    };
    const connection = this.#transport.createConnection({
      socket,
      conversation: { principal, connection: id, peer, memory: new Set(), sessionControl },
      service,
      limits,
      ended: (event) => observer.connectionEnded(event),
    });
    const guest: Session = { connection, certificate };
    this.#sessions.add(guest);
    this.#perClient.set(client, (this.#perClient.get(client) ?? 0) + 1);
    socket.on('close', () => {
      this.#sessions.delete(guest);
      const left = (this.#perClient.get(client) ?? 1) - 1;
      if (left > 0) this.#perClient.set(client, left);
      else this.#perClient.delete(client);
      observer.connectionClosed({ client, connection: id });
    });
    const protocol = socket.getProtocol() ?? 'unknown';
    observer.connectionOpened({ client, connection: id, peer, protocol, resumed: socket.isSessionReused() });
  }
}

/** A connection on which another certificate was shown than the one its client has now. */
function asShown({ fingerprint }: Principal, admission: AuthenticationResult): AuthenticationResult {
  if ('refused' in admission || fingerprint === undefined) return admission;
  return { principal: { ...admission.principal, fingerprint } };
}

/** Why a connection may not go on under what the directory says now. */
function reasonToEnd(admission: AuthenticationResult, principal: Principal): string | undefined {
  if ('refused' in admission) return admission.refused;
  if (admission.principal.client !== principal.client) return 'the certificate belongs to another client now';
  return admission.principal.group === principal.group ? undefined : 'the client has moved to another group';
}

function droppedPeer(dropped: DropArgument | undefined): string {
  const { remoteAddress: host = 'unknown', remotePort: port = 0 } = dropped ?? {};
  return formatAddress({ host, port });
}
