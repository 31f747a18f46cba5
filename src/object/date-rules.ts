import type { AttributeName } from '../../codec/attribute-table.ts';
import { fail } from '../common/errors.ts';
import type { AttributeSet } from './attribute-set.ts';
import { attributeRules } from './attributes.ts';
import type { ManagedObject } from './managed-object.ts';
import { isUnallocated } from './usage.ts';

type DateName = 'ActivationDate' | 'ProcessStartDate' | 'ProtectStopDate' | 'DeactivationDate';

/**
 * Pairs of dates of which the first must not be later than the second (KMIP 2.1 §4.38 and §4.42, 1.4 §3.25
 * and §3.26).
 */
const ordered: readonly (readonly [earlier: DateName, later: DateName])[] = [
  ['ActivationDate', 'ProcessStartDate'],
  ['ProtectStopDate', 'DeactivationDate'],
];

/**
 * Refuses dates in the wrong order. `proposed` (attribute name: value) replaces dates of the object.
 *
 * @throws {KmipError} InvalidAttributeValue.
 */
export function requireOrder(
  attributes: AttributeSet,
  proposed: Partial<Record<string, unknown>> = {},
): void {
  const date = (name: DateName) => (proposed[name] as number | undefined) ?? attributes.get(name);
  for (const [earlier, later] of ordered) {
    const [first, second] = [date(earlier), date(later)];
    if (first !== undefined && second !== undefined && first > second) {
      fail('InvalidAttributeValue', `${earlier} must not be later than ${later}`);
    }
  }
}

/**
 * Refuses a change of a standard attribute that the rules forbid at `now`: dates by state, Usage Limits after
 * an allocation.
 *
 * @throws {KmipError} WrongKeyLifecycleState.
 */
export function requireChangeable(object: ManagedObject, name: AttributeName, now: number): void {
  const { attributes } = object;
  const state = object.state(now);
  switch (attributeRules[name].modify) {
    case 'preActive':
      if (state !== 'PreActive')
        fail(
          'WrongKeyLifecycleState',
          `${name} can change only while the object is PreActive; it is ${state}`,
        );
      return;
    case 'beforeDate': {
      const date = attributes.get(name) as number | undefined;
      if (date !== undefined && date <= now)
        fail('WrongKeyLifecycleState', `${name} has passed and cannot change any more`);
      return requireRunning(name, state);
    }
    case 'beforeDeactivation':
      return requireRunning(name, state);
    case 'unallocated': {
      const limits = attributes.get('UsageLimits');
      if (limits !== undefined && !isUnallocated(limits)) {
        fail('WrongKeyLifecycleState', `${name} cannot change any more: some usage has been allocated`);
      }
    }
  }
}

function requireRunning(name: AttributeName, state: string): void {
  if (state !== 'PreActive' && state !== 'Active') {
    fail(
      'WrongKeyLifecycleState',
      `${name} can change only while the object is PreActive or Active; it is ${state}`,
    );
  }
}
