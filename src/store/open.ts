import type { ForgedRow, KeyringStore, SealContext, SealedKey, Vault } from '../vault/vault.ts';
import { type AuditBlocks, createAuditBlocks } from './audit/audit-blocks.ts';
import { cutOldest, type LogBounds } from './audit/cut-log.ts';
import { resealOne } from './audit/reseal-blocks.ts';
import type { LaneDriver } from './lane-driver.ts';
import { foldUnit } from './lanes/folded-lanes.ts';
import { resealUnit } from './lanes/lane-renewal.ts';
import type { Lanes } from './lanes/lanes.ts';
import { nodeOf, type OpenLane, openLane, openLanes, selectLanes, toLaneRow } from './lanes/open-lane.ts';
import { RecordMirror } from './lanes/record-mirror.ts';
import { RowMemory } from './lanes/row-memory.ts';
import { openPostgres } from './postgres.ts';
import { protectRows, type RowProtection } from './protected-store.ts';
import { createRepair, type Repair } from './repair.ts';
import type { SealedRowList } from './sealed-rows/sealed-row-list.ts';
import { createSealedRowList } from './sealed-rows/sealed-rows.ts';
import type { SearchLimits } from './search/object-search.ts';
import { createSnapshot, type Snapshot } from './snapshot.ts';
import type { Read } from './sql-driver.ts';
import { createSqlKeyrings } from './sql-keyrings.ts';
import { createSqlStore } from './sql-store.ts';
import { openSqlite } from './sqlite.ts';
import { sqliteFileOf } from './sqlite-file.ts';
import { type CommitResult, type LockWait, type Store, StoreUnavailableError } from './store.ts';

/** One database. */
export interface Database {
  readonly keyrings: KeyringStore;
  /** Objects and records. */
  readonly store: Store;
  /** To be started before sealed rows are written. */
  readonly lanes: Lanes;
  /**
   * Reads all lanes as they are now.
   *
   * @throws {LaneForgedError} when one does not open
   * @throws {StoreUnavailableError} when the database cannot be read
   */
  listLanes(vault: Vault): Promise<readonly OpenLane[]>;
  /**
   * Folds lanes that nobody writes any more into that of this process; `conflict` when one of them has moved
   * or is gone.
   *
   * @throws {StoreUnavailableError} when nothing may be written
   */
  foldLanes(lanes: readonly OpenLane[], vault: Vault): Promise<CommitResult>;
  /**
   * Seals those of the lanes anew that are not of this process, under the epoch in use; their processes must
   * not run. `conflict` when one has moved.
   *
   * @throws {StoreUnavailableError} when nothing may be written
   */
  resealLanes(lanes: readonly OpenLane[], vault: Vault): Promise<CommitResult>;
  /**
   * From now on anchored records (clients, policies) are served only as the lanes state them. Resolves with
   * what is wrong with them or with the lanes, a line for the operator; while the vault is sealed, the first
   * read of one compares them.
   *
   * @throws {StoreUnavailableError} when the database cannot be read
   */
  protectRecords(vault: Vault): Promise<string | undefined>;
  /**
   * Runs `work` over all rows as they are at one moment, beside everything else.
   *
   * @throws {StoreUnavailableError} when the database cannot be read
   */
  snapshot<T>(work: (snapshot: Snapshot) => Promise<T>): Promise<T>;
  /** Under which epochs rows are sealed. */
  readonly sealedRows: SealedRowList;
  /** The blocks of the audit log. */
  readonly auditBlocks: AuditBlocks;
  /** As `cutOldest`. */
  cutAuditLog(bounds: LogBounds, vault: Vault): Promise<number>;
  /** As `resealOne`. */
  resealBlock(row: number, vault: Vault): Promise<boolean>;
  /** Remembers a row whose box was opened, so that no earlier version of it is served. */
  learnOpened(context: SealContext, sealed: SealedKey): void;
  readonly repair: Repair;
  /** Finishes pending commits, then closes the connections. */
  close(): Promise<void>;
}

/** How a database is used. */
export interface DatabaseOptions {
  /** Bounds of searches; the default limits when left out. */
  readonly limits?: SearchLimits;
  /** Is told of each row that is an earlier version than was seen, and is not served. */
  readonly forged?: (row: ForgedRow) => void;
  /** Is told of each commit that waits for another application of the database. */
  readonly lockWait?: ((wait: LockWait) => void) | undefined;
  /** Whether a SQLite file that is missing is an error; false where it may be created. */
  readonly mustExist?: boolean;
  /** See `MigrationPlan`. */
  readonly isConversion?: boolean;
}

/**
 * Opens `sqlite:FILE` (relative to the working directory, created when absent unless it must exist) or
 * `postgres://…`, and migrates the schema. Both errors have a one-line message for the operator.
 *
 * @throws {StoreUnavailableError} when the database cannot be used or the URL is of another kind.
 * @throws {SchemaTooNewError} when a newer kmipd has migrated the database.
 * @throws {FirstDesignError} when the database is to be converted first.
 */
export async function openDatabase(url: string, options: DatabaseOptions = {}): Promise<Database> {
  const driver = await openDriver(url, options);
  /** Boxes of snapshots, whose versions may have been replaced since. */
  const past = new WeakSet<Uint8Array>();
  const protection: RowProtection = {
    memory: new RowMemory(),
    mirror: undefined,
    forged: options.forged ?? (() => {}),
  };
  const store = createSqlStore(driver, options.limits, (row) => {
    protection.memory.learnCommitted(row);
    protection.mirror?.learnCommitted(row);
  });
  const auditBlocks = createAuditBlocks((sql, parameters) => driver.search(sql, parameters));
  return {
    keyrings: createSqlKeyrings(driver),
    store: protectRows(store, protection),
    lanes: driver.lanes,
    listLanes: async (vault) =>
      openLanes((await driver.read(selectLanes, [])).map(toLaneRow), (row) => openLane(row, vault)),
    async foldLanes(lanes, vault) {
      // Afterwards the lane of this process states a keyring that is not older than theirs.
      await driver.lanes.checkAnew();
      // Somebody could show a former state of the lane where it is listed, and where it is deleted.
      if (!lanes.every((lane) => driver.lanes.isPresent(lane))) return 'conflict';
      vault.sealCounter.takeOver(lanes.map(({ content }) => content.seals));
      const result = await driver.commit(foldUnit(lanes, driver.lanes.name, vault));
      if (result === 'committed') driver.lanes.learnFolded(lanes);
      return result;
    },
    async resealLanes(lanes, vault) {
      await driver.lanes.checkAnew();
      // As above: what is sealed anew counts as newer than every state before.
      if (!lanes.every((lane) => driver.lanes.isPresent(lane))) return 'conflict';
      return driver.commit(
        resealUnit(
          lanes.filter((lane) => !driver.lanes.isOwn(lane)),
          vault,
        ),
      );
    },
    async protectRecords(vault) {
      const mirror = new RecordMirror(
        (sql, parameters) => driver.search(sql, parameters),
        driver.lanes,
        vault,
      );
      protection.mirror = mirror;
      driver.lanes.anchoredMoved = async () => {
        // What cannot be read now is compared when it is used.
        const problem = await mirror.compare().catch(() => undefined);
        if (problem !== undefined)
          protection.forged({ table: 'sealed_record', id: 'clients and policies', problem });
      };
      return vault.unsealed ? mirror.compare() : undefined;
    },
    snapshot: (work) =>
      driver.snapshot((read) => work(createSnapshot(markBoxes(read, past), driver.dialect))),
    repair: createRepair(driver),
    auditBlocks,
    cutAuditLog: (bounds, vault) =>
      cutOldest({ driver, blocks: auditBlocks, vault, node: nodeOf(driver.lanes.name) }, bounds),
    resealBlock: (row, vault) => resealOne(driver, row, vault),
    sealedRows: createSealedRowList((sql, parameters) => driver.search(sql, parameters)),
    learnOpened(context, sealed) {
      if (!past.has(sealed)) protection.memory.learnOpened(context, sealed);
    },
    close: () => driver.close(),
  };
}

/** Returns a read that remembers all boxes in what it reads. */
function markBoxes(read: Read, boxes: WeakSet<Uint8Array>): Read {
  return async (sql, parameters) => {
    const rows = await read(sql, parameters);
    for (const cell of rows.flatMap((row) => Object.values(row)))
      if (cell instanceof Uint8Array) boxes.add(cell);
    return rows;
  };
}

/** As `openDatabase`: only the connections, over which any statement can be run. */
export async function openDriver(url: string, options: DatabaseOptions = {}): Promise<LaneDriver> {
  const { lockWait, mustExist = false, isConversion = false } = options;
  const file = sqliteFileOf(url);
  if (file !== undefined) return openSqlite(file, { mustExist, isConversion });
  if (/^postgres(ql)?:\/\//.test(url))
    return openPostgres(url, { isConversion, ...(lockWait && { lockWait }) });
  // The scheme only: the rest may hold a password.
  throw new StoreUnavailableError(
    `unknown store "${url.split(':', 1)[0]}:": use sqlite:FILE or postgres://USER@HOST/DATABASE`,
  );
}
