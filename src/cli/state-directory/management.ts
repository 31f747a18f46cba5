import { readStoreUrl, redactStoreUrl } from '../../config/values.ts';
import { describeRoles } from '../../identity/policy.ts';
import type { ManagementCall } from '../../management/api.ts';
import { connectManagement, type ManagementConnection } from '../../management/client.ts';
import { findNameProblem, identityOf, sqliteFileOf } from '../../store/sqlite-file.ts';
import { print, printError, readOption } from '../command.ts';
import { CommandError } from '../failure.ts';
import { runningDaemonPid } from './lock.ts';
import { combineTokens } from './managed-tokens.ts';
import type { RootAttendance } from './root-sources.ts';
import { requireInitialised, type StateDirectory } from './state-directory.ts';

export interface ManagementUse {
  /** Whether this process waits for other commands that write, where it opens the database itself. */
  readonly access?: 'read' | 'write' | 'look';
  /** Whether the daemon that runs takes notice at once; otherwise within seconds. */
  readonly notify?: boolean;
  /** The people who open the root, where this process opens the database itself; left out: the terminal. */
  readonly attendance?: RootAttendance;
}

/** Work with the methods of the service; `isServed`: a daemon runs them, and this process otherwise. */
export type ManagementWork<T> = (call: ManagementCall, isServed: boolean) => Promise<T>;

/**
 * Runs `work` with the methods of the management service and resolves to its result. The daemon of the state
 * directory runs them, where one serves the database of the command; elsewhere this process does, and a
 * daemon may have the database open too. `storeOption`: another database than that of the configuration.
 * @throws {ManagementError} when a method refuses what was asked for, or the daemon ends meanwhile; otherwise
 *   as `withBackends`
 */
export async function withManagement<T>(
  stateDirectory: StateDirectory,
  storeOption: string | undefined,
  work: ManagementWork<T>,
  { access = 'write', notify = false, attendance }: ManagementUse = {},
): Promise<T> {
  const config = requireInitialised(stateDirectory);
  const url = readOption('store', storeOption, readStoreUrl) ?? config.store;
  const daemon = await connectDaemon(stateDirectory, url);
  if (daemon === undefined) {
    const result = await withOwnBackends(stateDirectory, storeOption, work, access, attendance);
    if (notify) notifyDaemon(stateDirectory);
    return result;
  }
  try {
    const result = await work(daemon.call, true);
    for (const warning of daemon.warnings) printError(warning);
    if (notify && daemon.warnings.length === 0) printNotified(daemon.description.process);
    return result;
  } finally {
    daemon.close();
  }
}

/**
 * Runs `work` with the methods of the daemon that serves a state directory; resolves to undefined when none
 * does.
 * @throws {ManagementError} as `withManagement`
 */
export async function withDaemonIfAny<T>(
  stateDirectory: StateDirectory,
  storeOption: string | undefined,
  work: ManagementWork<T>,
): Promise<T | undefined> {
  const config = requireInitialised(stateDirectory);
  const url = readOption('store', storeOption, readStoreUrl) ?? config.store;
  const daemon = await connectDaemon(stateDirectory, url);
  try {
    return daemon && (await work(daemon.call, true));
  } finally {
    daemon?.close();
  }
}

/**
 * Runs `work` with the methods of the daemon that serves a state directory.
 * @throws {CommandError} when none does; {ManagementError} as `withManagement`
 */
export async function withDaemon<T>(
  stateDirectory: StateDirectory,
  storeOption: string | undefined,
  work: ManagementWork<T>,
): Promise<T> {
  const done = await withDaemonIfAny(stateDirectory, storeOption, async (call, isServed) => ({
    result: await work(call, isServed),
  }));
  if (done !== undefined) return done.result;
  throw new CommandError(
    `no kmipd serves ${stateDirectory.directory}: start it, kmipd serve --home ${stateDirectory.directory}`,
  );
}

async function withOwnBackends<T>(
  stateDirectory: StateDirectory,
  storeOption: string | undefined,
  work: ManagementWork<T>,
  access: 'read' | 'write' | 'look',
  attendance: RootAttendance | undefined,
): Promise<T> {
  const { withBackends } = await import('./backends.ts');
  const { callMethod } = await import('../../management/call.ts');
  const { verifyDatabase } = await import('./verify-database.ts');
  const crypto = async () => (await import('../../crypto/node/node.ts')).nodeCrypto;
  return withBackends(
    stateDirectory,
    storeOption,
    async (opened) => {
      const { store, vault, clients, nodes, tokens: ofRoots, roots, snapshot, sealedRows, config } = opened;
      const { managedAudit: audit } = opened;
      const { openTokenKeyPool } = await import('./token-keys.ts');
      const pool = openTokenKeyPool(stateDirectory, config.tokenKeys, vault);
      const tokens = combineTokens(ofRoots, pool);
      const listObjects = (after: number) => snapshot((rows) => rows.destroyDates(after));
      const verify = () => verifyDatabase(stateDirectory, { snapshot, vault });
      const roles = () => describeRoles(config.roles);
      const shared = { store, clients, roles, nodes, audit, tokens, roots, sealedRows, listObjects, verify };
      const backends = { ...shared, crypto, vault, control: vault, keyDevice: pool };
      try {
        return await work((method, params) => callMethod(backends, method, params), false);
      } finally {
        await pool?.close();
      }
    },
    access,
    attendance,
  );
}

/** Connects to the daemon of a state directory; undefined when none answers that serves that database. */
async function connectDaemon(
  { socket }: StateDirectory,
  url: string,
): Promise<ManagementConnection | undefined> {
  const identity = storeIdentityOf(url);
  const daemon = identity === undefined ? undefined : await connectManagement(socket);
  if (daemon?.description.store === identity) return daemon;
  daemon?.close();
  return undefined;
}

/**
 * Returns the identity of a database: its URL without the password, and which file is there. Undefined for a
 * file that is missing or has several names: whoever opens it says what is wrong.
 */
export function storeIdentityOf(url: string): string | undefined {
  const file = sqliteFileOf(url);
  if (file === undefined) return redactStoreUrl(url);
  const identity = identityOf(file);
  if (identity === undefined || findNameProblem(file) !== undefined) return undefined;
  return `${url} ${identity}`;
}

/**
 * Makes the running daemon of a state directory reload, if there is one. It looks up the client of each new
 * connection anyway; the reload updates the certificates that TLS trusts and checks the open connections.
 */
function notifyDaemon(stateDirectory: StateDirectory): void {
  const pid = runningDaemonPid(stateDirectory);
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGHUP');
    printNotified(pid);
  } catch {
    print(`the running kmipd (process ${pid}) could not be notified; send it SIGHUP`);
  }
}

function printNotified(pid: number): void {
  print(`the running kmipd (process ${pid}) was notified`);
}
