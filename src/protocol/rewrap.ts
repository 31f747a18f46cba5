import { waitForAll } from '../common/wait-for-all.ts';
import { joinSealed } from '../store/record-boxes.ts';
import type {
  SealedBlock,
  SealedObject,
  SealedRecord,
  SealedRowList,
  SealedRows,
} from '../store/sealed-rows/sealed-row-list.ts';
import type { NumberedTable, Store, StoredRecord } from '../store/store.ts';
import { ValueRootMissingError } from '../vault/value-errors.ts';
import { SealBrokenError, type Vault } from '../vault/vault.ts';
import { isValueMisplaced } from './misplaced-values.ts';
import { resealRecord } from './unit-of-work/record-boxes.ts';
import { UnitOfWork } from './unit-of-work/unit-of-work.ts';

/** Where rows are sealed under the current epoch. */
export interface RewrappedDatabase {
  readonly store: Store;
  readonly vault: Vault;
  readonly sealedRows: Pick<SealedRowList, 'objects' | 'records' | 'blocks'>;
  readonly audit: {
    /**
     * Seals the block in a row under the current epoch; false when it was removed meanwhile.
     * @throws {SealBrokenError} when it is not as it was written
     */
    reseal(row: number): Promise<boolean>;
  };
}

export interface RewrapOptions {
  /** Rows of older epochs are sealed anew. */
  readonly epoch: number;
  /** POSIX seconds. */
  readonly now: number;
  /** Whether rows are counted only. */
  readonly dryRun: boolean;
}

/** What became of one page of rows. */
export interface RewrappedPage {
  /** Rows of older epochs. */
  readonly older: number;
  /** Objects whose value is sealed otherwise than new ones are; see `isValueMisplaced`. */
  readonly misplaced: number;
  /** Of both, those that are sealed anew. Others have changed meanwhile, or are not found by their names. */
  readonly rewrapped: number;
  /** The rows that do not open, by table and name; with the reason where it is not the row. */
  readonly broken: readonly string[];
  /** Where the next page begins; null: this was the last one. */
  readonly next: number | null;
}

/** Rows of one commit: more would hold the event loop longer than a slow request. */
const maxRows = 32;
/** Rows of one page that are sealed anew. */
const maxPageRows = 256;
const maxAttempts = 3;

/**
 * Seals the rows of one page of a table under the current epoch, those of an older one, and values in the
 * mode of the vault, under the newest root. Each becomes another
 * version of itself, so that an earlier one put back is found, and whoever changes it at the same time tries
 * again. What was interrupted is repeated: rows say themselves under which epoch they are.
 *
 * @param after where the page begins: 0, or `next` of the page before
 * @throws {StoreUnavailableError} when the database does not answer
 * @throws {VaultUnavailableError} when the vault is sealed
 */
export async function rewrapPage(
  database: RewrappedDatabase,
  table: NumberedTable,
  after: number,
  options: RewrapOptions,
): Promise<RewrappedPage> {
  return rewrapTable[table](database, after, options);
}

const rewrapTable: Readonly<
  Record<NumberedTable, (...args: [RewrappedDatabase, number, RewrapOptions]) => Promise<RewrappedPage>>
> = {
  managed_object: async (database, after, options) =>
    rewrapRows(await database.sealedRows.objects(after), options, {
      isMisplaced: (row) => isValueMisplaced(row, database.vault),
      partOf: ({ group }) => group,
      nameOf: ({ id }) => `managed_object ${JSON.stringify(id)}`,
      rewrap: (rows) => rewrapObjects(database, rows, options),
    }),
  sealed_record: async (database, after, options) =>
    rewrapRows(await database.sealedRows.records(after), options, {
      isMisplaced: () => false,
      partOf: ({ kind }) => kind,
      nameOf: ({ kind, key }) => `sealed_record ${JSON.stringify(`${kind} ${key}`)}`,
      rewrap: (rows) => rewrapRecords(database, rows),
    }),
  audit_block: async (database, after, options) =>
    rewrapRows(await database.sealedRows.blocks(after), options, {
      isMisplaced: () => false,
      partOf: () => '',
      nameOf: ({ seq }) => `audit_block ${seq}`,
      rewrap: (rows) => rewrapBlocks(database, rows),
    }),
};

interface RowKind<Row> {
  readonly isMisplaced: (row: Row) => boolean;
  /** Rows of one part may be in one commit. */
  readonly partOf: (row: Row) => string;
  readonly nameOf: (row: Row) => string;
  /**
   * Seals rows anew in one commit; resolves to the number of those that are there, undefined when one of them
   * has changed meanwhile.
   * @throws {SealBrokenError} when one does not open
   */
  readonly rewrap: (rows: readonly Row[]) => Promise<number | undefined>;
}

async function rewrapRows<Row extends SealedBlock>(
  { rows, isLast }: SealedRows<Row>,
  { epoch, dryRun }: RewrapOptions,
  kind: RowKind<Row>,
): Promise<RewrappedPage> {
  const due = rows.filter((row) => row.epoch < epoch || kind.isMisplaced(row));
  const taken = dryRun ? due : due.slice(0, maxPageRows);
  const end = taken.length < due.length ? taken.at(-1) : isLast ? undefined : rows.at(-1);
  const broken: string[] = [];
  let rewrapped = 0;
  if (!dryRun)
    for (const part of Map.groupBy(taken, kind.partOf).values())
      for (let at = 0; at < part.length; at += maxRows)
        rewrapped += await rewrapTogether(part.slice(at, at + maxRows), kind, broken);
  const older = taken.filter((row) => row.epoch < epoch).length;
  const misplaced = taken.filter(kind.isMisplaced).length;
  return { older, misplaced, rewrapped, broken, next: end?.seq ?? null };
}

/** Seals rows anew, each for itself where they cannot be together; returns how many were. */
async function rewrapTogether<Row>(
  rows: readonly Row[],
  kind: RowKind<Row>,
  broken: string[],
): Promise<number> {
  try {
    for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
      const count = await kind.rewrap(rows);
      if (count !== undefined) return count;
    }
  } catch (error) {
    if (!isOfRow(error)) throw error;
    const reason = error instanceof ValueRootMissingError ? ` (${error.message})` : '';
    if (rows.length === 1) broken.push(...rows.map((row) => `${kind.nameOf(row)}${reason}`));
  }
  if (rows.length === 1) return 0;
  let count = 0;
  for (const row of rows) count += await rewrapTogether([row], kind, broken);
  return count;
}

/** Whether an error is about one row, and others can be sealed anew without it. */
const isOfRow = (error: unknown): error is Error =>
  [SealBrokenError, RangeError, ValueRootMissingError].some((each) => error instanceof each);

async function rewrapObjects(
  { store, vault }: RewrappedDatabase,
  rows: readonly SealedObject[],
  { now }: RewrapOptions,
): Promise<number | undefined> {
  // Names stay where they are, whether they are unique or not.
  const unit = new UnitOfWork(store, vault, { uniqueNames: false, now });
  unit.actFor(rows[0]?.group ?? '');
  const layer = unit.layer();
  const objects = await waitForAll(rows.map(({ id }) => layer.load(id)));
  let count = 0;
  for (const object of objects) {
    // Values of destroyed objects that are kept too, which `load` does not open.
    await object?.openValue();
    object?.sealAnew();
    count += object === undefined ? 0 : 1;
  }
  layer.keep();
  return (await unit.commit()) === 'committed' ? count : undefined;
}

async function rewrapRecords(
  { store, vault }: RewrappedDatabase,
  rows: readonly SealedRecord[],
): Promise<number | undefined> {
  const found = await Promise.all(rows.map(({ kind, key }) => store.record(kind, key)));
  const present = found.filter((row) => row !== undefined);
  const sealed = present.map((row) => resealRecord(vault, row));
  for (const [at, { put, removals }] of sealed.entries())
    if (removals.length > 0 && (await isPutBack(store, put, present[at])))
      throw new SealBrokenError('was put back');
  const records = { expects: [], ...joinSealed(sealed) };
  const result = await store.commit({ expects: [], inserts: [], updates: [], records });
  return result === 'committed' ? sealed.length : undefined;
}

async function rewrapBlocks(
  { audit }: RewrappedDatabase,
  rows: readonly SealedBlock[],
): Promise<number | undefined> {
  const isSealed = await waitForAll(rows.map(({ seq }) => audit.reseal(seq)));
  return isSealed.filter(Boolean).length;
}

/** Whether a row is there although its record has moved to the key of another. */
async function isPutBack(store: Store, moved: StoredRecord, row: StoredRecord | undefined): Promise<boolean> {
  if (row === undefined || (await store.record(moved.kind, moved.key)) === undefined) return false;
  // It may have moved after it was read.
  return (await store.record(row.kind, row.key)) !== undefined;
}
