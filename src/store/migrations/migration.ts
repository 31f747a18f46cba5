import type { Dialect, SqlRow, SqlStep, SqlValue } from '../sql-driver.ts';

/** One step of the schema. A released migration never changes; a correction is a new migration. */
export interface Migration {
  /** 5, 6, 7 … */
  readonly version: number;
  readonly name: string;
  /** Data definition statements, run in order in one transaction. */
  readonly statements: (dialect: Dialect) => readonly string[];
}

/** A connection inside the transaction that holds the engine's migration lock. */
export interface MigrationSession {
  run(sql: string, parameters?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
}

/** What is to be migrated, and how. */
export interface MigrationPlan {
  /** Describes the database for messages, without credentials. */
  readonly place: string;
  /** In order of version. */
  readonly migrations: readonly Migration[];
  /**
   * Whether a database of the first design is opened as it is. `createStatements` gives it the tables of the
   * second one; `recordingStep` records their versions when everything has been converted. Nobody else uses
   * the database meanwhile.
   */
  readonly isConversion: boolean;
}

/** `SCHEMA_TOO_NEW`: a newer kmipd has migrated the database; using it could destroy unknown data. */
export class SchemaTooNewError extends Error {
  override readonly name = 'SchemaTooNewError';
  readonly code = 'SCHEMA_TOO_NEW';
}

/** `FIRST_DESIGN`: the rows of the database have the first design, which only the conversion reads. */
export class FirstDesignError extends Error {
  override readonly name = 'FirstDesignError';
  readonly code = 'FIRST_DESIGN';
}

/**
 * Applies the missing migrations. The caller holds a transaction and an exclusive lock between processes.
 *
 * @throws {SchemaTooNewError} before anything is written.
 * @throws {FirstDesignError} likewise, unless it is to be converted.
 */
export async function migrate(
  session: MigrationSession,
  dialect: Dialect,
  { place, migrations, isConversion }: MigrationPlan,
): Promise<void> {
  const { integer, tableEnd } = dialect;
  await session.run(
    `create table if not exists migration (
      version ${integer} not null primary key,
      name text not null,
      applied_at ${integer} not null
    )${tableEnd}`,
  );
  const [row] = await session.run('select coalesce(max(version), 0) as version from migration');
  const present = Number(row?.version ?? 0);
  if (isConversion && isFirstDesign(present, migrations)) return;
  requireKnownSchema(present, place, migrations);
  for (const migration of migrations.filter(({ version }) => version > present)) {
    for (const statement of migration.statements(dialect)) await session.run(statement);
    const { sql, parameters } = recordingStep(migration);
    await session.run(sql, parameters);
  }
}

/** Returns the statement that records a migration as applied. */
export function recordingStep({ version, name }: Migration): SqlStep {
  return {
    sql: 'insert into migration (version, name, applied_at) values ($1, $2, $3)',
    parameters: [version, name, Math.floor(Date.now() / 1000)],
  };
}

/** Returns the statements that create the tables of migrations, empty ones in place of those that exist. */
export function createStatements(migrations: readonly Migration[], dialect: Dialect): readonly string[] {
  const statements = migrations.flatMap((migration) => migration.statements(dialect));
  const drops = statements.flatMap((statement) => {
    const table = /^create table (\w+)/.exec(statement)?.[1];
    return table === undefined ? [] : [`drop table if exists ${table}`];
  });
  return [...drops, ...statements];
}

/**
 * Refuses the schema of a newer kmipd and that of the first design; `present` is its version, 0 for none.
 *
 * @throws {SchemaTooNewError}
 * @throws {FirstDesignError}
 */
export function requireKnownSchema(present: number, place: string, migrations: readonly Migration[]): void {
  const newest = migrations.at(-1)?.version ?? 0;
  if (present > newest)
    throw new SchemaTooNewError(
      `${place} has schema version ${present}, this kmipd knows ${newest}: run the kmipd that wrote it or a newer one`,
    );
  if (isFirstDesign(present, migrations))
    throw new FirstDesignError(
      `${place} has schema version ${present}, of the first design: "kmipd serve" converts it`,
    );
}

function isFirstDesign(present: number, migrations: readonly Migration[]): boolean {
  return present > 0 && present < (migrations[0]?.version ?? 0);
}
