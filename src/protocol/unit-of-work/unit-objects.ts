import { EventLoopYield } from '../../common/event-loop-yield.ts';
import { ArrangedEntries, evaluateFilter } from '../../object/filter-evaluation.ts';
import { indexEntries } from '../../object/index-entries.ts';
import { ManagedObject } from '../../object/managed-object.ts';
import { uniqueNameKeys } from '../../object/names.ts';
import type { FoundItems } from '../../operations/context.ts';
import {
  type Filter,
  type FoundObjects,
  type LoadedObject,
  type ObjectExpectation,
  type ObjectQuery,
  SearchEndedError,
  type Store,
  type StoredObject,
  type StoreUnit,
} from '../../store/store.ts';
import type { Vault } from '../../vault/vault.ts';

/** The identifiers of the objects that an item has read or made, and of those that it has found. */
export interface ItemObjects {
  readonly read: readonly string[];
  readonly found: readonly string[];
}

/** The objects that a unit writes. */
type WrittenObjects = Required<Pick<StoreUnit, 'inserts' | 'updates' | 'previousKeys'>>;

/** Identifiers in one query to the store: database engines limit the depth of an expression. */
const maxIdentifiersPerQuery = 100;

/** The objects of one message: the rows that it read and found, and the changes of its successful items. */
export class UnitObjects {
  readonly #store: Store;
  readonly #vault: Vault;
  /** Rows as the store gave them; undefined: it had none. */
  readonly #read = new Map<string, LoadedObject | undefined>();
  /** Results of searches whose versions have not been compared with a read yet. */
  #found: FoundObjects[] = [];
  /** Versions of the objects that searches found, by identifier. */
  #versionsFound: Map<string, number> | undefined;
  #hasStaleResult = false;
  /** Objects that successful items changed, in the order of their first change. */
  #pending = new Map<string, ManagedObject>();
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
   */
  async toStored({ uniqueNames }: { readonly uniqueNames: boolean }): Promise<WrittenObjects> {
    const rows: StoredObject[] = [];
    const previousKeys: string[] = [];
    const eventLoop = new EventLoopYield();
    for (const object of this.#pending.values()) {
      const before = uniqueNames ? this.#fromRow(object.id) : undefined;
      if (before !== undefined) previousKeys.push(...uniqueNameKeys(before.attributes));
      rows.push(object.toStored(this.#vault, { uniqueNames }));
      if (eventLoop.isDue) await eventLoop.yield();
    }
    const inserts = rows.filter((row) => row.version === 1);
    return { inserts, updates: rows.filter((row) => row.version > 1), previousKeys };
  }

  /** Takes over the changed objects of an item that has succeeded. */
  merge(changed: Iterable<ManagedObject>): void {
    for (const object of changed) this.#pending.set(object.id, object);
  }

  /**
   * Applies a lasting change to an object as the kept items have left it. Does nothing when there is none:
   * the item that made the object has been dropped.
   */
  apply(id: string, change: (object: ManagedObject) => void): void {
    const object = this.#pending.get(id)?.clone() ?? this.#fromRow(id);
    if (object === undefined) return;
    change(object);
    if (object.changed) this.#pending.set(id, object);
  }

  /** Drops the changes of all items. */
  undo(): void {
    this.#pending = new Map();
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
    return this.#fromRow(id);
  }

  #fromRow(id: string): ManagedObject | undefined {
    const row = this.#read.get(id);
    return row && ManagedObject.fromStored(row, this.#vault);
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
  async find(query: ObjectQuery, own: ReadonlyMap<string, ManagedObject>): Promise<FoundItems> {
    const { filter, offset, limit } = query;
    const overlay = new Map([...this.#pending, ...own]);
    if (overlay.size === 0) {
      const found = await this.#store.find(query);
      this.#found.push(found);
      return found;
    }
    // A changed object may match only now, or no longer, so the page is cut after the overlay.
    const found = await this.#store.find({ ...query, offset: 0, limit: offset + limit + overlay.size });
    this.#found.push(found);
    const matchedBefore = await this.#matchingInStore(overlay, query);
    const matchingNow = await this.#matchingNow(overlay, filter);
    const added = [...matchingNow].filter((id) => !matchedBefore.has(id)).reverse();
    const removed = [...matchedBefore].filter((id) => !matchingNow.has(id)).length;
    const ids = [...added, ...found.ids.filter((id) => !overlay.has(id) || matchingNow.has(id))];
    return {
      ids: ids.slice(offset, offset + limit),
      total: found.total === undefined ? undefined : found.total - removed + added.length,
    };
  }

  /**
   * Returns the changed objects that match; other messages are served meanwhile.
   * @throws {SearchEndedError} when the searches of the message take too long
   */
  async #matchingNow(overlay: ReadonlyMap<string, ManagedObject>, filter: Filter): Promise<Set<string>> {
    const matching = new Set<string>();
    const eventLoop = new EventLoopYield();
    for (const [id, object] of overlay) {
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
   * Returns the index entries of a changed object. Those of pending objects are kept, because nothing changes
   * these in place and every search of the message compares all of them.
   */
  #entriesOf(object: ManagedObject): ArrangedEntries {
    const known = this.#entries.get(object);
    if (known !== undefined) return known;
    const entries = new ArrangedEntries(indexEntries(object.attributes.list()));
    if (this.#pending.get(object.id) === object) this.#entries.set(object, entries);
    return entries;
  }

  /** Returns the changed objects that match as the store still has them, on whatever page they are. */
  async #matchingInStore(
    overlay: ReadonlyMap<string, ManagedObject>,
    query: ObjectQuery,
  ): Promise<Set<string>> {
    const stored = [...overlay.values()].filter(({ version }) => version > 0).map(({ id }) => id);
    const matching = new Set<string>();
    for (let at = 0; at < stored.length; at += maxIdentifiersPerQuery) {
      const any = stored.slice(at, at + maxIdentifiersPerQuery).map((value) => {
        return { attribute: 'UniqueIdentifier', fields: [{ field: '', op: '=', value }] } as const;
      });
      const filter = { all: [query.filter, { any }] };
      const page = { ...query, filter, offset: 0, limit: maxIdentifiersPerQuery, countedItems: 0 };
      for (const id of (await this.#store.find(page)).ids) matching.add(id);
    }
    return matching;
  }
}
