import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { failureLines } from '../cli/failure.ts';
import { readAuthority, readTrustedAuthorities } from '../cli/state-directory/authority.ts';
import { runningDaemonPid } from '../cli/state-directory/lock.ts';
import { openDatabaseOf } from '../cli/state-directory/open-database.ts';
import { findExposedFiles } from '../cli/state-directory/permissions.ts';
import { openRootSource } from '../cli/state-directory/root-sources.ts';
import { initialisationState, type StateDirectory } from '../cli/state-directory/state-directory.ts';
import { type Address, formatAddress } from '../common/address.ts';
import { findApprovalGaps } from '../common/client-approvals.ts';
import { formatRootUri, isAttendedRoot } from '../common/root-uri.ts';
import type { Config } from '../config/index.ts';
import { requireApprovable } from '../management/approval-rule.ts';
import { StoredClients } from '../protocol/authentication/client-directory.ts';
import { FirstDesignError } from '../store/migrations/migration.ts';
import { type ProbedStore, probeStore } from '../store/probe.ts';
import { wipeKeyring } from '../vault/keyring.ts';
import { decodeKeyring, readStoreId } from '../vault/keyring-format.ts';
import { alteredKeyringMessage, foreignRootMessage } from '../vault/root-messages.ts';
import type { NamedRoot, RootSource } from '../vault/roots/root.ts';
import { RootMissingError } from '../vault/roots/root.ts';
import { readRootSettings } from '../vault/roots/root-settings.ts';
import { type StoredKeyring, VaultUnavailableError } from '../vault/vault.ts';
import { inspectAuditSinks } from './audit-sinks.ts';
import { addressesOf, bind, requireDistinctAddresses } from './bind.ts';
import { describeIdlePolicies } from './idle-policies.ts';
import { type CertificateFlaw, findFlawsOfDates, readServerMaterial } from './server-material.ts';
import { findUndefinedRoles } from './undefined-roles.ts';

/** What an inspection has found, one line each. */
export interface InspectionResult {
  /** The daemon would not start, or would answer nobody. */
  readonly problems: readonly string[];
  /** The daemon would start. */
  readonly warnings: readonly string[];
}

/**
 * Opens everything that the daemon of a state directory would open: keys, certificates and their dates, the
 * database, its clients and policies and what [authorities] names in it, the addresses. Changes nothing. Of a
 * directory that is not initialised only the database and the addresses are there to be opened.
 */
export async function inspect(stateDirectory: StateDirectory, config: Config): Promise<InspectionResult> {
  const problems: string[] = [];
  const warnings: string[] = [];
  const attempt = async (step: () => Promise<readonly string[]> | readonly string[]) => {
    try {
      warnings.push(...(await step()));
    } catch (error) {
      problems.push(...failureLines(error));
    }
  };
  await attempt(() => {
    requireApprovable(config.approval.methods);
    return findApprovalGaps(config.approval);
  });
  let probed: ProbedStore = { keyring: undefined, isMigrated: false };
  const isReady = initialisationState(stateDirectory) === 'ready';
  await attempt(async () => {
    try {
      probed = await probeStore(config.store, { mustExist: isReady });
      return [];
    } catch (error) {
      if (error instanceof FirstDesignError) return [error.message];
      throw error;
    }
  });
  if (isReady) {
    await attempt(() => inspectRoot(stateDirectory, config, probed.keyring));
    await attempt(() => inspectServer(config));
    await attempt(() => inspectAuthorities(stateDirectory, config));
    await attempt(() =>
      findExposedFiles(stateDirectory, config).map(({ file, reason }) => `${file}: ${reason}`),
    );
    await attempt(async () => {
      if (problems.length > 0) return [];
      if (probed.keyring !== undefined && !probed.isMigrated)
        return [
          'the rows are not checked, nor roles and [authorities]: the next start migrates the database',
        ];
      if (probed.keyring !== undefined && config.vault.root.every(isAttendedRoot))
        return ['the rows are not checked, nor roles and [authorities]: operators have to give the root'];
      problems.push(...(await inspectRows(stateDirectory, config, probed)));
      return [];
    });
  }
  await attempt(() => inspectAuditSinks(config.auditSinks));
  await attempt(() => {
    requireDistinctAddresses(config);
    return [];
  });
  for (const [option, address] of addressesOf(config))
    await attempt(() => inspectAddress(address, option, stateDirectory));
  return { problems, warnings };
}

/** Opens the keyring of the database by the root, unless people have to give it. */
async function inspectRoot(
  stateDirectory: StateDirectory,
  config: Config,
  stored: StoredKeyring | undefined,
): Promise<readonly string[]> {
  const { root } = config.vault;
  if (root.some(isAttendedRoot)) readRootSettings(stateDirectory.rootSettings);
  const unattended = root.filter((uri) => !isAttendedRoot(uri));
  if (unattended.length === 0) {
    const names = root.map(formatRootUri).join(', ');
    return [`the vault is sealed at the start until operators give the root ${names}`];
  }
  if (stored === undefined) return [];
  const found: string[] = [];
  let isMissing = false;
  for (const uri of unattended) {
    const problem = await findRootProblem(openRootSource(stateDirectory, uri), stored);
    if (problem instanceof RootMissingError) isMissing = true;
    if (problem !== undefined) found.push(typeof problem === 'string' ? problem : problem.message);
  }
  if (found.length < unattended.length) return found;
  if (!isMissing) throw new VaultUnavailableError(found.join('; '));
  return found.map((problem) => `${problem}; only Discover Versions, Query and Ping would be answered`);
}

/** Opens a stored keyring by one root; returns why it does not open. */
async function findRootProblem(
  source: RootSource,
  stored: StoredKeyring,
): Promise<string | RootMissingError | undefined> {
  const storeId = readStoreId(stored);
  if (storeId === undefined) return alteredKeyringMessage;
  let named: NamedRoot | undefined;
  try {
    named = { uri: source.uri, root: await source.open(storeId) };
    const keyring = await decodeKeyring(stored, [named]);
    if (keyring === 'foreign') return foreignRootMessage(named);
    if (keyring === 'altered') return alteredKeyringMessage;
    wipeKeyring(keyring);
    return undefined;
  } catch (error) {
    if (error instanceof RootMissingError) return error;
    if (error instanceof VaultUnavailableError) return error.message;
    throw error;
  } finally {
    await named?.root.close();
    await source.close?.();
  }
}

/** Without a certificate the daemon would issue one. */
function inspectServer({ tls }: Config): readonly string[] {
  return existsSync(tls.certificate) ? readServerMaterial(tls).flaws.map(describeFlaw) : [];
}

function inspectAuthorities(stateDirectory: StateDirectory, config: Config): readonly string[] {
  if (existsSync(stateDirectory.authority.key)) readAuthority(stateDirectory);
  return readTrustedAuthorities(stateDirectory, config).flatMap(({ file, pem }) =>
    findFlawsOfDates(new X509Certificate(pem), file, new Date()).map(describeFlaw),
  );
}

/**
 * Opens the database as every process does that only reads, and returns the roles that are not defined and
 * the naming policies that bind nobody. A database without a keyring has no rows.
 */
async function inspectRows(
  stateDirectory: StateDirectory,
  config: Config,
  { keyring }: ProbedStore,
): Promise<readonly string[]> {
  if (keyring === undefined) return describeIdlePolicies(config, undefined);
  await using closing = new AsyncDisposableStack();
  const { close, ...opened } = await openDatabaseOf(stateDirectory, config, {
    mustExist: true,
    refreshSeconds: 0,
  });
  closing.defer(close);
  const rows = { ...opened, clients: new StoredClients(opened.store, opened.vault) };
  return [...(await findUndefinedRoles(config, rows)), ...(await describeIdlePolicies(config, rows))];
}

const describeFlaw = ({ file, subject, flaw, ends }: CertificateFlaw) =>
  `${file}: the certificate of ${subject} ${flaw} (it ends ${ends.toISOString()})`;

/** Binds an address for a moment; the daemon of the state directory may hold it rightly. */
async function inspectAddress(
  address: Address,
  option: string,
  stateDirectory: StateDirectory,
): Promise<readonly string[]> {
  const server = createServer();
  const listen = () =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen({ ...address, exclusive: true }, resolve);
    });
  try {
    await bind(address, option, listen);
    return [];
  } catch (error) {
    const pid = existsSync(stateDirectory.directory) ? runningDaemonPid(stateDirectory) : undefined;
    if (pid === undefined) throw error;
    return [`${formatAddress(address)} is in use: kmipd is running (process ${pid})`];
  } finally {
    server.close();
  }
}
