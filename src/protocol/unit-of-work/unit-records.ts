import { fail } from '../../common/errors.ts';
import type { Records } from '../../operations/context.ts';
import type { RecordChanges, Store, StoredRecord } from '../../store/store.ts';
import type { RecordContext, Vault } from '../../vault/vault.ts';

/** A record as code that belongs to no group sees it. */
export interface UnitRecord {
  readonly group: string;
  /** A copy that the caller may overwrite. */
  readonly content: Uint8Array;
  /** POSIX seconds; undefined: never. */
  readonly expires: number | undefined;
}

/** A change of one record; without content: its removal. */
interface Change {
  readonly kind: string;
  readonly id: string;
  readonly group: string;
  readonly content: Uint8Array | undefined;
  readonly expires: number | undefined;
}

type Changes = Map<string, Change>;

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
  /** Rows as the store gave them; undefined: it had none. */
  readonly #read = new Map<string, StoredRecord | undefined>();
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
    if (!this.isForeign(kind, id, group)) replace(this.#items, keyOf(kind, id), this.changeBy(lasting));
  }

  /** Returns the change that a lasting one makes now; `over` are the changes of the asking layer. */
  changeBy({ change, ...lasting }: LastingChange, over?: ReadonlyMap<string, Change>): Change {
    const record = this.#known(keyOf(lasting.kind, lasting.id), over);
    return { ...lasting, content: change(record?.group === lasting.group ? record.content : undefined) };
  }

  /** Takes over the changes of an item that has succeeded. */
  merge(changes: ReadonlyMap<string, Change>): void {
    for (const [key, change] of changes) replace(this.#items, key, change);
  }

  /**
   * Returns a record as the message has left it so far, `over` being the changes of the asking layer;
   * undefined when there is none or it has expired. Rows of groups other than `group` are not decrypted.
   */
  async load(
    kind: string,
    id: string,
    over?: ReadonlyMap<string, Change>,
    group?: string,
  ): Promise<UnitRecord | undefined> {
    const key = keyOf(kind, id);
    const isChanged = [over, this.#items, this.#own].some((changes) => changes?.has(key) === true);
    if (!isChanged && !this.#read.has(key)) this.#read.set(key, await this.#store.record(kind, id));
    return this.#known(key, over, group);
  }

  /** Returns a record that this message has read or changed. */
  #known(key: string, over?: ReadonlyMap<string, Change>, group?: string): UnitRecord | undefined {
    const change = over?.get(key) ?? this.#items.get(key) ?? this.#own.get(key);
    if (change !== undefined) return this.#changed(change);
    const row = this.#read.get(key);
    if (row === undefined || this.#isExpired(row.expires)) return undefined;
    if (group !== undefined && group !== row.group) return undefined;
    return { group: row.group, content: this.#open(row), expires: row.expires ?? undefined };
  }

  /**
   * Returns the records of a kind and group, those of the store first, oldest first, at most `limit`; `over`
   * are the changes of the asking layer.
   */
  async list(
    kind: string,
    group: string,
    limit: number,
    over: ReadonlyMap<string, Change>,
  ): Promise<{ id: string; content: Uint8Array }[]> {
    const changes = [...new Map([...this.#own, ...this.#items, ...over])].filter(
      ([, change]) => change.kind === kind && change.group === group,
    );
    const overlay = new Map(changes);
    const asked = { kind, group, limit: limit + overlay.size, at: this.#now };
    const rows = await this.#store.records(asked);
    const found: { id: string; content: Uint8Array }[] = [];
    for (const row of rows) {
      const key = keyOf(kind, row.id);
      // What was read before is what this message sees: if it has changed since, the commit finds out.
      if (!this.#read.has(key)) this.#read.set(key, row);
      const change = overlay.get(key);
      overlay.delete(key);
      const content = change === undefined ? this.#open(row) : this.#changed(change)?.content;
      if (content !== undefined) found.push({ id: row.id, content });
    }
    for (const change of overlay.values()) {
      const content = this.#changed(change)?.content;
      if (content !== undefined) found.push({ id: change.id, content });
    }
    return found.slice(0, limit);
  }

  /** Returns the records of a kind of every group as the store has them, oldest first. */
  async every(kind: string, limit: number): Promise<readonly (UnitRecord & { readonly id: string })[]> {
    return (await this.#store.records({ kind, limit, at: this.#now })).map((row) => {
      const { id, group, expires } = row;
      return { id, group, content: this.#open(row), expires: expires ?? undefined };
    });
  }

  /** Puts a record as a change of the message itself. `expires`: POSIX seconds. */
  put(kind: string, id: string, group: string, content: Uint8Array, expires?: number): void {
    this.#change({ kind, id, group, content: content.slice(), expires });
  }

  /** Removes a record as a change of the message itself. */
  remove(kind: string, id: string): void {
    const key = keyOf(kind, id);
    const group = this.#items.get(key)?.group ?? this.#read.get(key)?.group ?? '';
    this.#change({ kind, id, group, content: undefined, expires: undefined });
  }

  #change(change: Change): void {
    const key = keyOf(change.kind, change.id);
    this.#items.delete(key);
    replace(this.#own, key, change);
  }

  /** Whether another group has a live record of that name, as far as this message has read. */
  isForeign(kind: string, id: string, group: string): boolean {
    const row = this.#read.get(keyOf(kind, id));
    return row !== undefined && row.group !== group && !this.#isExpired(row.expires);
  }

  /**
   * Returns all changes for the store, encrypted, and overwrites their plain contents: the unit cannot be
   * used afterwards.
   */
  changes(): RecordChanges {
    const puts: StoredRecord[] = [];
    const removals: { kind: string; id: string; version: number }[] = [];
    for (const [key, { kind, id, group, content, expires }] of new Map([...this.#own, ...this.#items])) {
      const row = this.#read.get(key);
      // An expired record counts as removed: a record of any group may take its name.
      const renewed = row !== undefined && content !== undefined && !this.#isExpired(row.expires);
      if (row !== undefined && !renewed) removals.push({ kind, id, version: row.version });
      if (content === undefined) continue;
      const record = {
        kind,
        id,
        group,
        version: renewed ? row.version + 1 : 1,
        expires: expires ?? null,
      };
      puts.push({ ...record, sealed: this.#vault.seal(sealContext(record), content) });
      content.fill(0);
    }
    return { expects: this.#expects(), puts, removals };
  }

  #expects(): RecordChanges['expects'] {
    return [...this.#read].map(([key, row]) => ({ ...nameOf(key), version: row?.version ?? 0 }));
  }

  #changed({ group, content, expires }: Change): UnitRecord | undefined {
    return content === undefined ? undefined : { group, content: content.slice(), expires };
  }

  #open(record: StoredRecord): Uint8Array {
    return this.#vault.open(sealContext(record), record.sealed);
  }

  #isExpired(expires: number | null): boolean {
    return expires !== null && expires <= this.#now;
  }
}

/** The records of one group as one batch item sees them. */
export class LayerRecords implements Records {
  readonly #unit: UnitRecords;
  readonly #group: string;
  readonly #changes: Changes = new Map();
  readonly #lasting: (reapply: () => void) => void;

  /** `lasting` receives the function that applies a lasting change again when the item is dropped. */
  constructor(unit: UnitRecords, group: string, lasting: (reapply: () => void) => void) {
    this.#unit = unit;
    this.#group = group;
    this.#lasting = lasting;
  }

  async load(kind: string, id: string): Promise<Uint8Array | undefined> {
    const record = await this.#unit.load(kind, id, this.#changes, this.#group);
    return record?.group === this.#group ? record.content : undefined;
  }

  list(kind: string, limit: number): Promise<readonly { id: string; content: Uint8Array }[]> {
    return this.#unit.list(kind, this.#group, limit, this.#changes);
  }

  put(kind: string, id: string, content: Uint8Array, expires?: number): void {
    if (this.#unit.isForeign(kind, id, this.#group))
      fail('ObjectAlreadyExists', 'a record of that name exists already');
    const change = { kind, id, group: this.#group, content: content.slice(), expires };
    replace(this.#changes, keyOf(kind, id), change);
  }

  putLasting(
    kind: string,
    id: string,
    change: (content: Uint8Array | undefined) => Uint8Array,
    expires?: number,
  ): void {
    const lasting = { kind, id, group: this.#group, change, expires };
    const { content } = this.#unit.changeBy(lasting, this.#changes);
    if (content !== undefined) this.put(kind, id, content, expires);
    this.#lasting(() => this.#unit.apply(lasting));
  }

  remove(kind: string, id: string): void {
    if (this.#unit.isForeign(kind, id, this.#group)) return;
    const change = { kind, id, group: this.#group, content: undefined, expires: undefined };
    replace(this.#changes, keyOf(kind, id), change);
  }

  keep(): void {
    this.#unit.merge(this.#changes);
  }
}

/** Overwrites the content that is no longer wanted, so that it does not stay in memory. */
function replace(changes: Changes, key: string, change: Change): void {
  changes.get(key)?.content?.fill(0);
  changes.set(key, change);
}

function sealContext({ kind: recordKind, ...row }: Omit<StoredRecord, 'sealed'>): RecordContext {
  const { id, group, version, expires } = row;
  return { kind: 'record', recordKind, id, group, version, expires };
}

/** A kind is a name of the code's own, without a slash. */
function keyOf(kind: string, id: string): string {
  return `${kind}/${id}`;
}

function nameOf(key: string): { kind: string; id: string } {
  const end = key.indexOf('/');
  return { kind: key.slice(0, end), id: key.slice(end + 1) };
}

/**
 * Removes a record without reading its content, so that no vault is needed, also while others change it; does
 * nothing where there is none.
 */
export async function deleteRecord(store: Store, kind: string, id: string): Promise<void> {
  for (let row = await store.record(kind, id); row !== undefined; row = await store.record(kind, id)) {
    const removals = [{ kind, id, version: row.version }];
    const records = { expects: [], puts: [], removals };
    await store.commit({ expects: [], inserts: [], updates: [], records });
  }
}
