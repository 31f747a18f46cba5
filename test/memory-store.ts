import type {
  CommitResult,
  CountQuery,
  Difference,
  Filter,
  FoundObjects,
  IndexTerm,
  LoadedObject,
  ObjectColumns,
  ObjectCount,
  ObjectQuery,
  RecordQuery,
  Store,
  StoredObject,
  StoredRecord,
  StoreUnit,
} from '../src/store/store.ts';
import { StoreUnavailableError } from '../src/store/store.ts';
import { boxTag } from '../src/vault/vault.ts';

/** The row of an object, with its terms. */
export interface StoredRow extends LoadedObject {
  readonly columns: ObjectColumns;
  readonly terms: readonly IndexTerm[];
  readonly uniqueNames: readonly string[];
}

/** Rows of a store at one time. Rows are never changed in place, so a copy of the maps is a snapshot. */
export interface Snapshot {
  readonly objects: ReadonlyMap<string, StoredRow>;
  readonly records: ReadonlyMap<string, StoredRecord>;
}

/** What happens to the next commits. `lost`: it is durable, and the server cannot know. */
export type CommitFault = 'conflict' | 'unavailable' | 'lost';

/**
 * A store in memory, for campaigns of many short sessions: the harness reads every row, decides which commits
 * conflict or fail, and holds back the end of jobs.
 */
export class MemoryStore implements Store {
  #objects = new Map<string, StoredRow>();
  #records = new Map<string, StoredRecord>();
  /** Numbers of the records, in the order of insertion. */
  readonly #numbers = new Map<string, number>();
  #lastNumber = 0;
  /** Faults of the next commits, the first first. */
  faults: CommitFault[] = [];
  #held: PromiseWithResolvers<void> | undefined;

  reset(): void {
    this.#objects = new Map();
    this.#records = new Map();
    this.faults = [];
    this.release();
  }

  /** Commits that end a job wait until `release`. */
  holdJobs(): void {
    this.#held ??= Promise.withResolvers<void>();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  get isHolding(): boolean {
    return this.#held !== undefined;
  }

  snapshot(): Snapshot {
    return { objects: new Map(this.#objects), records: new Map(this.#records) };
  }

  async load(group: string, ids: readonly string[]): Promise<readonly LoadedObject[]> {
    return ids.flatMap((id) => this.#objects.get(id) ?? []).filter((row) => row.group === group);
  }

  async groupOf(id: string): Promise<string | undefined> {
    return this.#objects.get(id)?.group;
  }

  async find(
    { group, filter, isExact, offset, limit }: ObjectQuery,
    match: (row: LoadedObject) => boolean,
  ): Promise<FoundObjects> {
    const candidates = [...this.#objects.values()].filter(
      (row) => row.group === group && satisfies(row, filter),
    );
    const found = isExact ? candidates : candidates.filter(match);
    const page = found
      .reverse()
      .slice(offset, offset + limit)
      .filter(match);
    return {
      ids: page.map(({ id }) => id),
      versions: page.map(({ version }) => version),
      total: found.length,
    };
  }

  async count({ group, after, limit }: CountQuery): Promise<ObjectCount> {
    const objects = countLive([...this.#objects.values()].slice(after), group);
    return { objects, last: this.#objects.size, isComplete: objects <= limit };
  }

  async record(kind: string, key: string): Promise<StoredRecord | undefined> {
    const row = this.#records.get(key);
    return row?.kind === kind ? row : undefined;
  }

  async records({ kind, group, limit, at = 0, after = 0 }: RecordQuery): ReturnType<Store['records']> {
    return [...this.#records.values()]
      .map((row) => ({ ...row, seq: this.#numbers.get(row.key) ?? 0 }))
      .filter(({ seq }) => seq > after)
      .filter((row) => row.kind === kind && (group === undefined || row.group === group))
      .filter(({ expires }) => expires === null || expires > at)
      .slice(0, limit);
  }

  async deleteExpired(): Promise<void> {}

  async commit(unit: StoreUnit): Promise<CommitResult> {
    const endsJob = unit.records?.removals.some(({ kind }) => kind === 'job') === true;
    if (endsJob) await this.#held?.promise;
    const fault = this.faults.shift();
    if (fault === 'conflict') return 'conflict';
    if (fault === 'unavailable') throw new StoreUnavailableError('the commit failed');
    if (!this.#isCurrent(unit) || !this.#isWithinBound(unit)) return 'conflict';
    for (const object of [...unit.inserts, ...unit.updates])
      this.#objects.set(object.id, this.#rowOf(object));
    for (const { key } of unit.records?.removals ?? []) this.#records.delete(key);
    for (const { replacedTag: _, ...row } of unit.records?.puts ?? []) {
      this.#records.set(row.key, row);
      if (row.version === 1) this.#numbers.set(row.key, ++this.#lastNumber);
    }
    if (fault === 'lost') throw new StoreUnavailableError('the end of the commit was not seen');
    return 'committed';
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {}

  /** @throws {Error} when a change is none of the row that it is about */
  #rowOf({ terms, uniqueNames, replacedTag, ...object }: StoredObject): StoredRow {
    const before = this.#objects.get(object.id);
    if (!isSameTag(before && boxTag(before.box), replacedTag)) throw new Error('the tag is of another box');
    const named = (change: Difference<string>, known: readonly string[] = []) => [
      ...new Set([...known.filter((each) => !change.remove.includes(each)), ...change.add]),
    ];
    return {
      ...object,
      terms: applyTerms(terms, before?.terms ?? []),
      uniqueNames: named(uniqueNames, before?.uniqueNames),
    };
  }

  #isWithinBound({ bound, inserts }: StoreUnit): boolean {
    if (bound === undefined) return true;
    const { group, after, objects } = bound;
    return countLive([...[...this.#objects.values()].slice(after), ...inserts], group) <= objects;
  }

  #isCurrent({ expects, inserts, updates, records }: StoreUnit): boolean {
    const versionOf = (id: string): number => this.#objects.get(id)?.version ?? 0;
    const versionIn = (group: string, id: string): number =>
      this.#objects.get(id)?.group === group ? versionOf(id) : 0;
    const recordVersion = (key: string): number => this.#records.get(key)?.version ?? 0;
    const removed = new Set(records?.removals.map(({ key }) => key));
    return (
      expects.every(({ id, group, version }) => versionIn(group, id) === version) &&
      inserts.every(({ id }) => versionOf(id) === 0) &&
      updates.every(({ id, version }) => versionOf(id) === version - 1) &&
      (records?.expects ?? []).every(({ key, version }) => recordVersion(key) === version) &&
      (records?.removals ?? []).every(({ key, version }) => recordVersion(key) === version) &&
      (records?.puts ?? []).every(
        ({ key, version }) => recordVersion(key) === version - 1 || (version === 1 && removed.has(key)),
      )
    );
  }
}

function countLive(rows: readonly Pick<StoredRow, 'group' | 'columns'>[], group: string): number {
  return rows.filter((row) => row.group === group && row.columns.DestroyDate === null).length;
}

function isSameTag(own: Uint8Array | undefined, stated: Uint8Array | null): boolean {
  return Buffer.compare(own ?? new Uint8Array(), stated ?? new Uint8Array()) === 0;
}

/** @throws {Error} when a term is removed that the object does not have, or added that it has. */
function applyTerms(
  { add, remove }: Difference<IndexTerm>,
  before: readonly IndexTerm[],
): readonly IndexTerm[] {
  const terms = new Map(before.map((each) => [`${each.term}.${each.instance}`, each]));
  for (const { term, instance } of remove)
    if (!terms.delete(`${term}.${instance}`)) throw new Error('the object has no such term');
  for (const each of add) {
    if (terms.has(`${each.term}.${each.instance}`)) throw new Error('the object has the term already');
    terms.set(`${each.term}.${each.instance}`, each);
  }
  return [...terms.values()];
}

/** Evaluates a filter of the store over what is stored of one object beside its box. */
export function satisfies(row: Pick<StoredRow, 'id' | 'columns' | 'terms'>, filter: Filter): boolean {
  const { id, columns, terms } = row;
  if ('all' in filter) return filter.all.every((each) => satisfies(row, each));
  if ('any' in filter) return filter.any.some((each) => satisfies(row, each));
  if ('not' in filter) return !satisfies(row, filter.not);
  if ('id' in filter) return id === filter.id;
  if ('present' in filter) return columns[filter.present] !== null;
  if ('terms' in filter) {
    const instances = new Set(terms.map(({ instance }) => instance));
    const has = (term: number, instance: number) =>
      terms.some((each) => each.term === term && each.instance === instance);
    return [...instances].some((instance) =>
      filter.terms.every((term) => [term].flat().some((each) => has(each, instance))),
    );
  }
  const own = columns[filter.column];
  return own !== null && compares(own, filter.op, filter.value);
}

function compares(own: number, op: '=' | '>=' | '<=' | 'bits', value: number): boolean {
  if (op === '=') return own === value;
  if (op === '>=') return own >= value;
  return op === '<=' ? own <= value : (BigInt(own) & BigInt(value)) === BigInt(value);
}
