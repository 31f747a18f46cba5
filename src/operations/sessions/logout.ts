import { one, struct } from '../../../codec/schema.ts';
import { Ticket } from '../../../codec/structures/credentials.ts';
import { fail } from '../../common/errors.ts';
import { ticketKind } from '../enrolment.ts';
import { conversation, operation } from '../operation.ts';
import { readTicket, ticketId } from './tickets.ts';

/** Logout (KMIP 2.1 §6.1.31): ends a ticket of the client, whether or not it authenticated this request. */
export const Logout = operation({
  name: 'Logout',
  since: '2.0',
  request: struct({ Ticket: one(Ticket) }),
  response: struct({}),
  target: conversation(),
  limitedRight: 'nothing',
  async handle({ Ticket: { TicketType: type, TicketValue: value } }, { principal, work, crypto }) {
    const id = ticketId(value, crypto);
    const content = type === 'Login' ? await work.records.load(ticketKind, id) : undefined;
    if (content === undefined || readTicket(content).client !== principal.client)
      fail('InvalidTicket', 'there is no such ticket');
    work.records.remove(ticketKind, id);
    return {};
  },
});
