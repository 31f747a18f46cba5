import type { SqlRow, SqlValue } from './sql-driver.ts';
import type { SqliteConnection } from './sqlite-connection.ts';

/**
 * Runs the reads of one turn of the event loop in one transaction, of which SQLite makes one for each
 * statement otherwise: 5 µs a read in place of 8. They see one moment, at most a turn ago.
 */
export class TurnReads {
  readonly #connection: SqliteConnection;
  #isOpen = false;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  /** Runs a statement that only reads, and returns its rows. */
  rows(sql: string, parameters: readonly SqlValue[]): readonly SqlRow[] {
    if (!this.#isOpen) {
      this.#connection.rows('begin', []);
      this.#isOpen = true;
      setImmediate(() => this.renew());
    }
    return this.#connection.rows(sql, parameters);
  }

  /** Lets the next read see what is committed by now: after a commit of this process, say. */
  renew(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // SQLite may have ended the transaction itself, after an error that the read has reported.
    if (this.#connection.database.isTransaction) this.#connection.rows('rollback', []);
  }
}
