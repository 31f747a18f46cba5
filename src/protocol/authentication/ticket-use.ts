import { fail } from '../../common/errors.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { Context } from '../../operations/context.ts';
import {
  deductUse,
  readTicket,
  type TicketRecord,
  ticketKind,
  writeTicket,
} from '../../operations/sessions/tickets.ts';
import { grants, reaches } from './rights.ts';

/** Operations that protect data with a key; Usage Limits count these only (KMIP 2.1 §4.60). */
const protecting: ReadonlySet<string> = new Set(['Encrypt', 'Sign', 'MAC']);

/**
 * Counts one use of a key against the Usage Limits of the ticket that the client shows, and against those of
 * the first Right that allows it, as a lasting change.
 * @throws {KmipError} UsageLimitExceeded when no use is left.
 */
export async function countTicketUse(
  operation: string,
  object: ManagedObject,
  request: Readonly<Record<string, unknown>>,
  { principal: { ticket: id }, work }: Context,
): Promise<void> {
  if (id === undefined || !protecting.has(operation)) return;
  const content = await work.records.load(ticketKind, id);
  const ticket = content && readTicket(content);
  if (ticket === undefined) fail('InvalidTicket', 'the ticket is not valid');
  const isLimited = ticket.usage !== undefined || ticket.rights?.some(({ usage }) => usage !== undefined);
  if (!isLimited) return;
  const data = (request.Data ?? request.DigestedData) as Uint8Array | undefined;
  const count = (now: Uint8Array | undefined): Uint8Array => {
    const left = now && afterKeyUse(readTicket(now), operation, object, data?.length ?? 0);
    if (left === undefined) fail('UsageLimitExceeded', 'the Usage Limits of the ticket are used up');
    return writeTicket(left);
  };
  work.records.putLasting(ticketKind, id, count, ticket.expires);
}

function afterKeyUse(
  ticket: TicketRecord,
  operation: string,
  object: ManagedObject,
  bytes: number,
): TicketRecord | undefined {
  const usage = ticket.usage && deductUse(ticket.usage, bytes);
  if (ticket.usage !== undefined && usage === undefined) return undefined;
  const spent = usage === undefined ? ticket : { ...ticket, usage };
  const { rights } = ticket;
  if (rights === undefined) return spent;
  for (const [index, right] of rights.entries()) {
    if (!grants(right, operation) || !reaches(right, object)) continue;
    if (right.usage === undefined) return spent;
    const rest = deductUse(right.usage, bytes);
    if (rest !== undefined) return { ...spent, rights: rights.with(index, { ...right, usage: rest }) };
  }
  return undefined;
}
