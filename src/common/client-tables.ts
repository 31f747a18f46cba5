/** Entries of one client; beyond that, the client has to wait until one of them has ended. */
export const maxEntriesPerClient = 512;

/** Interval at which ended entries of all clients are removed, at the earliest. */
const removalMilliseconds = 60_000;

/** An entry that counts until a time, in milliseconds since 1970. */
interface Ending {
  readonly until: number;
}

/**
 * A table of entries for each client, such as counts of its failures. No entry is removed before it has
 * ended, so that a client cannot get rid of its own entry, or of another client's, by making many. Memory is
 * bounded all the same, because each client has a bounded number: the caller asks `isFull` first, and refuses
 * that client where it is.
 */
export class ClientTables<E extends Ending> {
  readonly #tables = new Map<string, Map<string, E>>();
  readonly #clock: () => number;
  /** Milliseconds since 1970. */
  #lastRemoval: number;

  /** `clock`: milliseconds since 1970. */
  constructor(clock: () => number) {
    this.#clock = clock;
    this.#lastRemoval = clock();
  }

  /** Returns the client's entry of that key; undefined when there is none or it has ended. */
  get(client: string, key: string): E | undefined {
    const entry = this.#tables.get(client)?.get(key);
    return entry === undefined || entry.until <= this.#clock() ? undefined : entry;
  }

  /** Whether the client has as many entries as it may have, none of which has ended. */
  isFull(client: string): boolean {
    if ((this.#tables.get(client)?.size ?? 0) < maxEntriesPerClient) return false;
    this.#dropEnded(client);
    return (this.#tables.get(client)?.size ?? 0) >= maxEntriesPerClient;
  }

  /** Stores the client's entry of that key, also where its table is full. */
  set(client: string, key: string, entry: E): void {
    if (this.#clock() - this.#lastRemoval >= removalMilliseconds) this.#dropAllEnded();
    const table = this.#tables.get(client) ?? new Map<string, E>();
    this.#tables.set(client, table.set(key, entry));
  }

  /** Removes the client's entry of that key, if there is one. */
  delete(client: string, key: string): void {
    const table = this.#tables.get(client);
    table?.delete(key);
    if (table?.size === 0) this.#tables.delete(client);
  }

  /** Frees the memory of clients that no longer fail. */
  #dropAllEnded(): void {
    this.#lastRemoval = this.#clock();
    for (const client of this.#tables.keys()) this.#dropEnded(client);
  }

  #dropEnded(client: string): void {
    const now = this.#clock();
    for (const [key, { until }] of this.#tables.get(client) ?? []) {
      if (until <= now) this.delete(client, key);
    }
  }
}
