import type { AuditLog } from '../../audit/audit-log.ts';
import type { Config } from '../../config/index.ts';
import { redactStoreUrl } from '../../config/values.ts';
import type { ManagedAudit } from '../../management/managed-audit.ts';
import type { ManagedNodes } from '../../management/managed-nodes.ts';
import type { ManagedRoots } from '../../management/managed-roots.ts';
import type { LaneObserver } from '../../store/lanes/lane-ports.ts';
import { wayOut } from '../../store/lanes/lane-stop.ts';
import { nodeOf, type OpenLane } from '../../store/lanes/open-lane.ts';
import { type Database, type DatabaseOptions, openDatabase } from '../../store/open.ts';
import type { RootsInUse } from '../../vault/keyring-place.ts';
import { openLocalVault } from '../../vault/local.ts';
import type { LocalVault, SealingObserver } from '../../vault/local-vault.ts';
import type { ForgedRow } from '../../vault/vault.ts';
import { CommandError } from '../failure.ts';
import { findSnapshotRollback, readAnchorsOf } from './anchored-lanes.ts';
import { createManagedAudit } from './database-audit.ts';
import { findNodeName, type ProcessKind, prepareLanes } from './database-lanes.ts';
import { createManagedNodes } from './database-nodes.ts';
import { StateDirectoryRoots } from './managed-roots.ts';
import { createRootSources, type RootAttendance } from './root-sources.ts';
import type { StateDirectory } from './state-directory.ts';
import { TokenRoots, type TokenRootsOptions } from './token-roots.ts';

/** The database of a state directory and the vault that opens its rows. */
export interface OpenedDatabase
  extends Pick<
    Database,
    'store' | 'keyrings' | 'snapshot' | 'repair' | 'sealedRows' | 'auditBlocks' | 'cutAuditLog'
  > {
  readonly vault: LocalVault;
  /** See `Database.listLanes`. */
  listLanes(): Promise<readonly OpenLane[]>;
  /** Commits the lane of this process, and with it what waits in the journal of the audit log. */
  renewLane(): Promise<unknown>;
  readonly nodes: ManagedNodes;
  readonly managedAudit: ManagedAudit;
  /** See `LaneReader.latestTime`. */
  readonly latestTime: () => number;
  /** States the roles in force in the lanes of this process: `RolePolicy.hash` in hexadecimal. */
  statePolicy(hash: string): void;
  readonly roots: ManagedRoots;
  /** The roots of the vault that are in tokens. */
  readonly tokens: TokenRoots;
  close(): Promise<void>;
}

export interface OpenedDatabaseOptions extends DatabaseOptions {
  /** Is told of each row that does not open. */
  readonly forged?: (row: ForgedRow) => void;
  /** Is told when the vault is sealed, and unsealed. */
  readonly sealing?: SealingObserver;
  /** See `KeyringPlace`. */
  readonly rootsChanged?: (roots: RootsInUse) => void;
  /** Asks people for what opens the root; left out where nobody can be asked. */
  readonly attendance?: RootAttendance;
  /** Is told of the state of each token that has a root. */
  readonly tokenStatus?: TokenRootsOptions['onStatus'];
  readonly tokenFailure?: TokenRootsOptions['onFailure'];
  /** The process that writes, and who is told when it must stop; left out by processes that only read. */
  readonly lanes?: {
    readonly process: ProcessKind;
    readonly observer?: LaneObserver;
    /** Opens the audit log of the process, whose journal the lane moves into the database. */
    readonly openAudit?: ((node: string) => AuditLog | undefined) | undefined;
  };
  /** For the commands that look at a database, or accept it, whatever it contains. */
  readonly isUnprotected?: boolean;
  /** Seconds between reads of the keyring; 0 for commands, which end before. */
  readonly refreshSeconds?: number;
}

/**
 * Opens the database of a configuration, then the vault. Without its root the vault is sealed.
 *
 * @throws {CommandError} when another command writes for too long, or when the database was put back or has
 *   other anchored records (clients, policies) than kmipd has written.
 * @throws {StoreUnavailableError} when the database cannot be opened.
 * @throws {SchemaTooNewError} when a newer kmipd has migrated it.
 * @throws {AnchorUnreadableError} when an anchor is damaged that a process which only reads compares.
 */
export async function openDatabaseOf(
  stateDirectory: StateDirectory,
  config: Pick<Config, 'store' | 'limits' | 'vault'>,
  options: OpenedDatabaseOptions = {},
): Promise<OpenedDatabase> {
  const { forged, sealing, rootsChanged, attendance, tokenStatus, lanes: use, ...others } = options;
  const { isUnprotected, refreshSeconds, tokenFailure, ...settings } = others;
  const { keyringPin } = stateDirectory;
  const { store: url, limits } = config;
  await using opened = new AsyncDisposableStack();
  const prepared = use && prepareLanes(stateDirectory, use.process, use.observer);
  opened.defer(() => prepared?.lock?.release());
  const database = await openDatabase(url, { limits, ...(forged && { forged }), ...settings });
  opened.defer(() => database.close());
  const tokens = new TokenRoots(stateDirectory, {
    ...{ idleSeconds: config.vault.tokenIdleSeconds, onStatus: tokenStatus, onFailure: tokenFailure },
    valueProcesses: config.vault.valueProcesses,
  });
  opened.defer(() => tokens.close());
  const vault = await openLocalVault({
    roots: createRootSources(stateDirectory, config, { ...attendance, tokens }),
    keyrings: database.keyrings,
    pin: { file: keyringPin, database: redactStoreUrl(url), isReadOnly: prepared === undefined },
    ...(forged && { forged }),
    ...(sealing && { sealing }),
    ...(rootsChanged && { rootsChanged }),
    opened: database.learnOpened,
    activationDelaySeconds: config.vault.activationSeconds,
    values: config.vault.values,
    ...(refreshSeconds !== undefined && { refreshSeconds }),
  });
  // Pending commits need the vault.
  opened.defer(async () => {
    await database.close();
    // The vault waits for a token that does not answer.
    await tokens.close();
    await vault.close();
  });
  if (prepared !== undefined) await requireDirectValues(config, vault);
  const { store, keyrings, snapshot, repair, sealedRows, auditBlocks, cutAuditLog } = database;
  const keyringMoved = () => void vault.refresh().catch(() => {});
  if (prepared !== undefined) {
    const audit = use?.openAudit?.(nodeOf(prepared.options.name));
    opened.defer(() => audit?.close());
    await database.lanes.start({ ...prepared.options, vault, keyrings, keyringMoved, audit });
    audit?.start(() => database.lanes.renew(''));
  }
  // A process that writes has compared the anchors by now.
  if (isUnprotected !== true)
    await requireUnchanged(database, vault, prepared === undefined ? stateDirectory : undefined);
  const closing = opened.move();
  const own = prepared === undefined ? findNodeName(stateDirectory) : nodeOf(prepared.options.name);
  const nodes = createManagedNodes(database, vault, own);
  const roots = new StateDirectoryRoots(stateDirectory, vault, keyrings, tokens);
  const managedAudit = createManagedAudit(database, vault, own);
  const rows = { store, keyrings, snapshot, repair, sealedRows, auditBlocks, cutAuditLog };
  const statePolicy = (hash: string) => {
    database.lanes.policy = hash;
  };
  const { latestTime } = database.lanes;
  const listLanes = () => database.listLanes(vault);
  const lanes = { listLanes, renewLane: () => database.lanes.renew(''), statePolicy, latestTime };
  const parts = { ...rows, ...lanes, vault, nodes, managedAudit, tokens, roots };
  return { ...parts, close: () => closing.disposeAsync() };
}

/** @throws {CommandError} when new values need a token that cannot wrap their keys */
async function requireDirectValues(
  { vault: { values } }: Pick<Config, 'vault'>,
  vault: LocalVault,
): Promise<void> {
  if (values !== 'direct' || !vault.unsealed) return;
  const problem = await vault.direct.problem();
  if (problem !== undefined) throw new CommandError(problem);
}

/**
 * Protects the anchored records, and compares the database with the anchors of a state directory.
 * @throws {CommandError} when the database was put back or forged
 */
async function requireUnchanged(
  { protectRecords, snapshot }: Pick<Database, 'protectRecords' | 'snapshot'>,
  vault: LocalVault,
  stateDirectory: StateDirectory | undefined,
): Promise<void> {
  const anchors = stateDirectory && vault.unsealed ? await readAnchorsOf(stateDirectory, vault) : undefined;
  const problem = await protectRecords(vault);
  if (problem !== undefined) throw new CommandError(`${problem}; ${wayOut}`);
  const rollback = anchors && (await snapshot((rows) => findSnapshotRollback(rows, vault, anchors)));
  if (rollback !== undefined)
    throw new CommandError(`the database was put back to an earlier state or forged: ${rollback}; ${wayOut}`);
}
