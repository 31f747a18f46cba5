import type { State } from '../../codec/enums.ts';
import type { RevocationReason } from '../../codec/structures/attribute-values.ts';
import { fail } from '../common/errors.ts';
import type { AttributeSet } from './attribute-set.ts';
import type { ManagedObject } from './managed-object.ts';

/** KMIP 2.1 §3.22 and §4.57, 1.4 §3.22: states of an object that has any. */
export type StateName = Exclude<State, number>;

export type Transition = 'activate' | 'deactivate' | 'compromise' | 'destroy';

/**
 * Where each transition leads from each state; what is not here is refused. An Active object has to be revoked before
 * it can be destroyed. Deactivation of a Pre-Active object is no transition of the specification.
 */
export const transitions: Readonly<Record<Transition, Readonly<Partial<Record<StateName, StateName>>>>> = {
  activate: { PreActive: 'Active' },
  deactivate: { Active: 'Deactivated' },
  compromise: {
    PreActive: 'Compromised',
    Active: 'Compromised',
    Deactivated: 'Compromised',
    Destroyed: 'DestroyedCompromised',
  },
  destroy: { PreActive: 'Destroyed', Deactivated: 'Destroyed', Compromised: 'DestroyedCompromised' },
};

/**
 * The state at `now` (POSIX seconds): the stored one, moved on by the dates that have come. No timer is needed, and a
 * clock that runs backward cannot re-activate what was stored as deactivated, because stored states only move on.
 * An object without State (a Template) counts as Active.
 */
export function stateAt(attributes: AttributeSet, now: number): StateName {
  const stored = (attributes.get('State') ?? 'Active') as StateName;
  const reached = (date: number | undefined) => date !== undefined && date <= now;
  const active = stored === 'Active' || (stored === 'PreActive' && reached(attributes.get('ActivationDate')));
  if (!active) return stored;
  return reached(attributes.get('DeactivationDate')) ? 'Deactivated' : 'Active';
}

/** Writes down the state that dates have brought about, so that it stays even if the clock should run backward. */
export function settleState(object: ManagedObject, now: number): StateName {
  const state = object.state(now);
  if (object.attributes.has('State')) object.attributes.set('State', state);
  return state;
}

/** Activate: Pre-Active → Active, dated now. Fails with WrongKeyLifecycleState or InvalidObjectType. */
export function activate(object: ManagedObject, now: number): void {
  move(object, 'activate', now);
  object.attributes.set('ActivationDate', now);
}

/**
 * Revoke: a compromise is dated now and said to have happened at `occurrence` (default: when the object was made); any
 * other reason deactivates an Active object now. Fails with WrongKeyLifecycleState, InvalidObjectType, or InvalidField for
 * a reason code outside the specification.
 */
export function revoke(
  object: ManagedObject,
  reason: RevocationReason,
  occurrence: number | undefined,
  now: number,
): void {
  const { attributes } = object;
  const code = reason.RevocationReasonCode;
  if (typeof code === 'number')
    fail('InvalidField', 'the Revocation Reason Code is not one of the specification');
  if (code === 'KeyCompromise' || code === 'CACompromise') {
    move(object, 'compromise', now);
    attributes.set('CompromiseDate', now);
    attributes.set('CompromiseOccurrenceDate', occurrence ?? attributes.get('InitialDate') ?? now);
  } else {
    move(object, 'deactivate', now);
    attributes.set('DeactivationDate', now);
  }
  attributes.set('RevocationReason', reason);
}

/** Destroy: the value is gone, the attributes stay. Fails with WrongKeyLifecycleState or ObjectDestroyed. */
export function destroy(object: ManagedObject, now: number): void {
  if (object.destroyed) fail('ObjectDestroyed', 'the object has been destroyed already', 'PermissionDenied');
  if (object.attributes.has('State')) move(object, 'destroy', now);
  object.attributes.set('DestroyDate', now);
  object.setValue(undefined);
  object.touch(now);
}

/** Archive: out of use until recovered. Fails with ObjectArchived. */
export function archive(object: ManagedObject, now: number): void {
  if (object.archived) fail('ObjectArchived', 'the object is archived already');
  object.attributes.set('ArchiveDate', now);
  object.touch(now);
}

/** Recover: back into use; an object that is not archived stays as it is. */
export function recover(object: ManagedObject, now: number): void {
  if (object.attributes.remove('ArchiveDate').length > 0) object.touch(now);
}

function move(object: ManagedObject, transition: Transition, now: number): void {
  if (!object.attributes.has('State')) fail('InvalidObjectType', `a ${object.type} has no State`);
  const from = object.state(now);
  const to = transitions[transition][from];
  if (to === undefined) fail('WrongKeyLifecycleState', `the object is ${from}: ${needed(transition)}`);
  object.attributes.set('State', to);
  object.touch(now);
}

function needed(transition: Transition): string {
  return `to ${transition} it, it must be ${Object.keys(transitions[transition]).join(' or ')}`;
}
