import type { ChainEntry } from '../../common/audit-chain.ts';
import type { EnrolmentChange } from '../../identity/enrolment.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { FindQuery, FoundItems } from '../../operations/work.ts';
import type { CommitResult, Store, StoreUnit } from '../../store/store.ts';
import type { Vault } from '../../vault/vault.ts';
import { replaceCertificate } from './client-entries.ts';
import { LayerRecords } from './layer-records.ts';
import { type NewObjectLimits, NewObjects } from './new-objects.ts';
import type { RowChange } from './object-events.ts';
import { type QuotaCounts, quotaKind, readQuota, UnitQuota } from './quotas.ts';
import { UnitObjects } from './unit-objects.ts';
import { type RecordPage, type UnitRecord, UnitRecords } from './unit-records.ts';
import { type LayeredUnit, type ValueUse, WorkLayer } from './work-layer.ts';

const unbounded: NewObjectLimits = { objects: Infinity, attributeBytes: Infinity };

export interface UnitOptions {
  /** Whether a Name may be on one object of a group only. */
  readonly uniqueNames: boolean;
  /** POSIX seconds, the same for the whole message. */
  readonly now: number;
  /** Unbounded when left out. */
  readonly newObjects?: NewObjectLimits;
  /** Without them no quota binds; for units that make no objects. */
  readonly quotas?: QuotaCounts;
  /** Milliseconds for all searches among the changed objects of the message; unbounded when left out. */
  readonly searchMilliseconds?: number;
}

/**
 * Everything that one message reads and writes. Each batch item works in a layer of its own over the results
 * of earlier items. A failed item drops its layer, Undo drops the changes of all items, and one commit writes
 * the rest. Lasting changes of dropped items are applied again to what the rest leaves.
 */
export class UnitOfWork {
  readonly #store: Store;
  readonly #vault: Vault;
  readonly #options: UnitOptions;
  readonly #objects: UnitObjects;
  /**
   * Objects of other groups, by group: what one item reads by a grant must be visible to no item without one.
   * Made at the first use of a grant.
   */
  #granted: Map<string, UnitObjects> | undefined;
  /** Created at the first use: most messages have nothing to do with records. */
  #usedRecords: UnitRecords | undefined;
  #actingFor: string | undefined;
  /** The new certificate of the message's client. */
  #enrolment: EnrolmentChange | undefined;
  /** The quota of the acting group; null when it has none, undefined before it was read. */
  #quota: UnitQuota | null | undefined;
  #effects: (() => void)[] = [];
  /** Functions that apply the lasting changes again, in the order of their items. */
  readonly #lasting: (() => void)[] = [];
  #written: StoreUnit['inserts'] = [];
  readonly #audit: ChainEntry[] = [];
  readonly newObjects: NewObjects;

  constructor(store: Store, vault: Vault, options: UnitOptions) {
    this.#store = store;
    this.#vault = vault;
    this.#options = options;
    this.#objects = new UnitObjects(store, vault, options.searchMilliseconds);
    this.newObjects = new NewObjects(options.newObjects ?? unbounded);
  }

  get #records(): UnitRecords {
    this.#usedRecords ??= new UnitRecords(this.#store, this.#vault, this.#options.now);
    return this.#usedRecords;
  }

  /** POSIX seconds. */
  get now(): number {
    return this.#options.now;
  }

  /** Sets the group whose objects the items are about; before the first item. */
  actFor(group: string): void {
    this.#actingFor = group;
  }

  get #group(): string {
    if (this.#actingFor === undefined) throw new TypeError('the unit of work has no group yet');
    return this.#actingFor;
  }

  /**
   * Returns a record of any group, for data that belongs to the message and not to an item, such as
   * credentials.
   */
  record(kind: string, id: string): Promise<UnitRecord | undefined> {
    return this.#records.load(kind, id);
  }

  /** See `UnitRecords.every`. */
  everyRecord(
    kind: string,
    limit: number,
    altered: 'omit' | 'refuse' = 'omit',
  ): Promise<readonly (UnitRecord & { readonly id: string })[]> {
    return this.#records.every(kind, limit, altered);
  }

  /** See `UnitRecords.page`. */
  recordPage(kind: string, after: number, limit: number): Promise<RecordPage> {
    return this.#records.page(kind, after, limit);
  }

  /**
   * Writes a record with the commit, whatever happens to the items: neither a failure nor Undo takes it back.
   */
  putRecord(kind: string, id: string, group: string, content: Uint8Array, expires?: number): void {
    this.#records.put(kind, id, group, content, expires);
  }

  /** Removes a record that was read; as durable as `putRecord`. */
  removeRecord(kind: string, id: string): void {
    this.#records.remove(kind, id);
  }

  /**
   * Creates the layer of one item. Later items see its changes when it is kept. `values`: whether it needs
   * the values of what it loads.
   */
  layer(values: ValueUse = 'opened'): WorkLayer {
    const group = this.#group;
    return new WorkLayer(this, (lasting) => new LayerRecords(this.#records, group, lasting), values);
  }

  /**
   * Creates the layer of an item on the objects of another group, of which a grant lets it use some. It sees
   * none of the changes that items make to their own group, and they see none of its.
   */
  grantedLayer(group: string, values: ValueUse): WorkLayer {
    this.#granted ??= new Map();
    const objects = this.#granted.get(group) ?? new UnitObjects(this.#store, this.#vault);
    this.#granted.set(group, objects);
    const unit: LayeredUnit = {
      ...{ newObjects: this.newObjects, reenrolled: true },
      load: (id) => objects.load(id, group),
      apply: (id, change) => objects.apply(id, change),
      remember: (lasting) => this.remember(lasting),
      merge: (changed, effects) => {
        objects.merge(changed);
        this.#effects.push(...effects);
      },
      find: (query, own) => objects.find({ ...query, group }, own),
      requirePlaces: () => Promise.reject(new TypeError('a grant makes no objects')),
      isTaken: (id) => this.isTaken(id),
      reenrol: (change) => this.reenrol(change),
      grantedLayer: (other, use) => this.grantedLayer(other, use),
    };
    return new WorkLayer(unit, (lasting) => new LayerRecords(this.#records, group, lasting), values);
  }

  /** The other groups of whose objects items have used some by grants. */
  get grantedGroups(): Iterable<string> {
    return this.#granted?.keys() ?? [];
  }

  /** The objects of all groups: of the acting one first. */
  get #everyObjects(): readonly UnitObjects[] {
    return this.#granted === undefined ? [this.#objects] : [this.#objects, ...this.#granted.values()];
  }

  /** Drops the changes of all items except lasting ones (Undo). */
  undo(): void {
    for (const objects of this.#everyObjects) objects.undo();
    this.#effects = [];
    this.#enrolment = undefined;
    this.#usedRecords?.undo();
    for (const reapply of this.#lasting) reapply();
  }

  /** Adds entries of the audit log that are durable together with the changes; written only with them. */
  audit(entries: readonly ChainEntry[]): void {
    this.#audit.push(...entries);
  }

  /** Whether there is anything to write. */
  get changed(): boolean {
    const hasObjects = this.#everyObjects.some(({ pending }) => pending.size > 0);
    return hasObjects || this.#enrolment !== undefined || (this.#usedRecords?.changed ?? false);
  }

  /**
   * Writes everything durably, then runs the effects of the items. Resolves with `conflict` when another
   * message changed what this one had read; nothing is written then.
   */
  async commit(): Promise<CommitResult> {
    if (this.changed) {
      if (this.#everyObjects.some(({ hasStaleResult }) => hasStaleResult)) return 'conflict';
      if (this.#enrolment && !(await replaceCertificate(this, this.#enrolment))) return 'conflict';
      const unit = await this.#storeUnit();
      const result = await this.#store.commit(unit);
      if (result !== 'committed') return result;
      this.#written = [...unit.inserts, ...unit.updates];
    }
    for (const effect of this.#effects) effect();
    return 'committed';
  }

  /** The objects that the commit has written, as they were and as they are. */
  get written(): readonly RowChange[] {
    return this.#written.map((after) => {
      const objects = this.#granted?.get(after.group) ?? this.#objects;
      return { before: objects.rowBefore(after.id), after };
    });
  }

  async #storeUnit(): Promise<StoreUnit> {
    const own = await this.#objects.toStored(this.#options);
    const expects = this.#actingFor === undefined ? [] : this.#objects.expectations(this.#actingFor);
    const written = { ...own, expects };
    for (const [group, objects] of this.#granted ?? []) {
      const { inserts, updates, previousNames, aliases } = await objects.toStored(this.#options);
      written.inserts.push(...inserts);
      written.updates.push(...updates);
      written.previousNames.push(...previousNames);
      for (const [name, same] of aliases) written.aliases.set(name, same);
      written.expects.push(...objects.expectations(group));
    }
    const bound = this.#objects.newObjects.with([]) > 0 ? this.#quota?.bound : undefined;
    return {
      ...{ ...written, bound },
      ...(this.#usedRecords && { records: this.#usedRecords.changes() }),
      ...(this.#audit.length > 0 && { audit: this.#audit }),
    };
  }

  /** Returns an object of the group as earlier items left it, a copy that a layer may change. */
  load(id: string): Promise<ManagedObject | undefined> {
    return this.#objects.load(id, this.#group);
  }

  /**
   * Refuses when the quota of the group has no place for the new objects among `own`, those of earlier items
   * and so many `more`. Places of objects that the message destroys are free after its commit.
   * @throws {QuotaExhaustedError}
   */
  async requirePlaces(own: Iterable<ManagedObject>, more: number): Promise<void> {
    const { quotas } = this.#options;
    if (quotas === undefined || this.#quota === null) return;
    if (this.#quota === undefined) {
      const record = await this.#records.load(quotaKind, this.#group);
      this.#quota =
        record === undefined ? null : new UnitQuota(this.#group, readQuota(record.content), quotas);
    }
    await this.#quota?.requirePlaces(this.#objects.newObjects.with(own) + more);
  }

  /** Whether any group has an object with that identifier. */
  isTaken(id: string): Promise<boolean> {
    return this.#objects.isTaken(id);
  }

  /** Whether an item of the message has already replaced the enrolment of its client. */
  get reenrolled(): boolean {
    return this.#enrolment !== undefined;
  }

  /** Replaces the enrolment of the message's client with the commit. */
  reenrol(change: EnrolmentChange): void {
    this.#enrolment = change;
  }

  /** Applies a lasting change to an object of the group as the kept items have left it. */
  apply(id: string, change: (object: ManagedObject) => void): void {
    this.#objects.apply(id, change);
  }

  /** Remembers the lasting changes of an item for Undo. */
  remember(lasting: readonly (() => void)[]): void {
    this.#lasting.push(...lasting);
  }

  /** Takes over the changed objects and the effects of an item that has succeeded. */
  merge(changed: Iterable<ManagedObject>, effects: readonly (() => void)[]): void {
    this.#objects.merge(changed);
    this.#effects.push(...effects);
  }

  /** Searches the store and the changed objects, `own` of the asking layer among them. */
  find(query: FindQuery, own: ReadonlyMap<string, ManagedObject>): Promise<FoundItems> {
    return this.#objects.find({ ...query, group: this.#group }, own);
  }
}
