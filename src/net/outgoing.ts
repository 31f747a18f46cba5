import { X509Certificate } from 'node:crypto';
import { connect, type TLSSocket } from 'node:tls';
import { formatAddress } from '../common/address.ts';
import type { Limits } from '../common/limits.ts';
import type { AuthenticationResult } from '../identity/certificate.ts';
import type { Principal } from '../identity/principal.ts';
import { isTrusted } from '../identity/trust.ts';
import type { EndpointTarget } from '../protocol/endpoints/endpoint-settings.ts';
import type { Endpoints } from '../protocol/endpoints/endpoints.ts';
import type { EndpointObserver } from '../watch/observer.ts';
import { ServerRequestChannel } from './server-request-channel.ts';
import { createOutgoingOptions, type TlsMaterial, type TlsProfile } from './tls.ts';

/** Settings of the connections that the server opens. */
export interface OutgoingConnectionsOptions {
  /** Returns certificate, key and trust anchors for the next connection. */
  material(): TlsMaterial;
  readonly profile: TlsProfile;
  readonly limits: Limits;
  readonly endpoints: Pick<Endpoints, 'serve'>;
  readonly observer: Pick<EndpointObserver, 'unreachable' | 'failed'>;
  /** As `ListenerOptions.authenticate`. */
  authenticate(certificate: X509Certificate): Promise<AuthenticationResult>;
  /** Milliseconds before the second attempt; doubled with each attempt up to `maxRetryMilliseconds`. */
  readonly firstRetryMilliseconds?: number;
}

const defaultFirstRetryMilliseconds = 1_000;
const maxRetryMilliseconds = 300_000;
const keepAliveMilliseconds = 60_000;

/** Connections that the server opens to its clients: one for each target, reopened when it ends. */
export class OutgoingConnections {
  readonly #options: OutgoingConnectionsOptions;
  readonly #connections = new Map<string, OutgoingConnection>();
  #lastConnectionNumber = 0;

  constructor(options: OutgoingConnectionsOptions) {
    this.#options = options;
  }

  /** Opens connections to new targets, ends those to removed targets, and keeps the others. */
  update(targets: readonly EndpointTarget[]): void {
    const wanted = new Map(targets.map((target) => [JSON.stringify(target), target]));
    for (const [key, connection] of this.#connections) {
      if (wanted.has(key)) continue;
      connection.stop();
      this.#connections.delete(key);
    }
    for (const [key, target] of wanted) {
      if (this.#connections.has(key)) continue;
      const id = () => `out${(++this.#lastConnectionNumber).toString(36)}`;
      this.#connections.set(key, new OutgoingConnection(target, id, this.#options));
    }
  }

  /**
   * Authenticates the peers of all open connections again, and ends those that are no longer authorised.
   * Rejects when the client directory is unavailable.
   */
  async recheck(): Promise<void> {
    for (const connection of this.#connections.values()) await connection.recheck();
  }

  /** Ends all connections at once. */
  close(): void {
    this.update([]);
  }
}

/** Keeps one target connected, with growing intervals between attempts. */
class OutgoingConnection {
  readonly #target: EndpointTarget;
  readonly #newId: () => string;
  readonly #options: OutgoingConnectionsOptions;
  readonly #stopped = new AbortController();
  /** The connection whose peer was authenticated. */
  #open: { readonly socket: TLSSocket; readonly end: (why: string) => void } | undefined;

  constructor(target: EndpointTarget, newId: () => string, options: OutgoingConnectionsOptions) {
    this.#target = target;
    this.#newId = newId;
    this.#options = options;
    this.#run().catch((error: unknown) => options.observer.failed({ client: target.client, error }));
  }

  stop(): void {
    this.#stopped.abort();
  }

  /** Ends the open connection when its peer is no longer authorised. */
  async recheck(): Promise<void> {
    const open = this.#open;
    if (open === undefined) return;
    const result = await this.#authenticate(open.socket);
    if ('refused' in result) open.end(result.refused);
  }

  async #run(): Promise<void> {
    const firstRetryMilliseconds = this.#options.firstRetryMilliseconds ?? defaultFirstRetryMilliseconds;
    let retryMilliseconds = firstRetryMilliseconds;
    while (!this.#stopped.signal.aborted) {
      const began = performance.now();
      const reason = await this.#connect();
      if (this.#stopped.signal.aborted) return;
      // After a connection that lasted, the interval starts anew.
      if (performance.now() - began > maxRetryMilliseconds) retryMilliseconds = firstRetryMilliseconds;
      const { client, host, port } = this.#target;
      const milliseconds = Math.round(retryMilliseconds * (1 + Math.random() / 4));
      this.#options.observer.unreachable({
        client,
        peer: formatAddress({ host, port }),
        reason,
        milliseconds,
      });
      await this.#waitForRetry(milliseconds);
      retryMilliseconds = Math.min(retryMilliseconds * 2, maxRetryMilliseconds);
    }
  }

  /** Opens one connection and serves it until it ends; resolves with the reason of its end. */
  #connect(): Promise<string> {
    const { host, port } = this.#target;
    const { material, profile, limits } = this.#options;
    return new Promise((resolve) => {
      const socket = connect({ host, port, ...createOutgoingOptions(material(), profile) });
      let reason = 'connection closed';
      const end = (why: string) => {
        reason = why;
        socket.destroy();
      };
      const deadline = setTimeout(() => end('handshake timeout'), limits.handshakeMilliseconds);
      const stop = () => end('the server is stopping');
      this.#stopped.signal.addEventListener('abort', stop, { once: true });
      socket.setNoDelay(true);
      socket.setKeepAlive(true, keepAliveMilliseconds);
      socket.on('error', (error: NodeJS.ErrnoException) => {
        reason = error.code ?? error.message;
      });
      socket.on('close', () => {
        clearTimeout(deadline);
        this.#open = undefined;
        this.#stopped.signal.removeEventListener('abort', stop);
        resolve(reason);
      });
      socket.once('secureConnect', () => {
        clearTimeout(deadline);
        this.#authenticate(socket).then(
          (result) => {
            if (socket.destroyed) return;
            if ('refused' in result) end(result.refused);
            else this.#serve(socket, result.principal, end);
          },
          () => end('client directory unavailable'),
        );
      });
    });
  }

  /**
   * Checks that the peer is the target's client: its certificate must be trusted and enrolled for that
   * client.
   */
  async #authenticate(socket: TLSSocket): Promise<{ principal: Principal } | { refused: string }> {
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return { refused: 'no certificate' };
    const anchors = this.#options.material().ca.map((pem) => new X509Certificate(pem));
    if (!isTrusted(certificate, anchors, new Date())) return { refused: 'unknown issuer of the certificate' };
    const result = await this.#options.authenticate(certificate);
    if ('refused' in result) return { refused: result.refused };
    const { principal } = result;
    if (principal.client !== this.#target.client) return { refused: 'certificate of another client' };
    if (principal.group !== this.#target.group) return { refused: 'the client has moved to another group' };
    return { principal };
  }

  #serve(socket: TLSSocket, principal: Principal, end: (why: string) => void): void {
    const { limits, endpoints } = this.#options;
    const { host, port, version } = this.#target;
    const channel = new ServerRequestChannel(
      {
        write: (request) => socket.write(request, () => request.fill(0)),
        cut: end,
        releaseRole: () => false,
      },
      limits,
    );
    this.#open = { socket, end };
    const authorise = async () => {
      const result = await this.#authenticate(socket);
      return 'principal' in result ? result.principal : undefined;
    };
    const conversation = { principal, connection: this.#newId(), peer: formatAddress({ host, port }) };
    socket.on('data', (chunk: Buffer) => channel.receive(chunk));
    socket.on('close', () => channel.end());
    void endpoints.serve({ channel, version, newest: version, conversation: () => conversation, authorise });
  }

  #waitForRetry(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.#stopped;
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds).unref();
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
