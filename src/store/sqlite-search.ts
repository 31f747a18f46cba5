import { parentPort, workerData } from 'node:worker_threads';
import type { SqlRow, SqlValue } from './sql-driver.ts';
import {
  classifyFailure,
  describeSqliteError,
  SqliteConnection,
  type SqliteFailure,
  type SqliteSettings,
} from './sqlite-connection.ts';

/**
 * A search thread of `sqlite-search-threads.ts`: runs one statement per message on a connection that only
 * reads, because node:sqlite cannot interrupt a statement and a long one would hold the event loop.
 */

/** Message to the thread: a statement, or the end. */
export type SearchRequest = { readonly sql: string; readonly parameters: readonly SqlValue[] } | 'close';

/** Message from the thread: the rows of the statement, or why there are none. */
export type SearchReply =
  | { readonly rows: readonly SqlRow[] }
  | { readonly failure: SqliteFailure; readonly description: string };

const port = parentPort;
if (port === null) throw new Error('sqlite-search.ts runs as a worker thread');

const connection = new SqliteConnection(workerData as SqliteSettings);

port.on('message', (request: SearchRequest) => {
  if (request === 'close') {
    connection.close();
    port.close();
  } else port.postMessage(search(request.sql, request.parameters));
});

function search(sql: string, parameters: readonly SqlValue[]): SearchReply {
  try {
    return { rows: connection.rows(sql, parameters) };
  } catch (error) {
    return { failure: classifyFailure(error), description: describeSqliteError(error) };
  }
}
