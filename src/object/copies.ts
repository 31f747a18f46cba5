import { CryptographicUsageMask } from '../../codec/masks.ts';
import { fail } from '../common/errors.ts';
import type { AttributeSet } from './attribute-set.ts';
import type { ManagedObject } from './managed-object.ts';
import { keepLifecycle, keepUsageLimits } from './replace-existing.ts';
import type { StateName } from './state.ts';
import { everyMaskOf } from './usage.ts';

/**
 * Rights of a copy: an object with the bytes of a key that is or was here under another identifier
 * (docs/decisions/38-copies-and-shares.md).
 */

/** The objects of one key, destroyed ones included. */
export interface KeyObjects {
  readonly origin: ManagedObject;
  readonly copies: readonly ManagedObject[];
}

/** A new copy, and what the request states of it. */
export interface Copy {
  readonly object: ManagedObject;
  /** The Cryptographic Usage Mask of the request. */
  readonly statedMask: number | undefined;
  /** POSIX seconds. */
  readonly now: number;
}

/**
 * Reduces the rights of a copy to those of its origin: mask, parameters, dates, lifecycle, and Usage Limits.
 * Of earlier copies count the uses that they have taken, and a compromise. The origin may be the first part
 * of a key that was generated for its parts, which have no uses of their own.
 * @throws {KmipError} IncompatibleCryptographicUsageMask (1.x: InvalidField) when the request states uses
 *   that the origin does not have, UsageLimitExceeded (1.x: PermissionDenied) while an object of the key with
 *   Usage Limits is here, whose uses would be counted twice
 */
export function limitCopy({ object: copy, statedMask, now }: Copy, { origin, copies }: KeyObjects): void {
  const others = [origin, ...copies].filter(({ id }) => id !== copy.id);
  const here = others.filter(({ type, destroyed }) => type === copy.type && !destroyed);
  if (here.some(({ attributes }) => attributes.has('UsageLimits')))
    fail(
      'UsageLimitExceeded',
      'the key has Usage Limits and is here already: its uses cannot be counted twice',
      'PermissionDenied',
    );
  limitUses(copy.attributes, origin.attributes, statedMask);
  for (const { attributes } of others) keepUsageLimits(attributes, copy.attributes);
  if (origin.type === copy.type) limitActivation(copy, origin, now);
  limitLife(copy, origin, now);
  const compromised = copies.find((each) => isCompromised(each, now));
  if (compromised !== undefined) keepLifecycle(compromised, copy, now);
}

/**
 * Gives an object the mask as it is now, and the bits that other objects of its key have or ever had, as its
 * history: what a key was for holds for every object with its bytes.
 */
export function keepMaskHistory(object: ManagedObject, others: readonly ManagedObject[]): void {
  const own = object.attributes.get('CryptographicUsageMask') ?? 0;
  const masks = others.map((other) => everyMaskOf(other) | (other.provenance.share?.mask ?? 0));
  object.changeProvenance({ masks: masks.reduce((all, mask) => all | mask, own) });
}

/**
 * Reduces mask and Cryptographic Parameters to those of another object.
 * @throws {KmipError} as `limitMask`
 */
export function limitUses(own: AttributeSet, other: AttributeSet, statedMask: number | undefined): void {
  limitMask(own, other.get('CryptographicUsageMask'), statedMask);
  const parameters = other.all('CryptographicParameters');
  if (parameters.length === 0) return;
  own.remove('CryptographicParameters');
  for (const attribute of parameters) own.add(attribute);
}

/** Reduces the dates of use to those of another object at `now`, and ends what has ended there. */
export function limitLife(object: ManagedObject, other: ManagedObject, now: number): void {
  const [own, first] = [object.attributes, other.attributes];
  limitDate(own, 'ProcessStartDate', first.get('ProcessStartDate'), Math.max);
  limitDate(own, 'ProtectStopDate', first.get('ProtectStopDate'), Math.min);
  limitDate(own, 'DeactivationDate', first.get('DeactivationDate'), Math.min);
  keepLifecycle(other, object, now);
}

/** Keeps a copy of a key that has not been activated yet from being Active before that key. */
function limitActivation({ attributes: own }: ManagedObject, origin: ManagedObject, now: number): void {
  const bound = origin.attributes.get('ActivationDate');
  if (origin.state(now) === 'Active' || (bound !== undefined && bound <= now)) return;
  const stated = own.get('ActivationDate');
  if (bound === undefined) own.remove('ActivationDate');
  else if (stated !== undefined) own.set('ActivationDate', Math.max(stated, bound));
  if (own.get('State') === 'Active') own.set('State', 'PreActive');
}

const compromisedStates: readonly StateName[] = ['Compromised', 'DestroyedCompromised'];

/** Whether the key of an object was compromised, at `now` in POSIX seconds. */
export function isCompromised(object: ManagedObject, now: number): boolean {
  return compromisedStates.includes(object.state(now));
}

/**
 * Reduces the Cryptographic Usage Mask to the bits that `allowed` has too.
 * @throws {KmipError} IncompatibleCryptographicUsageMask (1.x: InvalidField) when the request states others
 */
export function limitMask(own: AttributeSet, allowed: number | undefined, stated: number | undefined): void {
  const unrestricted = CryptographicUsageMask.bit('Unrestricted');
  if (allowed === undefined || (allowed & unrestricted) !== 0) return;
  const mask = own.get('CryptographicUsageMask') ?? 0;
  if (stated !== undefined && (stated & ~allowed) !== 0)
    fail(
      'IncompatibleCryptographicUsageMask',
      'the key has fewer uses: a copy has no more than those',
      'InvalidField',
    );
  own.set('CryptographicUsageMask', (mask & unrestricted) !== 0 ? allowed : mask & allowed);
}

function limitDate(
  own: AttributeSet,
  name: 'ProcessStartDate' | 'ProtectStopDate' | 'DeactivationDate',
  bound: number | undefined,
  choose: (a: number, b: number) => number,
): void {
  if (bound === undefined) return;
  own.set(name, choose(own.get(name) ?? bound, bound));
}
