import { randomBytes, type X509Certificate } from 'node:crypto';
import type { AddressInfo, DropArgument, Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { type Address, formatAddress } from '../common/address.ts';
import type { Limits } from '../common/limits.ts';
import type { AuthenticationResult } from '../identity/certificate.ts';
import type { Principal } from '../identity/principal.ts';
import type { MessageService } from '../protocol/service.ts';
import type { ListenerObserver, RefusedHandshake } from '../watch/observer.ts';
import { HandshakeDiagnosis } from './handshake-diagnosis.ts';
import { classifyHandshakeFailure } from './handshake-failure.ts';
import { Handshakes } from './handshakes.ts';
import { type ClientSession, Sessions, tooManyConnections } from './sessions.ts';
import { createContextOptions, type TlsMaterial, type TlsProfile } from './tls.ts';
import { type Transport, ttlvTransport } from './transport.ts';

/** Settings of a listener. */
export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** Plain TTLV when absent. */
  readonly transport?: Transport;
  /** Open connections by client. Listeners that share the map bound a client's connections together. */
  readonly perClient?: Map<string, number>;
  readonly material: TlsMaterial;
  readonly profile: TlsProfile;
  /** 48 random bytes; listeners with the same keys resume each other's TLS sessions. */
  readonly ticketKeys: Buffer;
  readonly limits: Limits;
  readonly service: MessageService;
  readonly observer: ListenerObserver;
  /**
   * Called for every connection, resumed or not, and on every recheck. Rejects when the client directory is
   * unavailable.
   */
  authenticate(certificate: X509Certificate): Promise<AuthenticationResult>;
}

const keepAliveMilliseconds = 60_000;
/** After a power cut all clients reconnect at once; the kernel's bound (somaxconn) is usually 4,096. */
const backlog = 4_096;

/** TLS listener with mutual authentication: accepts, bounds, rechecks and drains the sessions of clients. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #handshakes: Handshakes;
  readonly #sessions: Sessions;
  readonly #transport: Transport;
  #diagnosis: HandshakeDiagnosis;
  #lastConnectionNumber = 0;
  #draining = false;

  constructor(options: ListenerOptions) {
    const { limits, observer } = options;
    this.#options = options;
    this.#diagnosis = new HandshakeDiagnosis(options.material);
    this.#transport = options.transport ?? ttlvTransport();
    this.#sessions = new Sessions({
      limits,
      observer,
      perClient: options.perClient ?? new Map(),
      authenticate: (certificate) => options.authenticate(certificate),
    });
    this.#handshakes = new Handshakes(limits.handshakeMilliseconds, (event) =>
      observer.handshakeRefused(event),
    );
    this.#server = createServer({
      ...createContextOptions(options.material, options.profile, options.ticketKeys),
      ...(this.#transport.protocols.length > 0 && { ALPNProtocols: [...this.#transport.protocols] }),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: limits.handshakeMilliseconds,
      // During the handshake a half-closed socket is useless; `Connection` allows half-open sockets later.
      allowHalfOpen: false,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMilliseconds,
    });
    this.#server.maxConnections = limits.connections;
    this.#server.on('connection', (socket: Socket) => this.#handshakes.begin(socket));
    this.#server.on('tlsClientError', (error, socket) => {
      this.#handshakes.refuse(socket, this.#diagnosis.describe(classifyHandshakeFailure(error, socket)));
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

  /**
   * Starts listening and resolves with the bound address (port 0: a free one). Rejects with the system's
   * error.
   */
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
   * Uses new certificates and trust anchors for future connections. The ticket keys change too, because a
   * resumed session is not verified against the new anchors. Throws OpenSSL's error when certificate and key
   * do not match; the old ones stay in use then.
   */
  reload(material: TlsMaterial, ticketKeys: Buffer = randomBytes(48)): void {
    this.#server.setSecureContext(createContextOptions(material, this.#options.profile, ticketKeys));
    this.#diagnosis = new HandshakeDiagnosis(material);
  }

  /**
   * Authenticates every session again and ends those whose clients are no longer authorised. Rejects when the
   * client directory is unavailable.
   */
  recheck(): Promise<void> {
    return this.#sessions.recheck();
  }

  /**
   * Stops accepting and resolves when every session has finished its message; destroys them at the deadline.
   */
  async drain(): Promise<void> {
    this.#draining = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#handshakes.abandon();
    this.#sessions.finish();
    const timer = setTimeout(() => this.#sessions.destroy(), this.#options.limits.drainMilliseconds);
    await closed;
    clearTimeout(timer);
  }

  /** Number of open sessions. */
  get connections(): number {
    return this.#sessions.size;
  }

  /** Authenticates the client of a completed handshake. Nothing is read before the directory has answered. */
  async #authenticate(socket: TLSSocket): Promise<void> {
    socket.on('error', () => socket.destroy());
    socket.disableRenegotiation();
    const peer = this.#handshakes.peerOf(socket);
    const certificate = socket.getPeerX509Certificate();
    let result: AuthenticationResult | undefined;
    let before: number;
    // A recheck that has begun meanwhile asks about the sessions of that time only. Compared in the very turn
    // in which the session becomes one of them.
    do {
      before = this.#sessions.begunRechecks;
      result = certificate && (await this.#authenticateCertificate(certificate));
    } while (!socket.destroyed && before !== this.#sessions.begunRechecks);
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
      return { refused: 'client directory unavailable', fingerprint };
    }
  }

  #refusalFor(result: AuthenticationResult | undefined): Omit<RefusedHandshake, 'peer'> | undefined {
    // Node treats a resumed TLS 1.3 session without a certificate as authorised (nodejs/node #35317).
    if (result === undefined) return { reason: 'no client certificate', level: 'warn' };
    if ('refused' in result) {
      const { refused: reason, fingerprint, name: client } = result;
      return { reason, fingerprint, client, level: 'warn' };
    }
    const { client } = result.principal;
    if (!this.#sessions.isFull(client)) return undefined;
    return { reason: tooManyConnections, client, level: 'warn' };
  }

  #accept(socket: TLSSocket, certificate: X509Certificate, principal: Principal, peer: string): void {
    const { observer, limits, service } = this.#options;
    const id = `${this.#transport.prefix}${(++this.#lastConnectionNumber).toString(36)}`;
    const connection = this.#transport.createConnection({
      socket,
      conversation: {
        ...{ principal, connection: id, peer, memory: new Set() },
        sessionControl: this.#sessions.controlOf(() => session),
        isOpen: () => !socket.destroyed,
        hasClientEnded: () => socket.readableEnded,
      },
      service,
      limits,
      mayContinue: () => this.#sessions.mayContinue(session),
      reauthenticate: () => this.#sessions.reauthenticate(session),
      connectionEnded: (event) => observer.connectionEnded(event),
    });
    const session: ClientSession = { connection, certificate };
    this.#sessions.add(session);
    const protocol = socket.getProtocol() ?? 'unknown';
    const { client } = principal;
    observer.connectionOpened({ client, connection: id, peer, protocol, resumed: socket.isSessionReused() });
  }
}

function peerOfDropped(dropped: DropArgument | undefined): string {
  const { remoteAddress: host = 'unknown', remotePort: port = 0 } = dropped ?? {};
  return formatAddress({ host, port });
}
