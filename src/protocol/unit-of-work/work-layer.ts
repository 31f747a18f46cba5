import { fail } from '../../common/errors.ts';
import type { EnrolmentChange } from '../../identity/enrolment.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { FindQuery, FoundItems, GroupView, Work } from '../../operations/work.ts';
import type { ItemTrace } from '../audit/item-trace.ts';
import type { LayerRecords } from './layer-records.ts';
import type { NewObjects } from './new-objects.ts';
import type { ItemObjects } from './unit-objects.ts';

/** The unit of work below its layers, as far as it is about one group. */
export interface LayeredUnit extends Pick<Work, 'isTaken' | 'reenrol'> {
  readonly newObjects: Pick<NewObjects, 'count'>;
  /** Whether an item of the message has already replaced the enrolment of its client. */
  readonly reenrolled: boolean;
  /** Returns an object of the group as earlier items left it, a copy that a layer may change. */
  load(id: string): Promise<ManagedObject | undefined>;
  /** Applies a lasting change to an object of the group as the kept items have left it. */
  apply(id: string, change: (object: ManagedObject) => void): void;
  /** Remembers the lasting changes of an item for Undo. */
  remember(lasting: readonly (() => void)[]): void;
  /** Takes over the changed objects and the effects of an item that has succeeded. */
  merge(changed: Iterable<ManagedObject>, effects: readonly (() => void)[]): void;
  /** Searches the store and the changed objects, `own` of the asking layer among them. */
  find(query: FindQuery, own: ReadonlyMap<string, ManagedObject>): Promise<FoundItems>;
  /** See `UnitOfWork.requirePlaces`. */
  requirePlaces(own: Iterable<ManagedObject>, more: number): Promise<void>;
  /** Creates the layer of an item on the objects of another group. */
  grantedLayer(group: string, values: ValueUse): WorkLayer;
}

/** Whether an item needs the values of objects that it loads, or their attributes alone. */
export type ValueUse = 'opened' | 'unused';

/** The unit of work as one batch item sees it. */
export class WorkLayer implements Work {
  readonly isLimited = false;
  readonly #unit: LayeredUnit;
  readonly #newRecords: (lasting: (reapply: () => void) => void) => LayerRecords;
  /** Created at the first use: most items have nothing to do with records. */
  #records: LayerRecords | undefined;
  readonly #values: ValueUse;
  readonly #objects = new Map<string, ManagedObject>();
  readonly #found = new Set<string>();
  /** Made at the first use: most items ask for what exists. */
  #absent: Set<string> | undefined;
  /** Layers of the item on objects of other groups, by group. Made at the first use of a grant. */
  #granted: Map<string, WorkLayer> | undefined;
  #enrolment: EnrolmentChange | undefined;
  readonly #effects: (() => void)[] = [];
  /** Lasting changes of the handler that runs. */
  #unconfirmed: (() => void)[] = [];
  /** Lasting changes of handlers that have answered. */
  readonly #lasting: (() => void)[] = [];

  /** `values`: whether values in direct mode are opened when their objects are loaded. */
  constructor(
    unit: LayeredUnit,
    newRecords: (lasting: (reapply: () => void) => void) => LayerRecords,
    values: ValueUse,
  ) {
    this.#unit = unit;
    this.#newRecords = newRecords;
    this.#values = values;
  }

  get records(): LayerRecords {
    this.#records ??= this.#newRecords((reapply) => this.#unconfirmed.push(reapply));
    return this.#records;
  }

  /** What is read there is no object of the item: who asks for its answer later need not reach it. */
  get wholeGroup(): GroupView {
    const load = async (id: string) => this.#objects.get(id) ?? (await this.#load(id));
    return { load, find: (query) => this.#findInGroup(query), records: this.records };
  }

  /** An object that is not visible is none of the item. */
  async load(id: string, isVisible?: (object: ManagedObject) => boolean): Promise<ManagedObject | undefined> {
    const known = this.#objects.get(id);
    if (known !== undefined) return isVisible?.(known) === false ? undefined : known;
    const object = await this.#load(id, isVisible);
    if (object !== undefined) this.#objects.set(id, object);
    else this.#absent = (this.#absent ?? new Set()).add(id);
    return object;
  }

  async #load(
    id: string,
    isVisible?: (object: ManagedObject) => boolean,
  ): Promise<ManagedObject | undefined> {
    const object = await this.#unit.load(id);
    if (object !== undefined && isVisible?.(object) === false) return undefined;
    if (object?.isValueDirect === true && this.#values === 'opened') await object.openValue();
    return object;
  }

  /** Returns the layer of the item on the objects of another group; it is kept or dropped with this one. */
  granted(group: string): WorkLayer {
    this.#granted ??= new Map();
    const layer = this.#granted.get(group) ?? this.#unit.grantedLayer(group, this.#values);
    this.#granted.set(group, layer);
    return layer;
  }

  isTaken(id: string): Promise<boolean> {
    return this.#unit.isTaken(id);
  }

  /** @throws {KmipError} ServerLimitExceeded, also as QuotaExhaustedError */
  async insert(object: ManagedObject): Promise<void> {
    this.#unit.newObjects.count(object);
    // Before the wait, so that insertions at the same time count each other.
    this.#objects.set(object.id, object);
    try {
      await this.#unit.requirePlaces(this.#objects.values(), 0);
    } catch (error) {
      this.#objects.delete(object.id);
      throw error;
    }
  }

  /**
   * Refuses when the quota of the group has no place for another object, before the work of making it.
   * @throws {QuotaExhaustedError}
   */
  requirePlace(): Promise<void> {
    return this.#unit.requirePlaces(this.#objects.values(), 1);
  }

  applyLasting(object: ManagedObject, change: (object: ManagedObject) => void): void {
    change(object);
    this.#unconfirmed.push(() => this.#unit.apply(object.id, change));
  }

  /**
   * Makes the lasting changes so far independent of the item; to be called when a handler has answered. Those
   * of a handler that throws go with its layer, because nothing of its output is left.
   */
  confirmLasting(): void {
    this.#lasting.push(...this.#unconfirmed);
    this.#unconfirmed = [];
    for (const layer of this.#granted?.values() ?? []) layer.confirmLasting();
  }

  async find(query: FindQuery): Promise<FoundItems> {
    const page = await this.#findInGroup(query);
    for (const id of page.ids) this.#found.add(id);
    return page;
  }

  #findInGroup(query: FindQuery): Promise<FoundItems> {
    const changed = new Map([...this.#objects].filter(([, object]) => object.changed));
    return this.#unit.find(query, changed);
  }

  /** The objects of the item so far. */
  get objectIds(): ItemObjects {
    return { read: [...this.#objects.keys()], found: [...this.#found] };
  }

  /** What the item had to do with objects so far, for the audit log. */
  get trace(): Omit<ItemTrace, 'request'> {
    const trace = { objects: this.#objects.values(), absent: this.#absent ?? [], found: this.#found.size };
    if (this.#granted === undefined) return trace;
    const granted = this.#granted.values().flatMap((layer) => layer.#objects.values());
    const objects = [...trace.objects, ...granted];
    const known = new Set(objects.map(({ id }) => id));
    return { ...trace, objects, absent: [...trace.absent].filter((id) => !known.has(id)) };
  }

  /** @throws {KmipError} PermissionDenied when an earlier item has replaced the enrolment. */
  reenrol(change: EnrolmentChange): void {
    if (this.#unit.reenrolled)
      fail('PermissionDenied', 'this message has replaced the certificate of its client already');
    this.#enrolment = change;
  }

  afterCommit(effect: () => void): void {
    this.#effects.push(effect);
  }

  /** Drops the item's changes and applies its confirmed lasting ones to what earlier items have left. */
  drop(): void {
    this.#unit.remember(this.#lasting);
    for (const reapply of this.#lasting) reapply();
    for (const layer of this.#granted?.values() ?? []) layer.drop();
  }

  /** Hands the item's changes over to the unit. */
  keep(): void {
    this.confirmLasting();
    this.#unit.remember(this.#lasting);
    const changed = this.#objects.values().filter((object) => object.changed);
    this.#unit.merge(changed, this.#effects);
    this.#records?.keep();
    if (this.#enrolment !== undefined) this.#unit.reenrol(this.#enrolment);
    for (const layer of this.#granted?.values() ?? []) layer.keep();
  }
}
