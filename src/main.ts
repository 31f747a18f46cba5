#!/usr/bin/env node
import { randomBytes, type X509Certificate } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Overrides } from './cli/commands/serve.ts';
import { CommandError } from './cli/failure.ts';
import { loadRooms } from './cli/rooms.ts';
import { run } from './cli/run.ts';
import { configOf, type StateDirectory } from './cli/state-directory/state-directory.ts';
import { type Address, formatAddress } from './common/address.ts';
import type { Config } from './config/index.ts';
import { storeName } from './config/values.ts';
import { bind } from './daemon/bind.ts';

const version = '0.1.0';

/** How often open connections are compared with the directory, so that a client that was disabled is cut off. */
const recheckMilliseconds = 5_000;

/** Certificates that end within this time are told at every start and reload. */
const warnBeforeExpiry = 30 * 86_400_000;

/** Keys of the configuration that only a restart changes. */
const fixed = [
  'listen',
  'https',
  'store',
  'metrics',
  'uniqueNames',
  'interop',
  'fips',
  'certification',
  'limits',
] as const;

/** The daemon of an initialised home, in the order of its start; resolves once it has drained and closed. */
async function boot(home: StateDirectory, overrides: Overrides): Promise<void> {
  // From here on SIGHUP no longer ends the process. One reload waits for the other, and the first for the start.
  const started = Promise.withResolvers<void>();
  let reloaded = started.promise;
  process.on('SIGHUP', () => {
    reloaded = reloaded.then(reload);
  });
  const rooms = await loadRooms();
  let config: Config = { ...configOf(home), ...overrides };
  const missing = config.fips ? rooms.enterFips() : undefined;
  if (missing !== undefined) throw new CommandError(missing);
  const log = rooms.createLog(config.log.level);
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error) => {
      log.fatal({ error: rooms.describeError(error) }, 'a bug ended the daemon; please report it');
      process.exit(1);
    });
  }
  const metrics = new rooms.Metrics();
  // What has been opened is closed in reverse order, whether the daemon is asked to end or cannot start.
  await using closing = new AsyncDisposableStack();

  const opened = await rooms.openStore(config.store);
  closing.defer(() => opened.close());
  const vault = await rooms.openLocalVault({ rootKeyFile: home.rootKey, wrappedKeys: opened.wrappedKeys });
  closing.defer(() => vault.close());
  const policy = new rooms.RolePolicy(config.roles);
  const rules = new rooms.CryptographicPolicy({ ...config.crypto, fips: config.fips });
  const { interop, uniqueNames } = config;
  const asking = rooms.combineEndpointObservers(rooms.logEndpoints(log), metrics.endpoints);
  const events = new rooms.ObjectEvents(vault, (error) => asking.failed({ error }));
  const settings = new rooms.EndpointDirectory(opened.store, vault);
  const endpoints = new rooms.Endpoints({
    store: opened.store,
    vault,
    events,
    limits: config.limits,
    observer: asking,
    settings: (client) => settings.of(client),
    clock: Date.now,
  });
  const hasCredentials = async (client: string) =>
    (await opened.store.record(rooms.credentialKind, client)) !== undefined;
  const service = rooms.createService({
    store: rooms.withMetrics(opened.store, metrics.storeCall),
    vault,
    crypto: rules.restrict(rooms.nodeCrypto),
    limits: config.limits,
    operations: rooms.operations,
    server: {
      vendor: 'kmipd',
      name: 'kmipd',
      version,
      operations: (asked) => rooms.operationsIn(asked, interop),
      https: config.https !== undefined,
      revocationListUrl: config.certification.crlUrl,
      interop,
      uniqueNames,
      log: (client, message) => log.info({ client, message: rooms.truncate(message) }, 'message of a client'),
    },
    observer: rooms.combineRequestObservers(rooms.logRequests(log), metrics.requests),
    events,
    clock: Date.now,
    principal: (client) => rooms.principalByName(client, opened.clients, policy),
    enrolments: rooms.createEnrolments({
      home,
      authorities: () => presented.authorities,
      directory: opened.clients,
      replaced: (event) => log.warn(event, 'a client replaced its certificate'),
    }),
  });

  closing.defer(() => rooms.closeThreads());
  closing.defer(() => service.close());
  metrics.watchJobs(() => service.pendingJobs);

  async function material() {
    const current = await rooms.readMaterial(home, config, opened.clients);
    for (const [role, ends] of [
      ['server', current.serverExpires],
      ['ca', current.authorityExpires],
    ] as const) {
      metrics.recordCertificateExpiry(role, ends);
      if (ends.getTime() - Date.now() < warnBeforeExpiry)
        log.warn({ certificate: role, ends }, 'a certificate ends soon');
    }
    return current;
  }
  let presented = await material();
  const common = {
    material: presented,
    profile: config.tls.profile,
    limits: config.limits,
    perClient: new Map<string, number>(),
    service,
    observer: rooms.combineListenerObservers(rooms.logListener(log), metrics.listener),
    authenticate: (certificate: X509Certificate) =>
      rooms.authenticate(certificate, opened.clients, policy, new Date(), hasCredentials),
  };
  const transport = rooms.ttlvTransport(endpoints);
  const listener = new rooms.Listener({
    ...common,
    ...config.listen,
    ticketKeys: randomBytes(48),
    transport,
  });
  const doors = [listener];
  const address = await bind(config.listen, '--listen', () => listener.listen());
  closing.defer(() => Promise.all(doors.map((door) => door.drain())).then(() => {}));
  let httpsAddress: Address | undefined;
  if (config.https !== undefined) {
    const ticketKeys = randomBytes(48);
    const transport = rooms.httpsTransport((event) => log.info(event, 'HTTP request refused'));
    const door = new rooms.Listener({ ...common, ...config.https, ticketKeys, transport });
    httpsAddress = await bind(config.https, '--https', () => door.listen());
    doors.push(door);
  }
  const outgoing = new rooms.OutgoingConnections({
    material: () => presented,
    profile: config.tls.profile,
    limits: config.limits,
    endpoints,
    observer: asking,
    authenticate: common.authenticate,
  });
  closing.defer(() => outgoing.close());

  let draining = false;
  async function ready() {
    if (draining) return { ready: false, reason: 'draining' } as const;
    if (!vault.unsealed) return { ready: false, reason: 'the vault is sealed' } as const;
    return opened.store.ping().then(
      () => ({ ready: true }) as const,
      () => ({ ready: false, reason: 'the store does not answer' }) as const,
    );
  }
  const watched = config.metrics;
  const http =
    watched &&
    (await bind(watched, '--metrics', () =>
      rooms.startHttpServer({ ...watched, registry: metrics.registry, ready }),
    ));

  closing.defer(() => http?.server.closeAllConnections());
  closing.defer(() => void http?.server.close());

  async function reload(): Promise<void> {
    const before = config;
    try {
      const next: Config = { ...configOf(home), ...overrides };
      const kept = fixed.filter((key) => !isDeepStrictEqual(next[key], config[key]));
      config = { ...next, ...Object.fromEntries(fixed.map((key) => [key, config[key]])) };
      presented = await material();
      for (const door of doors) door.reload(presented);
      policy.replace(config.roles);
      rules.replace({ ...config.crypto, fips: config.fips });
      log.level = config.log.level;
      await recheckAll();
      log.info('certificates, trusted authorities, roles, [crypto] and log level are read again');
      if (kept.length > 0) log.warn({ keys: kept }, 'changes of these keys wait for a restart');
    } catch (error) {
      config = before;
      log.error({ error: (error as Error).message }, 'the reload failed; what was in force stays in force');
    }
  }
  async function callClients(): Promise<void> {
    if (vault.unsealed) outgoing.update(await settings.targets(opened.clients));
  }
  const recheckAll = () => Promise.all([...doors.map((door) => door.recheck()), callClients()]);
  const recheck = setInterval(() => recheckAll().catch(() => {}), recheckMilliseconds).unref();

  await callClients();
  if (!vault.unsealed) log.warn(`only Discover Versions and Query are answered: ${vault.sealedBecause}`);
  const extras = [
    storeName(config.store),
    `KMIP ${rooms.oldestVersion}–${rooms.newestVersion}`,
    ...(httpsAddress ? [`HTTPS on ${formatAddress(httpsAddress)}`] : []),
    ...(http ? [`metrics on ${formatAddress(http)}`] : []),
  ];
  process.stdout.write(`kmipd ${version} ready on ${formatAddress(address)} (${extras.join(', ')})\n`);

  started.resolve();
  const signal = await asked();
  draining = true;
  clearInterval(recheck);
  log.info({ signal, connections: doors.reduce((sum, door) => sum + door.connections, 0) }, 'draining');
}

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process without waiting. */
function asked(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first = true;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (!first) process.exit(1);
        first = false;
        resolve(signal);
      });
    }
  });
}

// Whoever reads our output may stop reading (`| head`); that is no reason to print a stack.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
});

process.exitCode = await run(process.argv.slice(2), version, boot);
