import { EventLoopYield } from '../../common/event-loop-yield.ts';
import { waitForAll } from '../../common/wait-for-all.ts';
import { type AttributeFilter, comparedAttributes } from '../../object/attribute-filter.ts';
import { ArrangedEntries, evaluateFilter, matchesFilter } from '../../object/filter-evaluation.ts';
import { indexEntries } from '../../object/index-entries.ts';
import { ManagedObject } from '../../object/managed-object.ts';
import { toStoreFilter } from '../../object/store-filter.ts';
import type { FindQuery, FoundItems } from '../../operations/work.ts';
import {
  type FoundObjects,
  type LoadedObject,
  type ObjectExpectation,
  SearchEndedError,
  type Store,
  type StoredObject,
  type StoreUnit,
} from '../../store/store.ts';
import { ValueTokenUnavailableError } from '../../vault/value-errors.ts';
import { SealBrokenError, type Vault } from '../../vault/vault.ts';
import { NewObjectCount } from './new-object-count.ts';

/** The identifiers of the objects that an item has read or made, and of those that it has found. */
export interface ItemObjects {
  readonly read: readonly string[];
  readonly found: readonly string[];
}

/** The objects that a unit writes. */
interface WrittenObjects
  extends Required<Pick<StoreUnit, 'inserts' | 'updates' | 'previousNames' | 'aliases'>> {
  readonly inserts: StoredObject[];
  readonly updates: StoredObject[];
  readonly previousNames: string[];
  readonly aliases: Map<string, readonly string[]>;
}

/** A search of one group. */
type GroupQuery = FindQuery & { readonly group: string };

/** Values of one message that ask the token together. */
const maxSealedAtOnce = 16;
/** How often values are sealed whose epoch or root is replaced meanwhile. */
const maxSealRounds = 4;
const changing = 'the keys that protect values are replaced again and again: try again later';

/** The objects of one message: the rows that it read and found, and the changes of its successful items. */
export class UnitObjects {
  readonly #store: Store;
  readonly #vault: Vault;
  /** Rows as the store gave them; undefined: it had none. */
  readonly #read = new Map<string, LoadedObject | undefined>();
  /** The objects of the rows that were read, each opened once and never changed. */
  readonly #opened = new Map<string, ManagedObject>();
  /** Results of searches whose versions have not been compared with a read yet. */
  #found: FoundObjects[] = [];
  /** Versions of the objects that searches found, by identifier. */
  #versionsFound: Map<string, number> | undefined;
  #hasStaleResult = false;
  /** Objects that successful items changed, in the order of their first change. */
  #pending = new Map<string, ManagedObject>();
  /** Counts those of them that are new and not destroyed. */
  readonly newObjects = new NewObjectCount(this.#read, () => this.#pending);
  readonly #entries = new WeakMap<ManagedObject, ArrangedEntries>();
  /** Milliseconds that searches among the changed objects have left. */
  #searchMilliseconds: number;

  constructor(store: Store, vault: Vault, searchMilliseconds = Number.POSITIVE_INFINITY) {
    this.#store = store;
    this.#vault = vault;
    this.#searchMilliseconds = searchMilliseconds;
  }

  /** Objects to be written. */
  get pending(): ReadonlyMap<string, ManagedObject> {
    return this.#pending;
  }

  /** Whether an object changed between the search that found it and its read: it may no longer match. */
  get hasStaleResult(): boolean {
    return this.#hasStaleResult;
  }

  /** The row as the store gave it; undefined when it had none, or was not asked. */
  rowBefore(id: string): LoadedObject | undefined {
    return this.#read.get(id);
  }

  /**
   * Versions that rows of the group must still have at the commit, of those that are only read; 0: there must
   * be none.
   */
  expectations(group: string): ObjectExpectation[] {
    const expects: ObjectExpectation[] = [];
    for (const [id, row] of this.#read) {
      if (!this.#pending.has(id)) expects.push({ id, group, version: row?.version ?? 0 });
    }
    return expects;
  }

  /**
   * Encrypts and returns the rows to be written; other messages are served meanwhile. `uniqueNames`: see
   * `UnitOptions`.
   * @throws {ValueTokenUnavailableError} when the token for a new value in direct mode cannot be used now
   */
  async toStored({ uniqueNames }: { readonly uniqueNames: boolean }): Promise<WrittenObjects> {
    const rows: StoredObject[] = [];
    const previousNames: string[] = [];
    const aliases = new Map<string, readonly string[]>();
    const eventLoop = new EventLoopYield();
    await this.#sealValues();
    for (const object of this.#pending.values()) {
      const written = object.toStored(this.#vault, { uniqueNames }, this.#stored(object.id));
      const { previousNames: names, aliases: others, ...row } = written;
      rows.push(row);
      previousNames.push(...names);
      for (const [name, same] of others) aliases.set(name, same);
      if (eventLoop.isDue) await eventLoop.yield();
    }
    const inserts = rows.filter((row) => row.version === 1);
    return { inserts, updates: rows.filter((row) => row.version > 1), previousNames, aliases };
  }

  /**
   * Seals new values in direct mode, several at once; there is nothing to wait for in envelope mode. It may
   * take longer than an epoch or a root that has been replaced stays, and what is sealed under one that has
   * ended is lost: such values are sealed once more, until all are current in one turn of the event loop.
   */
  async #sealValues(): Promise<void> {
    const vault = this.#vault;
    const listDue = () => [...this.#pending.values()].filter((object) => object.isValueDue(vault));
    for (let round = 0, due = listDue(); due.length > 0; round += 1, due = listDue()) {
      if (round === maxSealRounds) throw new ValueTokenUnavailableError(changing);
      for (let at = 0; at < due.length; at += maxSealedAtOnce)
        await waitForAll(due.slice(at, at + maxSealedAtOnce).map((object) => object.sealValue(vault)));
    }
  }

  /** Takes over the changed objects of an item that has succeeded. */
  merge(changed: Iterable<ManagedObject>): void {
    for (const object of changed) {
      this.newObjects.add(object);
      this.#pending.set(object.id, object);
    }
  }

  /**
   * Applies a lasting change to an object as the kept items have left it. Does nothing when there is none:
   * the item that made the object has been dropped.
   */
  apply(id: string, change: (object: ManagedObject) => void): void {
    const object = (this.#pending.get(id) ?? this.#stored(id))?.clone();
    if (object === undefined) return;
    change(object);
    if (object.changed) this.#pending.set(id, object);
  }

  /** Drops the changes of all items. */
  undo(): void {
    this.#pending = new Map();
    this.newObjects.clear();
  }

  /** Returns an object of the group, a copy that a layer may change; undefined when there is none. */
  async load(id: string, group: string): Promise<ManagedObject | undefined> {
    const pending = this.#pending.get(id);
    if (pending !== undefined) return pending.clone();
    if (!this.#read.has(id)) {
      const [row] = await this.#store.load(group, [id]);
      this.#read.set(id, row);
      this.#compareWithFound(id, row?.version);
    }
    return this.#stored(id)?.clone();
  }

  /** The object as its row was read; undefined when there was none. Nobody may change it. */
  #stored(id: string): ManagedObject | undefined {
    const row = this.#read.get(id);
    if (row === undefined) return undefined;
    const known = this.#opened.get(id) ?? ManagedObject.fromStored(row, this.#vault);
    this.#opened.set(id, known);
    return known;
  }

  /** Whether any group has an object with that identifier. */
  async isTaken(id: string): Promise<boolean> {
    return this.#pending.has(id) || (await this.#store.groupOf(id)) !== undefined;
  }

  /**
   * A search and a read see the store at two times. Versions of searches are indexed only when something is
   * read.
   */
  #compareWithFound(id: string, version: number | undefined): void {
    for (const { ids, versions } of this.#found) {
      this.#versionsFound ??= new Map();
      for (const [at, each] of ids.entries()) {
        if (!this.#versionsFound.has(each)) this.#versionsFound.set(each, versions[at] as number);
      }
    }
    this.#found.length = 0;
    const found = this.#versionsFound?.get(id);
    if (found !== undefined && found !== version) this.#hasStaleResult = true;
  }

  /**
   * Searches the store and the changed objects together; `own` are the objects that the asking layer has
   * changed.
   */
  async find(query: GroupQuery, own: ReadonlyMap<string, ManagedObject>): Promise<FoundItems> {
    const { filter, offset, limit } = query;
    const overlay = new Map([...this.#pending, ...own]);
    if (overlay.size === 0) return this.#findInStore(query);
    // A changed object may match only now, or no longer, so the page is cut after the overlay.
    const found = await this.#findInStore({ ...query, offset: 0, limit: offset + limit + overlay.size });
    const matchedBefore = await this.#matching(this.#before(overlay), filter);
    const matchingNow = await this.#matching(overlay, filter);
    const added = [...matchingNow].filter((id) => !matchedBefore.has(id)).reverse();
    const removed = [...matchedBefore].filter((id) => !matchingNow.has(id)).length;
    const kept = found.ids.filter((id) => !overlay.has(id) || (matchingNow.has(id) && matchedBefore.has(id)));
    const ids = [...added, ...kept];
    return {
      ids: ids.slice(offset, offset + limit),
      total: found.total === undefined ? undefined : found.total - removed + added.length,
    };
  }

  async #findInStore({ filter, ...query }: GroupQuery): Promise<FoundObjects> {
    const compared = comparedAttributes(filter);
    for (;;) {
      const { indexes } = this.#vault;
      const asked = { ...query, ...toStoreFilter(filter, this.#vault, query.group) };
      const found = await this.#store.find(asked, (row) => this.#matches(row, filter, compared));
      // Another index may have come meanwhile, with objects in it.
      if (this.#vault.indexes !== indexes) continue;
      this.#found.push(found);
      return found;
    }
  }

  /**
   * Whether the object of a row matches; a forged row is none, and the vault alarms the operator.
   * @throws {VaultUnavailableError} when the vault is sealed
   */
  #matches(row: LoadedObject, filter: AttributeFilter, compared: ReadonlySet<string>): boolean {
    try {
      const { attributes } = ManagedObject.fromStored(row, this.#vault);
      return matchesFilter(filter, attributes.list(), compared);
    } catch (error) {
      if (error instanceof SealBrokenError) return false;
      throw error;
    }
  }

  /** The changed objects as their rows were read; a row that has changed since ends in a conflict. */
  #before(overlay: ReadonlyMap<string, ManagedObject>): ReadonlyMap<string, ManagedObject> {
    return new Map(
      [...overlay.keys()].flatMap((id) => {
        const stored = this.#stored(id);
        return stored === undefined ? [] : [[id, stored]];
      }),
    );
  }

  /**
   * Returns the objects that match; other messages are served meanwhile.
   * @throws {SearchEndedError} when the searches of the message take too long
   */
  async #matching(
    objects: ReadonlyMap<string, ManagedObject>,
    filter: AttributeFilter,
  ): Promise<Set<string>> {
    const matching = new Set<string>();
    const eventLoop = new EventLoopYield();
    for (const [id, object] of objects) {
      const started = performance.now();
      if (evaluateFilter(filter, this.#entriesOf(object))) matching.add(id);
      this.#searchMilliseconds -= performance.now() - started;
      if (this.#searchMilliseconds < 0)
        throw new SearchEndedError('the searches among the changes of the batch take too long');
      if (eventLoop.isDue) await eventLoop.yield();
    }
    return matching;
  }

  /**
   * Returns the index entries of an object. Those of stored and pending objects are kept, because nothing
   * changes these in place and every search of the message compares all of them.
   */
  #entriesOf(object: ManagedObject): ArrangedEntries {
    const known = this.#entries.get(object);
    if (known !== undefined) return known;
    const entries = new ArrangedEntries(indexEntries(object.attributes.list()));
    const { id } = object;
    if (this.#pending.get(id) === object || this.#opened.get(id) === object)
      this.#entries.set(object, entries);
    return entries;
  }
}
