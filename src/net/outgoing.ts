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
import { outgoingOptions, type TlsMaterial, type TlsProfile } from './tls.ts';

export interface OutgoingOptions {
  /** As they are when a connection is opened. */
  material(): TlsMaterial;
  readonly profile: TlsProfile;
  readonly limits: Limits;
  readonly endpoints: Pick<Endpoints, 'serve'>;
  readonly observer: Pick<EndpointObserver, 'unreachable' | 'failed'>;
  authenticate(certificate: X509Certificate): Promise<AuthenticationResult>;
  /** Milliseconds before the second attempt; doubled with each up to `longestPause`. */
  readonly firstPause?: number;
}

const firstPause = 1_000;
const maxPause = 300_000;
const keepAliveMilliseconds = 60_000;

/** Connections that the server opens to its clients, one for each target, opened again when they end. */
export class Outgoing {
  readonly #options: OutgoingOptions;
  readonly #callers = new Map<string, Caller>();
  #count = 0;

  constructor(options: OutgoingOptions) {
    this.#options = options;
  }

  /** Begins with what is new, ends what is gone, leaves the rest as it is. */
  update(targets: readonly EndpointTarget[]): void {
    const wanted = new Map(targets.map((target) => [JSON.stringify(target), target]));
    for (const [key, caller] of this.#callers) {
      if (wanted.has(key)) continue;
      caller.stop();
      this.#callers.delete(key);
    }
    for (const [key, target] of wanted) {
      if (this.#callers.has(key)) continue;
      const id = () => `out${(++this.#count).toString(36)}`;
      this.#callers.set(key, new Caller(target, id, this.#options));
    }
  }

  /** Ends all of them; nothing more is sent. */
  close(): void {
    this.update([]);
  }
}

/** Why a connection is not, or no longer, of use. */
type End = string;

class Caller {
  readonly #target: EndpointTarget;
  readonly #newId: () => string;
  readonly #options: OutgoingOptions;
  readonly #stopped = new AbortController();

  constructor(target: EndpointTarget, newId: () => string, options: OutgoingOptions) {
    this.#target = target;
    this.#newId = newId;
    this.#options = options;
    this.#run().catch((error: unknown) => options.observer.failed({ client: target.client, error }));
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #run(): Promise<void> {
    const shortest = this.#options.firstPause ?? firstPause;
    let pause = shortest;
    while (!this.#stopped.signal.aborted) {
      const began = performance.now();
      const reason = await this.#call();
      if (this.#stopped.signal.aborted) return;
      // One that lasted was good: the next attempt need not wait for what went wrong before it.
      if (performance.now() - began > maxPause) pause = shortest;
      const { client, host, port } = this.#target;
      const milliseconds = Math.round(pause * (1 + Math.random() / 4));
      this.#options.observer.unreachable({
        client,
        peer: formatAddress({ host, port }),
        reason,
        milliseconds,
      });
      await this.#sleep(milliseconds);
      pause = Math.min(pause * 2, maxPause);
    }
  }

  /** Opens one connection and asks on it until it ends; resolves with why. */
  #call(): Promise<End> {
    const { host, port } = this.#target;
    const { material, profile, limits } = this.#options;
    return new Promise((resolve) => {
      const socket = connect({ host, port, ...outgoingOptions(material(), profile) });
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
        this.#admit(socket).then(
          (admitted) => {
            if (socket.destroyed) return;
            if ('refused' in admitted) end(admitted.refused);
            else this.#speak(socket, admitted.principal, end);
          },
          () => end('the directory of clients cannot be read'),
        );
      });
    });
  }

  /** Whether the peer is the client that is meant: by its enrolled certificate, which leads to a trusted authority. */
  async #admit(socket: TLSSocket): Promise<{ principal: Principal } | { refused: string }> {
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return { refused: 'no certificate' };
    const anchors = this.#options.material().ca.map((pem) => new X509Certificate(pem));
    if (!isTrusted(certificate, anchors, new Date())) return { refused: 'unknown issuer of the certificate' };
    const admission = await this.#options.authenticate(certificate);
    if ('refused' in admission) return { refused: admission.refused };
    const { principal } = admission;
    return principal.client === this.#target.client ? { principal } : { refused: 'it is another client' };
  }

  #speak(socket: TLSSocket, principal: Principal, end: (why: string) => void): void {
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

  #sleep(milliseconds: number): Promise<void> {
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
