import { representableChanges } from '../../../codec/eras.ts';
import type { Infer } from '../../../codec/schema.ts';
import type { Version } from '../../../codec/version.ts';
import { KmipError } from '../../common/errors.ts';
import { ManagedObject } from '../../object/managed-object.ts';
import type { Notify } from '../../operations/server/notify.ts';
import type { Put } from '../../operations/server/put.ts';
import { refuseSecret } from '../../operations/transfer/disclosure.ts';
import { requireRepresentableIn } from '../../operations/transfer/object-export.ts';
import type { Store } from '../../store/store.ts';
import { ValueTokenUnavailableError } from '../../vault/value-errors.ts';
import type { Vault } from '../../vault/vault.ts';
import type { ObjectEvent } from '../unit-of-work/object-events.ts';

/** Returns the Notify request for an event; undefined when the version cannot express what has changed. */
export function notifyOf(event: ObjectEvent, version: Version): Infer<typeof Notify.request> | undefined {
  const changes = representableChanges(event.changes, version);
  const isWorthwhile =
    changes.deleted.length > 0 || changes.changed.some(({ name }) => name !== 'LastChangeDate');
  return isWorthwhile ? { UniqueIdentifier: event.id, Changes: changes } : undefined;
}

/**
 * Returns the Put request with the object as it is now; undefined when the object is gone, or when Get would
 * not export it: sensitive, not extractable, archived, of a kind that the version does not know, or its value
 * needs a token that is away.
 */
export async function putOf(
  event: ObjectEvent,
  version: Version,
  from: { readonly store: Store; readonly vault: Vault; readonly group: string; readonly now: number },
): Promise<Infer<typeof Put.request> | undefined> {
  const [row] = await from.store.load(from.group, [event.id]);
  if (row === undefined) return undefined;
  const object = ManagedObject.fromStored(row, from.vault);
  if (object.destroyed || object.archived) return undefined;
  try {
    refuseSecret(object);
    await object.openValue();
    if (object.value === undefined) return undefined;
    requireRepresentableIn(object.value, version);
  } catch (error) {
    if (error instanceof KmipError || error instanceof ValueTokenUnavailableError) return undefined;
    throw error;
  }
  return {
    UniqueIdentifier: event.id,
    PutFunction: event.replaces === undefined ? 'New' : 'Replace',
    ReplacedUniqueIdentifier: event.replaces,
    Object: object.value,
    Attributes: object.attributesAt(from.now),
  };
}
