import type { AttributeName } from '../../codec/attribute-table.ts';
import type { UsageLimits } from '../../codec/structures/attribute-values.ts';
import { fail } from '../common/errors.ts';
import { type AttributeSet, decodeAttributeSet } from './attribute-set.ts';
import type { ManagedObject } from './managed-object.ts';
import { replacedProvenance } from './provenance.ts';
import { requireDestroyable, type StateName } from './state.ts';

/**
 * Import with Replace Existing (KMIP 2.1 §6.1.25, 1.4 §4.41), and objects that are restored after Destroy.
 * Whatever the identifier has lost in its life stays lost: clients that know the identifier rely on it
 * (docs/decisions/27-protection-flows.md).
 */

/** States in which the lifecycle of an object is over, apart from its destruction. */
const endStates: readonly StateName[] = ['Deactivated', 'Compromised'];

/** Attributes that tell why and when the lifecycle was over. */
const compromise: readonly AttributeName[] = [
  'CompromiseDate',
  'CompromiseOccurrenceDate',
  'RevocationReason',
];
const lifecycle: readonly AttributeName[] = [
  ...compromise,
  'ActivationDate',
  'ProcessStartDate',
  'ProtectStopDate',
  'DeactivationDate',
];

/**
 * Prepares an imported object, of which `existing` is an input, to take its place at `now` (POSIX seconds):
 * the end of the lifecycle and the Usage Limits of the existing object stay. `existing` must be such as may
 * be destroyed; `isConformanceTest`: it may be Active too, as TC-IMPEXP-2 demands.
 * @throws {KmipError} InvalidField for another type, ObjectArchived, ObjectDestroyed or
 *   WrongKeyLifecycleState
 */
export function prepareReplacement(
  existing: ManagedObject,
  imported: ManagedObject,
  now: number,
  isConformanceTest: boolean,
): void {
  if (existing.type !== imported.type) fail('InvalidField', `the object here is a ${existing.type}`);
  if (existing.archived) fail('ObjectArchived', 'the object is archived: recover it first');
  if (!isConformanceTest || existing.state(now) !== 'Active') requireDestroyable(existing.attributes, now);
  keepLifecycle(existing, imported, now);
  keepUsageLimits(existing.attributes.get('UsageLimits'), imported.attributes);
}

/** Replaces attributes and value of a stored object, which keeps its row and its row version. */
export function replaceContent(existing: ManagedObject, imported: ManagedObject): void {
  for (const key of existing.attributes.keys()) existing.attributes.remove(key);
  for (const attribute of imported.attributes.list()) existing.attributes.add(attribute);
  const provenance = replacedProvenance(existing.provenance, imported.provenance);
  existing.setValue(imported.value);
  existing.changeProvenance(provenance);
}

/**
 * An object whose lifecycle was over at `now` (POSIX seconds), by deactivation or compromise, passes its
 * state and dates on; only a compromise may be added.
 */
export function keepLifecycle(existing: ManagedObject, imported: ManagedObject, now: number): void {
  const state = endOf(existing, now);
  if (!endStates.includes(state)) return;
  const isNewlyCompromised = state === 'Deactivated' && imported.state(now) === 'Compromised';
  const names = isNewlyCompromised ? lifecycle.filter((name) => !compromise.includes(name)) : lifecycle;
  for (const name of names) {
    imported.attributes.remove(name);
    for (const attribute of existing.attributes.all(name)) imported.attributes.add(attribute);
  }
  if (!isNewlyCompromised) imported.attributes.set('State', state);
}

/** The state of an object; of a destroyed one that which it had before. */
function endOf(object: ManagedObject, now: number): StateName {
  const state = object.state(now);
  if (state === 'DestroyedCompromised') return 'Compromised';
  return state === 'Destroyed' && object.attributes.has('DeactivationDate') ? 'Deactivated' : state;
}

/** Usage Limits never grow; the smaller rest applies. */
export function keepUsageLimits(old: UsageLimits | undefined, imported: AttributeSet): void {
  if (old === undefined) return;
  const stated = imported.get('UsageLimits');
  if (stated === undefined || !isTighter(stated, old)) imported.set('UsageLimits', old);
}

function isTighter(stated: UsageLimits, old: UsageLimits): boolean {
  const left = (limits: UsageLimits) => limits.UsageLimitsCount ?? limits.UsageLimitsTotal;
  return stated.UsageLimitsUnit === old.UsageLimitsUnit && left(stated) <= left(old);
}

/**
 * Restores a destroyed object whose value was kept, at `now` (POSIX seconds), with the attributes that it had
 * when it was destroyed: the rules that bind attributes to the value did not see later changes. A revocation
 * since then stays.
 * @throws {TypeError} when its value was not kept
 */
export function restore(object: ManagedObject, now: number): void {
  const { id, retention } = object;
  if (retention === undefined) throw new TypeError(`nothing of object ${id} is kept`);
  const kept = decodeAttributeSet(id, retention.attributes);
  keepRevocation(object, kept, now);
  object.restore(kept);
  object.touch(now);
}

function keepRevocation(object: ManagedObject, kept: AttributeSet, now: number): void {
  const { attributes: present } = object;
  const isCompromised = object.state(now) === 'DestroyedCompromised';
  const isRevokedSince = present.has('RevocationReason') && !kept.has('RevocationReason');
  if (!isCompromised && !isRevokedSince) return;
  for (const name of compromise) {
    kept.remove(name);
    for (const attribute of present.all(name)) kept.add(attribute);
  }
  const end = present.get('DeactivationDate');
  if (end !== undefined) kept.set('DeactivationDate', Math.min(end, kept.get('DeactivationDate') ?? end));
  kept.set('State', isCompromised ? 'Compromised' : 'Deactivated');
}
