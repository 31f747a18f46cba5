import type { X509Certificate } from 'node:crypto';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { Principal } from '../identity/principal.ts';
import type { Limits } from '../limits.ts';
import type { MessageService } from '../protocol/service.ts';
import type { DoorObserver } from '../watch/observer.ts';
import { Connection } from './connection.ts';
import { handshakeFailure } from './handshake-failure.ts';
import { contextOptions, type TlsMaterial, type TlsProfile } from './tls.ts';

/** The peer as the directory knows it, or why it is turned away. */
export type Admission =
  | { readonly principal: Principal }
  | { readonly refused: string; readonly fingerprint: string; readonly name?: string };

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly material: TlsMaterial;
  readonly profile: TlsProfile;
  /** 48 random bytes, the same for all workers of a server, so that each can resume the others' sessions. */
  readonly ticketKeys: Buffer;
  readonly limits: Limits;
  readonly service: MessageService;
  readonly observer: DoorObserver;
  authenticate(certificate: X509Certificate): Promise<Admission>;
}

/** Sessions of one kind of server may be resumed by each other and by nobody else's. */
const sessionIdContext = 'kmipd';
const keepAliveMilliseconds = 60_000;

/** The TLS listener (KMIP 2.1 §5 of the profiles: mutual authentication): who is let in, how many, and how they leave. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  /** Sockets from the first byte of TCP on; connections once their client is known. */
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Map<Connection, X509Certificate>();
  #count = 0;

  constructor(options: ListenerOptions) {
    const { limits, observer } = options;
    this.#options = options;
    this.#server = createServer({
      ...contextOptions(options.material, options.profile),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: limits.handshakeMilliseconds,
      sessionIdContext,
      ticketKeys: options.ticketKeys,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMilliseconds,
    });
    this.#server.maxConnections = limits.connections;
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      // Without a listener an error between the handshake and our own would end the process.
      socket.on('error', () => socket.destroy());
    });
    this.#server.on('tlsClientError', (error, socket) => {
      observer.handshakeRefused({ ...handshakeFailure(error, socket), peer: peerOf(socket) });
      socket.destroy();
    });
    this.#server.on('drop', () => observer.handshakeRefused({ reason: 'too many connections', peer: 'unknown', level: 'warn' }));
    this.#server.on('secureConnection', (socket) => void this.#admit(socket));
  }

  /** Starts listening; the address that was bound (port 0 picks a free one). Rejects with the system's error. */
  listen(): Promise<{ host: string; port: number }> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        this.#server.on('error', (error) => this.#options.observer.listenerFailed(error));
        const address = this.#server.address() as AddressInfo;
        resolve({ host: address.address, port: address.port });
      });
    });
  }

  /** Takes new certificates and trust anchors for connections to come. Throws when they do not fit together. */
  reload(material: TlsMaterial): void {
    this.#server.setSecureContext({ ...contextOptions(material, this.#options.profile), sessionIdContext, ticketKeys: this.#options.ticketKeys });
  }

  /** Ends connections whose clients may no longer speak. */
  async recheck(): Promise<void> {
    for (const [connection, certificate] of this.#connections) {
      const admission = await this.#options.authenticate(certificate);
      if ('principal' in admission && admission.principal.group === connection.conversation.principal.group) continue;
      const reason = 'refused' in admission ? admission.refused : 'client moved to another group';
      this.#options.observer.connectionEnded({ reason, client: connection.conversation.principal.client });
      connection.socket.destroy();
    }
  }

  /** Stops accepting, lets messages in flight finish, then ends everything; at the deadline by force. */
  async drain(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections.keys()) connection.finish();
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, this.#options.limits.drainMilliseconds);
    await closed;
    clearTimeout(timer);
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Lets an authenticated peer in. Nothing it sends is read before the directory has answered. */
  async #admit(socket: TLSSocket): Promise<void> {
    const { observer, limits, service } = this.#options;
    const peer = peerOf(socket);
    socket.on('error', () => socket.destroy());
    socket.disableRenegotiation();
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return this.#turnAway(socket, { reason: 'no client certificate', peer, level: 'warn' });
    let admission: Admission;
    try {
      admission = await this.#options.authenticate(certificate);
    } catch {
      return this.#turnAway(socket, { reason: 'the directory of clients cannot be read', peer, level: 'warn' });
    }
    if (socket.destroyed) return;
    if ('refused' in admission) {
      const { refused: reason, fingerprint, name } = admission;
      return this.#turnAway(socket, { reason, peer, level: 'warn', fingerprint, ...(name === undefined ? {} : { client: name }) });
    }
    const { principal } = admission;
    if (this.#open(principal.client) >= limits.connectionsPerClient) {
      return this.#turnAway(socket, { reason: 'too many connections of this client', peer, level: 'warn', client: principal.client });
    }
    const conversation = { principal, connection: (++this.#count).toString(36), peer };
    const connection = new Connection(socket, conversation, service, limits);
    this.#connections.set(connection, certificate);
    observer.connectionOpened({
      client: principal.client,
      connection: conversation.connection,
      peer,
      protocol: socket.getProtocol() ?? 'unknown',
      resumed: socket.isSessionReused(),
    });
    socket.on('close', () => {
      this.#connections.delete(connection);
      observer.connectionClosed({ client: principal.client, connection: conversation.connection });
    });
  }

  #turnAway(socket: TLSSocket, refusal: Parameters<DoorObserver['handshakeRefused']>[0]): void {
    this.#options.observer.handshakeRefused(refusal);
    socket.destroy();
  }

  #open(client: string): number {
    let open = 0;
    for (const { conversation } of this.#connections.keys()) if (conversation.principal.client === client) open++;
    return open;
  }
}

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
}
