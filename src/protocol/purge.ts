import type { ManagedObject } from '../object/managed-object.ts';
import { purge } from '../object/purged.ts';
import type { LoadedObject, Store } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';
import { ChangedMeanwhileError } from './unit-of-work/changed-meanwhile.ts';
import { UnitOfWork } from './unit-of-work/unit-of-work.ts';

/** An object as it stands in the database. */
interface ListedObject extends Pick<LoadedObject, 'id' | 'group'> {
  /** Number of the row. */
  readonly seq: number;
  /** By its column; null: it is not destroyed. */
  readonly destroyDate: number | null;
}

/** Some objects in the order of their numbers. */
interface ListedPage {
  readonly objects: readonly ListedObject[];
  /** Whether no object had a higher number. */
  readonly isLast: boolean;
}

/** Where objects are purged. */
export interface PurgedDatabase {
  readonly store: Store;
  readonly vault: Vault;
  /** Lists objects with a number above `after`. */
  readonly list: (after: number) => Promise<ListedPage>;
}

export interface PurgeOptions {
  /** POSIX seconds: objects that were destroyed later stay as they are. */
  readonly destroyedUntil: number;
  /** POSIX seconds. */
  readonly now: number;
  /** Whether objects are counted only. */
  readonly dryRun: boolean;
}

/** Objects of one commit. */
const maxObjects = 64;
const maxAttempts = 8;

/** What became of one page of objects. */
export interface PurgedPage {
  /** Objects that were purged, or would be. */
  readonly count: number;
  /** Identifiers of those that were purged: fewer than 1,024; none of a dry run. */
  readonly ids: readonly string[];
  /** Where the next page begins; null: this was the last one. */
  readonly next: number | null;
}

/**
 * Purges the destroyed objects of one page, of every group: their rows stay as tombstones, so that no
 * identifier is used twice, with what `purge` keeps. A purge that was interrupted is repeated. The last page
 * is the one that was so when it was read: a purge that followed the objects that clients create meanwhile
 * would not end. Objects in their waiting period stay as they
 * are; after it, what is left of their value goes.
 *
 * @param after where the page begins: 0, or `next` of the page before
 * @throws {StoreUnavailableError} when the database does not answer
 * @throws {SealBrokenError} when a row was altered
 */
export async function purgePage(
  database: PurgedDatabase,
  after: number,
  options: PurgeOptions,
): Promise<PurgedPage> {
  const { objects, isLast } = await database.list(after);
  const destroyed = objects.filter(({ destroyDate }) => destroyDate !== null);
  const purged: string[] = [];
  for (const [group, rows] of Map.groupBy(destroyed, (row) => row.group))
    for (let at = 0; at < rows.length; at += maxObjects) {
      const ids = rows.slice(at, at + maxObjects).map(({ id }) => id);
      purged.push(...(await purgeObjects(database, group, ids, options)));
    }
  const next = isLast ? null : (objects.at(-1)?.seq ?? null);
  return { count: purged.length, ids: options.dryRun ? [] : purged, next };
}

/** Returns the identifiers in the Links of an object that are those of objects of its group. */
async function loadLinked(unit: UnitOfWork, { attributes }: ManagedObject): Promise<ReadonlySet<string>> {
  const linked = new Set(attributes.values('Link').map((link) => link.LinkedObjectIdentifier));
  for (const id of linked) if ((await unit.load(id)) === undefined) linked.delete(id);
  return linked;
}

/** Returns the identifiers of those that were purged, or would be. */
async function purgeObjects(
  { store, vault }: PurgedDatabase,
  group: string,
  ids: readonly string[],
  { destroyedUntil, now, dryRun }: PurgeOptions,
): Promise<readonly string[]> {
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    // Unique Names are given up when an object is destroyed.
    const unit = new UnitOfWork(store, vault, { uniqueNames: false, now });
    unit.actFor(group);
    const layer = unit.layer('unused');
    const purged: string[] = [];
    for (const id of ids) {
      const object = await layer.load(id);
      if ((object?.attributes.get('DestroyDate') ?? Number.POSITIVE_INFINITY) > destroyedUntil) continue;
      if (object === undefined || (object.retention?.until ?? 0) > now) continue;
      // What the end of the waiting period has not found, because its record is gone.
      if (object.retention !== undefined) object.setValue(undefined);
      const linked = await loadLinked(unit, object);
      if (!purge(object, (other) => linked.has(other))) continue;
      object.touch(now);
      purged.push(id);
    }
    if (dryRun || purged.length === 0) return purged;
    layer.keep();
    if ((await unit.commit()) === 'committed') return purged;
  }
  throw new ChangedMeanwhileError('the objects were');
}
