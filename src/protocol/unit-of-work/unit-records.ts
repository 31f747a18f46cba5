import { EventLoopYield } from '../../common/event-loop-yield.ts';
import {
  joinSealed,
  type RecordContent,
  type RecordWrite,
  recordKeys,
  removalOf,
} from '../../store/record-boxes.ts';
import type { RecordChanges, RemovedRecord, Store, StoredRecord } from '../../store/store.ts';
import { boxEpoch, type Vault } from '../../vault/vault.ts';
import { findRecord, isGenuineRecord, openGenuineRecord, openRecord, sealRecord } from './record-boxes.ts';

/** A record as code that belongs to no group sees it. */
export interface UnitRecord {
  readonly group: string;
  /** A copy that the caller may overwrite. */
  readonly content: Uint8Array;
  /** POSIX seconds; undefined: never. */
  readonly expires: number | undefined;
}

/** Some records of a kind. */
export interface RecordPage {
  readonly records: readonly (UnitRecord & { readonly id: string })[];
  readonly next: number | null;
}

/** A change of one record; without content: its removal. */
export interface RecordChange {
  readonly kind: string;
  readonly id: string;
  readonly group: string;
  readonly content: Uint8Array | undefined;
  readonly expires: number | undefined;
}

/** What a message has read of a record; without a row there was none. */
interface ReadRecord {
  readonly kind: string;
  readonly id: string;
  readonly row: StoredRecord | undefined;
}

/** A record of a list, with its row. */
interface OpenedRow extends RecordContent {
  readonly row: StoredRecord;
}

/** Changes by the names of their records. */
type Changes = Map<string, RecordChange>;

/** A change of one record that outlives its item; see `Records.putLasting`. */
interface LastingChange {
  readonly kind: string;
  readonly id: string;
  readonly group: string;
  readonly change: (content: Uint8Array | undefined) => Uint8Array;
  readonly expires: number | undefined;
}

/**
 * The records of one message: the rows that it read, the changes of its items, and the changes of the message
 * itself, which neither a failed item nor Undo takes back.
 */
export class UnitRecords {
  readonly #store: Store;
  readonly #vault: Vault;
  readonly #now: number;
  /** Rows by the name of their record, as the store gave them. */
  readonly #read = new Map<string, ReadRecord>();
  readonly #own: Changes = new Map();
  #items: Changes = new Map();

  constructor(store: Store, vault: Vault, now: number) {
    this.#store = store;
    this.#vault = vault;
    this.#now = now;
  }

  /** Whether there is anything to write. */
  get changed(): boolean {
    return this.#own.size + this.#items.size > 0;
  }

  /** Drops the changes of all items. */
  undo(): void {
    this.#items = new Map();
  }

  /** Applies a lasting change to a record as the kept items have left it. */
  apply(lasting: LastingChange): void {
    const { kind, id, group } = lasting;
    if (!this.isForeign(kind, id, group))
      replaceChange(this.#items, recordName(kind, id), this.changeBy(lasting));
  }

  /** Returns the change that a lasting one makes now; `over` are the changes of the asking layer. */
  changeBy({ change, ...lasting }: LastingChange, over?: ReadonlyMap<string, RecordChange>): RecordChange {
    const record = this.#known(recordName(lasting.kind, lasting.id), over);
    return { ...lasting, content: change(record?.group === lasting.group ? record.content : undefined) };
  }

  /** Takes over the changes of an item that has succeeded. */
  merge(changes: ReadonlyMap<string, RecordChange>): void {
    for (const [name, change] of changes) replaceChange(this.#items, name, change);
  }

  /**
   * Returns a record as the message has left it so far, `over` being the changes of the asking layer;
   * undefined when there is none or it has expired. Rows of groups other than `group` are not decrypted.
   */
  async load(
    kind: string,
    id: string,
    over?: ReadonlyMap<string, RecordChange>,
    group?: string,
  ): Promise<UnitRecord | undefined> {
    const name = recordName(kind, id);
    const isChanged = [over, this.#items, this.#own].some((changes) => changes?.has(name) === true);
    if (!isChanged && !this.#read.has(name))
      this.#read.set(name, { kind, id, row: await findRecord(this.#store, this.#vault, kind, id) });
    return this.#known(name, over, group);
  }

  /** Returns a record that this message has read or changed. */
  #known(name: string, over?: ReadonlyMap<string, RecordChange>, group?: string): UnitRecord | undefined {
    const change = over?.get(name) ?? this.#items.get(name) ?? this.#own.get(name);
    if (change !== undefined) return this.#changed(change);
    const row = this.#read.get(name)?.row;
    if (row === undefined || (group !== undefined && group !== row.group)) return undefined;
    const opened = this.#open(row, openRecord);
    return opened && { group: row.group, content: opened.content, expires: row.expires ?? undefined };
  }

  /**
   * Opens a row; undefined when it has expired. Also that is believed of a row that opens only: whoever can
   * write the database could end any record by its date, or have an expired one listed.
   */
  #open(row: StoredRecord, open: typeof openGenuineRecord): RecordContent | undefined {
    const opened = open(this.#vault, row);
    if (!this.#isExpired(row.expires)) return opened;
    opened?.content.fill(0);
    return undefined;
  }

  /**
   * Returns the records of a kind and group, those of the store first, oldest first, at most `limit`; `over`
   * are the changes of the asking layer.
   */
  async list(
    kind: string,
    group: string,
    limit: number,
    over: ReadonlyMap<string, RecordChange>,
  ): Promise<RecordContent[]> {
    const all = [...new Map([...this.#own, ...this.#items, ...over])];
    const changes = new Map(all.filter(([, change]) => change.kind === kind && change.group === group));
    const asked = { kind, group, limit: limit + changes.size, at: this.#now };
    const found: RecordContent[] = [];
    for (const { id, content, row } of await this.#openRows(await this.#store.records(asked), openRecord)) {
      const name = recordName(kind, id);
      // What was read before is what this message sees: if it has changed since, the commit finds out.
      if (!this.#read.has(name)) this.#read.set(name, { kind, id, row });
      const change = changes.get(name);
      changes.delete(name);
      if (change !== undefined) content.fill(0);
      found.push(...(change === undefined ? [{ id, content }] : contentOf(change)));
    }
    return [...found, ...[...changes.values()].flatMap(contentOf)].slice(0, limit);
  }

  /**
   * Returns the records of a kind of every group as they were before this unit, oldest first. `altered`:
   * whether rows that do not open are left out or refused.
   * @throws {SealBrokenError} for one that is refused
   */
  async every(kind: string, limit: number, altered: 'omit' | 'refuse'): Promise<RecordPage['records']> {
    return this.#unitRecords(await this.#store.records({ kind, limit, at: this.#now }), altered);
  }

  /** As `every`, after the row with that number; `next`: where to go on, null when there are no more. */
  async page(kind: string, after: number, limit: number): Promise<RecordPage> {
    const rows = await this.#store.records({ kind, limit, at: this.#now, after });
    const next = rows.length < limit ? null : (rows.at(-1)?.seq ?? null);
    return { records: await this.#unitRecords(rows, 'omit'), next };
  }

  async #unitRecords(
    rows: readonly StoredRecord[],
    altered: 'omit' | 'refuse',
  ): Promise<RecordPage['records']> {
    const opened = await this.#openRows(rows, altered === 'omit' ? openGenuineRecord : openRecord);
    return opened.map(({ id, content, row: { group, expires } }) => ({
      ...{ id, content, group, expires: expires ?? undefined },
    }));
  }

  /**
   * Opens rows of one kind. A record may be among them twice, because it moves to a newer index meanwhile or
   * because somebody has put a row back: as in `findRecord`, the row in the newer index is right.
   */
  async #openRows(
    rows: readonly StoredRecord[],
    open: typeof openGenuineRecord,
  ): Promise<readonly OpenedRow[]> {
    const found = new Map<string, OpenedRow>();
    const eventLoop = new EventLoopYield();
    for (const row of rows) {
      if (eventLoop.isDue) await eventLoop.yield();
      const opened = this.#open(row, open);
      if (opened === undefined) continue;
      const other = found.get(opened.id);
      const isNewer = other === undefined || boxEpoch(row.box) > boxEpoch(other.row.box);
      (isNewer ? other : opened)?.content.fill(0);
      if (isNewer) found.set(opened.id, { ...opened, row });
    }
    return [...found.values()];
  }

  /** Puts a record as a change of the message itself. `expires`: POSIX seconds. */
  put(kind: string, id: string, group: string, content: Uint8Array, expires?: number): void {
    this.#change({ kind, id, group, content: content.slice(), expires });
  }

  /** Removes a record as a change of the message itself. */
  remove(kind: string, id: string): void {
    const name = recordName(kind, id);
    const group = this.#items.get(name)?.group ?? this.#read.get(name)?.row?.group ?? '';
    this.#change({ kind, id, group, content: undefined, expires: undefined });
  }

  #change(change: RecordChange): void {
    const name = recordName(change.kind, change.id);
    this.#items.delete(name);
    replaceChange(this.#own, name, change);
  }

  /** Whether another group has a live record of that name, as far as this message has read. */
  isForeign(kind: string, id: string, group: string): boolean {
    const row = this.#read.get(recordName(kind, id))?.row;
    if (row === undefined || row.group === group) return false;
    return !this.#isExpired(row.expires) || !isGenuineRecord(this.#vault, row);
  }

  /**
   * Returns all changes for the store, encrypted, and overwrites their plain contents: the unit cannot be
   * used afterwards.
   */
  changes(): RecordChanges {
    const sealed: RecordWrite[] = [];
    const removals: RemovedRecord[] = [];
    for (const [name, change] of new Map([...this.#own, ...this.#items])) {
      const { kind, id, group, content, expires = null } = change;
      const row = this.#read.get(name)?.row;
      // An expired record counts as removed: a record of any group may take its name.
      const renewed = content === undefined || this.#isExpired(row?.expires ?? null) ? undefined : row;
      if (row !== undefined && renewed === undefined) removals.push(removalOf(row));
      if (content === undefined) continue;
      sealed.push(sealRecord(this.#vault, { kind, group, expires }, { id, content }, renewed));
      content.fill(0);
    }
    const { removals: moved, ...joined } = joinSealed(sealed);
    return { expects: this.#expects(), ...joined, removals: [...removals, ...moved] };
  }

  /** A record that was not there must still be in no index. */
  #expects(): RecordChanges['expects'] {
    return [...this.#read.values()].flatMap(({ kind, id, row }) =>
      row === undefined
        ? recordKeys(this.#vault, kind, id).map((key) => ({ kind, key, version: 0 }))
        : [{ kind, key: row.key, version: row.version }],
    );
  }

  #changed({ group, content, expires }: RecordChange): UnitRecord | undefined {
    return content === undefined ? undefined : { group, content: content.slice(), expires };
  }

  #isExpired(expires: number | null): boolean {
    return expires !== null && expires <= this.#now;
  }
}

/** Returns the name of a record within a message: a kind has no slash. */
export function recordName(kind: string, id: string): string {
  return `${kind}/${id}`;
}

/** Sets a change and overwrites the content that is no longer wanted, so that it does not stay in memory. */
export function replaceChange(changes: Changes, name: string, change: RecordChange): void {
  changes.get(name)?.content?.fill(0);
  changes.set(name, change);
}

/** Returns a copy of what a change puts; nothing of a removal. */
function contentOf({ id, content }: RecordChange): readonly RecordContent[] {
  return content === undefined ? [] : [{ id, content: content.slice() }];
}
