import { type MigrationPlan, type MigrationSession, migrate } from './migrations/migration.ts';
import type { Dialect } from './sql-driver.ts';
import { StoreUnavailableError } from './store.ts';

/**
 * Tables of a PostgreSQL database, which a restore may have left without an index, or an administrator
 * changed: without a unique index two objects get one identifier, and a trigger or policy hides or changes
 * rows.
 */

/** Everything that decides which rows a statement reads and writes, of the tables of one schema. */
const selectParts = `with own as (
    select oid, relname, relkind, relrowsecurity, relforcerowsecurity, relispartition from pg_catalog.pg_class
    where relnamespace = $1::oid and relkind in ('r', 'p', 'v', 'm', 'f') and relname = any ($2::text[]))
  select format('table %s', relname) as name,
      format('%s %s %s %s', relkind, relrowsecurity, relforcerowsecurity, relispartition) as text from own
  union all select format('column %s of table %s', attname, relname),
      format('%s %s %s %s %s %s', format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated,
        pg_get_expr(adbin, adrelid), attcollation::regcollation)
    from own join pg_catalog.pg_attribute on attrelid = own.oid
      left join pg_catalog.pg_attrdef on adrelid = own.oid and adnum = attnum
    where attnum > 0 and not attisdropped
  union all select format('sequence of table %s', relname),
      format('%s %s %s %s %s', seqtypid::regtype, seqincrement, seqmin, seqmax, seqcycle)
    from own join pg_catalog.pg_depend d on refclassid = 'pg_catalog.pg_class'::regclass
        and refobjid = own.oid and classid = 'pg_catalog.pg_class'::regclass and deptype = 'i'
      join pg_catalog.pg_sequence on seqrelid = objid
  union all select format('index %s', c.relname), format('%s %s %s', pg_get_indexdef(indexrelid, 0, true),
      indisvalid and indisready and indislive, indimmediate)
    from own join pg_catalog.pg_index on indrelid = own.oid join pg_catalog.pg_class c on c.oid = indexrelid
    where indisunique or c.relname = any ($3::text[])
  union all select format('constraint %s', conname), pg_get_constraintdef(k.oid)
    from own join pg_catalog.pg_constraint k on conrelid = own.oid where contype in ('c', 'f', 'x')
  union all select format('trigger %s', tgname), pg_get_triggerdef(t.oid)
    from own join pg_catalog.pg_trigger t on tgrelid = own.oid where not tgisinternal
  union all select format('rule %s', rulename), pg_get_ruledef(r.oid)
    from own join pg_catalog.pg_rewrite r on ev_class = own.oid where relkind in ('r', 'p', 'f')
  union all select format('parent of table %s', relname), inhparent::regclass::text
    from own join pg_catalog.pg_inherits on inhrelid = own.oid
  union all select format('child of table %s', relname), inhrelid::regclass::text
    from own join pg_catalog.pg_inherits on inhparent = own.oid`;

const realSchema =
  'select oid::text as oid from pg_catalog.pg_namespace where nspname = pg_catalog.current_schema()';
const temporarySchema = 'select pg_catalog.pg_my_temp_schema()::text as oid';

/**
 * Compares the schema with that which the migrations make, in temporary tables that are rolled back. Indexes
 * that an administrator has added stay unless they are unique. The session has a transaction.
 *
 * @throws {StoreUnavailableError} when it is another one, or the role must not create temporary tables.
 */
export async function requireOwnSchema(
  session: MigrationSession,
  dialect: Dialect,
  { place, migrations }: MigrationPlan,
): Promise<void> {
  const statements = migrations.flatMap((migration) => migration.statements(dialect));
  const namesOf = (pattern: RegExp) => statements.flatMap((statement) => pattern.exec(statement)?.[1] ?? []);
  const tables = ['migration', ...namesOf(/^create table (\w+)/)];
  const indexes = namesOf(/^create (?:unique )?index (\w+)/);
  const read = async (schema: string) => {
    const [row] = await session.run(schema);
    const parts = await session.run(selectParts, [String(row?.oid), arrayOf(tables), arrayOf(indexes)]);
    return new Map(parts.map(({ name, text }) => [String(name), String(text)]));
  };
  const present = await read(realSchema);
  await session.run('savepoint own_schema');
  await session.run("select pg_catalog.set_config('search_path', 'pg_temp', true)");
  await migrate(session, dialect, { place, migrations, isConversion: false });
  const expected = await read(temporarySchema);
  await session.run('rollback to savepoint own_schema');
  const [changed] = [...expected].find(([name, text]) => present.get(name) !== text) ?? [];
  const foreign = [...present.keys()].find((name) => !expected.has(name));
  const problem =
    changed === undefined
      ? foreign && `the ${foreign} is not one of kmipd`
      : `the ${changed} is missing or another one`;
  if (problem !== undefined)
    throw new StoreUnavailableError(
      `the tables of ${place} were changed by another program: ${problem}; restore the database from its backup`,
    );
}

const arrayOf = (names: readonly string[]): string => `{${names.join(',')}}`;
