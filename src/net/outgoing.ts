import { X509Certificate } from 'node:crypto';
import { connect, type TLSSocket } from 'node:tls';
import { formatAddress } from '../common/address.ts';
import type { Limits } from '../common/limits.ts';
import type { Principal } from '../identity/principal.ts';
import { isTrusted } from '../identity/trust.ts';
import type { EndpointTarget } from '../protocol/endpoints/endpoint-settings.ts';
import type { Endpoints } from '../protocol/endpoints/endpoints.ts';
import type { EndpointObserver } from '../watch/observer.ts';
import type { AuthenticationResult } from './listener.ts';
import { ServerRequestChannel } from './server-request-channel.ts';
import { createOutgoingOptions, type TlsMaterial, type TlsProfile } from './tls.ts';

export interface OutgoingConnectionsOptions {
  /** As they are when a connection is opened. */
  material(): TlsMaterial;
  readonly profile: TlsProfile;
  readonly limits: Limits;
  readonly endpoints: Pick<Endpoints, 'serve'>;
  readonly observer: Pick<EndpointObserver, 'unreachable' | 'failed'>;
  authenticate(certificate: X509Certificate): Promise<AuthenticationResult>;
  /** Milliseconds before the second attempt; doubled with each up to `longestPause`. */
  readonly firstRetryMilliseconds?: number;
}

const firstPause = 1_000;
const maxRetryMilliseconds = 300_000;
const keepAliveMilliseconds = 60_000;

/** Connections that the server opens to its clients, one for each target, opened again when they end. */
export class OutgoingConnections {
  readonly #options: OutgoingConnectionsOptions;
  readonly #connections = new Map<string, OutgoingConnection>();
  #lastConnectionNumber = 0;

  constructor(options: OutgoingConnectionsOptions) {
    this.#options = options;
  }

  /** Begins with what is new, ends what is gone, leaves the rest as it is. */
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

  /** Ends all of them; nothing more is sent. */
  close(): void {
    this.update([]);
  }
}

/** Why a connection is not, or no longer, of use. */
type End = string;

class OutgoingConnection {
  readonly #target: EndpointTarget;
  readonly #newId: () => string;
  readonly #options: OutgoingConnectionsOptions;
  readonly #stopped = new AbortController();

  constructor(target: EndpointTarget, newId: () => string, options: OutgoingConnectionsOptions) {
    this.#target = target;
    this.#newId = newId;
    this.#options = options;
    this.#run().catch((error: unknown) => options.observer.failed({ client: target.client, error }));
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #run(): Promise<void> {
    const firstRetryMilliseconds = this.#options.firstRetryMilliseconds ?? firstPause;
    let retryMilliseconds = firstRetryMilliseconds;
    while (!this.#stopped.signal.aborted) {
      const began = performance.now();
      const reason = await this.#connect();
      if (this.#stopped.signal.aborted) return;
      // One that lasted was good: the next attempt need not wait for what went wrong before it.
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

  /** Opens one connection and asks on it until it ends; resolves with why. */
  #connect(): Promise<End> {
    const { host, port } = this.#target;
    const { material, profile, limits } = this.#options;
    return new Promise((resolve) => {
      const socket = connect({ host, port, ...createOutgoingOptions(material(), profile) });
      let reason = 'the connection was closed';
      const end = (why: string) => {
        reason = why;
        socket.destroy();
      };
      const late = setTimeout(() => end('the handshake took too long'), limits.handshakeMilliseconds);
      const stop = () => end('the server is stopping');
      this.#stopped.signal.addEventListener('abort', stop, { once: true });
      socket.setNoDelay(true);
      socket.setKeepAlive(true, keepAliveMilliseconds);
      socket.on('error', (error: NodeJS.ErrnoException) => {
        reason = error.code ?? error.message;
      });
      socket.on('close', () => {
        clearTimeout(late);
        this.#stopped.signal.removeEventListener('abort', stop);
        resolve(reason);
      });
      socket.once('secureConnect', () => {
        clearTimeout(late);
        this.#authenticate(socket).then(
          (result) => {
            if (socket.destroyed) return;
            if ('refused' in result) end(result.refused);
            else this.#serve(socket, result.principal, end);
          },
          () => end('the directory of clients cannot be read'),
        );
      });
    });
  }

  /** Whether the peer is the client that is meant: by its enrolled certificate, which leads to a trusted authority. */
  async #authenticate(socket: TLSSocket): Promise<{ principal: Principal } | { refused: string }> {
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return { refused: 'no certificate' };
    const anchors = this.#options.material().ca.map((pem) => new X509Certificate(pem));
    if (!isTrusted(certificate, anchors, new Date())) return { refused: 'unknown issuer of the certificate' };
    const result = await this.#options.authenticate(certificate);
    if ('refused' in result) return { refused: result.refused };
    const { principal } = result;
    return principal.client === this.#target.client ? { principal } : { refused: 'it is another client' };
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
    const conversation = { principal, connection: this.#newId(), peer: formatAddress({ host, port }) };
    socket.on('data', (chunk: Buffer) => channel.receive(chunk));
    socket.on('close', () => channel.end());
    void endpoints.serve({ channel, version, newest: version, conversation: () => conversation });
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
