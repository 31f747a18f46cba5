import { Operation } from '../../../codec/enums.ts';
import { integer, interval, maybe, one, struct } from '../../../codec/schema.ts';
import { UsageLimits } from '../../../codec/structures/attribute-values.ts';
import { type Right, Rights, Ticket } from '../../../codec/structures/credentials.ts';
import { fail } from '../../common/errors.ts';
import { conversation, operation } from '../operation.ts';
import { issueTicket, type TicketRight, toAllowance } from './tickets.ts';

/**
 * Identifiers, groups and operations of all Rights together. A ticket is read with every request that it
 * authenticates, and Locate searches for all of them in one query.
 */
const maxEntries = 256;

/**
 * Delegated Login (KMIP 2.1 §6.1.12): a ticket with which another enrolled client acts for this client,
 * within the Rights given and within the client's own.
 */
export const DelegatedLogin = operation({
  name: 'DelegatedLogin',
  since: '2.0',
  request: struct({
    LeaseTime: maybe(interval),
    RequestCount: maybe(integer),
    UsageLimits: maybe(UsageLimits),
    Rights: one(Rights),
  }),
  response: struct({ Ticket: one(Ticket) }),
  target: conversation(),
  limitedRight: 'nothing',
  handle(request, context) {
    const rights = request.Rights.Right.map(readRight);
    const entries = rights.reduce(
      (sum, { operations = [], objects = [], groups = [] }) =>
        sum + 1 + operations.length + objects.length + groups.length,
      0,
    );
    if (entries > maxEntries) fail('InvalidField', `Rights hold more than ${maxEntries} entries`);
    return { Ticket: issueTicket(request, context, rights) };
  },
});

function readRight({ Operations, Objects, ObjectGroups, UsageLimits: limits }: Right): TicketRight {
  const operations = Operations?.Operation;
  if (operations?.some((each) => !Operation.members.includes(each as never)))
    fail('InvalidField', 'a Right names an operation that is not known');
  const usage = toAllowance(limits);
  return {
    ...(operations === undefined ? {} : { operations: operations as string[] }),
    ...(Objects === undefined ? {} : { objects: Objects.UniqueIdentifier }),
    ...(ObjectGroups === undefined ? {} : { groups: ObjectGroups.ObjectGroup }),
    ...(usage === undefined ? {} : { usage }),
  };
}
