import type { SqlRow, SqlValue } from './sql-driver.ts';
import { classifyFailure, describeSqliteError, type SqliteFailure } from './sqlite-connection.ts';
import { openThreadConnection, serveRequests } from './sqlite-thread.ts';

/**
 * A search thread of `sqlite-search-threads.ts`: runs one statement per message on a connection that only
 * reads, because node:sqlite cannot interrupt a statement and a long one would hold the event loop.
 */

/** Message to the thread: a statement. */
export interface SearchRequest {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
}

/** Message from the thread: the rows of the statement, or why there are none. */
export type SearchReply =
  | { readonly rows: readonly SqlRow[] }
  | { readonly failure: SqliteFailure; readonly description: string };

const connection = openThreadConnection();
serveRequests(connection, search);

function search({ sql, parameters }: SearchRequest): SearchReply {
  try {
    return { rows: connection.rows(sql, parameters) };
  } catch (error) {
    return { failure: classifyFailure(error), description: describeSqliteError(error) };
  }
}
