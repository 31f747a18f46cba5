import type { AttributeName } from '../../../codec/attribute-table.ts';
import { CryptographicAlgorithm, KeyFormatType, ObjectType } from '../../../codec/enums.ts';
import {
  type AlgorithmRule,
  limitsReach,
  noAlgorithm,
  type RoleRestrictions,
} from '../../common/role-restrictions.ts';
import type { AttributeFilter } from '../attribute-filter.ts';
import { stateCondition } from '../locate-filter.ts';
import type { StateName } from '../state.ts';

/** The restrictions of a role as conditions of searches. */

const anything: AttributeFilter = { all: [] };
const nothing: AttributeFilter = { any: [] };

const compare = (attribute: AttributeName, op: '=' | '>=', value: number): AttributeFilter => ({
  attribute,
  fields: [{ field: '', op, value }],
});

/** The objects of which `findUnreached` finds nothing. */
export function reachFilter({ objectTypes, algorithms }: RoleRestrictions): AttributeFilter {
  const isOfType = objectTypes && {
    any: [...objectTypes].map((type) => compare('ObjectType', '=', ObjectType.toNumber(type as never))),
  };
  return { all: [isOfType ?? anything, algorithms ? { any: algorithms.map(algorithmFilter) } : anything] };
}

function algorithmFilter({ algorithm, comparison, bits = 0 }: AlgorithmRule): AttributeFilter {
  if (algorithm === noAlgorithm) return { not: { attribute: 'CryptographicAlgorithm', fields: [] } };
  const number = CryptographicAlgorithm.toNumber(algorithm as never);
  const isOfAlgorithm = compare('CryptographicAlgorithm', '=', number);
  if (comparison === undefined) return isOfAlgorithm;
  return { all: [isOfAlgorithm, compare('CryptographicLength', comparison, bits)] };
}

/**
 * The objects whose values clients of the role may fetch in the clear at `now` (POSIX seconds), as far as
 * type, algorithm, stored format and state decide.
 */
export function openFilter(restrictions: RoleRestrictions, now: number): AttributeFilter {
  const { formats, isWrappingRequired, states } = restrictions;
  if (isWrappingRequired) return nothing;
  const inFormat = formats && {
    any: [...formats].map((format) => compare('KeyFormatType', '=', KeyFormatType.toNumber(format as never))),
  };
  const inState = states && { any: [...states].map((state) => stateCondition(state as StateName, now)) };
  return {
    all: [
      limitsReach(restrictions) ? reachFilter(restrictions) : anything,
      inFormat ?? anything,
      inState ?? anything,
    ],
  };
}
