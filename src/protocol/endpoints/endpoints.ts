import { newestVersion, type Version } from '../../../codec/version.ts';
import type { AuditRecorder } from '../../audit/audit.ts';
import type { Limits } from '../../common/limits.ts';
import type { Principal } from '../../identity/principal.ts';
import { Notify } from '../../operations/server/notify.ts';
import { Put } from '../../operations/server/put.ts';
import type { Store } from '../../store/store.ts';
import type { Vault } from '../../vault/vault.ts';
import type { EndpointObserver } from '../../watch/observer.ts';
import { recordServerRequest } from '../audit/message-audit.ts';
import type { Conversation } from '../service.ts';
import type { ObjectEvent, ObjectEvents } from '../unit-of-work/object-events.ts';
import { loadAnnounced, notifyOf, putOf, shownChanges } from './announcement.ts';
import { EndpointChannel } from './endpoint-channel.ts';
import type { EndpointSettings } from './endpoint-settings.ts';
import { ChannelClosedError, type ReverseChannel } from './reverse-channel.ts';

export interface EndpointsOptions {
  readonly store: Store;
  readonly vault: Vault;
  readonly events: ObjectEvents;
  readonly limits: Limits;
  readonly observer: EndpointObserver;
  /** Records each request with an object before it is sent; nothing is recorded without it. */
  readonly audit?: AuditRecorder | undefined;
  /** Returns the operator's settings for a client, if there are any. */
  settings(client: string): Promise<EndpointSettings | undefined>;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** A connection on which the server may send requests. */
export interface OpenReverseChannel {
  readonly channel: ReverseChannel;
  /** The state of the session now: the role of the client may change. */
  conversation(): Conversation;
  /**
   * Asks certificate, enrolment, authorities and role anew. Returns the client as it is enrolled now;
   * undefined when it may be sent nothing any more.
   */
  authorise(): Promise<Principal | undefined>;
  /** Version of the first request. */
  readonly version: Version;
  /** Newest version that may be agreed upon; the newest of all when left out. */
  readonly newest?: Version | undefined;
}

/** Notifies clients of changes to the objects of their groups. */
export class Endpoints {
  readonly #options: EndpointsOptions;

  constructor(options: EndpointsOptions) {
    this.#options = options;
  }

  /** Sends requests on that channel until it is closed or its role is released. Never rejects. */
  async serve(open: OpenReverseChannel): Promise<void> {
    const { client, group } = open.conversation().principal;
    const { connection } = open.conversation();
    const changes = new ChangeQueue(this.#options.limits.announcements);
    // Subscribed first, so that changes during the introduction are not missed.
    const unsubscribe = this.#options.events.subscribe(group, (event) => changes.add(event));
    open.channel.closed.catch(() => changes.end());
    try {
      const channel = new EndpointChannel({
        channel: open.channel,
        version: open.version,
        newest: open.newest ?? newestVersion,
        limits: this.#options.limits,
        observer: this.#options.observer,
        sender: { client, connection },
      });
      await channel.introduce();
      while (channel.accepts('Notify') || (channel.accepts('Put') && (await this.#maySend(client)))) {
        const event = await changes.next();
        const dropped = changes.takeDropped();
        if (dropped > 0) this.#options.observer.changesDropped({ client, connection, changes: dropped });
        const principal = await open.authorise();
        if (principal === undefined || principal.group !== group) {
          open.channel.cut('the client is not authorised any more');
          return;
        }
        await this.#notify(event, channel, principal, connection);
      }
      // The client accepts none of the server's requests, so it gets its role back.
      if (!(await channel.releaseRole()))
        open.channel.cut('the client accepts none of the requests of the server');
    } catch (error) {
      if (error instanceof ChannelClosedError) return;
      this.#options.observer.failed({ client, connection, error });
      open.channel.cut('the server failed to notify the client');
    } finally {
      unsubscribe();
      changes.end();
    }
  }

  /**
   * Sends a new value by Put where that is allowed, otherwise the changes by Notify, and nothing that the
   * role may not read.
   */
  async #notify(
    event: ObjectEvent,
    channel: EndpointChannel,
    principal: Principal,
    connection: string,
  ): Promise<void> {
    const record = (operation: 'Put' | 'Notify') =>
      recordServerRequest(this.#options.audit, operation, event, {
        ...{ kind: 'message', principal, version: channel.version, conversation: { connection } },
      });
    if (!principal.may('GetAttributes')) return;
    const receiver = { principal, now: Math.floor(this.#options.clock() / 1000) };
    const isRestricted = principal.restrictions?.() !== undefined;
    const isValue = event.about === 'value' && principal.may('Get') && channel.accepts('Put');
    const mayPut = isValue && (await this.#maySend(principal.client));
    const object = isRestricted || mayPut ? await loadAnnounced(event, this.#options, principal) : undefined;
    if (isRestricted && object === undefined) return;
    if (object !== undefined && mayPut) {
      const put = await putOf(event, object, channel.version, receiver);
      if (put !== undefined) {
        await record('Put');
        await channel.request(Put, put);
        return;
      }
    }
    const changes = shownChanges(event, object, receiver);
    const notify = channel.accepts('Notify') ? notifyOf({ ...event, changes }, channel.version) : undefined;
    if (notify === undefined) return;
    await record('Notify');
    await channel.request(Notify, notify);
  }

  /**
   * Whether the operator allows to send keys to the client; asked each time, so that a change is effective at
   * once.
   */
  async #maySend(client: string): Promise<boolean> {
    return (await this.#options.settings(client))?.put ?? false;
  }
}

/** The changes that a client has not been notified of, bounded in number: the oldest are dropped first. */
class ChangeQueue {
  readonly #maxLength: number;
  #events: ObjectEvent[] = [];
  #dropped = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  add(event: ObjectEvent): void {
    this.#events.push(event);
    if (this.#events.length > this.#maxLength) {
      this.#events.shift();
      this.#dropped++;
    }
    this.#wake?.();
  }

  /**
   * Resolves with the oldest change.
   * @throws {ChannelClosedError} when the queue has ended.
   */
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

  /** Returns the number of changes dropped since the last call. */
  takeDropped(): number {
    const count = this.#dropped;
    this.#dropped = 0;
    return count;
  }

  end(): void {
    this.#ended = true;
    this.#events = [];
    this.#wake?.();
  }
}
