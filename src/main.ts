#!/usr/bin/env node
import { randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { addressText } from './address.ts';
import { type Home, readyHome } from './cli/home.ts';
import { run } from './cli/run.ts';
import type { Overrides } from './cli/serve.ts';
import type { Config } from './config.ts';
import { nodeCrypto } from './crypto/node.ts';
import { authenticate } from './identity/certificate.ts';
import { Policy } from './identity/policy.ts';
import type { Client } from './identity/principal.ts';
import { trustAnchors } from './identity/trust.ts';
import { Listener } from './net/listener.ts';
import type { TlsMaterial } from './net/tls.ts';
import { operations, operationsIn } from './operations/index.ts';
import type { ServerDescription } from './operations/operation.ts';
import { createService } from './protocol/index.ts';
import { openStore } from './store/open.ts';
import { type LocalVault, openLocalVault } from './vault/local.ts';
import { bothDoors, bothRequests } from './watch/both.ts';
import { countDoor, countRequests } from './watch/count.ts';
import { Health } from './watch/health.ts';
import { serveWatch } from './watch/http.ts';
import { capped, createLog, type Logger, logDoor, logRequests } from './watch/log.ts';
import { Metrics, type WatchedCertificate } from './watch/metrics.ts';

const version = '0.1.0';

/** How often open connections are compared with the directory, so that a client that was disabled is cut off. */
const recheckMilliseconds = 5_000;

/** The boot order, top to bottom; resolves once the daemon has drained and closed. */
async function boot(home: Home, overrides: Overrides): Promise<void> {
  let config: Config = { ...readyHome(home), ...overrides };
  const log = createLog(config.log.level);
  let certificates: readonly WatchedCertificate[] = [];
  const metrics = new Metrics({ connections: () => listener.connections, certificates: () => certificates });

  const opened = await openStore(config.store);
  const vault = await openLocalVault({ rootKeyFile: home.rootKey, shelf: opened.sealingKeys });
  const policy = new Policy(config.roles);
  const service = createService({
    store: opened.store,
    vault,
    crypto: nodeCrypto,
    limits: config.limits,
    operations,
    server: describe(config, log),
    observer: bothRequests(logRequests(log), countRequests(metrics)),
    clock: Date.now,
  });
  async function material(): Promise<TlsMaterial> {
    const enrolled = await opened.clients.list();
    const read = readMaterial(config, enrolled);
    certificates = watchedCertificates(config, read, enrolled);
    return read;
  }
  const listener = new Listener({
    host: config.listen.host,
    port: config.listen.port,
    material: await material(),
    profile: config.tls.profile,
    ticketKeys: randomBytes(48),
    limits: config.limits,
    service,
    observer: bothDoors(logDoor(log), countDoor(metrics)),
    authenticate: (certificate) => authenticate(certificate, opened.clients, policy),
  });
  const address = await listener.listen();

  const health = new Health([
    { name: 'store', run: () => opened.store.ping() },
    { name: 'vault', run: () => requireUnsealed(vault) },
  ]);
  const watch = config.metrics && (await serveWatch(config.metrics, metrics, health));

  async function reload(): Promise<void> {
    try {
      config = { ...readyHome(home), ...overrides };
      listener.reload(await material());
      policy.replace(config.roles);
      await listener.recheck();
      log.info('configuration, certificates and roles reloaded');
    } catch (error) {
      log.error({ error: (error as Error).message }, 'reload failed: what was in force stays so');
    }
  }
  process.on('SIGHUP', () => void reload());
  const recheck = setInterval(() => listener.recheck().catch(() => {}), recheckMilliseconds).unref();

  const where = addressText(address);
  if (!vault.unsealed) log.warn(`only Discover Versions and Query are answered: ${vault.sealedBecause}`);
  console.log(`kmipd ${version} ready on ${where} (${storeLabel(config.store)}, KMIP 1.0–2.1)`);
  if (watch !== undefined) log.info({ address: addressText(watch.address) }, 'metrics and health');

  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  health.drain();
  clearInterval(recheck);
  log.info({ connections: listener.connections }, 'draining');
  await listener.drain();
  await watch?.close();
  await vault.close();
  await opened.close();
  log.info('stopped');
}

function describe({ interop, uniqueNames }: Config, log: Logger): ServerDescription {
  return {
    vendor: 'kmipd',
    name: 'kmipd',
    version,
    operations: (asked) => operationsIn(asked, interop),
    interop,
    uniqueNames,
    log: (client, message) => log.info({ client, message: capped(message) }, 'message of a client'),
  };
}

/** Certificate and key of the server, and everything a client's certificate may be anchored in. */
function readMaterial({ tls }: Config, clients: readonly Client[]): TlsMaterial {
  const authorities = tls.authorities.map((file) => readFileSync(file, 'utf8'));
  return {
    cert: readFileSync(tls.certificate, 'utf8'),
    key: readFileSync(tls.key, 'utf8'),
    ca: trustAnchors(authorities, clients),
  };
}

function watchedCertificates({ tls }: Config, { cert }: TlsMaterial, clients: readonly Client[]): WatchedCertificate[] {
  const end = (pem: string) => new X509Certificate(pem).validToDate.getTime();
  return [
    { role: 'server', notAfter: end(cert) },
    ...tls.authorities.map((file) => ({ role: 'authority', notAfter: end(readFileSync(file, 'utf8')) }) as const),
    ...clients
      .filter(({ disabled }) => !disabled)
      .map(({ certificate }) => ({ role: 'client', notAfter: end(certificate) }) as const),
  ];
}

function requireUnsealed(vault: LocalVault): void {
  if (!vault.unsealed) throw new Error(vault.sealedBecause);
}

/** The store without what may be a password. */
function storeLabel(url: string): string {
  return url.startsWith('sqlite:') ? url : `${url.split(':', 1)[0]}`;
}

process.exitCode = await run(process.argv.slice(2), version, boot);
