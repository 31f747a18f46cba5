import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Listener } from '../net/listener.ts';
import type { OutgoingConnections } from '../net/outgoing.ts';
import type { TlsMaterial } from '../net/tls.ts';
import type { Backends } from './backends.ts';
import type { MessagesAtWork } from './messages-at-work.ts';
import type { Services } from './services.ts';
import type { TlsMaterialSource } from './tls-material.ts';

/**
 * How often open connections are compared with the client directory, so that those of a disabled client end.
 */
const recheckMilliseconds = 5_000;

/** The connections of the daemon: the KMIP listener, the HTTPS listener and the outgoing connections. */
export class Connections {
  readonly #listeners: Listener[] = [];
  readonly #outgoing: OutgoingConnections;
  readonly #backends: Backends;
  readonly #services: Services;
  readonly #material: TlsMaterialSource;
  readonly #messages: Pick<MessagesAtWork, 'ended'>;
  #recheckTimer: NodeJS.Timeout | undefined;

  constructor(
    outgoing: OutgoingConnections,
    backends: Backends,
    services: Services,
    material: TlsMaterialSource,
    messages: Pick<MessagesAtWork, 'ended'>,
  ) {
    this.#outgoing = outgoing;
    this.#backends = backends;
    this.#services = services;
    this.#material = material;
    this.#messages = messages;
  }

  add(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** Number of open connections that clients have opened. */
  get count(): number {
    return this.#listeners.reduce((sum, listener) => sum + listener.connections, 0);
  }

  /** Takes over new certificates for later handshakes. Throws when they do not fit together. */
  reload(material: TlsMaterial): void {
    for (const listener of this.#listeners) listener.reload(material);
  }

  /** Trusts the certificates of the clients enrolled now, whichever node or command enrolled them. */
  async #trustEnrolledClients(): Promise<void> {
    const material = await this.#material.withEnrolledClients();
    if (material === undefined) return;
    this.reload(material);
    this.#material.replace(material);
  }

  /** Ends connections whose clients are no longer authorised and adapts the outgoing ones to the settings. */
  async recheck(): Promise<void> {
    const outgoing = this.updateOutgoing().then(() => this.#outgoing.recheck());
    // Side by side: a certificate in the database that cannot be trusted must keep no connection open.
    await Promise.all([
      this.#trustEnrolledClients(),
      ...this.#listeners.map((listener) => listener.recheck()),
      outgoing,
    ]);
  }

  /**
   * Ends the connections of a client that was removed, and resolves once its messages at work have ended too.
   * Rejects when the client directory is unavailable.
   */
  async endRemoved(client: string): Promise<void> {
    await this.recheck();
    // A message whose connection was still allowed to continue has begun by then.
    await nextTurn();
    await this.#messages.ended(client);
  }

  /** Store errors are reported by requests; the next interval retries. */
  startRechecks(): void {
    this.#recheckTimer = setInterval(() => this.recheck().catch(() => {}), recheckMilliseconds).unref();
  }

  stopRechecks(): void {
    clearInterval(this.#recheckTimer);
  }

  /**
   * Opens and ends outgoing connections as the endpoint settings say; they are encrypted, so not while the
   * vault is sealed.
   */
  async updateOutgoing(): Promise<void> {
    const { vault, clients } = this.#backends;
    if (vault.unsealed) this.#outgoing.update(await this.#services.endpointDirectory.targets(clients));
  }

  /** Lets messages in flight finish, then ends every connection that clients have opened. */
  async drain(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.drain()));
  }
}
