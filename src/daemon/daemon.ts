import { newestVersion, oldestVersion } from '../../codec/version.ts';
import { print } from '../cli/command.ts';
import { CommandError } from '../cli/failure.ts';
import { findExposedFiles } from '../cli/state-directory/permissions.ts';
import type { StateDirectory } from '../cli/state-directory/state-directory.ts';
import { type Address, formatAddress } from '../common/address.ts';
import type { Config, ConfigOverrides } from '../config/index.ts';
import { redactStoreUrl } from '../config/values.ts';
import { enterFips } from '../crypto/policy/fips.ts';
import { isPinned } from '../vault/keyring-pin.ts';
import { requireRandomSource } from '../vault/random-check.ts';
import { describeError } from '../watch/error-text.ts';
import { createLog, type Logger } from '../watch/log.ts';
import { Metrics } from '../watch/metrics.ts';
import { startAuditRetention } from './audit-retention.ts';
import { startAuditSinks } from './audit-sinks.ts';
import { recordLifecycle, recordReloads } from './audited-lifecycle.ts';
import { openBackends } from './backends.ts';
import { startVerifications } from './background-verification.ts';
import { startCommandLaneRenewal } from './command-lane.ts';
import { warnOfIdlePolicies } from './idle-policies.ts';
import { type StartedListeners, startListeners } from './listeners.ts';
import { openManagementSocket } from './management-socket.ts';
import { ReadinessCheck, startMetricsListener } from './metrics-listener.ts';
import { hardenProcess } from './process-hardening.ts';
import { loadConfig, Reloader, ReloadQueue } from './reload.ts';
import { findRootAdvice } from './root-advice.ts';
import { createServices } from './services.ts';
import { waitForShutdown } from './shutdown.ts';
import type { StartContext } from './start-context.ts';
import { TlsMaterialSource } from './tls-material.ts';
import { reportUndefinedRoles, requireDefinedRoles } from './undefined-roles.ts';

export interface BootOptions {
  /** Must be initialised and locked. */
  readonly stateDirectory: StateDirectory;
  readonly overrides: ConfigOverrides;
  /** See `StartContext`. */
  readonly isConversionConfirmed: boolean;
  /** Version of kmipd. */
  readonly version: string;
}

/**
 * Runs the daemon: starts it, prints the ready line, and resolves once a signal has ended it and it has
 * drained and closed. Resources that were opened are closed in reverse order, also when the start fails.
 * @throws {CommandError} and other errors for the operator when the daemon cannot start.
 */
export async function boot(options: BootOptions): Promise<void> {
  const { stateDirectory, overrides, isConversionConfirmed, version } = options;
  const reloads = new ReloadQueue();
  const config = loadConfig(stateDirectory, overrides);
  if (config.fips) requireFips();
  const log = createLog(config.log.level);
  exitOnBugs(log);
  await hardenProcess(log);
  requireRandomSource();
  await using closing = new AsyncDisposableStack();
  const { keyringPin: file } = stateDirectory;
  const mustStoreExist =
    overrides.store === undefined || isPinned({ file, database: redactStoreUrl(config.store) });
  const metrics = new Metrics();
  const context = {
    ...{ stateDirectory, config, mustStoreExist, isConversionConfirmed },
    ...{ log, metrics, closing },
  };
  const advice = findRootAdvice(stateDirectory, config);
  if (advice !== undefined) log.info(advice);
  for (const exposed of findExposedFiles(stateDirectory, config)) log.warn(exposed, 'a file is exposed');

  const backends = await openBackends(context);
  const auditSinks = startAuditSinks(context, backends, version);
  const checks = {
    require: (read: Config) => requireDefinedRoles(read, backends, log),
    warn: (inForce: Config) => warnOfIdlePolicies(inForce, backends, log),
  };
  await checks.require(config);
  const material = await TlsMaterialSource.load(context, config, backends);
  const services = createServices(context, backends, material, version);
  const listeners = await startListeners(context, backends, services, material);
  const { connections } = listeners;
  const readiness = new ReadinessCheck(backends);
  const metricsAddress = await startMetricsListener(context, readiness);
  connections.startRechecks();
  await connections.updateOutgoing();

  await checks.warn(config);
  const verifying = { stateDirectory, backends, log, metrics, hours: config.verificationHours };
  closing.defer(startVerifications(verifying));
  closing.defer(startAuditRetention({ config, backends, log }));
  closing.defer(startCommandLaneRenewal({ stateDirectory, ...backends }));
  await openManagementSocket(context, backends, { connections, ...services }, () => reloads.request());
  const shutdown = waitForShutdown();
  recordLifecycle(context, backends, version);
  const lineOf = (state: string) => stateLine(state, version, context, listeners, metricsAddress);
  const { vault, sealing, tokens, tokenKeys } = backends;
  const reloader = new Reloader(context, overrides, material, services, connections, backends, checks);
  if (!vault.unsealed)
    sealing.whenUnsealed(() => {
      print(lineOf('ready'));
      void reportUndefinedRoles(reloader.config, backends, log);
    });
  print(vault.unsealed ? lineOf('ready') : `${lineOf('sealed')}\nsealed: ${vault.sealedBecause}`);
  const reload = async () => {
    tokens.retry();
    tokenKeys?.retry();
    // The root may be there now; without it the vault says why.
    if (vault.rootsAtHand.length === 0) await vault.refresh().catch(() => {});
    return reloader.reload().finally(() => auditSinks.configure(reloader.config.auditSinks));
  };
  reloads.start(recordReloads(backends.audit, reload));

  const signal = await shutdown;
  readiness.startDraining();
  connections.stopRechecks();
  log.info({ signal, connections: connections.count }, 'draining');
}

/**
 * Restricts the process to FIPS 140-3 approved algorithms; must run before any other cryptography.
 * @throws {CommandError} when OpenSSL has no FIPS provider.
 */
function requireFips(): void {
  const problem = enterFips();
  if (problem !== undefined) throw new CommandError(problem);
}

function exitOnBugs(log: Logger): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error) => {
      log.fatal({ error: describeError(error) }, 'a bug ended the daemon; please report it');
      process.exit(1);
    });
  }
}

/**
 * Builds the line on standard output that tells whoever started the daemon that it answers, and where;
 * `sealed` in place of `ready` while it answers next to nothing.
 */
function stateLine(
  state: string,
  version: string,
  { config }: StartContext,
  { address, httpsAddress }: StartedListeners,
  metricsAddress: Address | undefined,
): string {
  const details = [
    redactStoreUrl(config.store),
    `KMIP ${oldestVersion}–${newestVersion}`,
    ...(httpsAddress ? [`HTTPS on ${formatAddress(httpsAddress)}`] : []),
    ...(metricsAddress ? [`metrics on ${formatAddress(metricsAddress)}`] : []),
  ];
  return `kmipd ${version} ${state} on ${formatAddress(address)} (${details.join(', ')})`;
}
