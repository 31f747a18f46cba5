import pg from 'pg';
import type { SqlRow, SqlValue } from './sql-driver.ts';
import { numberedTables, StoreUnavailableError } from './store.ts';

/** One PostgreSQL connection: its session, conversion of values, classification of its errors. */

/** A server that is used, and where in its database the tables are. */
export interface PostgresServer {
  /** Host and database, for messages. */
  readonly place: string;
  readonly schema: string;
}

/** What a connection is for. */
export interface SessionPurpose {
  readonly writes: boolean;
  /** After which the database ends a statement; 0: never. */
  readonly statementMilliseconds: number;
}

/** How long a statement of the daemon may take, except those of searches and migrations. */
export const statementMilliseconds = 25_000;

/**
 * Plans that read every row of what they compare: by statistics of another day, or of an empty table, they
 * seem cheap.
 */
const avoidedPlans = [
  ...['seqscan', 'bitmapscan', 'sort', 'incremental_sort', 'hashagg', 'hashjoin', 'mergejoin'],
] as const;

/**
 * Prepares a new connection, and resolves with its process id in the database.
 *
 * Names are looked up in the schema of the tables only, after pg_catalog: whoever may create schemas cannot
 * put tables in front of them. Commits become durable unless the administrator has set a stricter mode.
 * Sequential scans and the like are disabled, because plans prepared for empty tables are kept while the
 * tables grow: updates were five times slower. The cost of a disabled plan that is used all the same would
 * make the server compile it (JIT), which takes longer than the statement. A transaction whose node has
 * vanished loses its row locks after 20 s.
 *
 * @throws {StoreUnavailableError} when the server is older than PostgreSQL 14, a standby, read-only although
 *   the session is to write, or the encoding is not UTF8.
 */
export async function prepareSession(
  client: pg.ClientBase,
  { place, schema }: PostgresServer,
  { writes, statementMilliseconds: milliseconds }: SessionPurpose,
): Promise<number> {
  const { rows } = await client.query({
    text: `select pg_catalog.set_config('search_path', pg_catalog.format('%I, pg_temp', $1::text), false),
      pg_catalog.set_config('statement_timeout', $2, false),
      case when pg_catalog.current_setting('synchronous_commit') in ('off', 'local')
        then pg_catalog.set_config('synchronous_commit', 'on', false) end,
      ${avoidedPlans.map((plan) => `pg_catalog.set_config('enable_${plan}', 'off', false)`).join(', ')},
      pg_catalog.set_config('jit', 'off', false),
      pg_catalog.set_config('idle_in_transaction_session_timeout', '20s', false),
      pg_catalog.current_setting('server_version_num')::int as version,
      pg_catalog.current_setting('server_encoding') as encoding,
      pg_catalog.pg_is_in_recovery()::int as standby,
      pg_catalog.current_setting('transaction_read_only') as readonly,
      pg_catalog.pg_backend_pid() as pid`,
    values: [schema, String(milliseconds)],
  });
  const { version, encoding, standby, readonly, pid } = rows[0];
  const fail = (why: string): never => {
    throw new StoreUnavailableError(`${place} ${why}`);
  };
  if (version < 140_000) fail('is older than PostgreSQL 14: upgrade it');
  if (standby !== 0) fail('is a standby: name the primary, or both');
  if (writes && readonly !== 'off')
    fail('is read-only (default_transaction_read_only): let it be written to');
  if (encoding !== 'UTF8') fail(`has the encoding ${encoding}: create the database with encoding UTF8`);
  return pid;
}

/**
 * Finds the schema with the tables of kmipd: the one schema of the role's search_path that has them, or else
 * the first, where they are to be created.
 *
 * @throws {StoreUnavailableError} when several have them, or there is none.
 */
export async function findSchema(client: pg.ClientBase, place: string): Promise<string> {
  const { rows } = await client.query(
    `select s.name::text as name, exists (select from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = s.name and c.relname = 'migration')::int as used
      from pg_catalog.unnest(pg_catalog.current_schemas(false)) with ordinality as s (name, at) order by s.at`,
  );
  const used = rows.filter((row) => row.used !== 0);
  const [schema] = used.length > 0 ? used : rows;
  const advice = 'name the one by options=-c%20search_path%3DSCHEMA in the URL';
  if (schema === undefined)
    throw new StoreUnavailableError(`no schema of the role's search_path exists in ${place}: ${advice}`);
  if (used.length > 1)
    throw new StoreUnavailableError(
      `${place} has tables of kmipd in several schemas (${used.map(({ name }) => `"${name}"`).join(', ')}): ` +
        `${advice}, and find out who has made the others`,
    );
  return schema.name;
}

const statementNames = new Map<string, string>();

/**
 * Builds a query for `pg`. Fixed texts are prepared once per connection; `once` plans for the given values.
 */
export function toQuery(
  sql: string,
  parameters: readonly (SqlValue | readonly string[])[],
  once?: 'once',
): pg.QueryConfig {
  const values = parameters.map(escapeValue);
  if (once !== undefined) return { text: sql, values };
  const name = statementNames.get(sql) ?? `kmipd_${statementNames.size + 1}`;
  statementNames.set(sql, name);
  return { name, text: sql, values };
}

/** Types a row of `pg`, whose columns are those of the store's own statements. */
export function toRow(row: unknown): SqlRow {
  return row as SqlRow;
}

// PostgreSQL cannot store U+0000 in text, which KMIP allows: stored as U+001A '0', and U+001A itself as
// U+001A '1'.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the two characters that are escaped
const unstorableCharacters = /[\u0000\u001a]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const escapedCharacters = /\u001a([01])/g;

function escapeValue(value: SqlValue | readonly string[]): unknown {
  if (Array.isArray(value)) return value.map(escapeText);
  return typeof value === 'string' ? escapeText(value) : value;
}

/** Escapes the characters that PostgreSQL cannot store in text. */
function escapeText(text: string): string {
  return text.replaceAll(unstorableCharacters, (character) =>
    character === '\u0000' ? '\u001a0' : '\u001a1',
  );
}

function unescapeText(text: string): string {
  return text.replaceAll(escapedCharacters, (_, which) => (which === '0' ? '\u0000' : '\u001a'));
}

/** Parsers by type OID: int8, int4, bytea, text. */
const parsers: Readonly<Record<number, (value: string) => SqlValue>> = {
  20: parseInteger,
  23: parseInteger,
  17: (value) => Uint8Array.fromHex(value.slice('\\x'.length)),
  25: unescapeText,
};

/** The parsers as `pg` asks for them. */
export const typeParsers = {
  getTypeParser: (oid: number): ((value: string) => SqlValue) => parsers[oid] ?? String,
};

function parseInteger(value: string): number {
  const result = Number(value);
  if (!Number.isSafeInteger(result))
    throw new RangeError(`the database contains ${value}, which is beyond 2^53`);
  return result;
}

// https://www.postgresql.org/docs/current/errcodes-appendix.html
const statementErrors = /^(0A|2[0-47]|25P02|34|38|39|3B|42|44)/;
const conflictCodes = new Set(['40001', '40P01']);
const lockNotAvailable = '55P03';
const sequenceEnded = '2200H';
const queryCancelled = '57014';
const readOnlyTransaction = '25006';
/** Lost connections, too many connections, and servers that start or stop. */
const goneCodes = /^(08|53300|57P0[1-5])/;

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Whether the transaction lost against another (serialization failure, deadlock) and can be retried. */
export function isConflict(error: unknown): boolean {
  return conflictCodes.has(codeOf(error));
}

/** Whether the transaction waited too long for a lock. */
export function isLockTimeout(error: unknown): boolean {
  return codeOf(error) === lockNotAvailable;
}

/** Whether the database has ended the statement, because it took too long. */
export function isStatementTimeout(error: unknown): boolean {
  return codeOf(error) === queryCancelled;
}

/** Whether the server accepts no writes any more. */
export function isReadOnly(error: unknown): boolean {
  return codeOf(error) === readOnlyTransaction;
}

/**
 * Whether the connection is lost or could not be made, and may be made again: to this server once it has
 * restarted, or to another one of the URI.
 */
export function isServerGone(error: unknown): boolean {
  if (error instanceof StoreUnavailableError) return true;
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) return false;
  // Errors of pg without a code: all connections are in use, or the server hangs, and a second attempt would
  // take as long.
  if (/^(timeout exceeded when trying to connect|Query read timeout)$/.test(error.message)) return false;
  return 'severity' in error ? goneCodes.test(codeOf(error)) : true;
}

/** Whether only the statement is wrong; connection and other units are not affected. */
export function isStatementError(error: unknown): boolean {
  const code = codeOf(error);
  return code.length === 5 && statementErrors.test(code);
}

/** Whether a sequence has come to its end, or gives a number that a row of the table has. */
export function isSequenceError(error: unknown): boolean {
  const constraint = error instanceof Error && 'constraint' in error ? error.constraint : undefined;
  return codeOf(error) === sequenceEnded || numberedTables.some((table) => constraint === `${table}_pkey`);
}

/** Who is connected to what, for the explanation of a refusal. */
export interface DatabaseLogin {
  readonly user?: string | undefined;
  readonly database?: string | undefined;
  /** The schema of the tables; undefined before it is known. */
  readonly schema?: string | undefined;
}

/**
 * Returns the error for callers: bugs unchanged, anything else as StoreUnavailableError, without values.
 * `what` begins the message.
 */
export function toStoreError(error: unknown, what: string, login: DatabaseLogin = {}): Error {
  if (
    error instanceof StoreUnavailableError ||
    (error instanceof Error && ['SchemaTooNewError', 'FirstDesignError'].includes(error.name))
  )
    return error;
  const explained = explainRefusal(error, login);
  if (explained !== undefined) return new StoreUnavailableError(`${what}: ${explained}`);
  if (isStatementError(error) || error instanceof RangeError || error instanceof TypeError)
    return error as Error;
  const description = error instanceof Error ? error.message || codeOf(error) : String(error);
  return new StoreUnavailableError(`${what}: ${description.split('\n', 1)[0]}`);
}

const insufficientPrivilege = '42501';
/**
 * Rights that the store needs, by the kind of thing in the message of the server, for the name in it and the
 * schema of the tables.
 */
const neededGrants: Readonly<Record<string, (name: string, schema: string) => string>> = {
  schema: (name) => `GRANT USAGE, CREATE ON SCHEMA ${quoteIdentifier(name)}`,
  database: (name) => `GRANT CONNECT ON DATABASE ${quoteIdentifier(name)}`,
  table: (_, schema) =>
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${quoteIdentifier(schema)}`,
  temporary: (name) => `GRANT TEMPORARY ON DATABASE ${quoteIdentifier(name)}`,
  sequence: (_, schema) => `GRANT USAGE, UPDATE ON ALL SEQUENCES IN SCHEMA ${quoteIdentifier(schema)}`,
};

function quoteIdentifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** Explains what an administrator of the database can mend; undefined for other errors. */
function explainRefusal(error: unknown, login: DatabaseLogin): string | undefined {
  if (!(error instanceof Error)) return undefined;
  // pg reads what the URL leaves out from the same places.
  const user = login.user ?? process.env.PGUSER ?? pg.defaults.user ?? 'the role';
  const database = login.database ?? process.env.PGDATABASE ?? user;
  if (
    /client password must be a (non-empty )?string|empty password returned|no password supplied/.test(
      error.message,
    )
  )
    return `the server asks for the password of role "${user}": set PGPASSWORD, or put it into ~/.pgpass or the URL`;
  if (codeOf(error) !== insufficientPrivilege) return undefined;
  const [reason = ''] = error.message.split('\n', 1);
  const pattern = /permission denied (?:for|to create) (\w+) (?:tables in database )?"?(.+?)"?$/;
  const [, kind = '', name = ''] = pattern.exec(reason) ?? [];
  const grant = neededGrants[kind]?.(name, login.schema ?? 'public');
  const remedy =
    grant === undefined
      ? `connect as the owner of the tables, or make "${user}" their owner`
      : `run there as its owner: ${grant} TO "${user}"`;
  return `role "${user}" lacks a right in database "${database}" (${reason}); ${remedy}`;
}
