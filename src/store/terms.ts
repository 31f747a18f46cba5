import { toIndexText } from './filter.ts';
import type { SqlDriver } from './sql-driver.ts';
import type { StoredObject } from './store.ts';

/** An index entry as stored in `object_index`: `term` is the number of its group, attribute and field. */
export interface IndexRow {
  readonly term: number;
  readonly instance: number;
  readonly text: string | null;
  readonly number: number | null;
}

/**
 * Bounds the cache, because clients can invent any number of attribute names; emptying it costs a few reads.
 */
const maxCachedTerms = 10_000;

const insertTerm =
  'insert into term (grp, attribute, field) values ($1, $2, $3) on conflict (grp, attribute, field) do nothing';
const readTerm = 'select id from term where grp = $1 and attribute = $2 and field = $3';

/**
 * Assigns numbers to terms (group, attribute, field). A number never changes and is never deleted, so it is
 * cached.
 */
export class TermCache {
  readonly #driver: SqlDriver;
  readonly #ids = new Map<string, number>();

  constructor(driver: SqlDriver) {
    this.#driver = driver;
  }

  /**
   * Returns the index rows of an object. A new term is committed on its own, before the unit that needs it.
   */
  async toIndexRows({ group, index }: StoredObject): Promise<readonly IndexRow[]> {
    const rows: IndexRow[] = [];
    for (const { attribute, field, instance, text, number } of index) {
      if (number !== null && !Number.isSafeInteger(number))
        throw new RangeError(`the index keeps whole numbers, not ${number}`);
      // The lengths keep two names from running into each other.
      const key = `${group.length}.${attribute.length}.${group}${attribute}${field}`;
      const term = this.#ids.get(key) ?? (await this.#intern(key, [group, toIndexText(attribute), field]));
      rows.push({ term, instance, text: text === null ? null : toIndexText(text), number });
    }
    return rows;
  }

  async #intern(key: string, names: readonly string[]): Promise<number> {
    const id = (await this.#read(names)) ?? (await this.#add(names));
    if (this.#ids.size >= maxCachedTerms) this.#ids.clear();
    this.#ids.set(key, id);
    return id;
  }

  async #add(names: readonly string[]): Promise<number> {
    await this.#driver.commit({ objects: [], steps: [{ sql: insertTerm, parameters: names }] });
    const id = await this.#read(names);
    if (id === undefined) throw new Error(`the term ${names.join(' ')} was committed and is not there`);
    return id;
  }

  async #read(names: readonly string[]): Promise<number | undefined> {
    const [row] = await this.#driver.read(readTerm, names);
    return row?.id as number | undefined;
  }
}
