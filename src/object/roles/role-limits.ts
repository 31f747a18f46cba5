import type { KeyFormatType } from '../../../codec/enums.ts';
import { RoleRestrictionError } from '../../common/errors.ts';
import { meetsAlgorithmRule, type RoleRestrictions } from '../../common/role-restrictions.ts';
import type { Principal } from '../../identity/principal.ts';
import type { ManagedObject } from '../managed-object.ts';

/** What the restrictions of a role mean for objects (docs/decisions/58-roles-as-tables.md). */

/** Finds the role of the client. */
export type Restricted = Pick<Principal, 'restrictions'>;

/** Returns the restriction by which clients of the role do not reach the object; undefined when they do. */
export function findUnreached(
  { type, attributes }: ManagedObject,
  { objectTypes, algorithms }: RoleRestrictions,
): 'objectTypes' | 'algorithms' | undefined {
  if (objectTypes !== undefined && !objectTypes.has(type)) return 'objectTypes';
  if (algorithms === undefined) return undefined;
  const key = {
    algorithm: attributes.get('CryptographicAlgorithm'),
    bits: attributes.get('CryptographicLength'),
  };
  return algorithms.some((rule) => meetsAlgorithmRule(rule, key)) ? undefined : 'algorithms';
}

/**
 * Refuses an object that clients of the role may not make, or may not make of what it was.
 * @throws {RoleRestrictionError} PermissionDenied
 */
export function requireReached(object: ManagedObject, restrictions: RoleRestrictions): void {
  const unreached = findUnreached(object, restrictions);
  if (unreached === undefined) return;
  throw new RoleRestrictionError(
    restrictions.rules[unreached],
    'PermissionDenied',
    `the role of the client does not include ${describeUnreached(object, unreached)}`,
  );
}

/** Describes what about an object a role does not include. */
export function describeUnreached(
  { type, attributes }: ManagedObject,
  by: 'objectTypes' | 'algorithms',
): string {
  if (by === 'objectTypes') return `objects of type ${type}`;
  const algorithm = attributes.get('CryptographicAlgorithm');
  if (algorithm === undefined) return 'objects without a Cryptographic Algorithm';
  const bits = attributes.get('CryptographicLength');
  return `${algorithm} ${bits === undefined ? 'of unknown length' : `of ${bits} bits`}`;
}

/**
 * Refuses to use or to give out the value of an object in a state in which the role of the client does not
 * allow it.
 * @throws {RoleRestrictionError} WrongKeyLifecycleState
 */
export function requireStateAllowed(
  object: ManagedObject,
  { principal, now }: { readonly principal: Restricted; readonly now: number },
): void {
  const restrictions = principal.restrictions?.();
  if (restrictions?.states === undefined) return;
  const state = object.state(now);
  if (restrictions.states.has(state)) return;
  throw new RoleRestrictionError(
    restrictions.rules.states,
    'WrongKeyLifecycleState',
    `the role of the client lets values be used and leave in the states ${[...restrictions.states].join(', ')} only; the object is ${state}`,
  );
}

/**
 * Refuses a value in the clear to clients of roles that let values leave wrapped only.
 * @throws {RoleRestrictionError} Sensitive
 */
export function requireClearAllowed({ principal }: { readonly principal: Restricted }): void {
  const restrictions = principal.restrictions?.();
  if (restrictions?.isWrappingRequired !== true) return;
  throw new RoleRestrictionError(
    restrictions.rules.wrapping,
    'Sensitive',
    'the role of the client lets values leave the server only wrapped',
  );
}

/**
 * Refuses a value in a format in which the role of the client lets none leave; undefined for values without a
 * format.
 * @throws {RoleRestrictionError} KeyFormatTypeNotSupported
 */
export function requireFormatAllowed(
  format: KeyFormatType | undefined,
  { principal }: { readonly principal: Restricted },
): void {
  const restrictions = principal.restrictions?.();
  if (restrictions?.formats === undefined) return;
  if (format !== undefined && restrictions.formats.has(String(format))) return;
  throw new RoleRestrictionError(
    restrictions.rules.formats,
    'KeyFormatTypeNotSupported',
    `the role of the client lets values leave in the formats ${[...restrictions.formats].join(', ')} only`,
  );
}
