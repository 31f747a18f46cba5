import type pg from 'pg';
import type { SqlRow, SqlValue } from './sql-driver.ts';
import { StoreUnavailableError } from './store.ts';

/** One PostgreSQL connection: settings, values in both directions, what its errors mean. */

const maxConnectMilliseconds = 5_000;
/** A server that accepts and then hangs counts as away; it must not hang every client of the daemon. */
const maxStatementMilliseconds = 30_000;

export function clientConfig(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: 'kmipd',
    connectionTimeoutMillis: maxConnectMilliseconds,
    query_timeout: maxStatementMilliseconds,
    keepAlive: true,
    types: { getTypeParser },
  };
}

/** Names the database for a human: the URL without user, password and options. */
export function describeLocation(url: string): string {
  try {
    const { host, pathname } = new URL(url);
    return `postgres://${host}${pathname}`;
  } catch {
    return 'postgres://…';
  }
}

/**
 * Refuses what would lose data silently, and never weakens what the administrator has set stronger. Sequential scans are
 * priced out because a plan prepared while the tables are empty is kept while they grow: updates were five times slower.
 * A transaction whose node has vanished gives its row locks back.
 */
export async function prepareSession(client: pg.ClientBase, place: string): Promise<void> {
  const { rows } = await client.query(
    `select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding,
      case when current_setting('synchronous_commit') in ('off', 'local')
        then set_config('synchronous_commit', 'on', false) end as durable,
      set_config('enable_seqscan', 'off', false) as indexed,
      set_config('idle_in_transaction_session_timeout', '20s', false) as released`,
  );
  const { version, encoding } = rows[0];
  if (version < 140_000) throw new StoreUnavailableError(`${place} is older than PostgreSQL 14: upgrade it`);
  if (encoding !== 'UTF8')
    throw new StoreUnavailableError(
      `${place} has the encoding ${encoding}: create the database with encoding UTF8`,
    );
}

const statementNames = new Map<string, string>();

/** A query for `pg`: the fixed texts are prepared under a name once per connection, the others planned for their values. */
export function toQuery(sql: string, parameters: readonly SqlValue[], once?: 'once'): pg.QueryConfig {
  const values = parameters.map((value) => (typeof value === 'string' ? escapeText(value) : value));
  if (once !== undefined) return { text: sql, values };
  const name = statementNames.get(sql) ?? `kmipd_${statementNames.size + 1}`;
  statementNames.set(sql, name);
  return { name, text: sql, values };
}

/** `pg` makes plain objects of a row; the columns are those of our own statements. */
export function toRow(row: unknown): SqlRow {
  return row as SqlRow;
}

// PostgreSQL has no U+0000 in text, KMIP has: it is kept as U+001A '0', and U+001A itself as U+001A '1'.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these two characters are the matter
const unstorableCharacters = /[\u0000\u001a]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const escapedCharacters = /\u001a([01])/g;

/** Text as PostgreSQL can keep it. */
export function escapeText(text: string): string {
  return text.replaceAll(unstorableCharacters, (character) =>
    character === '\u0000' ? '\u001a0' : '\u001a1',
  );
}

function unescapeText(text: string): string {
  return text.replaceAll(escapedCharacters, (_, which) => (which === '0' ? '\u0000' : '\u001a'));
}

/** Type OIDs: int8, int4, bytea, text. */
const parsers: Readonly<Record<number, (value: string) => SqlValue>> = {
  20: parseInteger,
  23: parseInteger,
  17: (value) => Uint8Array.fromHex(value.slice('\\x'.length)),
  25: unescapeText,
};

function getTypeParser(oid: number): (value: string) => SqlValue {
  return parsers[oid] ?? String;
}

function parseInteger(value: string): number {
  const result = Number(value);
  if (!Number.isSafeInteger(result))
    throw new RangeError(`the database holds ${value}, more than a number can`);
  return result;
}

// https://www.postgresql.org/docs/current/errcodes-appendix.html
const statementErrors = /^(0A|2[0-47]|25P02|34|38|39|3B|42|44)/;
const conflictCodes = new Set(['40001', '40P01', '55P03']);

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** The transaction lost against another one (serialization failure, deadlock, lock timeout): it can be played again. */
export function isConflict(error: unknown): boolean {
  return conflictCodes.has(codeOf(error));
}

/** The statement is at fault, not the server: the connection and the other units are well. */
export function isStatementError(error: unknown): boolean {
  const code = codeOf(error);
  return code.length === 5 && statementErrors.test(code);
}

/** An error for the callers: bugs stay what they are, everything else is weather, said without values. */
export function toStoreError(error: unknown, what: string): Error {
  if (
    error instanceof StoreUnavailableError ||
    (error instanceof Error && error.name === 'SchemaTooNewError')
  )
    return error;
  if (isStatementError(error) || error instanceof RangeError || error instanceof TypeError)
    return error as Error;
  const words = error instanceof Error ? error.message || codeOf(error) : String(error);
  return new StoreUnavailableError(`${what}: ${words.split('\n', 1)[0]}`);
}
