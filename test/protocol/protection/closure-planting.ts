import type { Attribute } from '../../../codec/attribute.ts';
import type { ManagedObjectValue, ObjectTypeName } from '../../../codec/structures/managed-objects.ts';
import { ManagedObject } from '../../../src/object/managed-object.ts';
import type { Provenance } from '../../../src/object/provenance.ts';
import { wrappedValueKind } from '../../../src/operations/transfer/wrapped-values.ts';
import { UnitOfWork } from '../../../src/protocol/unit-of-work/unit-of-work.ts';
import type { Store, StoreUnit } from '../../../src/store/store.ts';
import { type ServiceOptions, TestService } from '../service.ts';

/** Objects that are written past the operations, and requests whose changes are seen and not written. */

/** An object without its place: it can be written under another identifier into another group. */
export interface Sample {
  /** The identifier under which it came into being. */
  readonly id: string;
  readonly type: ObjectTypeName;
  readonly attributes: readonly Attribute[];
  readonly value: ManagedObjectValue | undefined;
  readonly provenance: Provenance;
}

/** Identifiers of written samples are those of the samples with a number, which tells copies apart. */
export function plantedId(id: string, place: number): string {
  return `${id}/${place}`;
}

function originalId(id: string): string {
  return id.replace(/\/\d+$/u, '');
}

/** Replaces the identifiers in a provenance. */
function renameIds(provenance: Provenance, rename: (id: string) => string): Provenance {
  const { copyOf, madeWith, share } = provenance;
  const source = share?.source;
  return {
    ...provenance,
    ...(copyOf !== undefined && { copyOf: rename(copyOf) }),
    ...(madeWith !== undefined && { madeWith: rename(madeWith) }),
    ...(share !== undefined && { share: { ...share, source: source && rename(source) } }),
  };
}

export function sampleOf(object: ManagedObject): Sample {
  const { id, type, value, provenance } = object;
  const attributes = object.attributes.list().filter(({ name }) => name !== 'UniqueIdentifier');
  return { id: originalId(id), type, attributes, value, provenance: renameIds(provenance, originalId) };
}

/** Makes the object of a sample in a place; what it refers to is in the place `among`. */
export function objectOf(sample: Sample, group: string, place: number, among = place): ManagedObject {
  const { id, type, value } = sample;
  const object = ManagedObject.create({ id: plantedId(id, place), type, group, value });
  for (const attribute of sample.attributes) object.attributes.add(attribute);
  object.changeProvenance(renameIds(sample.provenance, (each) => plantedId(each, among)));
  return object;
}

/** What a request would have changed. */
export interface Captured {
  readonly inserts: readonly ManagedObject[];
  readonly updates: readonly ManagedObject[];
  /** Kinds of the records. */
  readonly records: readonly string[];
}

/** A service that can tell what its next commits would write, instead of writing it. */
export class CapturingService {
  readonly service: TestService;
  readonly #state: CaptureState;

  private constructor(service: TestService, state: CaptureState) {
    this.service = service;
    this.#state = state;
  }

  static async open(options: ServiceOptions): Promise<CapturingService> {
    const state: CaptureState = { units: undefined };
    const service = await TestService.open({
      ...options,
      interceptStore: (store) => capturing(options.interceptStore?.(store) ?? store, state),
    });
    return new CapturingService(service, state);
  }

  /** Runs requests one after another; the store stays as it is. */
  async capture<T>(use: () => Promise<T>): Promise<Captured & { readonly result: T }> {
    const units: StoreUnit[] = [];
    this.#state.units = units;
    try {
      const result = await use();
      const { vault } = this.service;
      const open = (rows: StoreUnit['inserts']) => rows.map((row) => ManagedObject.fromStored(row, vault));
      return {
        result,
        inserts: units.flatMap(({ inserts }) => open(inserts)),
        updates: units.flatMap(({ updates }) => open(updates)),
        records: units.flatMap(({ records }) => records?.puts.map(({ kind }) => kind) ?? []),
      };
    } finally {
      this.#state.units = undefined;
    }
  }

  /** Writes a sample into a place of a group. */
  async plant(group: string, sample: Sample, place: number, among = place): Promise<void> {
    const { store, vault } = this.service;
    const row = objectOf(sample, group, place, among).toStored(vault, { uniqueNames: false });
    const result = await store.commit({ expects: [], inserts: [row], updates: [] });
    if (result !== 'committed') throw new Error(`${result}: objects cannot be written`);
  }

  /** Writes a record. */
  async record(kind: string, id: string, group: string, content: Uint8Array): Promise<void> {
    const { store, vault, now } = this.service;
    const unit = new UnitOfWork(store, vault, { uniqueNames: false, now: now / 1_000 });
    unit.putRecord(kind, id, group, content);
    const result = await unit.commit();
    if (result !== 'committed') throw new Error(`${result}: a record cannot be written`);
  }
}

interface CaptureState {
  units: StoreUnit[] | undefined;
}

function capturing(store: Store, state: CaptureState): Store {
  return {
    ...delegating(store),
    async commit(unit) {
      if (state.units === undefined) return store.commit(unit);
      state.units.push(unit);
      return 'committed';
    },
  };
}

/** A store that does what another does; its methods can be replaced. */
function delegating(store: Store): Store {
  return {
    load: (group, ids) => store.load(group, ids),
    groupOf: (id) => store.groupOf(id),
    find: (query, match) => store.find(query, match),
    count: (query) => store.count(query),
    record: (kind, key) => store.record(kind, key),
    records: (query) => store.records(query),
    deleteExpired: (now, isGenuine) => store.deleteExpired(now, isGenuine),
    commit: (unit) => store.commit(unit),
    ping: () => store.ping(),
    close: () => store.close(),
  };
}

/** A store without what tells that a key comes back: no records of wrapped keys, no objects with a Digest. */
export function forgetful(store: Store): Store {
  return {
    ...delegating(store),
    find: async () => ({ ids: [], versions: [], total: 0 }),
    record: async (kind, key) => (kind === wrappedValueKind ? undefined : store.record(kind, key)),
  };
}
