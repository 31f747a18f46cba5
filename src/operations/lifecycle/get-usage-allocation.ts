import { long, maybe, one, struct, text } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { allocateUsage } from '../../object/usage.ts';
import { object, operation } from '../operation.ts';

/**
 * Get Usage Allocation (KMIP 2.1 §6.1.23, 1.4 §4.18): takes a share of the Usage Limits for protecting data.
 */
export const GetUsageAllocation = operation({
  name: 'GetUsageAllocation',
  since: '1.0',
  request: struct({ UniqueIdentifier: maybe(identifier), UsageLimitsCount: one(long) }),
  response: struct({ UniqueIdentifier: one(text) }),
  target: object(),
  limitedRight: 'objects',
  values: 'unused',
  handle({ UsageLimitsCount: count }, context) {
    const { object: target } = context;
    allocateUsage(target, count, context);
    return { UniqueIdentifier: target.id };
  },
});
