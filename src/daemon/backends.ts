import type { AuditLog } from '../audit/audit-log.ts';
import type { Checkpointer } from '../audit/checkpoints/checkpointer.ts';
import { lockDatabase } from '../cli/state-directory/database-lock.ts';
import { combineTokens } from '../cli/state-directory/managed-tokens.ts';
import { openDatabaseOf } from '../cli/state-directory/open-database.ts';
import { attendanceAtTerminal } from '../cli/state-directory/root-attendance.ts';
import type { RootAttendance } from '../cli/state-directory/root-sources.ts';
import { openTokenKeyPool } from '../cli/state-directory/token-keys.ts';
import type { TokenRoots } from '../cli/state-directory/token-roots.ts';
import type { ClientDirectory } from '../identity/principal.ts';
import type { ManagedAudit } from '../management/managed-audit.ts';
import type { ManagedNodes } from '../management/managed-nodes.ts';
import type { ManagedRoots } from '../management/managed-roots.ts';
import { StoredClients } from '../protocol/authentication/client-directory.ts';
import type { Database } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import type { TokenKeyPool } from '../token/keys/key-pool.ts';
import type { LocalVault } from '../vault/local-vault.ts';
import type { Logger } from '../watch/log.ts';
import { type DaemonAudit, openAuditLog } from './audit.ts';
import { startCheckpoints } from './checkpoints.ts';
import { openConverted } from './first-design.ts';
import { reportForgedRows } from './forged-rows.ts';
import { type LaneReports, reportLanes } from './lane-reports.ts';
import { logLockWaits } from './lock-waits.ts';
import { reportRoots } from './root-reports.ts';
import { reportSealing, type SealingReports } from './sealing-reports.ts';
import type { StartContext } from './start-context.ts';
import { areUp, reportTokenFailures, reportTokens } from './token-reports.ts';

/** The open database, the vault that opens its rows, and the clients among them. */
export interface Backends {
  readonly store: Store;
  readonly vault: LocalVault;
  readonly clients: ClientDirectory;
  readonly nodes: ManagedNodes;
  readonly managedAudit: ManagedAudit;
  /** See `OpenedDatabase`. */
  readonly latestTime: () => number;
  /** See `OpenedDatabase`. */
  statePolicy(hash: string): void;
  readonly roots: ManagedRoots;
  /** The tokens of roots. */
  readonly tokens: TokenRoots;
  /** The token in which keys of clients are made. */
  readonly tokenKeys: TokenKeyPool | undefined;
  readonly snapshot: Database['snapshot'];
  readonly sealedRows: Database['sealedRows'];
  readonly cutAuditLog: Database['cutAuditLog'];
  readonly lanes: Pick<LaneReports, 'stopped'>;
  readonly sealing: Pick<SealingReports, 'whenUnsealed'>;
  /** Undefined where the operator wants no audit log. */
  readonly audit: AuditLog | undefined;
  /** Likewise. */
  readonly checkpoints: Checkpointer | undefined;
}

/** The people who open the roots of a daemon. */
export function attendanceOf(log: Pick<Logger, 'warn'>): RootAttendance {
  const sharesExpired = () => log.warn('the shares of the root were wiped: the others did not come in time');
  return { ...attendanceAtTerminal(), sharesExpired };
}

/**
 * Locks and opens the database, then the vault; a database of the first design is converted before. A missing
 * root leaves the vault sealed and does not fail the start.
 * @throws {CommandError} when another daemon uses the database, unless that is PostgreSQL.
 * @throws {StoreUnavailableError} when the database cannot be opened.
 * @throws {SchemaTooNewError} when a newer kmipd has migrated the database.
 */
export async function openBackends(context: StartContext): Promise<Backends> {
  const { stateDirectory, config, log, metrics, closing, mustStoreExist: mustExist } = context;
  const lock = lockDatabase(config.store, mustExist);
  closing.defer(() => lock?.release());
  const lanes = reportLanes(log, metrics, Date.now);
  const sealing = reportSealing(log, metrics);
  const audits: DaemonAudit[] = [];
  const openAudit = (node: string) => {
    const audit = openAuditLog(context, node);
    if (audit !== undefined) audits.push(audit);
    return audit?.log;
  };
  const { close, ...opened } = await openConverted(context, () =>
    openDatabaseOf(stateDirectory, config, {
      lockWait: logLockWaits(log, Date.now),
      forged: reportForgedRows(log, metrics, Date.now),
      lanes: { process: 'daemon', observer: lanes, openAudit },
      sealing,
      rootsChanged: reportRoots(log),
      tokenStatus: reportTokens(log),
      tokenFailure: reportTokenFailures(log, 'of the root'),
      attendance: attendanceOf(log),
      mustExist,
    }),
  );
  closing.defer(close);
  const [audit] = audits;
  if (audit !== undefined) startCheckpoints(audit, opened);
  const tokenKeys = openTokenKeys(context, opened.vault);
  const tokens = combineTokens(opened.tokens, tokenKeys);
  metrics.watchTokens(() => areUp(tokens));
  const clients = new StoredClients(opened.store, opened.vault);
  const { log: auditLog, checkpoints } = audit ?? {};
  return { ...opened, tokenKeys, lanes, sealing, audit: auditLog, checkpoints, clients };
}

/** Opens the token of keys, whether or not it is there now. */
function openTokenKeys(
  { stateDirectory, config, log, closing }: StartContext,
  vault: LocalVault,
): TokenKeyPool | undefined {
  const pool = openTokenKeyPool(stateDirectory, config.tokenKeys, vault, {
    onStatus: reportTokens(log, 'of keys'),
    onFailure: reportTokenFailures(log, 'of keys'),
  });
  closing.defer(() => pool?.close());
  pool?.open();
  return pool;
}
