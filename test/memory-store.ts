import type {
  CommitResult,
  Comparison,
  Filter,
  FoundObjects,
  IndexEntry,
  LoadedObject,
  ObjectQuery,
  RecordQuery,
  Store,
  StoredObject,
  StoredRecord,
  StoreUnit,
} from '../../../src/store/store.ts';
import { StoreUnavailableError } from '../../../src/store/store.ts';
import type { SealedKey, Vault } from '../../../src/vault/vault.ts';

/** Rows of a store at one time. Rows are never changed in place, so a copy of the maps is a snapshot. */
export interface Snapshot {
  readonly objects: ReadonlyMap<string, StoredObject>;
  readonly records: ReadonlyMap<string, StoredRecord>;
}

/** What happens to the next commits. `lost`: it is durable, and the server cannot know. */
export type CommitFault = 'conflict' | 'unavailable' | 'lost';

/**
 * A store in memory, for campaigns of many short sessions: the harness reads every row, decides which commits
 * conflict or fail, and holds back the end of jobs.
 */
export class MemoryStore implements Store {
  #objects = new Map<string, StoredObject>();
  #records = new Map<string, StoredRecord>();
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

  async find({ group, filter, offset, limit }: ObjectQuery): Promise<FoundObjects> {
    const found = [...this.#objects.values()].filter(
      (row) => row.group === group && satisfies(row.index, filter),
    );
    const page = found.reverse().slice(offset, offset + limit);
    return {
      ids: page.map(({ id }) => id),
      versions: page.map(({ version }) => version),
      total: found.length,
    };
  }

  async record(kind: string, id: string): Promise<StoredRecord | undefined> {
    return this.#records.get(`${kind}/${id}`);
  }

  async records({ kind, group, limit, at = 0 }: RecordQuery): Promise<readonly StoredRecord[]> {
    return [...this.#records.values()]
      .filter((row) => row.kind === kind && (group === undefined || row.group === group))
      .filter(({ expires }) => expires === null || expires > at)
      .slice(0, limit);
  }

  async deleteExpired(): Promise<boolean> {
    return false;
  }

  async commit(unit: StoreUnit): Promise<CommitResult> {
    const endsJob = unit.records?.removals.some(({ kind }) => kind === 'job') === true;
    if (endsJob) await this.#held?.promise;
    const fault = this.faults.shift();
    if (fault === 'conflict') return 'conflict';
    if (fault === 'unavailable') throw new StoreUnavailableError('the commit failed');
    if (!this.#isCurrent(unit)) return 'conflict';
    for (const row of [...unit.inserts, ...unit.updates]) this.#objects.set(row.id, row);
    for (const { kind, id } of unit.records?.removals ?? []) this.#records.delete(`${kind}/${id}`);
    for (const row of unit.records?.puts ?? []) this.#records.set(`${row.kind}/${row.id}`, row);
    if (fault === 'lost') throw new StoreUnavailableError('the end of the commit was not seen');
    return 'committed';
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {}

  #isCurrent({ expects, inserts, updates, records }: StoreUnit): boolean {
    const versionOf = (id: string): number => this.#objects.get(id)?.version ?? 0;
    const versionIn = (group: string, id: string): number =>
      this.#objects.get(id)?.group === group ? versionOf(id) : 0;
    const recordVersion = (kind: string, id: string): number =>
      this.#records.get(`${kind}/${id}`)?.version ?? 0;
    const removed = new Set(records?.removals.map(({ kind, id }) => `${kind}/${id}`));
    return (
      expects.every(({ id, group, version }) => versionIn(group, id) === version) &&
      inserts.every(({ id }) => versionOf(id) === 0) &&
      updates.every(({ id, version }) => versionOf(id) === version - 1) &&
      (records?.expects ?? []).every(({ kind, id, version }) => recordVersion(kind, id) === version) &&
      (records?.removals ?? []).every(({ kind, id, version }) => recordVersion(kind, id) === version) &&
      (records?.puts ?? []).every(
        ({ kind, id, version }) =>
          recordVersion(kind, id) === version - 1 || (version === 1 && removed.has(`${kind}/${id}`)),
      )
    );
  }
}

function satisfies(index: readonly IndexEntry[], filter: Filter): boolean {
  if ('all' in filter) return filter.all.every((each) => satisfies(index, each));
  if ('any' in filter) return filter.any.some((each) => satisfies(index, each));
  if ('not' in filter) return !satisfies(index, filter.not);
  const entries = index.filter(({ attribute }) => attribute === filter.attribute);
  return [...new Set(entries.map(({ instance }) => instance))].some((instance) =>
    filter.fields.every((comparison) =>
      entries.some((entry) => entry.instance === instance && compares(entry, comparison)),
    ),
  );
}

function compares(entry: IndexEntry, comparison: Comparison): boolean {
  if (entry.field !== comparison.field) return false;
  const { op, value } = comparison;
  if (op === '=') return entry.text === value || entry.number === value;
  if (entry.number === null) return false;
  if (op === '>=') return entry.number >= value;
  return op === '<=' ? entry.number <= value : (entry.number & value) === value;
}

/** A vault that encrypts nothing, so that the harness reads every value. */
export const openVault: Vault = {
  seal: (_context, plain) => plain.slice() as SealedKey,
  open: (_context, sealed) => sealed.slice(),
  isCurrent: () => true,
  unsealed: true,
  close: async () => {},
};
