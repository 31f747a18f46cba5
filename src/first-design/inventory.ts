import { randomFillSync } from 'node:crypto';
import { CommandError } from '../cli/failure.ts';
import { joinBytes, splitBytes } from '../common/bytes.ts';
import { readJson, writeJson } from '../common/json.ts';
import { decryptGcm, encryptGcm } from '../vault/aead.ts';
import { computeNonce } from '../vault/box.ts';
import { deriveVaultKey, keyedHash, lengthAndText } from '../vault/keyed-hash.ts';
import { type OldRow, type OldTable, oldTables } from './old-rows.ts';

/**
 * The inventory of the old rows: for each one its place and a keyed hash of all that it contains, in the
 * order in which rows are converted. It is made when no process of the first design can write any more, and
 * each row is compared before it is converted. It stays in the state directory until the conversion is
 * complete, sealed by AES-256-GCM:
 *
 *     version (u8) | nonce (12) | ciphertext | tag (16)                         AAD: label | version
 *     length (u32) and JSON of InventoryHeader | for each row: place (f64), hash (16)
 *
 * The place of a client is that of its name in the header.
 */

/** Numbers of rows by their tables. */
export type OldCounts = Readonly<Record<OldTable, number>>;

interface InventoryHeader {
  /** Tells the database by its sealing keys. */
  readonly database: string;
  readonly counts: OldCounts;
  /** Names of the clients, in order. */
  readonly clients: readonly string[];
}

const label = 'kmipd/2 first design inventory';
const nonceLabel = 'kmipd/2 first design nonce';
const rowLabel = 'kmipd/2 first design row';
const version = 1;
const placeBytes = 8;
const hashBytes = 16;
const entryBytes = placeBytes + hashBytes;
const aad = Uint8Array.of(...lengthAndText(label), version);

/** The hashes of all rows, and how far they have been compared. */
export class Inventory {
  readonly #key: Uint8Array;
  readonly #rowKey: Uint8Array;
  readonly #places = new Map<string, number>();
  readonly #header: InventoryHeader;
  readonly #entries: Uint8Array;
  readonly #view: DataView;
  /** Number of the entry that the next row must have. */
  #next = 0;

  private constructor(key: Uint8Array, header: InventoryHeader, entries: Uint8Array) {
    this.#key = key;
    this.#rowKey = deriveVaultKey(key, new Uint8Array(), rowLabel);
    for (const [place, name] of header.clients.entries()) this.#places.set(name, place);
    this.#header = header;
    this.#entries = entries;
    this.#view = new DataView(entries.buffer, entries.byteOffset, entries.length);
  }

  /**
   * Makes an inventory of rows that are given in the order of their conversion.
   * @param database tells the database
   * @param key 32 bytes, secret from whoever can write the database
   * @throws {CommandError} when there are fewer or more rows than counted
   */
  static async of(
    pages: AsyncIterable<readonly OldRow[]>,
    database: string,
    counts: OldCounts,
    key: Uint8Array,
  ): Promise<Inventory> {
    const total = oldTables.reduce((sum, table) => sum + counts[table], 0);
    const header = { database, counts, clients: [] };
    const made = new Inventory(key, header, new Uint8Array(total * entryBytes));
    const left = { ...counts };
    for await (const page of pages)
      for (const row of page) {
        left[row.table] -= 1;
        if (left[row.table] >= 0) made.#append(row);
      }
    const wrong = oldTables.find((table) => left[table] !== 0);
    if (wrong !== undefined)
      throw new CommandError(
        `the conversion of the database stopped: first_design_${wrong} has ${counts[wrong]} rows, and ${counts[wrong] - left[wrong]} with a name and number of their own`,
      );
    made.#next = 0;
    return made;
  }

  /** Opens a sealed inventory; undefined when it is damaged, or was sealed under another key. */
  static open(sealed: Uint8Array, key: Uint8Array): Inventory | undefined {
    const plain = sealed[0] === version ? decryptGcm(key, 1, aad, sealed) : undefined;
    if (plain === undefined) return undefined;
    const [header, entries] = splitBytes(plain);
    return new Inventory(key, readJson<InventoryHeader>(header), entries);
  }

  /** Seals the inventory. `random` fills a buffer with random bytes; only tests use another one. */
  seal(random: (buffer: Uint8Array) => void = randomFillSync): Uint8Array {
    const header = { ...this.#header, clients: [...this.#places.keys()] };
    const plain = joinBytes(writeJson(header), this.#entries);
    const start = Uint8Array.of(version);
    const nonceKey = deriveVaultKey(this.#key, new Uint8Array(), nonceLabel);
    const nonce = computeNonce(nonceKey, start, aad, plain, random);
    nonceKey.fill(0);
    return encryptGcm(this.#key, start, nonce, aad, plain);
  }

  /** Numbers of rows. */
  get counts(): OldCounts {
    return this.#header.counts;
  }

  /** Tells the database of which it is. */
  get database(): string {
    return this.#header.database;
  }

  /**
   * Compares the next row of a table, in order.
   * @throws {CommandError} when it was altered or added since the inventory was made, or one before removed
   */
  compare(row: OldRow): void {
    const { place, hash } = this.#entryOf(row);
    const next = this.#next < this.#endOf(row.table) ? this.#placeAt(this.#next) : Number.POSITIVE_INFINITY;
    if (place < next) throw stopped(row.name, 'added');
    if (place > next) throw this.#removed(row.table);
    const at = this.#next * entryBytes + placeBytes;
    if (this.#entries.subarray(at, at + hashBytes).toHex() !== hash) throw stopped(row.name, 'altered');
    this.#next += 1;
  }

  /**
   * States that a table has no more rows.
   * @throws {CommandError} when one was removed since the inventory was made
   */
  compareEnd(table: OldTable): void {
    if (this.#next < this.#endOf(table)) throw this.#removed(table);
  }

  #removed(table: OldTable): CommandError {
    const place = this.#placeAt(this.#next);
    const which =
      table === 'client' ? `name ${JSON.stringify([...this.#places.keys()][place])}` : `seq ${place}`;
    return stopped(`first_design_${table}, ${which}`, 'removed');
  }

  #append(row: OldRow): void {
    if (typeof row.place === 'string') this.#places.set(row.place, this.#places.size);
    const { place, hash } = this.#entryOf(row);
    const at = this.#next * entryBytes;
    this.#view.setFloat64(at, place);
    this.#entries.set(Uint8Array.fromHex(hash), at + placeBytes);
    this.#next += 1;
  }

  #placeAt(entry: number): number {
    return this.#view.getFloat64(entry * entryBytes);
  }

  /** Number of the entry after the last one of a table. */
  #endOf(table: OldTable): number {
    const tables = oldTables.slice(0, oldTables.indexOf(table) + 1);
    return tables.reduce((sum, each) => sum + this.#header.counts[each], 0);
  }

  #entryOf({ table, place, content }: OldRow): { readonly place: number; readonly hash: string } {
    const blobs: Uint8Array[] = [];
    const text = JSON.stringify([table, ...content], (_, value) => {
      if (!(value instanceof Uint8Array)) return value;
      blobs.push(value);
      return { bytes: value.length };
    });
    const hash = keyedHash(this.#rowKey, rowLabel, text, ...blobs).slice(0, 2 * hashBytes);
    return {
      // A name that is not in the inventory comes before all.
      place: typeof place === 'number' ? place : (this.#places.get(place) ?? -1),
      hash,
    };
  }
}

function stopped(row: string, change: 'added' | 'altered' | 'removed'): CommandError {
  return new CommandError(
    `the conversion of the database stopped at ${row}: it was ${change} after the conversion had begun; find out who writes to the database, and put the row right`,
  );
}
