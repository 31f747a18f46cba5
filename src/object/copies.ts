import { CryptographicUsageMask } from '../../codec/masks.ts';
import { fail } from '../common/errors.ts';
import type { AttributeSet } from './attribute-set.ts';
import { isCompromised, type KeyHistory, keepCompromise, subtractUses } from './key-history.ts';
import type { ManagedObject } from './managed-object.ts';
import { keepLifecycle, keepUsageLimits } from './replace-existing.ts';
import { everyMaskOf } from './usage.ts';

/**
 * Rights of a copy: an object with the bytes of a key that is or was here under another identifier
 * (docs/decisions/38-copies-and-shares.md).
 */

/** The objects of one key. */
export interface KeyObjects {
  /** The first one, which may have been destroyed. */
  readonly origin: ManagedObject;
  /** Those that are here. */
  readonly copies: readonly ManagedObject[];
  /** Of all copies, destroyed ones included. */
  readonly history: KeyHistory;
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
 * Of earlier copies count the uses that the server has counted, and a compromise; what they state beside that
 * is theirs alone. The origin may be the first part of a key that was generated for its parts, which have no
 * uses of their own.
 * @throws {KmipError} IncompatibleCryptographicUsageMask (1.x: InvalidField) when the request states uses
 *   that the origin does not have, UsageLimitExceeded (1.x: PermissionDenied) while an object of a key with
 *   Usage Limits is here, whose uses would be counted twice
 */
export function limitCopy(copy: Copy, { origin, copies, history }: KeyObjects): void {
  const { object, statedMask, now } = copy;
  const here = [origin, ...copies].filter(({ id, destroyed }) => id !== object.id && !destroyed);
  const counting = here.filter(
    ({ type, attributes }) => type === object.type && attributes.has('UsageLimits'),
  );
  if (origin.attributes.has('UsageLimits') && counting.length > 0)
    fail(
      'UsageLimitExceeded',
      'the key has Usage Limits and is here already: its uses cannot be counted twice',
      'PermissionDenied',
    );
  limitUses(object.attributes, origin.attributes, statedMask);
  limitCount(object.attributes, origin.attributes, history);
  if (origin.type === object.type) limitActivation(object, origin, now);
  limitLife(object, origin, now);
  if (!isCompromised(object, now)) keepCompromise(object, history);
}

/**
 * Reduces Usage Limits to what is left of those of the origin, or where it has none, of those that the
 * request states.
 */
function limitCount(own: AttributeSet, origin: AttributeSet, history: KeyHistory): void {
  const [bound, stated] = [origin, own].map((attributes) => attributes.get('UsageLimits'));
  if (bound !== undefined) keepUsageLimits(subtractUses(bound, history), own);
  else if (stated !== undefined) own.set('UsageLimits', subtractUses(stated, history));
}

/**
 * Whether an object states an end or a compromise that is not known of its key: of `other`, the origin or the
 * object whose place it takes, or of the copies.
 */
export function statesEnd(
  object: ManagedObject,
  other: ManagedObject,
  { now, history }: { readonly now: number; readonly history?: KeyHistory },
): boolean {
  const known = history?.compromise === undefined ? degreeOfEnd(other, now) : ends.compromised;
  return degreeOfEnd(object, now) > known;
}

const ends = { none: 0, deactivated: 1, compromised: 2 } as const;

function degreeOfEnd(object: ManagedObject, now: number): number {
  const { attributes } = object;
  if (isCompromised(object, now) || attributes.has('CompromiseDate')) return ends.compromised;
  const isOver = object.state(now) === 'Deactivated' || attributes.has('RevocationReason');
  return isOver || (object.destroyed && attributes.has('DeactivationDate')) ? ends.deactivated : ends.none;
}

/**
 * Gives an object the mask as it is now, the bits that other objects of its key have or ever had, and
 * `earlier` ones, as its history: what a key was for holds for every object with its bytes.
 */
export function keepMaskHistory(
  object: ManagedObject,
  others: readonly ManagedObject[],
  earlier: readonly KeyHistory[],
): void {
  const mask = object.attributes.get('CryptographicUsageMask') ?? 0;
  const own = earlier.reduce((all, { masks }) => all | masks, mask);
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
