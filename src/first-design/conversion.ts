import { realpathSync } from 'node:fs';
import { CommandError } from '../cli/failure.ts';
import { Progress } from '../common/progress.ts';
import { lockConversion } from '../store/conversion-lock.ts';
import type { LaneOptions } from '../store/lanes/lane-ports.ts';
import { migrations } from '../store/migrations/index.ts';
import { createStatements, recordingStep } from '../store/migrations/migration.ts';
import { openDriver } from '../store/open.ts';
import type { Read, SqlDriver, SqlRow, SqlStep } from '../store/sql-driver.ts';
import { createSqlKeyrings } from '../store/sql-keyrings.ts';
import { createSqlStore } from '../store/sql-store.ts';
import { sqliteFileOf } from '../store/sqlite-file.ts';
import { StoreUnavailableError } from '../store/store.ts';
import { openLocalVault } from '../vault/local.ts';
import { createFileRoot } from '../vault/roots/file-root.ts';
import { confirmation } from './confirmation.ts';
import { convertObjects } from './convert-objects.ts';
import { type Conversion, convertRecords } from './convert-records.ts';
import { describeDatabase, makeInventory, readInventory } from './keep-inventory.ts';
import { keepCopy, keptName, markUnvacuumed, vacuum } from './kept-copy.ts';
import { OldVault } from './old-vault.ts';
import { ConversionReport } from './report.ts';
import * as schema from './schema.ts';

/** What is converted, and who is told. */
export interface ConversionOptions {
  /** `sqlite:FILE` or `postgres://…`; nobody else uses a SQLite file meanwhile. */
  readonly url: string;
  readonly rootKeyFile: string;
  /** File of the inventory, which whoever writes the database cannot write; it stays until removed. */
  readonly inventoryFile: string;
  /** Whether the operator says that the old rows are right as they are now: the file is replaced. */
  readonly isConfirmed: boolean;
  /** By which the converted rows are recognised later. */
  readonly lanes: Pick<LaneOptions, 'name' | 'anchors' | 'observer'>;
  /** Receives a line of progress, at most every second. */
  readonly say: (line: string) => void;
  /** Keeps a report for the operator, durably: just before the conversion becomes valid. */
  readonly keepReport: (lines: readonly string[]) => void;
}

/**
 * Converts a database of the first design: every row is opened, sealed anew under a new keyring and written
 * to the tables of the second design, in the order of insertion and as version 1. The old tables get other
 * names first, so that no older kmipd goes on writing, and stay until everything is converted; a conversion
 * that was interrupted begins again, with the inventory of the first attempt.
 *
 * @throws {CommandError} when there is not enough space, the root key is missing, another node converts the
 *   database, a row does not open, one was changed since the inventory was made, or the database fails.
 */
export async function convertDatabase(options: ConversionOptions): Promise<void> {
  const file = sqliteFileOf(options.url);
  try {
    await (file === undefined ? convertPostgres(options) : convertSqlite(options, realpathSync(file)));
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    throw new CommandError(
      `the conversion of the database stopped: ${error.message}; no old row is lost: put that right, then start again`,
    );
  }
}

/** How an operator removes the old rows, once the new ones are known to be right. */
const removal = 'kmipd verify --remove-first-design';

/** What the engines do in different ways. */
interface Engine {
  /** Selects the names of all tables. */
  readonly selectTables: string;
  /** Selects the size of the old tables, where it cannot be compared with what is free. */
  readonly selectBytes?: string;
  /** Is called before the database is changed; returns what the operator must know of the old rows. */
  readonly keepOldRows: (isRenamed: boolean) => readonly string[];
  /** Statements of the transaction that makes the new tables valid. */
  readonly ending: readonly string[];
  /** @throws {CommandError} when this process may not go on. */
  readonly requireLock: () => void;
}

async function convertSqlite(options: ConversionOptions, file: string): Promise<void> {
  await convertTables(options, {
    selectTables: schema.selectTables.sqlite,
    keepOldRows(isRenamed) {
      const kept = isRenamed ? keptName(file) : keepCopy(file);
      return [
        `The old database is kept as ${kept}: whoever has it and root.key reads every key.`,
        `Remove it: ${removal}`,
      ];
    },
    // The pages of the old tables are not overwritten one by one: `vacuum` writes a file without them.
    ending: ['pragma secure_delete = off', ...Object.values(schema.dropStatements), markUnvacuumed],
    requireLock() {},
  });
  options.say('removing the old rows from the file');
  vacuum(file);
}

async function convertPostgres(options: ConversionOptions): Promise<void> {
  const lock = await lockConversion(options.url);
  if (lock === undefined)
    throw new CommandError('another kmipd converts the database; start again when it is done');
  try {
    await convertTables(options, {
      selectTables: schema.selectTables.postgres,
      selectBytes: schema.selectOldBytes,
      keepOldRows: () => [
        `The old tables are in the database, readable, until you remove them: ${removal}, or`,
        ...Object.values(schema.dropStatements).map((statement) => `  ${statement};`),
      ],
      ending: [],
      requireLock() {
        if (!lock.isHeld)
          throw new CommandError('the connection that locks the database is lost; start again');
      },
    });
  } finally {
    await lock.release();
  }
}

/** Renames the old tables, converts all rows and makes the new tables valid. */
async function convertTables(options: ConversionOptions, engine: Engine): Promise<void> {
  const { url, rootKeyFile, inventoryFile, say } = options;
  await using closing = new AsyncDisposableStack();
  const driver = await openDriver(url, { mustExist: true, isConversion: true });
  closing.defer(() => driver.close());
  const tables = new Set((await driver.read(engine.selectTables, [])).map(({ name }) => name));
  const isRenamed = tables.has(schema.renamedTable);
  // Before anything is changed: without the root key an older kmipd still has its database.
  const sealingKeys = await readSealingKeys(driver, tables);
  const oldVault = new OldVault(rootKeyFile, sealingKeys);
  closing.defer(() => oldVault.close());
  const key = oldVault.inventoryKey;
  const place = { file: inventoryFile, key, database: describeDatabase(sealingKeys, key) };
  const kept = options.isConfirmed ? undefined : readInventory(place);
  if (kept !== undefined && !isRenamed)
    throw new CommandError(
      `the conversion that this home has begun had renamed the tables, and they have their old names: a copy is in the place of the database; ${confirmation}`,
    );
  say('the database is converted to a new format; no client is served meanwhile');
  if (engine.selectBytes !== undefined) {
    const [row] = await driver.read(engine.selectBytes, []);
    const size = `${Math.ceil(Number(row?.bytes) / 1_048_576)} MiB`;
    say(
      `the old tables take ${size}, and about as much again has to be free on the server, which cannot be asked`,
    );
  }
  const remarks = engine.keepOldRows(isRenamed);
  await prepareTables(driver, isRenamed);
  const inventory = kept ?? (await makeInventory(driver, place, say));
  const { object, record, client } = inventory.counts;
  say(`the inventory has ${object} objects, ${record} records and ${client} clients`);
  const keyrings = createSqlKeyrings(driver);
  // The state directory remembers the keyring once the database is opened with it: an interrupted conversion
  // makes another one.
  const vault = await openLocalVault({ roots: [createFileRoot(rootKeyFile)], keyrings, refreshSeconds: 0 });
  // Pending commits need the vault.
  closing.defer(() => driver.close().then(() => vault.close()));
  if (!vault.unsealed) throw new CommandError(`the database cannot be converted: ${vault.sealedBecause}`);
  await driver.lanes.start({ ...options.lanes, vault, keyrings });
  const read: Read = (sql, parameters) => driver.read(sql, parameters);
  const [store, { requireLock }] = [createSqlStore(driver), engine];
  const rows = { read, inventory, oldVault, vault, store, requireLock };
  const { report, newRecords, seconds } = await convertRows(rows, say);
  const { objects, records, clients } = report.counts;
  options.keepReport([...report.lines(), '', ...remarks]);
  const counted = { sql: schema.hasCounts, parameters: [objects, records, clients, newRecords], rows: 1 };
  requireLock();
  await run(driver, [counted, ...engine.ending.map(toStep), ...migrations.map(recordingStep)]);
  say(`converted ${objects} objects, ${records} records and ${clients} clients in ${seconds} seconds`);
}

async function convertRows(
  rows: Omit<Conversion, 'report' | 'progress'>,
  say: (line: string) => void,
): Promise<{ report: ConversionReport; newRecords: number; seconds: number }> {
  const progress = new Progress(rows.inventory.counts.record + rows.inventory.counts.object, say);
  const report = new ConversionReport();
  const conversion = { ...rows, report, progress };
  const newRecords = await convertRecords(conversion);
  await convertObjects(conversion);
  return { report, newRecords, seconds: progress.seconds };
}

/** The first version of the schema had no sealing keys. */
async function readSealingKeys(driver: SqlDriver, tables: ReadonlySet<unknown>): Promise<readonly SqlRow[]> {
  const table = schema.sealingKeyTables.find((name) => tables.has(name));
  return table === undefined ? [] : driver.read(`select id, wrapped from ${table}`, []);
}

/** Renames the old tables, and creates the new ones, empty in place of those of an earlier attempt. */
async function prepareTables(driver: SqlDriver, isRenamed: boolean): Promise<void> {
  const renaming = isRenamed ? [] : await completeAndRename(driver);
  await run(driver, [...renaming, ...createStatements(migrations, driver.dialect)].map(toStep));
}

/** Returns the statements that complete the schema of an older version and rename its tables. */
async function completeAndRename(driver: SqlDriver): Promise<readonly string[]> {
  const [row] = await driver.read(schema.selectVersion, []);
  const missing = schema.oldSchema
    .slice(Number(row?.version))
    .flatMap((statements) => statements(driver.dialect));
  return [...missing, ...schema.renameStatements];
}

const toStep = (sql: string): SqlStep => ({ sql, parameters: [] });

async function run(driver: SqlDriver, steps: readonly SqlStep[]): Promise<void> {
  if ((await driver.commit({ objects: [], changes: [], steps })) !== 'committed')
    throw new CommandError('the converted database has another number of rows than the old one; start again');
}
