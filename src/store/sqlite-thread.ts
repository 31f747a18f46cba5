import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { SqliteConnection, type SqliteSettings } from './sqlite-connection.ts';

/** The inside of the SQLite driver's worker threads, each with a connection of its own. */

/** Opens the connection of this thread by the settings in `workerData`. */
export function openThreadConnection(): SqliteConnection {
  return new SqliteConnection(workerData as SqliteSettings);
}

/**
 * Answers each message of the main thread with what `answer` returns; `close` closes the connection and ends
 * the thread. Returns the port to the main thread.
 */
export function serveRequests<Request extends object, Reply>(
  connection: SqliteConnection,
  answer: (request: Request) => Reply,
): MessagePort {
  const port = parentPort;
  if (port === null) throw new Error('the SQLite threads run as worker threads');
  port.on('message', (request: Request | 'close') => {
    if (request === 'close') {
      connection.close();
      port.close();
    } else port.postMessage(answer(request));
  });
  return port;
}
