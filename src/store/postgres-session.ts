import pg from 'pg';
import type { SqlRow, SqlValue } from './sql-driver.ts';
import { StoreUnavailableError } from './store.ts';

/** One PostgreSQL connection: its session, conversion of values, classification of its errors. */

/**
 * Prepares a new connection. Commits become durable unless the administrator has set a stricter mode.
 * Sequential scans are disabled, because plans prepared for empty tables are kept while the tables grow:
 * updates were five times slower. A transaction whose node has vanished loses its row locks after 20 s.
 * Resolves with the process id of the session in the database.
 *
 * @throws {StoreUnavailableError} when the server is older than PostgreSQL 14, a standby, or the encoding is
 *   not UTF8.
 */
export async function prepareSession(client: pg.ClientBase, place: string): Promise<number> {
  const { rows } = await client.query(
    `select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding,
      pg_is_in_recovery()::int as standby, pg_backend_pid() as pid,
      case when current_setting('synchronous_commit') in ('off', 'local')
        then set_config('synchronous_commit', 'on', false) end as durable,
      set_config('enable_seqscan', 'off', false) as indexed,
      set_config('idle_in_transaction_session_timeout', '20s', false) as released`,
  );
  const { version, encoding, standby, pid } = rows[0];
  if (version < 140_000) throw new StoreUnavailableError(`${place} is older than PostgreSQL 14: upgrade it`);
  if (standby !== 0) throw new StoreUnavailableError(`${place} is a standby: name the primary, or both`);
  if (encoding !== 'UTF8')
    throw new StoreUnavailableError(
      `${place} has the encoding ${encoding}: create the database with encoding UTF8`,
    );
  return pid;
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

/** Whether only the statement is wrong; connection and other units are not affected. */
export function isStatementError(error: unknown): boolean {
  const code = codeOf(error);
  return code.length === 5 && statementErrors.test(code);
}

/** Who is connected to what, for the explanation of a refusal. */
interface Login {
  readonly user?: string | undefined;
  readonly database?: string | undefined;
}

/**
 * Returns the error for callers: bugs unchanged, anything else as StoreUnavailableError, without values.
 * `what` begins the message.
 */
export function toStoreError(error: unknown, what: string, login: Login = {}): Error {
  if (
    error instanceof StoreUnavailableError ||
    (error instanceof Error && error.name === 'SchemaTooNewError')
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
/** Rights that the store needs, by the kind of thing in the message of the server. */
const neededGrants: Readonly<Record<string, (name: string) => string>> = {
  schema: (name) => `GRANT USAGE, CREATE ON SCHEMA ${name}`,
  database: (name) => `GRANT CONNECT ON DATABASE ${name}`,
  table: () => 'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public',
  sequence: () => 'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public',
};

/** Explains what an administrator of the database can mend; undefined for other errors. */
function explainRefusal(error: unknown, login: Login): string | undefined {
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
  const [, kind = '', name = ''] = /permission denied for (\w+) (\S+)/.exec(reason) ?? [];
  const grant = neededGrants[kind]?.(name);
  const remedy =
    grant === undefined
      ? `connect as the owner of the tables, or make "${user}" their owner`
      : `run there as its owner: ${grant} TO "${user}"`;
  return `role "${user}" lacks a right in database "${database}" (${reason}); ${remedy}`;
}
