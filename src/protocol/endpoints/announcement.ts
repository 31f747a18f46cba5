import type { AttributeChanges } from '../../../codec/attribute.ts';
import { representableChanges } from '../../../codec/eras.ts';
import type { Infer } from '../../../codec/schema.ts';
import type { Version } from '../../../codec/version.ts';
import { KmipError } from '../../common/errors.ts';
import type { Principal } from '../../identity/principal.ts';
import { matchesFilter } from '../../object/filter-evaluation.ts';
import { ManagedObject } from '../../object/managed-object.ts';
import { typesOfPublicValue } from '../../object/object-boxes.ts';
import {
  findUnreached,
  requireClearAllowed,
  requireFormatAllowed,
  requireStateAllowed,
} from '../../object/roles/role-limits.ts';
import { hideFunctionsOfValue, hideGuessable } from '../../object/shown-attributes.ts';
import { attributesAt } from '../../object/state.ts';
import type { Notify } from '../../operations/server/notify.ts';
import type { Put } from '../../operations/server/put.ts';
import { refuseSecret } from '../../operations/transfer/disclosure.ts';
import { formatOf, requireRepresentableIn } from '../../operations/transfer/object-export.ts';
import type { Store } from '../../store/store.ts';
import { ValueTokenUnavailableError } from '../../vault/value-errors.ts';
import type { Vault } from '../../vault/vault.ts';
import { fetchableBy } from '../authentication/rights.ts';
import type { ObjectEvent } from '../unit-of-work/object-events.ts';

/** The client that is notified, and the time in POSIX seconds. */
export interface Receiver {
  readonly principal: Principal;
  readonly now: number;
}

/** Loads the object of an event as it is now; undefined when it is gone, or the role does not reach it. */
export async function loadAnnounced(
  { id }: ObjectEvent,
  { store, vault }: { readonly store: Store; readonly vault: Vault },
  { group, restrictions }: Principal,
): Promise<ManagedObject | undefined> {
  const [row] = await store.load(group, [id]);
  const object = row && ManagedObject.fromStored(row, vault);
  const ofRole = restrictions?.();
  const isHidden = object && ofRole && findUnreached(object, ofRole) !== undefined;
  return isHidden === true ? undefined : object;
}

/**
 * The changes that the client may read. `object`: as it is now, where the role restricts more than
 * operations.
 */
export function shownChanges(
  { changes, type }: ObjectEvent,
  object: ManagedObject | undefined,
  { principal, now }: Receiver,
): AttributeChanges {
  if (principal.restrictions?.() === undefined)
    return principal.may('Get') && principal.needsApproval?.('Get') !== true
      ? changes
      : hideGuessable(changes, type);
  const mayFetch = object && matchesFilter(fetchableBy(principal, now), object.attributes.list());
  return mayFetch === true ? changes : hideFunctionsOfValue(changes);
}

/** Returns the Notify request for an event; undefined when the version cannot express what has changed. */
export function notifyOf(event: ObjectEvent, version: Version): Infer<typeof Notify.request> | undefined {
  const changes = representableChanges(event.changes, version);
  const isWorthwhile =
    changes.deleted.length > 0 || changes.changed.some(({ name }) => name !== 'LastChangeDate');
  return isWorthwhile ? { UniqueIdentifier: event.id, Changes: changes } : undefined;
}

/** Nobody can approve what the server sends of its own. */
function needsApproval({ type }: ManagedObject, { principal }: Receiver): boolean {
  return principal.needsApproval?.('Get') === true && !typesOfPublicValue.has(type);
}

/**
 * Returns the Put request with the object as it is now; undefined when Get would not export it: sensitive,
 * not extractable, archived, only with the approval of an administrator, in a state or a form in which the
 * role lets no value leave, of a kind that the version does not know, or its value needs a token that is
 * away.
 */
export async function putOf(
  event: ObjectEvent,
  object: ManagedObject,
  version: Version,
  receiver: Receiver,
): Promise<Infer<typeof Put.request> | undefined> {
  if (object.destroyed || object.archived) return undefined;
  try {
    refuseSecret(object);
    requireStateAllowed(object, receiver);
    requireClearAllowed(receiver);
    if (needsApproval(object, receiver)) return undefined;
    await object.openValue();
    if (object.value === undefined) return undefined;
    requireFormatAllowed(formatOf(object.value), receiver);
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
    Attributes: attributesAt(object.attributes, receiver.now),
  };
}
