import type { Attribute } from '../../codec/attribute.ts';
import type { State } from '../../codec/enums.ts';
import type { RevocationReason } from '../../codec/structures/attribute-values.ts';
import { fail } from '../common/errors.ts';
import type { AttributeSet } from './attribute-set.ts';

/** States of objects (KMIP 2.1 §4.57, 1.4 §3.22). */
export type StateName = Exclude<State, number>;

type Transition = 'activate' | 'deactivate' | 'compromise' | 'destroy';

/**
 * Target state of each transition by the present state; other transitions are refused. An Active object must
 * be revoked before it can be destroyed. The specification has no deactivation of a Pre-Active object.
 */
const transitions: Readonly<Record<Transition, Readonly<Partial<Record<StateName, StateName>>>>> = {
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
 * Further transitions of certificates: one that is not valid yet, over, or destroyed here is still with those
 * who rely on it, and so is revoked. Compromised ones take an earlier occurrence.
 */
const certificateTransitions: Partial<typeof transitions> = {
  deactivate: {
    PreActive: 'Deactivated',
    Active: 'Deactivated',
    Deactivated: 'Deactivated',
    Compromised: 'Compromised',
    Destroyed: 'Destroyed',
    DestroyedCompromised: 'DestroyedCompromised',
  },
  compromise: {
    ...transitions.compromise,
    Compromised: 'Compromised',
    DestroyedCompromised: 'DestroyedCompromised',
  },
};

/**
 * Returns the state at `now` (POSIX seconds): the stored State and the transitions of the dates that have
 * passed. This needs no timer. A clock that runs backward cannot re-activate an object that was stored as
 * deactivated, because stored states only advance. An object without State (a Template) counts as Active.
 */
export function stateAt(attributes: AttributeSet, now: number): StateName {
  const stored = (attributes.get('State') ?? 'Active') as StateName;
  const reached = (date: number | undefined) => date !== undefined && date <= now;
  const active = stored === 'Active' || (stored === 'PreActive' && reached(attributes.get('ActivationDate')));
  if (!active) return stored;
  return reached(attributes.get('DeactivationDate')) ? 'Deactivated' : 'Active';
}

/** All attributes as a response at `now` shows them: with the State that the dates have brought about. */
export function attributesAt(attributes: AttributeSet, now: number): readonly Attribute[] {
  const value = stateAt(attributes, now);
  return attributes
    .list()
    .map((each) => (each.name === 'State' && each.vendor === undefined ? { ...each, value } : each));
}

/** Stores the state that dates have brought about, so that it stays even if the clock runs backward. */
function settleState(attributes: AttributeSet, now: number): void {
  if (attributes.has('State')) attributes.set('State', stateAt(attributes, now));
}

/**
 * Records a change of the object at `now` (POSIX seconds): Last Change Date, and the state that dates have
 * brought about.
 */
export function recordChange(attributes: AttributeSet, now: number): void {
  settleState(attributes, now);
  attributes.set('LastChangeDate', now);
}

/**
 * Activate (KMIP 2.1 §6.1.1, 1.4 §4.19): Pre-Active → Active, dated `now`.
 *
 * @throws {KmipError} WrongKeyLifecycleState, or InvalidObjectType for an object without State.
 */
export function activate(attributes: AttributeSet, now: number): void {
  applyTransition(attributes, 'activate', now);
  attributes.set('ActivationDate', now);
}

/**
 * Revoke (KMIP 1.4 §4.20). A compromise is dated `now` and its occurrence `occurrence` (default: Initial
 * Date), at most `now`; any other reason deactivates an Active object at `now`. Of a certificate that is
 * revoked already dates only move earlier, and no reason takes the place of a compromise.
 *
 * @throws {KmipError} WrongKeyLifecycleState, InvalidObjectType for an object without State, or InvalidField
 * for a reason code outside the specification.
 */
export function revoke(
  attributes: AttributeSet,
  reason: RevocationReason,
  occurrence: number | undefined,
  now: number,
): void {
  const code = reason.RevocationReasonCode;
  if (typeof code === 'number')
    fail('InvalidField', 'the Revocation Reason Code is not one of the specification');
  const wasCompromised = attributes.has('CompromiseDate');
  const wasRevoked = attributes.has('RevocationReason');
  if (code === 'KeyCompromise' || code === 'CACompromise') {
    applyTransition(attributes, 'compromise', now);
    setEarlier(attributes, 'CompromiseDate', now);
    const since = occurrence ?? attributes.get('InitialDate') ?? now;
    setEarlier(attributes, 'CompromiseOccurrenceDate', Math.min(since, now));
    if (wasCompromised) return;
  } else {
    applyTransition(attributes, 'deactivate', now);
    if (wasRevoked) return;
    setEarlier(attributes, 'DeactivationDate', now);
  }
  attributes.set('RevocationReason', reason);
}

/** Sets a date unless an earlier one is there. */
function setEarlier(
  attributes: AttributeSet,
  name: 'CompromiseDate' | 'CompromiseOccurrenceDate' | 'DeactivationDate',
  date: number,
): void {
  attributes.set(name, Math.min(attributes.get(name) ?? date, date));
}

/**
 * Destroy (KMIP 1.4 §4.21) as far as attributes go: they stay; the caller removes the value.
 *
 * @throws {KmipError} WrongKeyLifecycleState or ObjectDestroyed.
 */
export function destroy(attributes: AttributeSet, now: number): void {
  requireDestroyable(attributes, now);
  if (attributes.has('State')) applyTransition(attributes, 'destroy', now);
  attributes.set('DestroyDate', now);
  recordChange(attributes, now);
}

/**
 * Refuses an object that may not be destroyed at `now` (POSIX seconds).
 *
 * @throws {KmipError} WrongKeyLifecycleState or ObjectDestroyed.
 */
export function requireDestroyable(attributes: AttributeSet, now: number): void {
  if (attributes.has('DestroyDate'))
    fail('ObjectDestroyed', 'the object has been destroyed already', 'PermissionDenied');
  if (attributes.has('State')) requireTransition(attributes, 'destroy', now);
}

/**
 * Archive (KMIP 2.1 §6.1.4, 1.4 §4.22): the object cannot be used until it is recovered.
 *
 * @throws {KmipError} ObjectArchived.
 */
export function archive(attributes: AttributeSet, now: number): void {
  if (attributes.has('ArchiveDate')) fail('ObjectArchived', 'the object is archived already');
  attributes.set('ArchiveDate', now);
  recordChange(attributes, now);
}

/** Recover (KMIP 1.4 §4.23): ends Archive; an object that is not archived stays as it is. */
export function recover(attributes: AttributeSet, now: number): void {
  if (attributes.remove('ArchiveDate').length > 0) recordChange(attributes, now);
}

function applyTransition(attributes: AttributeSet, transition: Transition, now: number): void {
  if (!attributes.has('State'))
    fail('InvalidObjectType', `a ${attributes.get('ObjectType') ?? 'object of this type'} has no State`);
  attributes.set('State', requireTransition(attributes, transition, now));
  recordChange(attributes, now);
}

/** Returns the target state of a transition that the present state allows. */
function requireTransition(attributes: AttributeSet, transition: Transition, now: number): StateName {
  const from = stateAt(attributes, now);
  const own = attributes.get('ObjectType') === 'Certificate' ? certificateTransitions : transitions;
  const targets = own[transition] ?? transitions[transition];
  return (
    targets[from] ?? fail('WrongKeyLifecycleState', `the object is ${from}: ${requirementOf(transition)}`)
  );
}

function requirementOf(transition: Transition): string {
  return `to ${transition} it, it must be ${Object.keys(transitions[transition]).join(' or ')}`;
}
