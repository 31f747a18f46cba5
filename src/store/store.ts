import type { ChainEntry } from '../common/audit-chain.ts';
import type { SealedKey } from '../vault/vault.ts';
import type { ColumnName } from './columns.ts';

/**
 * Port of the store: what the server needs from a database. The adapter is `sql-store.ts`, over `sqlite.ts`
 * or `postgres.ts`. The store receives nothing readable but what docs/storage.md lists: attributes and values
 * are sealed by the vault, texts are searched by keyed hashes.
 *
 *     const [key] = await store.load(group, [id]);
 *     const active = { column: 'State', op: '=', value: 2 } as const;
 *     const query = { group, filter: active, isExact: true, offset: 0, limit: 100 };
 *     const { ids, total } = await store.find(query, (row) => opensAndMatches(row));
 *     await store.commit({ expects: [], inserts: [], updates: [next] }); // a CommitResult
 */

/** A term of the blind index: a keyed hash of group, attribute, field and value, which `object/` computes. */
export interface IndexTerm {
  /** A safe integer. */
  readonly term: number;
  /** Number of the instance of a multi-valued attribute; the terms of one instance share it. */
  readonly instance: number;
}

/** A term, or those that one value has in several indexes. */
export type SoughtTerm = number | readonly number[];

/** The difference between two versions of an object; of a new object everything is added. */
export interface Difference<T> {
  readonly add: readonly T[];
  readonly remove: readonly T[];
}

/** The values of the attributes that have a column of their own; null: the object has none. */
export type ObjectColumns = Readonly<Record<ColumnName, number | null>>;

/** An object as it is read: its row without what only searches use. */
export interface LoadedObject {
  /** Unique Identifier, any text of at most 127 characters. */
  readonly id: string;
  /** Group of clients that owns the object; separates tenants. Never changes. */
  readonly group: string;
  /** Never changes. */
  readonly objectType: string;
  /** 1 at insertion, plus one with every update; the optimistic lock. */
  readonly version: number;
  /** Sealed attributes, and the value unless it is apart. */
  readonly box: SealedKey;
  /** Sealed value that is too large for the box; null when there is none apart. */
  readonly value: SealedKey | null;
}

/** By a keyed hash, those of the same text in all indexes, while there are several: the oldest first. */
export type Aliases = ReadonlyMap<string, readonly string[]>;

/** How unique names of an object change. */
export interface UniqueNameChange extends Difference<string> {
  /** Names that it gets in place of others, which are removed, if it holds these. */
  readonly move?: readonly { readonly from: string; readonly to: string }[];
}

/** An object as it is written. */
export interface StoredObject extends LoadedObject {
  readonly columns: ObjectColumns;
  readonly terms: Difference<IndexTerm>;
  /** Keyed hashes that at most one object of the group may hold (unique Names, when that option is on). */
  readonly uniqueNames: UniqueNameChange;
  /** Tag of the box that an update replaces; null for a new object. */
  readonly replacedTag: Uint8Array | null;
}

/** Condition on what is stored of an object beside its box. */
export type Filter =
  | { readonly all: readonly Filter[] }
  | { readonly any: readonly Filter[] }
  | { readonly not: Filter }
  /** The object has the attribute of that column. */
  | { readonly present: ColumnName }
  /** `bits`: every bit of `value` is set. An object without the attribute meets no comparison. */
  | { readonly column: ColumnName; readonly op: '=' | '>=' | '<=' | 'bits'; readonly value: number }
  /** The Unique Identifier. */
  | { readonly id: string }
  /** One instance has all of the terms; at least one term. */
  | { readonly terms: readonly SoughtTerm[] };

/** One page of the objects of a group that satisfy a filter. */
export interface ObjectQuery {
  readonly group: string;
  readonly filter: Filter;
  /**
   * Whether every object that satisfies the filter matches. Otherwise each of them is loaded and matched
   * before it is skipped, counted or answered.
   */
  readonly isExact: boolean;
  readonly offset: number;
  readonly limit: number;
  /** The total is exact up to this number of matching objects, and up to the page; 0 when absent. */
  readonly countedItems?: number;
}

/** Result of an `ObjectQuery`. */
export interface FoundObjects {
  /** The page's objects, newest first (reverse order of insertion), which does not change between pages. */
  readonly ids: readonly string[];
  /** Versions of the objects as they matched, in the order of `ids`. */
  readonly versions: readonly number[];
  /** Number of matching objects on all pages; undefined when it is more than were counted. */
  readonly total: number | undefined;
}

/** Which objects of a group are counted: not destroyed, with a `seq` after that, until more are found. */
export interface CountQuery {
  readonly group: string;
  readonly after: number;
  readonly limit: number;
}

/** Result of a `CountQuery`. */
export interface ObjectCount {
  /** No more objects had a `seq` up to `last` at the end: some may have been destroyed meanwhile. */
  readonly objects: number;
  /** The `seq` up to which rows were read. */
  readonly last: number;
  /** False: the count ended at its limit. */
  readonly isComplete: boolean;
}

/** How many objects with a `seq` after that a group may have that are not destroyed. */
export interface ObjectBound {
  readonly group: string;
  readonly after: number;
  readonly objects: number;
}

/** The version that an object of a group had when it was read; 0: the group had none. */
export interface ObjectExpectation {
  readonly id: string;
  readonly group: string;
  readonly version: number;
}

/**
 * All writes of one message, applied completely or not at all. An id occurs once among inserts and updates.
 */
export interface StoreUnit {
  /**
   * Objects on which the outcome depends: the unit conflicts when one has another version. 0: the group must
   * have no object of that identifier.
   */
  readonly expects: readonly ObjectExpectation[];
  readonly inserts: readonly StoredObject[];
  /** `version` is the new one; the row must still have `version - 1`. */
  readonly updates: readonly StoredObject[];
  /**
   * Unique names that objects of the unit should hold before it. One that another object holds, because the
   * option was off once, does not refuse the unit: what keeps the name or moves it takes it where it is free.
   */
  readonly previousNames?: readonly string[];
  /** What stands for unique names in other indexes: where another object holds one, the name is taken. */
  readonly aliases?: Aliases;
  readonly records?: RecordChanges;
  /**
   * The unit conflicts when the group has more objects after it. Units with a bound of one group must expect
   * the same record, so that an engine with concurrent writers commits one after the other.
   */
  readonly bound?: ObjectBound | undefined;
  /** Entries of the audit log, which are durable together with the rest; without it they write no row. */
  readonly audit?: readonly ChainEntry[];
}

/** Server state beside objects (clients, tickets, pending jobs, group defaults), sealed like a key. */
export interface StoredRecord {
  /** Purpose of the record. */
  readonly kind: string;
  /** Keyed hash of kind and id, unique on the whole server; the id itself stands in the box. */
  readonly key: string;
  readonly group: string;
  /** 1 at insertion, plus one with every update. */
  readonly version: number;
  /** POSIX seconds from which on the record counts as absent and may be deleted; null: never. */
  readonly expires: number | null;
  readonly box: SealedKey;
}

/** A record as it is written. */
export interface WrittenRecord extends StoredRecord {
  /** Tag of the box that an update replaces; null for a new record. */
  readonly replacedTag: Uint8Array | null;
}

/** The version of a record that a unit removes. */
export interface RemovedRecord {
  readonly kind: string;
  readonly key: string;
  readonly version: number;
  /** Tag of its box. */
  readonly tag: Uint8Array;
}

/** Record changes of one unit, under the same locks as its objects. */
export interface RecordChanges {
  /** Records on which the outcome depends; 0: must not exist. */
  readonly expects: readonly { readonly kind: string; readonly key: string; readonly version: number }[];
  /** Version 1 is an insertion, a higher one an update of `version - 1`. */
  readonly puts: readonly WrittenRecord[];
  /** Applied before insertions, so that a unit can replace an expired record. */
  readonly removals: readonly RemovedRecord[];
  /** What stands for the keys of new records in other indexes; none of these may exist. */
  readonly aliases?: Aliases;
}

/** The oldest records of one kind. */
export interface RecordQuery {
  readonly kind: string;
  /** Records of every group when absent. */
  readonly group?: string;
  readonly limit: number;
  /** POSIX seconds: excludes records that have expired by then. */
  readonly at?: number;
  /** The `seq` after which the list begins; default 0. */
  readonly after?: number;
}

/** `conflict`: a concurrent write won, run the message again. `taken`: another object holds a unique name. */
export type CommitResult = 'committed' | 'conflict' | 'taken';

/**
 * Objects and records of the server. Every method rejects with StoreUnavailableError when the database is
 * unavailable.
 */
export interface Store {
  /**
   * The objects of `ids` that the group has, in any order. The row of another group's object is not read, so
   * that the call takes the same time for it as for an identifier that nobody has.
   */
  load(group: string, ids: readonly string[]): Promise<readonly LoadedObject[]>;
  /** The group of the object with that identifier, which is unique on the whole server. */
  groupOf(id: string): Promise<string | undefined>;
  /**
   * One page of the objects that satisfy a filter. A search consists of bounded statements and sees each page
   * of the group's objects at another time. Accounts of requesters take turns for the statements.
   * Every object of the page was loaded and matched: `match` opens a row and decides. Neither index nor
   * columns are authentic, so that a forged one hides objects but never substitutes one.
   * @throws {SearchEndedError} when it takes too long
   * @throws {RequesterGoneError} when the current requester does not wait for it any more
   */
  find(query: ObjectQuery, match: (row: LoadedObject) => boolean): Promise<FoundObjects>;
  /** Counts objects of a group that are not destroyed; a long count consists of bounded statements. */
  count(query: CountQuery): Promise<ObjectCount>;
  /** One record, expired or not: the caller compares group and date. */
  record(kind: string, key: string): Promise<StoredRecord | undefined>;
  /** Records oldest first; expired ones are included unless the query has `at`. */
  records(query: RecordQuery): Promise<readonly (StoredRecord & { readonly seq: number })[]>;
  /**
   * Deletes the records that had expired by `now` (POSIX seconds) and are genuine: a date that somebody else
   * has set must not remove a record in the name of the server.
   */
  deleteExpired(now: number, isGenuine: (record: StoredRecord) => boolean): Promise<void>;
  /**
   * Resolves when the write is durable (fsync). Units that arrive together share one fsync; a conflict
   * affects only its own unit.
   *
   * @throws {StoreUnavailableError} when durability is not certain: the unit is then applied completely or
   * not at all.
   */
  commit(unit: StoreUnit): Promise<CommitResult>;
  /** Checks that the database can read and write. */
  ping(): Promise<void>;
  /** Finishes pending commits, then closes; further calls reject with StoreUnavailableError. */
  close(): Promise<void>;
}

/** Tables whose rows are sealed, and have a number in the column `seq`. */
export const numberedTables = ['managed_object', 'sealed_record', 'audit_block'] as const;
export type NumberedTable = (typeof numberedTables)[number];

/**
 * `STORE_UNAVAILABLE`: the database is unavailable (disk full, connection lost). A transient failure: clients
 * get General Failure, and readiness turns false.
 */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
  readonly code = 'STORE_UNAVAILABLE';
}

/** A commit that waits, because an application beside kmipd has locked rows that it needs. */
export interface LockWait {
  /** Identifiers of the locked objects and kinds of the locked records, as far as they are known. */
  readonly rows: readonly string[];
  /** The sessions that hold the locks: process, role, application and address, never a query. */
  readonly sessions: readonly string[];
}

/** `SEARCH_ENDED`: a search was ended before its result was complete. */
export class SearchEndedError extends Error {
  override readonly name = 'SearchEndedError';
  readonly code = 'SEARCH_ENDED';
}
