import type { SealedKey } from '../vault/vault.ts';

/**
 * Port of the store: what the server needs from a database. The adapter is `sql-store.ts`, over `sqlite.ts`
 * or `postgres.ts`. The store never receives a plain key: `sealed` comes from the vault. The store does not
 * know attributes either, only the index entries that `object/` derives from them, so that the database
 * answers Locate.
 *
 *     const [key] = await store.load(group, [id]);
 *     const active = { attribute: 'State', fields: [{ field: '', op: '=', value: 2 }] } as const;
 *     const { ids, total } = await store.find({ group, filter: active, offset: 0, limit: 100 });
 *     const next = { ...key, version: key.version + 1, index, uniqueKeys: [] };
 *     await store.commit({ expects: [], inserts: [], updates: [next] }); // a CommitResult
 */

/**
 * One searchable value of an object. A structured attribute has one entry per field, all of one `instance`.
 */
export interface IndexEntry {
  /** Canonical attribute key: `CryptographicLength`, `Name`, or `x-Foo` for vendor `x`, name `Foo`. */
  readonly attribute: string;
  /** Field of a structured attribute (`NameValue`); empty for plain values. */
  readonly field: string;
  /** Number of the instance of a multi-valued attribute; the entries of one instance share it. */
  readonly instance: number;
  /**
   * Text for exact comparison, of any length: the store keeps the digest of long texts and compares digests.
   */
  readonly text: string | null;
  /** Number for ranges and masks, a safe integer: seconds for dates, bits for masks. */
  readonly number: number | null;
}

/** An object as it is read: its row without index entries and unique keys. */
export interface LoadedObject {
  /** Unique Identifier, any text of at most 127 characters. */
  readonly id: string;
  /** Group of clients that owns the object; separates tenants. Never changes. */
  readonly group: string;
  /** Never changes. */
  readonly objectType: string;
  /** 1 at insertion, plus one with every update; the optimistic lock. */
  readonly version: number;
  /** Canonical attributes and maker as `object/` encodes them; opaque to the store, never key material. */
  readonly attributes: Uint8Array;
  /** Sealed object value; null once destroyed, and for objects without a value. */
  readonly sealed: SealedKey | null;
}

/**
 * An object as it is written. `index` and `uniqueKeys` are always complete; the store computes the
 * difference.
 */
export interface StoredObject extends LoadedObject {
  /** At most one entry for each (attribute, field, instance). */
  readonly index: readonly IndexEntry[];
  /** Values that at most one object of the group may hold (unique Names, when that option is on). */
  readonly uniqueKeys: readonly string[];
}

/** Comparison with one field of one attribute instance. `bits`: every bit of `value` is set. */
export type Comparison =
  | { readonly field: string; readonly op: '='; readonly value: string | number }
  | { readonly field: string; readonly op: '>=' | '<=' | 'bits'; readonly value: number };

/** Condition on the index entries of an object. */
export type Filter =
  | { readonly all: readonly Filter[] }
  | { readonly any: readonly Filter[] }
  | { readonly not: Filter }
  /** One instance of the attribute satisfies every comparison; without comparisons: the attribute exists. */
  | { readonly attribute: string; readonly fields: readonly Comparison[] };

/** One page of the objects of a group that satisfy a filter. */
export interface ObjectQuery {
  readonly group: string;
  readonly filter: Filter;
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
   * Unique keys that objects of the unit should hold before it. One that another object holds, because the
   * option was off once, does not refuse the unit: what keeps the key or moves it takes it where it is free.
   */
  readonly previousKeys?: readonly string[];
  readonly records?: RecordChanges;
  readonly enrolment?: EnrolmentChange;
}

/**
 * Replaces the certificate of an enrolled client. The unit conflicts when the client is not enrolled with the
 * previous certificate, is disabled or in another group, or when another client is enrolled with the new one.
 */
export interface EnrolmentChange {
  readonly client: string;
  readonly group: string;
  /** Fingerprint of the previous certificate. */
  readonly before: string;
  /** Fingerprint of the new certificate. */
  readonly fingerprint: string;
  /** The new certificate as PEM. */
  readonly certificate: string;
}

/** Server state beside objects (tickets, pending jobs, credentials, group defaults), sealed like a key. */
export interface StoredRecord {
  /** Purpose of the record. */
  readonly kind: string;
  /** Unique within its kind on the whole server, any text of at most 127 characters. */
  readonly id: string;
  readonly group: string;
  /** 1 at insertion, plus one with every update. */
  readonly version: number;
  /** POSIX seconds from which on the record counts as absent and may be deleted; null: never. */
  readonly expires: number | null;
  readonly sealed: SealedKey;
}

/** Record changes of one unit, under the same locks as its objects. */
export interface RecordChanges {
  /** Records on which the outcome depends; 0: must not exist. */
  readonly expects: readonly { readonly kind: string; readonly id: string; readonly version: number }[];
  /** Version 1 is an insertion, a higher one an update of `version - 1`. */
  readonly puts: readonly StoredRecord[];
  /**
   * `version`: the one that was read. Applied before insertions, so that a unit can replace an expired
   * record.
   */
  readonly removals: readonly { readonly kind: string; readonly id: string; readonly version: number }[];
}

/** The oldest records of one kind. */
export interface RecordQuery {
  readonly kind: string;
  /** Records of every group when absent. */
  readonly group?: string;
  readonly limit: number;
  /** POSIX seconds: excludes records that have expired by then. */
  readonly at?: number;
}

/** `conflict`: a concurrent write won, run the message again. `taken`: another object holds a unique key. */
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
  /**
   * The group of the object with that identifier, whichever it is; undefined when there is none. Identifiers
   * are unique on the whole server.
   */
  groupOf(id: string): Promise<string | undefined>;
  /**
   * One page of the objects that satisfy a filter. A search consists of bounded statements and sees each page
   * of the group's objects at another time. Accounts of requesters take turns for the statements.
   * @throws {SearchEndedError} when it takes too long
   * @throws {RequesterGoneError} when the current requester does not wait for it any more
   */
  find(query: ObjectQuery): Promise<FoundObjects>;
  /** One record, expired or not: the caller compares group and date. */
  record(kind: string, id: string): Promise<StoredRecord | undefined>;
  /** Records oldest first; expired ones are included unless the query has `at`. */
  records(query: RecordQuery): Promise<readonly StoredRecord[]>;
  /** Deletes some of the records that had expired by `now` (POSIX seconds); true when there may be more. */
  deleteExpired(now: number): Promise<boolean>;
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
