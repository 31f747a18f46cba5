import { DatabaseSync } from 'node:sqlite';
import { type MigrationPlan, migrate } from './migrations/migration.ts';
import type { Dialect, SqlRow, SqlValue } from './sql-driver.ts';
import { describeSqliteError } from './sqlite-connection.ts';
import { StoreUnavailableError } from './store.ts';

/**
 * Tables and indexes of a SQLite file, which somebody else may have changed: an index without some rows, or a
 * table without its unique constraint, hides or doubles rows for those statements that use it.
 */

interface SchemaEntry {
  readonly type: string;
  readonly name: string;
  readonly tbl_name: string;
  readonly sql: string | null;
}

const selectSchema =
  "select type, name, tbl_name, sql from sqlite_schema where name not like 'sqlite|_stat%' escape '|'";
const selectVersion = 'pragma schema_version';
const intervalMilliseconds = 1_000;

/** Compares the schema of a database with that which the migrations make. */
export class SqliteSchema {
  readonly #expected: ReadonlyMap<string, string>;
  readonly #tables: ReadonlySet<string>;
  #checkedAt = Number.NEGATIVE_INFINITY;
  /** Number of the schema that was compared last. */
  #version: unknown;
  #problem: string | undefined;

  private constructor(entries: readonly SchemaEntry[]) {
    this.#expected = new Map(entries.map((entry) => [nameOf(entry), textOf(entry)]));
    this.#tables = new Set(entries.map(({ tbl_name }) => tbl_name));
  }

  static async of(
    dialect: Dialect,
    { migrations }: Pick<MigrationPlan, 'migrations'>,
  ): Promise<SqliteSchema> {
    const database = new DatabaseSync(':memory:');
    try {
      const run = async (sql: string, parameters: readonly SqlValue[] = []) =>
        database.prepare(sql.replaceAll(/\$(?=\d)/g, '?')).all(...parameters) as SqlRow[];
      await migrate({ run }, dialect, { place: '', migrations, isConversion: false });
      return new SqliteSchema(readEntries(database));
    } finally {
      database.close();
    }
  }

  /**
   * Checks the schema of an open database, once a second at the most: statements are compiled anew when
   * somebody changes it, and would use it. `place` names the database in messages.
   * @throws {StoreUnavailableError} when it is another one than that of the migrations, or cannot be read
   */
  check(database: DatabaseSync, place: string): void {
    const now = performance.now();
    if (now - this.#checkedAt >= intervalMilliseconds) {
      try {
        this.#compareChanged(database);
      } catch (error) {
        throw new StoreUnavailableError(`cannot read the schema of ${place}: ${describeSqliteError(error)}`);
      }
      this.#checkedAt = now;
    }
    if (this.#problem !== undefined)
      throw new StoreUnavailableError(
        `the tables of ${place} were changed by another program: ${this.#problem}; restore the database from its backup`,
      );
  }

  #compareChanged(database: DatabaseSync): void {
    const version = Object.values(database.prepare(selectVersion).get() ?? {})[0];
    if (version !== this.#version)
      [this.#version, this.#problem] = [version, this.#compare(readEntries(database))];
  }

  #compare(entries: readonly SchemaEntry[]): string | undefined {
    const present = new Map(entries.map((entry) => [nameOf(entry), textOf(entry)]));
    const changed = [...this.#expected].find(([name, text]) => present.get(name) !== text);
    if (changed !== undefined) return `the ${changed[0]} is missing or another one`;
    // A trigger may change any table, another index or view one of these.
    const foreign = entries.find(
      (entry) =>
        !this.#expected.has(nameOf(entry)) && (entry.type === 'trigger' || this.#tables.has(entry.tbl_name)),
    );
    return foreign && `the ${nameOf(foreign)} is not one of kmipd`;
  }
}

function readEntries(database: DatabaseSync): readonly SchemaEntry[] {
  return database.prepare(selectSchema).all() as unknown as SchemaEntry[];
}

function nameOf({ type, name }: SchemaEntry): string {
  return `${type} ${name}`;
}

function textOf({ tbl_name, sql }: SchemaEntry): string {
  return `${tbl_name}\n${sql ?? ''}`;
}
