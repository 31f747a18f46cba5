import { fail } from '../../common/errors.ts';
import { matchesFilter } from '../../object/locate-filter.ts';
import { ManagedObject } from '../../object/managed-object.ts';
import type { FindQuery, Work } from '../../operations/context.ts';
import type {
  CommitResult,
  EnrolmentChange,
  FoundObjects,
  LoadedObject,
  Store,
  StoredObject,
  StoreUnit,
} from '../../store/store.ts';
import type { Vault } from '../../vault/vault.ts';
import type { RowChange } from './object-events.ts';
import { LayerRecords, type UnitRecord, UnitRecords } from './unit-records.ts';

/** Identifiers in one question to the store: engines bound how deep an expression may be. */
const idsAsked = 100;

export interface UnitOptions {
  readonly uniqueNames: boolean;
  /** POSIX seconds, the same for the whole message. */
  readonly now: number;
}

/**
 * Everything one message reads and writes. Each batch item works in a layer of its own over what earlier items left;
 * a failed item drops its layer, Undo drops them all, and the end is one commit (DESIGN §5).
 */
export class UnitOfWork {
  readonly #store: Store;
  readonly #vault: Vault;
  readonly #options: UnitOptions;
  /** Made when somebody asks. */
  #recordsAsked: UnitRecords | undefined;
  #actingFor: string | undefined;
  /** Rows as the store gave them; undefined: it had none. */
  readonly #read = new Map<string, LoadedObject | undefined>();
  /** What searches have found, and in which version. */
  #found: FoundObjects[] = [];
  #versionsFound: Map<string, number> | undefined;
  /** An object was found, and had changed before it was read: it may no longer be what was looked for. */
  #overtaken = false;
  /** What successful items left, in order of their first change. */
  #pending = new Map<string, ManagedObject>();
  /** The speaker's new certificate. */
  #enrolment: EnrolmentChange | undefined;
  #effects: (() => void)[] = [];
  #written: readonly StoredObject[] = [];

  constructor(store: Store, vault: Vault, options: UnitOptions) {
    this.#store = store;
    this.#vault = vault;
    this.#options = options;
  }

  get #records(): UnitRecords {
    this.#recordsAsked ??= new UnitRecords(this.#store, this.#vault, this.#options.now);
    return this.#recordsAsked;
  }

  /** POSIX seconds. */
  get now(): number {
    return this.#options.now;
  }

  /** Whose objects the items are about; said once it is known, before the first item. */
  actFor(group: string): void {
    this.#actingFor = group;
  }

  get #group(): string {
    if (this.#actingFor === undefined) throw new TypeError('the unit of work acts for nobody yet');
    return this.#actingFor;
  }

  /** A record of any group, for what belongs to the message and not to an item: who speaks, whether it may. */
  record(kind: string, id: string): Promise<UnitRecord | undefined> {
    return this.#records.load(kind, id);
  }

  /** Those of every group, as they were before this unit, oldest first. */
  everyRecord(kind: string, limit: number): Promise<readonly (UnitRecord & { readonly id: string })[]> {
    return this.#records.every(kind, limit);
  }

  /** Part of the commit whatever becomes of the items: neither a failure nor Undo takes it back. */
  putRecord(kind: string, id: string, group: string, content: Uint8Array, expires?: number): void {
    this.#records.put(kind, id, group, content, expires);
  }

  /** Removes what was read, likewise. */
  removeRecord(kind: string, id: string): void {
    this.#records.remove(kind, id);
  }

  /** A layer for one item; `keep` makes its changes visible to later items, forgetting it drops them. */
  layer(): WorkLayer {
    const group = this.#group;
    return new WorkLayer(this, () => new LayerRecords(this.#records, group));
  }

  /** Forgets what all items did (Undo). */
  undo(): void {
    this.#pending = new Map();
    this.#effects = [];
    this.#enrolment = undefined;
    this.#recordsAsked?.undo();
  }

  /** Whether there is anything to write. */
  get changed(): boolean {
    const objects = this.#pending.size > 0;
    return objects || this.#enrolment !== undefined || (this.#recordsAsked?.changed ?? false);
  }

  /** Writes everything durably; nothing to write needs no commit. */
  async commit(): Promise<CommitResult> {
    if (this.changed) {
      if (this.#overtaken) return 'conflict';
      const unit = this.#unit();
      const result = await this.#store.commit(unit);
      if (result !== 'committed') return result;
      this.#written = [...unit.inserts, ...unit.updates];
    }
    for (const effect of this.#effects) effect();
    return 'committed';
  }

  /** The objects that the commit has written, as they were and as they are. */
  get written(): readonly RowChange[] {
    return this.#written.map((after) => ({ before: this.#read.get(after.id), after }));
  }

  #unit(): StoreUnit {
    const rows = [...this.#pending.values()].map((object) => object.toStored(this.#vault, this.#options));
    const expects: { id: string; version: number }[] = [];
    for (const [id, row] of this.#read) {
      if (!this.#pending.has(id)) expects.push({ id, version: row?.version ?? 0 });
    }
    return {
      expects,
      inserts: rows.filter((row) => row.version === 1),
      updates: rows.filter((row) => row.version > 1),
      ...(this.#recordsAsked && { records: this.#recordsAsked.changes() }),
      ...(this.#enrolment && { enrolment: this.#enrolment }),
    };
  }

  /** An object no other layer holds, so that a layer may change it. */
  async load(id: string): Promise<ManagedObject | undefined> {
    const pending = this.#pending.get(id);
    if (pending !== undefined) return pending.clone();
    if (!this.#read.has(id)) {
      const [row] = await this.#store.load([id]);
      this.#read.set(id, row);
      this.#compareWithFound(id, row?.version);
    }
    const row = this.#read.get(id);
    // A foreign object does not exist: same answer, same reads.
    return row === undefined || row.group !== this.#group
      ? undefined
      : ManagedObject.fromStored(row, this.#vault);
  }

  /** A search and a read are two looks at the store. Versions of large answers are sorted out only when somebody reads. */
  #compareWithFound(id: string, version: number | undefined): void {
    for (const { ids, versions } of this.#found) {
      this.#versionsFound ??= new Map();
      for (const [at, each] of ids.entries()) {
        if (!this.#versionsFound.has(each)) this.#versionsFound.set(each, versions[at] as number);
      }
    }
    this.#found.length = 0;
    const found = this.#versionsFound?.get(id);
    if (found !== undefined && found !== version) this.#overtaken = true;
  }

  /** Whether the store was seen to have an object of that identifier, be it another group's. */
  isTaken(id: string): boolean {
    return this.#read.get(id) !== undefined;
  }

  /** Whether the message has replaced its speaker's enrolment already. */
  get reenrolled(): boolean {
    return this.#enrolment !== undefined;
  }

  reenrol(change: EnrolmentChange): void {
    this.#enrolment = change;
  }

  merge(changed: Iterable<ManagedObject>, effects: readonly (() => void)[]): void {
    for (const object of changed) this.#pending.set(object.id, object);
    this.#effects.push(...effects);
  }

  /** Store and pending objects together; `own` are those of the asking layer. */
  async find(
    query: FindQuery,
    own: ReadonlyMap<string, ManagedObject>,
  ): Promise<{ ids: string[]; total: number }> {
    const overlay = new Map([...this.#pending, ...own]);
    if (overlay.size === 0) {
      const found = await this.#store.find({
        group: this.#group,
        filter: query.filter,
        offset: query.offset,
        limit: query.limit,
      });
      this.#found.push(found);
      return { ids: [...found.ids], total: found.total };
    }
    // Pending objects may have left the match or joined it, so the page is cut after the overlay.
    const found = await this.#store.find({
      group: this.#group,
      filter: query.filter,
      offset: 0,
      limit: query.offset + query.limit + overlay.size,
    });
    this.#found.push(found);
    const stays = (id: string) => matchesFilter(overlay.get(id) as ManagedObject, query.filter);
    const known = await this.#matching(overlay, query);
    const joined = [...overlay.keys()].filter((id) => !known.has(id) && stays(id)).reverse();
    const left = [...known].filter((id) => !stays(id)).length;
    const ids = [...joined, ...found.ids.filter((id) => !overlay.has(id) || stays(id))];
    return {
      ids: ids.slice(query.offset, query.offset + query.limit),
      total: found.total - left + joined.length,
    };
  }

  /** Those of the changed objects that match as the store still has them, on whatever page they may lie. */
  async #matching(overlay: ReadonlyMap<string, ManagedObject>, { filter }: FindQuery): Promise<Set<string>> {
    const stored = [...overlay.values()].filter(({ version }) => version > 0).map(({ id }) => id);
    const known = new Set<string>();
    for (let at = 0; at < stored.length; at += idsAsked) {
      const some = stored.slice(at, at + idsAsked);
      const any = some.map((value) => {
        return { attribute: 'UniqueIdentifier', fields: [{ field: '', op: '=', value }] } as const;
      });
      const asked = { group: this.#group, filter: { all: [filter, { any }] }, offset: 0, limit: idsAsked };
      for (const id of (await this.#store.find(asked)).ids) known.add(id);
    }
    return known;
  }
}

/** The unit of work as one batch item sees it. */
export class WorkLayer implements Work {
  readonly #unit: UnitOfWork;
  readonly #newRecords: () => LayerRecords;
  /** Made when somebody asks: most items have nothing to do with records. */
  #records: LayerRecords | undefined;
  readonly #objects = new Map<string, ManagedObject>();
  #enrolment: EnrolmentChange | undefined;
  readonly #effects: (() => void)[] = [];

  constructor(unit: UnitOfWork, newRecords: () => LayerRecords) {
    this.#unit = unit;
    this.#newRecords = newRecords;
  }

  get records(): LayerRecords {
    this.#records ??= this.#newRecords();
    return this.#records;
  }

  async load(id: string): Promise<ManagedObject | undefined> {
    const known = this.#objects.get(id);
    if (known !== undefined) return known;
    const object = await this.#unit.load(id);
    if (object !== undefined) this.#objects.set(id, object);
    return object;
  }

  /**
   * Identifiers are unique on the server, so a client that chooses one may hit upon an object it cannot see: it learns
   * that the identifier is taken and nothing else.
   */
  insert(object: ManagedObject): void {
    if (this.#unit.isTaken(object.id))
      fail('ObjectAlreadyExists', 'an object of that identifier is here already');
    this.#objects.set(object.id, object);
  }

  find(query: FindQuery): Promise<{ ids: string[]; total: number }> {
    return this.#unit.find(query, new Map([...this.#objects].filter(([, object]) => object.changed)));
  }

  reenrol(change: EnrolmentChange): void {
    if (this.#unit.reenrolled)
      fail('PermissionDenied', 'this message has replaced the certificate of its client already');
    this.#enrolment = change;
  }

  afterCommit(effect: () => void): void {
    this.#effects.push(effect);
  }

  /** Hands the item's changes to the unit. */
  keep(): void {
    this.#unit.merge(
      [...this.#objects.values()].filter((object) => object.changed),
      this.#effects,
    );
    this.#records?.keep();
    if (this.#enrolment !== undefined) this.#unit.reenrol(this.#enrolment);
  }
}
