import { CryptographicUsageMask } from '../../../codec/masks.ts';
import { interval, long, maybe, one, struct, text } from '../../../codec/schema.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import { fail } from '../../common/errors.ts';
import { hasUsageBits } from '../../object/usage.ts';
import type { ObjectContext } from '../context.ts';
import { object, operation } from '../operation.ts';

/**
 * Check (KMIP 2.1 §6.1.7, 1.4 §4.10): whether the client may use the object as described. A refusal names the
 * reason and not how much would be allowed.
 */
export const Check = operation({
  name: 'Check',
  since: '1.0',
  request: struct({
    UniqueIdentifier: maybe(identifier),
    UsageLimitsCount: maybe(long),
    CryptographicUsageMask: maybe(CryptographicUsageMask),
    LeaseTime: maybe(interval),
  }),
  response: struct({
    UniqueIdentifier: one(text),
    UsageLimitsCount: maybe(long),
    CryptographicUsageMask: maybe(CryptographicUsageMask),
    LeaseTime: maybe(interval),
  }),
  target: object(),
  limitedRight: 'objects',
  values: 'unused',
  handle(request, context) {
    const refusal = findRefusal(request, context);
    if (refusal !== undefined) {
      context.setPlaceholder(undefined);
      fail(...refusal);
    }
    return { UniqueIdentifier: context.object.id };
  },
});

/** The intended use, as the request describes it. */
type CheckedUse = {
  UsageLimitsCount?: bigint | undefined;
  CryptographicUsageMask?: number | undefined;
  LeaseTime?: number | undefined;
};

function findRefusal(
  use: CheckedUse,
  { object: target }: ObjectContext,
): Parameters<typeof fail> | undefined {
  const { attributes } = target;
  const mask = attributes.get('CryptographicUsageMask') ?? 0;
  const requestedMask = use.CryptographicUsageMask ?? 0;
  if (!hasUsageBits(mask, requestedMask))
    return ['IncompatibleCryptographicUsageMask', 'the Cryptographic Usage Mask does not allow that'];
  const limits = attributes.get('UsageLimits');
  if (use.UsageLimitsCount !== undefined && limits !== undefined) {
    const left = limits.UsageLimitsCount ?? limits.UsageLimitsTotal;
    if (left < use.UsageLimitsCount) return ['UsageLimitExceeded', 'the Usage Limits do not allow that much'];
  }
  const lease = attributes.get('LeaseTime') ?? 0;
  if (use.LeaseTime !== undefined && lease !== 0 && use.LeaseTime > lease) {
    return ['PermissionDenied', 'the object is not leased for so long'];
  }
  return undefined;
}
