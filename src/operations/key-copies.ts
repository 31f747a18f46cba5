import { fail } from '../common/errors.ts';
import { readJson, writeJson } from '../common/json.ts';
import type { KeyObjects } from '../object/copies.ts';
import { anyStorageStatus, locateFilter } from '../object/locate-filter.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import { isProtected } from '../object/protection.ts';
import type { Filter } from '../store/store.ts';
import type { Context } from './context.ts';
import { findIdentity } from './revocation-records.ts';

/**
 * Kind of the records of copies: under the identifier of a key, the identifiers of the objects that were made
 * of the same bytes. They outlive the objects, so a copy knows of destroyed ones too.
 */
export const keyCopiesKind = 'key-copies';

/** Copies of one key: more would make each further one slow. */
const maxCopies = 100;

/** The identifier of the first object with the key of `object`. */
export function originOf({ id, provenance }: ManagedObject): string {
  return provenance.copyOf ?? id;
}

/**
 * Loads every object of the key whose first object is `origin`; undefined when the first one is not
 * protected, because what a client may fetch it may also register anew.
 * @throws {KmipError} ObjectNotFound when one of them cannot be seen, so that its rights are unknown
 */
export async function loadCopies(origin: string, { work }: Context): Promise<KeyObjects | undefined> {
  const load = async (id: string) => (await work.load(id)) ?? failUnseen();
  const first = await load(origin);
  if (!isProtected(first)) return undefined;
  return { origin: first, copies: await Promise.all((await listCopies(origin, work)).map(load)) };
}

function failUnseen(): never {
  fail('ObjectNotFound', 'the key that this one is a copy of is not there');
}

/**
 * Loads the other objects of the key of `object`, destroyed ones included, as far as the Rights of a ticket
 * include them.
 */
export async function loadTwins(object: ManagedObject, context: Context): Promise<ManagedObject[]> {
  const { work, now } = context;
  const { copyOf: origin = object.id } = await findIdentity(object, context);
  const ids = [origin, ...(await listCopies(origin, work))].filter((id) => id !== object.id);
  if (ids.length === 0) return [];
  const isListed: Filter = {
    any: ids.map((value) => ({ attribute: 'UniqueIdentifier', fields: [{ field: '', op: '=', value }] })),
  };
  const stored = locateFilter({ attributes: [], storageStatusMask: anyStorageStatus, now });
  const found = await work.find({ filter: { all: [isListed, stored] }, offset: 0, limit: ids.length });
  const objects = await Promise.all(found.ids.map((id) => work.load(id)));
  return objects.filter((each) => each !== undefined);
}

/**
 * Records that `copy` is a copy of the key of `origin`.
 * @throws {KmipError} ServerLimitExceeded when there are too many
 */
export async function recordCopy(copy: ManagedObject, origin: string, { work }: Context): Promise<void> {
  if (copy.id === origin) return;
  const ids = await listCopies(origin, work);
  copy.changeProvenance({ copyOf: origin });
  if (ids.includes(copy.id)) return;
  if (ids.length >= maxCopies)
    fail('ServerLimitExceeded', `a key has at most ${maxCopies} copies`, 'InvalidField');
  work.records.put(keyCopiesKind, origin, writeJson([...ids, copy.id]));
}

async function listCopies(origin: string, { records }: Context['work']): Promise<readonly string[]> {
  const content = await records.load(keyCopiesKind, origin);
  return content === undefined ? [] : readJson<string[]>(content);
}
