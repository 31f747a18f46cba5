import { randomBytes } from 'node:crypto';
import type { Address } from '../common/address.ts';
import { httpsTransport } from '../net/https.ts';
import { Listener, type ListenerOptions } from '../net/listener.ts';
import { OutgoingConnections } from '../net/outgoing.ts';
import { ttlvTransport } from '../net/transport.ts';
import { combineListenerObservers } from '../watch/composite-observer.ts';
import { logListener } from '../watch/log.ts';
import type { ListenerObserver } from '../watch/observer.ts';
import type { Backends } from './backends.ts';
import { bind, requireDistinctAddresses } from './bind.ts';
import { Connections } from './connections.ts';
import { MessagesAtWork } from './messages-at-work.ts';
import { RefusedConnections } from './refused-connections.ts';
import type { Services } from './services.ts';
import type { StartContext } from './start-context.ts';
import type { TlsMaterialSource } from './tls-material.ts';

/** The listeners that were started, with the addresses that they are bound to. */
export interface StartedListeners {
  readonly connections: Connections;
  readonly address: Address;
  /** Undefined: no HTTPS listener. */
  readonly httpsAddress: Address | undefined;
}

/**
 * Binds the KMIP listener and, where one is configured, the HTTPS listener. Outgoing connections are not
 * opened yet.
 * @throws {CommandError} when an address cannot be bound.
 */
export async function startListeners(
  context: StartContext,
  backends: Backends,
  services: Services,
  material: TlsMaterialSource,
): Promise<StartedListeners> {
  const { config, log, closing } = context;
  const { service, authenticate, endpoints, endpointObserver } = services;
  const messages = new MessagesAtWork(service);
  const common = {
    material: material.current,
    profile: config.tls.profile,
    limits: config.limits,
    perClient: new Map<string, number>(),
    service: messages,
    observer: observe(context, backends),
    authenticate,
  };
  const outgoing = new OutgoingConnections({
    material: () => material.current,
    profile: config.tls.profile,
    limits: config.limits,
    endpoints,
    observer: endpointObserver,
    authenticate,
  });
  const connections = new Connections(outgoing, backends, services, material, messages);
  closing.defer(() => connections.drain());
  const listen = async (options: ListenerOptions, option: string) => {
    const listener = new Listener(options);
    const bound = await bind(options, option, () => listener.listen());
    connections.add(listener);
    return bound;
  };
  requireDistinctAddresses(config);
  const address = await listen(
    { ...common, ...config.listen, ticketKeys: randomBytes(48), transport: ttlvTransport(endpoints) },
    '--listen',
  );
  let httpsAddress: Address | undefined;
  if (config.https !== undefined) {
    const transport = httpsTransport((event) => log.info(event, 'HTTP request refused'));
    const options = { ...common, ...config.https, ticketKeys: randomBytes(48), transport };
    httpsAddress = await listen(options, '--https');
  }
  closing.defer(() => outgoing.close());
  return { connections, address, httpsAddress };
}

/** Returns the observer of the listeners: log, metrics, and the audit log for what is refused. */
function observe({ log, metrics, closing }: StartContext, { audit }: Backends): ListenerObserver {
  const observer = combineListenerObservers(logListener(log), metrics.listener);
  if (audit === undefined) return observer;
  const refused = new RefusedConnections(audit);
  closing.defer(() => refused.flush());
  return combineListenerObservers(observer, {
    connectionOpened() {},
    connectionClosed() {},
    connectionEnded: (event) => refused.connectionEnded(event),
    handshakeRefused: (event) => refused.handshakeRefused(event),
    listenerFailed() {},
  });
}
