import { integer, interval, maybe, one, struct } from '../../../codec/schema.ts';
import { UsageLimits } from '../../../codec/structures/attribute-values.ts';
import { Ticket } from '../../../codec/structures/credentials.ts';
import { conversation, operation } from '../operation.ts';
import { issueTicket } from './tickets.ts';

/**
 * Login (KMIP 2.1 §6.1.30): a ticket that replaces the client's credentials in later requests, limited in
 * time (0: as long as the server allows), in requests and in use of keys (0: unlimited).
 */
export const Login = operation({
  name: 'Login',
  since: '2.0',
  request: struct({
    LeaseTime: maybe(interval),
    RequestCount: maybe(integer),
    UsageLimits: maybe(UsageLimits),
  }),
  response: struct({ Ticket: one(Ticket) }),
  target: conversation(),
  limitedRight: 'nothing',
  handle(request, context) {
    return { Ticket: issueTicket(request, context) };
  },
});
