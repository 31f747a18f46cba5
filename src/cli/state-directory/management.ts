import { readStoreUrl, redactStoreUrl } from '../../config/values.ts';
import { describeRoles } from '../../identity/policy.ts';
import type { ManagementCall } from '../../management/api.ts';
import type { CallObserver } from '../../management/call-observer.ts';
import { connectManagement, type ManagementConnection } from '../../management/client.ts';
import type { ShownCredential } from '../../management/login.ts';
import { findNameProblem, identityOf, sqliteFileOf } from '../../store/sqlite-file.ts';
import type { Store } from '../../store/store.ts';
import {
  approvalWaitSeconds,
  hasAdministrator,
  isLoginStored,
  withShownCredential,
} from '../administrator-login.ts';
import { print, printError, readOption } from '../command.ts';
import { CommandError } from '../failure.ts';
import { withApprovals } from './approvals.ts';
import { findNodeName } from './database-lanes.ts';
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
  const url = storeUrlOf(stateDirectory, storeOption);
  // Before anything is opened: people take their time.
  return withShownCredential(async (shown) => {
    const daemon = await connectDaemon(stateDirectory, url);
    if (daemon === undefined) {
      if (approvalWaitSeconds() > 0)
        throw new CommandError(
          'no kmipd serves this home, and a command that waits would keep others out; leave --as-wait out',
        );
      const own = { access: accessFor(access), attendance, shown };
      const result = await withOwnBackends(stateDirectory, storeOption, work, own);
      if (notify) notifyDaemon(stateDirectory);
      return result;
    }
    try {
      if (shown !== undefined) await daemon.logIn(shown);
      const result = await work(withApprovals(daemon.call, approvalWaitSeconds()), true);
      for (const warning of daemon.warnings) printError(warning);
      if (notify && daemon.warnings.length === 0) printNotified(daemon.description.process);
      return result;
    } finally {
      daemon.close();
    }
  });
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
  const url = storeUrlOf(stateDirectory, storeOption);
  return withShownCredential(async (shown) => {
    const daemon = await connectDaemon(stateDirectory, url);
    if (daemon === undefined && shown !== undefined)
      throw new CommandError(
        `no kmipd serves ${stateDirectory.directory}, which would recognise the administrator; start it, or leave --as out`,
      );
    try {
      if (shown !== undefined) await daemon?.logIn(shown);
      return daemon && (await work(withApprovals(daemon.call, approvalWaitSeconds()), true));
    } finally {
      daemon?.close();
    }
  });
}

function storeUrlOf(stateDirectory: StateDirectory, storeOption: string | undefined): string {
  const config = requireInitialised(stateDirectory);
  return readOption('store', storeOption, readStoreUrl) ?? config.store;
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

interface OwnUse {
  readonly access: 'read' | 'write' | 'look';
  readonly attendance: RootAttendance | undefined;
  readonly shown: ShownCredential | undefined;
}

async function withOwnBackends<T>(
  stateDirectory: StateDirectory,
  storeOption: string | undefined,
  work: ManagementWork<T>,
  { access, attendance, shown: login }: OwnUse,
): Promise<T> {
  const identity = storeIdentityOf(storeUrlOf(stateDirectory, storeOption)) ?? '';
  const { withBackends } = await import('./backends.ts');
  const { toApprovalRule } = await import('../../management/approval-rule.ts');
  const { openLocalSession } = await import('../../management/local-session.ts');
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
      const roles = () => describeRoles(config.roles, config.approval);
      const shared = { store, clients, roles, nodes, audit, tokens, roots, sealedRows, listObjects, verify };
      const approval = toApprovalRule(config.approval);
      const { uniqueNames } = config;
      const backends = { ...shared, crypto, vault, control: vault, keyDevice: pool, approval, uniqueNames };
      try {
        const isRecorded = access === 'write' && config.audit.enabled;
        const observe = isRecorded ? await recordCalls(stateDirectory, store) : observeNothing;
        const options = { backends, store: identity, observe };
        const call = await openLocalSession({ ...options, login });
        return await work(call, false);
      } finally {
        await pool?.close();
      }
    },
    access,
    attendance,
  );
}

/** An administrator is looked up among the rows, and a one-time password that was used is written there. */
function accessFor(access: 'read' | 'write' | 'look'): 'read' | 'write' | 'look' {
  if (isLoginStored()) return 'write';
  return access === 'look' && hasAdministrator() ? 'read' : access;
}

/** Of the commands that have opened the database themselves and cannot write. */
const observeNothing: CallObserver = async () => {};

/** Records calls in the chain of commands. */
async function recordCalls(stateDirectory: StateDirectory, store: Store): Promise<CallObserver> {
  const { CallRecorder } = await import('../../management/recorded-calls.ts');
  const { toChainEntries } = await import('../../audit/entry-text.ts');
  const recorder = new CallRecorder(findNodeName(stateDirectory) ?? '', async (entry) => {
    await store.commit({ expects: [], inserts: [], updates: [], audit: toChainEntries(entry) });
  });
  return (...call) => recorder.record(...call);
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
