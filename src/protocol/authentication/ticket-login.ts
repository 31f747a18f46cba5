import type { Ticket } from '../../../codec/structures/credentials.ts';
import { KmipError } from '../../common/errors.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { Bearer, Principal } from '../../identity/principal.ts';
import { isOfEnrolment, ticketKind } from '../../operations/enrolment.ts';
import { readTicket, type TicketRecord, ticketId, writeTicket } from '../../operations/sessions/tickets.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';
import { AuthenticationError, invalidTicket } from './authentication-error.ts';

export interface TicketLoginOptions {
  readonly crypto: CryptoProvider;
  /** Finds the enrolled client of a name; undefined when it is not authorised now. */
  principal(client: string): Promise<Principal | undefined>;
}

/**
 * Resolves tickets of Login and Delegated Login to the client for which the message is executed (KMIP 2.1
 * §6.1.13, §6.1.31).
 */
export class TicketLogin {
  readonly #options: TicketLoginOptions;

  constructor(options: TicketLoginOptions) {
    this.#options = options;
  }

  /**
   * Returns the owner of the ticket with the ticket's Rights, and counts one of its requests in the unit of
   * work.
   * @throws {AuthenticationError} when the ticket is unknown, expired, used up, or not for this sender.
   */
  async principalOf(
    { TicketType: type, TicketValue: value }: Ticket,
    sender: Principal,
    unit: UnitOfWork,
  ): Promise<Principal> {
    const id = ticketId(value, this.#options.crypto);
    const record = type === 'Login' ? await unit.record(ticketKind, id) : undefined;
    if (record === undefined) throw invalidTicket('the ticket is unknown or has ended');
    const ticket = readTicket(record.content);
    const owner = await this.#ownerOf(ticket, sender);
    const load = async (kind: string, name: string) => (await unit.record(kind, name))?.content;
    if (owner?.group !== record.group || !(await isOfEnrolment(ticket, owner, load)))
      throw invalidTicket('the client of the ticket is not authorised, or not here');
    const { requests, expires, rights } = ticket;
    if (requests === 0) {
      const message = 'the requests of the ticket are used up';
      throw new AuthenticationError(message, new KmipError('UsageLimitExceeded', message));
    }
    if (requests !== undefined) {
      const content = writeTicket({ ...ticket, requests: requests - 1 });
      unit.putRecord(ticketKind, id, record.group, content, expires);
    }
    return {
      ...owner,
      ...(owner.client === sender.client ? {} : asBearer(sender)),
      ticket: id,
      ...(rights === undefined ? {} : { rights }),
    };
  }

  /** A ticket of Login is valid for its client only; one of Delegated Login for every client that has it. */
  #ownerOf({ client, rights }: TicketRecord, sender: Principal): Promise<Principal | undefined> {
    if (client === sender.client) return Promise.resolve(sender);
    return rights === undefined ? Promise.resolve(undefined) : this.#options.principal(client);
  }
}

function asBearer({ client, enrolledAt }: Principal): Bearer {
  return { bearer: client, ...(enrolledAt !== undefined && { bearerEnrolledAt: enrolledAt }) };
}
