import { CryptographicUsageMask } from '../../codec/masks.ts';
import { fail } from '../common/errors.ts';
import type { AttributeSet } from './attribute-set.ts';
import type { ManagedObject } from './managed-object.ts';
import { keepLifecycle, keepUsageLimits } from './replace-existing.ts';
import type { StateName } from './state.ts';

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
 * Reduces the rights of a copy to those of its origin: mask, parameters, dates, end of the lifecycle, and
 * Usage Limits. Of earlier copies count the uses that they have taken, and a compromise.
 * @throws {KmipError} IncompatibleCryptographicUsageMask (1.x: InvalidField) when the request states uses
 *   that the origin does not have, UsageLimitExceeded (1.x: PermissionDenied) while an object of the key with
 *   Usage Limits is here, whose uses would be counted twice
 */
export function limitCopy({ object: copy, statedMask, now }: Copy, { origin, copies }: KeyObjects): void {
  const others = [origin, ...copies].filter(({ id }) => id !== copy.id);
  if (others.some(({ attributes, destroyed }) => attributes.has('UsageLimits') && !destroyed))
    fail(
      'UsageLimitExceeded',
      'the key has Usage Limits and is here already: its uses cannot be counted twice',
      'PermissionDenied',
    );
  const [own, first] = [copy.attributes, origin.attributes];
  limitMask(own, first.get('CryptographicUsageMask'), statedMask);
  const parameters = first.all('CryptographicParameters');
  if (parameters.length > 0) {
    own.remove('CryptographicParameters');
    for (const attribute of parameters) own.add(attribute);
  }
  limitDate(own, 'ProcessStartDate', first.get('ProcessStartDate'), Math.max);
  limitDate(own, 'ProtectStopDate', first.get('ProtectStopDate'), Math.min);
  limitDate(own, 'DeactivationDate', first.get('DeactivationDate'), Math.min);
  for (const { attributes } of others) keepUsageLimits(attributes, own);
  keepLifecycle(origin, copy, now);
  const compromised = copies.find((each) => compromisedStates.includes(each.state(now)));
  if (compromised !== undefined) keepLifecycle(compromised, copy, now);
}

const compromisedStates: readonly StateName[] = ['Compromised', 'DestroyedCompromised'];

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
