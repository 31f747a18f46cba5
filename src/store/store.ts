/**
 * Port of the store: what the house asks of a database. Adapters: `sql-store.ts` over `sqlite.ts` or `postgres.ts`.
 *
 * The store never sees a key: `sealed` went through the vault first. It knows no attribute either, only the index
 * entries that `object/` derives from them, so that Locate is answered by the database and paged there.
 */

/** Bytes that left the vault's `seal`; the brand keeps plain bytes from being stored by mistake. */
export type SealedKey = Uint8Array & { readonly __sealed: unique symbol };

/** One searchable value of an object. Structures give one entry per field, joined by `instance`. */
export interface IndexEntry {
  /** Canonical attribute key: `CryptographicLength`, `Name`, or `x-Foo` for vendor `x`, name `Foo`. */
  readonly attribute: string;
  /** Field of a structured attribute (`NameValue`); empty for plain values. */
  readonly field: string;
  /** Which instance of a multi-valued attribute the entry belongs to; entries of one instance share it. */
  readonly instance: number;
  /** Text form for equality, exact. Any length: the store keeps long ones as their digest and compares alike. */
  readonly text: string | null;
  /** Numeric form for ranges and masks, a safe integer: seconds for dates, bits for masks. */
  readonly number: number | null;
}

/** What a reader gets: the row without its search entries, which only writers and the database need. */
export interface LoadedObject {
  /** Unique Identifier, any text of at most 127 characters. */
  readonly id: string;
  /** Group of clients that owns the object; the tenant border. Never changes. */
  readonly group: string;
  /** Never changes. */
  readonly objectType: string;
  /** 1 at insertion, plus one with every update: the optimistic lock. */
  readonly version: number;
  /** Canonical attributes as written by `object/`; opaque here, never key material. */
  readonly attributes: Uint8Array;
  /** Sealed object value; null once destroyed or for objects that never had one. */
  readonly sealed: SealedKey | null;
}

/** What a writer gives. `index` and `uniqueKeys` are always complete: the store finds out what changed. */
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

export type Filter =
  | { readonly all: readonly Filter[] }
  | { readonly any: readonly Filter[] }
  | { readonly not: Filter }
  /** Some single instance of the attribute satisfies every comparison; no comparison: the attribute exists. */
  | { readonly attribute: string; readonly fields: readonly Comparison[] };

export interface Query {
  readonly group: string;
  readonly filter: Filter;
  readonly offset: number;
  readonly limit: number;
}

/** `ids` newest first, in the order of insertion reversed, stable between pages; `total` before offset and limit. */
export interface Found {
  readonly ids: readonly string[];
  /** Versions of the objects as they were when they matched, in the order of `ids`. */
  readonly versions: readonly number[];
  readonly total: number;
}

/** Everything one message wants written. Applied whole or not at all. An id stands once among inserts and updates. */
export interface StoreUnit {
  /** Objects the unit's outcome depends on: if one has another version (0: exists although it should not), the unit conflicts. */
  readonly expects: readonly { readonly id: string; readonly version: number }[];
  readonly inserts: readonly StoredObject[];
  /** `version` is the new one; the row must still have `version - 1`. */
  readonly updates: readonly StoredObject[];
  readonly records?: RecordChanges;
  readonly enrolment?: EnrolmentChange;
}

/**
 * A client's certificate in place of its former one. The unit conflicts when the client is not enrolled by that one, is
 * disabled or in another group, or somebody else is enrolled by the new one.
 */
export interface EnrolmentChange {
  readonly client: string;
  readonly group: string;
  /** Fingerprint of the former certificate. */
  readonly before: string;
  readonly fingerprint: string;
  /** PEM. */
  readonly certificate: string;
}

/** What the server remembers beside objects: tickets, pending work, credentials, defaults. Sealed like a key. */
export interface StoredRecord {
  /** What it is for. */
  readonly kind: string;
  /** Unique within its kind on the whole server, any text of at most 127 characters. */
  readonly id: string;
  readonly group: string;
  /** 1 at insertion, plus one with every update. */
  readonly version: number;
  /** POSIX seconds from which on it is as good as gone, and may be swept; null: never. */
  readonly expires: number | null;
  readonly sealed: SealedKey;
}

/** What one unit does with records, under the same locks as objects: version 1 is an insertion, a higher one an update. */
export interface RecordChanges {
  readonly expects: readonly { readonly kind: string; readonly id: string; readonly version: number }[];
  readonly puts: readonly StoredRecord[];
  /** `version`: the one that was read. Done before the insertions: an expired record may be removed and put anew. */
  readonly removals: readonly { readonly kind: string; readonly id: string; readonly version: number }[];
}

export interface RecordQuery {
  readonly kind: string;
  /** Of every group when left out. */
  readonly group?: string;
  readonly limit: number;
  /** POSIX seconds: leaves out what has expired by then. */
  readonly at?: number;
}

/** `conflict`: somebody else was faster, play the message again. `taken`: a unique key is held by another object. */
export type CommitResult = 'committed' | 'conflict' | 'taken';

export interface Store {
  /** The objects that exist, in any order; the caller compares groups. */
  load(ids: readonly string[]): Promise<readonly LoadedObject[]>;
  find(query: Query): Promise<Found>;
  /** The record, expired or not: the caller compares group and date. */
  record(kind: string, id: string): Promise<StoredRecord | undefined>;
  /** Oldest first, expired ones included unless the query says when it is. */
  records(query: RecordQuery): Promise<readonly StoredRecord[]>;
  /** Removes some of the records that had expired by `now`, POSIX seconds; whether there may be more. */
  sweep(now: number): Promise<boolean>;
  /**
   * Resolves after the write is durable (fsync). Units that arrive together share one fsync; a conflict costs only its
   * own unit. Rejects with StoreUnavailable when durability is not certain: the unit may then be there whole, or not.
   */
  commit(unit: StoreUnit): Promise<CommitResult>;
  /** Rejects when the database cannot answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** The store is away (disk full, connection lost): "weather", answered with General Failure; health turns red. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
  readonly code = 'STORE_UNAVAILABLE';
}
