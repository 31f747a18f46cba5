import { fail } from '../../common/errors.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { TicketUses, UseAmounts } from '../../object/usage.ts';
import type { Context } from '../../operations/context.ts';
import { ticketKind } from '../../operations/enrolment.ts';
import { deductUse, readTicket, type TicketRecord, writeTicket } from '../../operations/sessions/tickets.ts';
import { grants, reaches } from './rights.ts';

const unlimited: TicketUses = { count() {} };

/**
 * Returns the port that counts an item's uses of keys against the Usage Limits of the ticket that the client
 * shows, and against those of the first Right that allows the operation with the key. The record of the
 * ticket is loaded here, because uses are counted without waiting.
 */
export async function openTicketUses(
  operation: string,
  { principal: { ticket: id }, work }: Pick<Context, 'principal' | 'work'>,
): Promise<TicketUses> {
  if (id === undefined) return unlimited;
  const content = await work.records.load(ticketKind, id);
  if (content === undefined) return ended;
  const { usage, rights, expires } = readTicket(content);
  if (usage === undefined && !rights?.some((right) => right.usage !== undefined)) return unlimited;
  return {
    count(object, amounts) {
      const spend = (now: Uint8Array | undefined): Uint8Array => {
        const left = now && afterKeyUse(readTicket(now), operation, object, amounts);
        if (left === undefined) fail('UsageLimitExceeded', 'the Usage Limits of the ticket are used up');
        return writeTicket(left);
      };
      work.records.putLasting(ticketKind, id, spend, expires);
    },
  };
}

/** An earlier item of the message has ended the ticket: its limits are not known any more. */
const ended: TicketUses = {
  count: () => fail('InvalidTicket', 'the ticket is not valid'),
};

function afterKeyUse(
  ticket: TicketRecord,
  operation: string,
  object: ManagedObject,
  amounts: UseAmounts,
): TicketRecord | undefined {
  const usage = ticket.usage && deductUse(ticket.usage, amounts);
  if (ticket.usage !== undefined && usage === undefined) return undefined;
  const spent = usage === undefined ? ticket : { ...ticket, usage };
  const { rights } = ticket;
  if (rights === undefined) return spent;
  for (const [index, right] of rights.entries()) {
    if (!grants(right, operation) || !reaches(right, object)) continue;
    if (right.usage === undefined) return spent;
    const rest = deductUse(right.usage, amounts);
    if (rest !== undefined) return { ...spent, rights: rights.with(index, { ...right, usage: rest }) };
  }
  return undefined;
}
