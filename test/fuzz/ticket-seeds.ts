import { raw } from './notation.ts';
import type { Seed } from './values.ts';

const usage = (UsageLimitsTotal: bigint, UsageLimitsUnit: string) => ({
  UsageLimitsTotal,
  UsageLimitsCount: UsageLimitsTotal,
  UsageLimitsUnit,
});

/** Tickets that are asked for with every bound, and given back. */
export const ticketSeeds: readonly Seed[] = [
  { operation: 'Login', request: {} },
  { operation: 'Login', request: { LeaseTime: 60, RequestCount: 3, UsageLimits: usage(4096n, 'Byte') } },
  { operation: 'Logout', request: { Ticket: { TicketType: 'Login', TicketValue: raw(32) } } },
  {
    operation: 'DelegatedLogin',
    request: {
      RequestCount: 1,
      Rights: {
        Right: [
          {
            UsageLimits: usage(2n, 'Object'),
            Operations: { Operation: ['Get', 'Locate', 'Encrypt'] },
            Objects: { UniqueIdentifier: ['a', 'b'] },
          },
          { ObjectGroups: { ObjectGroup: ['blue'] } },
        ],
      },
    },
  },
];
