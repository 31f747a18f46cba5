import { fail } from '../common/errors.ts';
import { readJson, writeJson } from '../common/json.ts';
import type { AttributeFilter } from '../object/attribute-filter.ts';
import { type KeyObjects, statesEnd } from '../object/copies.ts';
import { addToHistory, emptyHistory, type KeyHistory } from '../object/key-history.ts';
import { anyStorageStatus, locateFilter } from '../object/locate-filter.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import { isProtected } from '../object/protection.ts';
import { allocatedUses, everyMaskOf } from '../object/usage.ts';
import type { Context } from './context.ts';
import { findIdentity } from './revocation-records.ts';
import { requireMayRevoke } from './same-certificates.ts';

/**
 * Kind of the records of copies, under the identifier of the first object of a key. They outlive the objects,
 * so a copy knows of destroyed ones too.
 */
export const keyCopiesKind = 'key-copies';

/** Copies of one key that are here: more would make each further one slow. */
const maxCopies = 100;

/** Content of such a record. An older kmipd wrote the identifiers alone. */
interface CopyList {
  readonly copies: readonly ListedCopy[];
  /** Of copies that have been destroyed or replaced since, and are not listed any more. */
  readonly history: KeyHistory;
}

interface ListedCopy {
  readonly id: string;
  /** Uses that its Usage Limits showed as allocated when it was made: a decimal number. */
  readonly allocated: string;
}

/** The identifier of the first object with the key of `object`. */
export function originOf({ id, provenance }: ManagedObject): string {
  return provenance.copyOf ?? id;
}

/**
 * Loads the objects of the key whose first object is `origin`; undefined when the first one is not protected,
 * because what a client may fetch it may also register anew.
 * @throws {KmipError} ObjectNotFound when one of them cannot be seen, so that its rights are unknown
 */
export async function loadCopies(origin: string, context: Context): Promise<KeyObjects | undefined> {
  const first = await loadSeen(origin, context);
  if (!isProtected(first)) return undefined;
  const list = await loadList(origin, context);
  const objects = await Promise.all(list.copies.map(({ id }) => loadSeen(id, context)));
  const history = objects.reduce((all, object) => addListed(all, object, list, context), list.history);
  return { origin: first, copies: objects.filter(({ destroyed }) => !destroyed), history };
}

async function loadSeen(id: string, { work }: Context): Promise<ManagedObject> {
  return (await work.load(id)) ?? fail('ObjectNotFound', 'the key that this one is a copy of is not there');
}

/**
 * Loads the other objects of the key of `object`, recently destroyed ones included, as far as the Rights of a
 * ticket include them.
 */
export async function loadTwins(object: ManagedObject, context: Context): Promise<ManagedObject[]> {
  const { work, now } = context;
  const { copyOf: origin = object.id } = await findIdentity(object, context);
  const { copies } = await loadList(origin, context);
  const ids = [origin, ...copies.map(({ id }) => id)].filter((id) => id !== object.id);
  if (ids.length === 0) return [];
  const isListed: AttributeFilter = {
    any: ids.map((value) => ({ attribute: 'UniqueIdentifier', fields: [{ field: '', op: '=', value }] })),
  };
  const stored = locateFilter({ attributes: [], storageStatusMask: anyStorageStatus, now });
  const found = await work.find({ filter: { all: [isListed, stored] }, offset: 0, limit: ids.length });
  const objects = await Promise.all(found.ids.map((id) => work.load(id)));
  return objects.filter((each) => each !== undefined);
}

/**
 * Records that `copy` is a copy of the key of `origin`. Copies that have been destroyed leave the list, and
 * what they mean for later ones stays.
 * @throws {KmipError} ServerLimitExceeded when too many are here
 */
export async function recordCopy(copy: ManagedObject, origin: string, context: Context): Promise<void> {
  if (copy.id === origin) return;
  copy.changeProvenance({ copyOf: origin });
  const { copies, history } = await dropDestroyed(await loadList(origin, context), context);
  if (copies.length >= maxCopies)
    fail('ServerLimitExceeded', `a key has at most ${maxCopies} copies`, 'InvalidField');
  const limits = copy.attributes.get('UsageLimits');
  const listed = { id: copy.id, allocated: String(limits === undefined ? 0n : allocatedUses(limits)) };
  const masks = history.masks | everyMaskOf(copy);
  putList(origin, { copies: [...copies, listed], history: { ...history, masks } }, context);
}

/**
 * Records what a copy means for later ones before another object takes its place, which then is a copy only
 * if it is recorded anew.
 */
export async function retireCopy(object: ManagedObject, context: Context): Promise<void> {
  const { copyOf: origin } = object.provenance;
  if (origin === undefined) return;
  const list = await loadList(origin, context);
  const history = addListed(list.history, object, list, context);
  putList(origin, { copies: list.copies.filter(({ id }) => id !== object.id), history }, context);
}

/** Records the compromise of a copy that has been destroyed and is not listed any more. */
export async function recordCompromise(object: ManagedObject, context: Context): Promise<void> {
  const { copyOf: origin } = await findIdentity(object, context);
  if (origin === undefined) return;
  const list = await loadList(origin, context);
  if (list.copies.some(({ id }) => id === object.id)) return;
  const { compromise } = addToHistory(list.history, object, { allocated: 0n, now: context.now });
  putList(origin, { ...list, history: { ...list.history, compromise } }, context);
}

/**
 * Refuses a copy that states an end or a compromise which its key is not known to have, unless the client may
 * revoke the objects of the key: a compromise is that of later copies too.
 * @throws {KmipError} as `requireMayRevoke`
 */
export async function requireMayEndKey(
  copy: ManagedObject,
  { origin, copies, history }: KeyObjects,
  context: Context,
): Promise<void> {
  if (!statesEnd(copy, origin, { now: context.now, history })) return;
  const objects = [origin, ...copies].filter(({ id }) => id !== copy.id);
  await requireMayRevoke(objects, context);
}

async function dropDestroyed(list: CopyList, context: Context): Promise<CopyList> {
  const objects = await Promise.all(list.copies.map(({ id }) => loadSeen(id, context)));
  const gone = objects.filter(({ destroyed }) => destroyed);
  return {
    copies: list.copies.filter(({ id }) => !gone.some((each) => each.id === id)),
    history: gone.reduce((all, object) => addListed(all, object, list, context), list.history),
  };
}

function addListed(
  history: KeyHistory,
  object: ManagedObject,
  { copies }: CopyList,
  { now }: Context,
): KeyHistory {
  const allocated = BigInt(copies.find(({ id }) => id === object.id)?.allocated ?? 0);
  return addToHistory(history, object, { allocated, now });
}

async function loadList(origin: string, { work }: Context): Promise<CopyList> {
  const content = await work.records.load(keyCopiesKind, origin);
  const stored = content === undefined ? [] : readJson<CopyList | readonly string[]>(content);
  if (!('copies' in stored))
    return { copies: stored.map((id) => ({ id, allocated: '0' })), history: emptyHistory };
  return stored;
}

function putList(origin: string, list: CopyList, { work }: Context): void {
  work.records.put(keyCopiesKind, origin, writeJson(list));
}
