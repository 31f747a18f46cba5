import type { Dialect, SqlRow, SqlValue } from '../sql-driver.ts';

/** One step of the schema. A released migration never changes; a correction is a new migration. */
export interface Migration {
  /** 1, 2, 3 … */
  readonly version: number;
  readonly name: string;
  /** Data definition statements, run in order in one transaction. */
  readonly statements: (dialect: Dialect) => readonly string[];
}

/** A connection inside the transaction that holds the engine's migration lock. */
export interface MigrationSession {
  run(sql: string, parameters?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
}

/** `SCHEMA_TOO_NEW`: a newer kmipd has migrated the database; using it could destroy unknown data. */
export class SchemaTooNewError extends Error {
  override readonly name = 'SchemaTooNewError';
  readonly code = 'SCHEMA_TOO_NEW';
}

/**
 * Applies the missing `migrations`. The caller holds a transaction and an exclusive lock between processes.
 * `place` describes the database for messages, without credentials.
 *
 * @throws {SchemaTooNewError} before anything is written.
 */
export async function migrate(
  session: MigrationSession,
  dialect: Dialect,
  place: string,
  migrations: readonly Migration[],
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
  requireKnownSchema(present, place, migrations);
  for (const { version, name, statements } of migrations.filter((migration) => migration.version > present)) {
    for (const statement of statements(dialect)) await session.run(statement);
    await session.run('insert into migration (version, name, applied_at) values ($1, $2, $3)', [
      version,
      name,
      Math.floor(Date.now() / 1000),
    ]);
  }
}

/**
 * Refuses the schema of a newer kmipd; `present` is its version, 0 for none.
 * @throws {SchemaTooNewError}
 */
export function requireKnownSchema(present: number, place: string, migrations: readonly Migration[]): void {
  const newest = migrations.at(-1)?.version ?? 0;
  if (present <= newest) return;
  throw new SchemaTooNewError(
    `${place} has schema version ${present}, this kmipd knows ${newest}: run the kmipd that wrote it or a newer one`,
  );
}
