import type { Test } from 'tap';
import type { Version } from '../../codec/version.ts';
import { defaultLimits, type Limits } from '../../src/common/limits.ts';
import type { Principal } from '../../src/identity/principal.ts';
import type { EndpointSettings } from '../../src/protocol/endpoints/endpoint-settings.ts';
import { Endpoints } from '../../src/protocol/endpoints/endpoints.ts';
import { ChannelClosedError, type ReverseChannel } from '../../src/protocol/endpoints/reverse-channel.ts';
import { Answering, type AnsweringOptions } from '../answering.ts';
import { TestService } from './service.ts';

/** Requests of the server to a client over a channel in memory. */

export interface TestEndpoint {
  readonly service: TestService;
  readonly client: Answering;
  readonly events: { readonly kind: string; readonly [field: string]: unknown }[];
  /** Ends the connection as the peer would. */
  hangUp(): void;
  /** Resolves when the server has stopped sending requests. */
  readonly ended: Promise<void>;
  readonly cutReasons: string[];
}

export interface EndpointOptions extends AnsweringOptions {
  readonly version?: Version;
  readonly settings?: EndpointSettings;
  readonly may?: (operation: string) => boolean;
  readonly limits?: Partial<Limits>;
  readonly group?: string;
  /** Returns what is left of the client's authorisation when it is asked anew; all when left out. */
  readonly authorise?: (principal: Principal) => Principal | undefined;
  /** A service that other tests use as well; a new one when left out. */
  readonly service?: TestService;
  /** The client answers Notify when this has resolved. */
  readonly gate?: Promise<void>;
  /** Replaces the bytes of the client's answer. */
  readonly mangle?: (answer: Uint8Array) => Uint8Array;
}

export async function openEndpoint(t: Test, setting: EndpointOptions = {}): Promise<TestEndpoint> {
  const service = setting.service ?? (await TestService.open());
  if (setting.service === undefined) t.teardown(() => service.close());
  const client = new Answering(setting);
  const events: TestEndpoint['events'] = [];
  const note = (kind: string) => (event: object) => void events.push({ kind, ...event });
  const cutReasons: string[] = [];
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => {});
  const hangUp = () => closed.reject(new ChannelClosedError());
  const channel: ReverseChannel = {
    closed: closed.promise,
    async exchange(request) {
      const answer = client.answer(request.slice());
      request.fill(0);
      if (answer === undefined) return closed.promise;
      if (client.asked.at(-1)?.operation === 'Notify') await setting.gate;
      return setting.mangle?.(answer) ?? answer;
    },
    cut(reason) {
      cutReasons.push(reason);
      hangUp();
    },
    releaseRole() {
      hangUp();
      return true;
    },
  };
  const endpoints = new Endpoints({
    store: service.store,
    vault: service.vault,
    events: service.events,
    limits: { ...defaultLimits, ...setting.limits },
    observer: {
      endpointReady: note('ready'),
      requestAnswered: note('asked'),
      changesDropped: note('forgotten'),
      unreachable: note('unreachable'),
      failed: note('failed'),
    },
    settings: async () => setting.settings,
    clock: () => service.now,
  });
  const principal = { client: 'watcher', group: setting.group ?? 'g', may: setting.may ?? (() => true) };
  const ended = endpoints.serve({
    channel,
    version: setting.version ?? '2.1',
    newest: setting.version,
    authorise: async () => (setting.authorise ?? ((each) => each))(principal),
    conversation: () => ({ principal, connection: 'w', peer: 'there' }),
  });
  t.teardown(hangUp);
  return { service, client, events, hangUp, ended, cutReasons };
}
