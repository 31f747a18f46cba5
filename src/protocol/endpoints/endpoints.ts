import { newestVersion, type Version } from '../../../codec/version.ts';
import type { Limits } from '../../common/limits.ts';
import { Notify } from '../../operations/server/notify.ts';
import { Put } from '../../operations/server/put.ts';
import type { Store } from '../../store/store.ts';
import type { Vault } from '../../vault/vault.ts';
import type { EndpointObserver } from '../../watch/observer.ts';
import type { Conversation } from '../service.ts';
import type { ObjectEvent, ObjectEvents } from '../unit-of-work/object-events.ts';
import { notifyOf, putOf } from './announcement.ts';
import { EndpointChannel } from './endpoint-channel.ts';
import type { EndpointSettings } from './endpoint-settings.ts';
import { ChannelClosedError, type ReverseChannel } from './reverse-channel.ts';

export interface EndpointsOptions {
  readonly store: Store;
  readonly vault: Vault;
  readonly events: ObjectEvents;
  readonly limits: Limits;
  readonly observer: EndpointObserver;
  /** What the operator has said about a client, if anything. */
  settings(client: string): Promise<EndpointSettings | undefined>;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** What the transport says of a connection on which the server asks. */
export interface OpenReverseChannel {
  readonly channel: ReverseChannel;
  /** As of now: the role of the client may change. */
  conversation(): Conversation;
  /** Version of the first request. */
  readonly version: Version;
  readonly newest?: Version | undefined;
}

/** The clients that the server may ask: tells each what has become of the objects of its group. */
export class Endpoints {
  readonly #options: EndpointsOptions;

  constructor(options: EndpointsOptions) {
    this.#options = options;
  }

  /** Asks and tells on that line until it is closed or handed back. Never rejects. */
  async serve(open: OpenReverseChannel): Promise<void> {
    const { client, group } = open.conversation().principal;
    const { connection } = open.conversation();
    const waiting = new Waiting(this.#options.limits.announcements);
    // From the first moment on, so that nothing that changes during the introduction is missed.
    const unsubscribe = this.#options.events.subscribe(group, (event) => waiting.add(event));
    open.channel.closed.catch(() => waiting.end());
    try {
      const channel = new EndpointChannel({
        channel: open.channel,
        version: open.version,
        newest: open.newest ?? newestVersion,
        limits: this.#options.limits,
        observer: this.#options.observer,
        speaker: { client, connection },
      });
      await channel.introduce();
      while (channel.takes('Notify') || (channel.takes('Put') && (await this.#maySend(client)))) {
        const event = await waiting.next();
        const forgotten = waiting.forgotten();
        if (forgotten > 0) this.#options.observer.changesDropped({ client, connection, changes: forgotten });
        await this.#tell(event, channel, open.conversation().principal);
      }
      // Nothing of what the server has to say is wanted: the client may as well ask again.
      if (!(await channel.releaseRole())) open.channel.cut('it takes nothing of what the server tells');
    } catch (error) {
      if (error instanceof ChannelClosedError) return;
      this.#options.observer.failed({ client, connection, error });
      open.channel.cut('the server cannot go on with it');
    } finally {
      unsubscribe();
      waiting.end();
    }
  }

  /**
   * A new value by Put where that is allowed, else what has changed by Notify; nothing that the role may not
   * see.
   */
  async #tell(
    event: ObjectEvent,
    channel: EndpointChannel,
    principal: Conversation['principal'],
  ): Promise<void> {
    const { store, vault, clock } = this.#options;
    if (!principal.may('GetAttributes')) return;
    const mayPut = event.about === 'value' && principal.may('Get') && channel.takes('Put');
    if (mayPut && (await this.#maySend(principal.client))) {
      const from = { store, vault, group: principal.group, now: Math.floor(clock() / 1000) };
      const put = await putOf(event, channel.version, from);
      if (put !== undefined) {
        await channel.ask(Put, put);
        return;
      }
    }
    const notify = channel.takes('Notify') ? notifyOf(event, channel.version) : undefined;
    if (notify !== undefined) await channel.ask(Notify, notify);
  }

  /** Whether the operator lets that client be sent keys: asked each time, so that a change counts at once. */
  async #maySend(client: string): Promise<boolean> {
    return (await this.#options.settings(client))?.put ?? false;
  }
}

/** Changes that a client has not been told yet: at most so many, and the oldest are forgotten first. */
class Waiting {
  readonly #most: number;
  #events: ObjectEvent[] = [];
  #forgotten = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(most: number) {
    this.#most = most;
  }

  add(event: ObjectEvent): void {
    this.#events.push(event);
    if (this.#events.length > this.#most) {
      this.#events.shift();
      this.#forgotten++;
    }
    this.#wake?.();
  }

  /** Rejects with LineClosed once there is nobody to tell. */
  async next(): Promise<ObjectEvent> {
    for (;;) {
      if (this.#ended) throw new ChannelClosedError();
      const event = this.#events.shift();
      if (event !== undefined) return event;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** How many were forgotten since this was asked last. */
  forgotten(): number {
    const count = this.#forgotten;
    this.#forgotten = 0;
    return count;
  }

  end(): void {
    this.#ended = true;
    this.#events = [];
    this.#wake?.();
  }
}
