import { randomBytes, X509Certificate } from 'node:crypto';
import type { AddressInfo, DropArgument, Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { type Address, formatAddress } from '../common/address.ts';
import type { Limits } from '../common/limits.ts';
import type { Principal } from '../identity/principal.ts';
import type { Conversation, MessageService } from '../protocol/service.ts';
import type { ListenerObserver, RefusedHandshake } from '../watch/observer.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { classifyHandshakeFailure } from './handshake-failure.ts';
import { Handshakes } from './handshakes.ts';
import { createContextOptions, type TlsMaterial, type TlsProfile } from './tls.ts';

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
  replacement?: { readonly certificate: X509Certificate; readonly until: number };
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
  readonly #connectionsPerClient: Map<string, number>;
  #lastConnectionNumber = 0;
  #draining = false;
  #pendingRecheck: Promise<void> | undefined;

  constructor(options: ListenerOptions) {
    const { limits, observer } = options;
    this.#options = options;
    this.#transport = options.transport ?? ttlvTransport();
    this.#connectionsPerClient = options.perClient ?? new Map();
    this.#handshakes = new Handshakes(limits.handshakeMilliseconds, (event) =>
      observer.handshakeRefused(event),
    );
    this.#server = createServer({
      ...createContextOptions(options.material, options.profile, options.ticketKeys),
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
      this.#handshakes.refuse(socket, classifyHandshakeFailure(error, socket));
    });
    this.#server.on('secureConnection', (socket) => void this.#authenticate(socket));
    this.#server.on('drop', (dropped) => {
      observer.handshakeRefused({
        reason: 'too many connections',
        peer: peerOfDropped(dropped),
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
    this.#server.setSecureContext(createContextOptions(material, this.#options.profile, ticketKeys));
  }

  /** Ends connections whose clients may no longer speak, one question for each certificate. Rejects when the directory is away. */
  recheck(): Promise<void> {
    this.#pendingRecheck ??= this.#recheck().finally(() => {
      this.#pendingRecheck = undefined;
    });
    return this.#pendingRecheck;
  }

  async #recheck(): Promise<void> {
    const results = new Map<string, AuthenticationResult>();
    const authenticateOnce = async (certificate: X509Certificate): Promise<AuthenticationResult> => {
      const known = results.get(certificate.fingerprint256);
      const result = known ?? (await this.#options.authenticate(certificate));
      results.set(certificate.fingerprint256, result);
      return result;
    };
    for (const session of this.#sessions) {
      const { connection } = session;
      let result = await authenticateOnce(session.certificate);
      if ('refused' in result && session.replacement !== undefined && Date.now() < session.replacement.until)
        result = keepFingerprint(connection.conversation.principal, await authenticateOnce(session.replacement.certificate));
      const { principal, connection: id } = connection.conversation;
      const reason = endReason(result, principal);
      if (reason === undefined && 'principal' in result) {
        connection.conversation = { ...connection.conversation, principal: result.principal };
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
    const result = certificate === undefined ? undefined : await this.#authenticateCertificate(certificate);
    if (socket.destroyed) return;
    const refusal = this.#refusalFor(result);
    if (refusal !== undefined) return this.#handshakes.refuse(socket, refusal);
    this.#handshakes.end(socket);
    if (certificate === undefined || result === undefined || 'refused' in result || this.#draining) {
      return void socket.destroy();
    }
    this.#accept(socket, certificate, result.principal, peer);
  }

  async #authenticateCertificate(certificate: X509Certificate): Promise<AuthenticationResult> {
    try {
      return await this.#options.authenticate(certificate);
    } catch {
      const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
      return { refused: 'the directory of clients cannot be read', fingerprint };
    }
  }

  #refusalFor(result: AuthenticationResult | undefined): Omit<RefusedHandshake, 'peer'> | undefined {
    // Node lets a resumed TLS 1.3 session without a certificate pass as authorised (nodejs/node #35317).
    if (result === undefined) return { reason: 'no client certificate', level: 'warn' };
    if ('refused' in result) {
      const { refused: reason, fingerprint, name: client } = result;
      return { reason, fingerprint, client, level: 'warn' };
    }
    const { client } = result.principal;
    if ((this.#connectionsPerClient.get(client) ?? 0) < this.#options.limits.connectionsPerClient) return undefined;
    return { reason: 'too many connections of this client', client, level: 'warn' };
  }

  /** The certificate of a guest has been replaced on its connection: others that came with it end at their next message. */
  #endReplacedSessions(session: Session): void {
    for (const { connection, certificate } of this.#sessions) {
      if (connection === session.connection) continue;
      if (certificate.fingerprint256 !== session.certificate.fingerprint256) continue;
      const { principal, connection: id } = connection.conversation;
      const reason = 'the client has replaced its certificate';
      this.#options.observer.connectionEnded({ reason, client: principal.client, connection: id });
      connection.finish();
    }
  }

  #accept(socket: TLSSocket, certificate: X509Certificate, principal: Principal, peer: string): void {
    const { observer, limits, service } = this.#options;
    const { client } = principal;
    const id = `${this.#transport.prefix}${(++this.#lastConnectionNumber).toString(36)}`;
    const sessionControl = {
      expect: (expected: Uint8Array) => {
        const until = Date.now() + replacedCertificateGraceMilliseconds;
        session.replacement = { certificate: new X509Certificate(expected), until };
      },
      replaced: () => this.#endReplacedSessions(session),
    };
    const connection = this.#transport.createConnection({
      socket,
      conversation: { principal, connection: id, peer, memory: new Set(), sessionControl },
      service,
      limits,
      connectionEnded: (event) => observer.connectionEnded(event),
    });
    const session: Session = { connection, certificate };
    this.#sessions.add(session);
    this.#connectionsPerClient.set(client, (this.#connectionsPerClient.get(client) ?? 0) + 1);
    socket.on('close', () => {
      this.#sessions.delete(session);
      const remaining = (this.#connectionsPerClient.get(client) ?? 1) - 1;
      if (remaining > 0) this.#connectionsPerClient.set(client, remaining);
      else this.#connectionsPerClient.delete(client);
      observer.connectionClosed({ client, connection: id });
    });
    const protocol = socket.getProtocol() ?? 'unknown';
    observer.connectionOpened({ client, connection: id, peer, protocol, resumed: socket.isSessionReused() });
  }
}

/** A connection on which another certificate was shown than the one its client has now. */
function keepFingerprint({ fingerprint }: Principal, result: AuthenticationResult): AuthenticationResult {
  if ('refused' in result || fingerprint === undefined) return result;
  return { principal: { ...result.principal, fingerprint } };
}

/** Why a connection may not go on under what the directory says now. */
function endReason(result: AuthenticationResult, principal: Principal): string | undefined {
  if ('refused' in result) return result.refused;
  if (result.principal.client !== principal.client) return 'the certificate belongs to another client now';
  return result.principal.group === principal.group ? undefined : 'the client has moved to another group';
}

function peerOfDropped(dropped: DropArgument | undefined): string {
  const { remoteAddress: host = 'unknown', remotePort: port = 0 } = dropped ?? {};
  return formatAddress({ host, port });
}
