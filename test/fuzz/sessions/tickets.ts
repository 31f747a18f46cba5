import type { Version } from '../../../codec/version.ts';
import type { DelegatedRight } from '../../../src/identity/principal.ts';
import type { IssuedTicket, Result } from './observation.ts';

interface RequestedRight {
  readonly UsageLimits?: { readonly UsageLimitsTotal: bigint };
  readonly Operations?: { readonly Operation: readonly string[] };
  readonly Objects?: { readonly UniqueIdentifier: readonly string[] };
  readonly ObjectGroups?: { readonly ObjectGroup: readonly string[] };
}

/** The ticket in an answer to Login or Delegated Login, with the bounds that its request gave it. */
export function ticketIn({ operation, request, payload, version }: Result): IssuedTicket | undefined {
  const given = payload?.['Ticket'] as { readonly TicketValue: Uint8Array } | undefined;
  if (given === undefined || (operation !== 'Login' && operation !== 'DelegatedLogin')) return undefined;
  const rights = (request['Rights'] as { readonly Right: readonly RequestedRight[] } | undefined)?.Right;
  const own = (request['UsageLimits'] as RequestedRight['UsageLimits'])?.UsageLimitsTotal;
  return {
    value: given.TicketValue.slice(),
    requests: request['RequestCount'] as number | undefined,
    uses: least(own, usesOf(rights)),
    rights: rights?.map((right) => rightOf(right, version)),
  };
}

/** Uses that all Rights allow together; undefined when one of them has no limit. */
function usesOf(rights: readonly RequestedRight[] | undefined): bigint | undefined {
  return rights?.reduce<bigint | undefined>((sum, { UsageLimits: limits }) => {
    return sum === undefined || limits === undefined ? undefined : sum + limits.UsageLimitsTotal;
  }, 0n);
}

function least(one: bigint | undefined, other: bigint | undefined): bigint | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one < other ? one : other;
}

/** The Right as the server has read it: a field that the version does not have was not sent. */
function rightOf({ Operations, Objects, ObjectGroups }: RequestedRight, version: Version): DelegatedRight {
  return {
    ...(Operations && { operations: Operations.Operation }),
    ...(Objects && { objects: Objects.UniqueIdentifier }),
    ...(ObjectGroups && version !== '2.0' && { groups: ObjectGroups.ObjectGroup }),
  };
}
