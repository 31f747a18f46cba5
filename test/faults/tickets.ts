import type { Node } from '../../codec/wire/node.ts';
import {
  bytes,
  type Client,
  children,
  enumerated,
  find,
  item,
  type RequestItem,
  structure,
  valueOf,
} from '../client.ts';
import type { Random } from '../fuzz/random.ts';

/** Seconds of tickets that have expired when the next daemon starts, and of those that have not. */
const leases = { short: 1, long: 36_000 };

const login = (lease: number): RequestItem => ({
  operation: 'Login',
  payload: [item('LeaseTime', 'Interval', lease)],
});
const logout = (value: Uint8Array): RequestItem => ({
  operation: 'Logout',
  payload: [structure('Ticket', enumerated('TicketType', 1), bytes('TicketValue', value))],
});

async function ask(client: Client, request: RequestItem): Promise<Node> {
  return find(await client.request('2.1', [request]), 'BatchItem') as Node;
}

const isDone = (answer: Node): boolean => valueOf(answer, 'ResultStatus') === 0;

/** Makes tickets that expire within a second, and that nobody uses. */
export async function createExpiringTickets(client: Client, count: number): Promise<void> {
  const items = Array.from({ length: count }, () => login(leases.short));
  const answers = children(await client.request('2.1', items), 'BatchItem');
  const failed = answers.find((answer) => !isDone(answer));
  if (failed !== undefined || answers.length !== count)
    throw new Error(`tickets: ${failed && valueOf(failed, 'ResultMessage')}`);
}

/** A connection that makes and ends tickets, message after message, until the server ends. */
export class TicketWriter {
  /** Tickets that the server must know. */
  readonly kept: Uint8Array[] = [];
  /** Those that it must not know any more. */
  readonly ended: Uint8Array[] = [];
  acknowledged = 0;
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Rejects when a message is refused; ends when the connection does. */
  async run(client: Client): Promise<void> {
    for (;;) {
      const ticket = this.#random.below(3) === 0 ? this.kept.shift() : undefined;
      const lease = this.#random.below(2) === 0 ? leases.short : leases.long;
      let answer: Node;
      try {
        answer = await ask(client, ticket === undefined ? login(lease) : logout(ticket));
      } catch {
        return;
      }
      if (!isDone(answer)) throw new Error(`a ticket: ${valueOf(answer, 'ResultMessage')}`);
      this.acknowledged++;
      if (ticket !== undefined) this.ended.push(ticket);
      else if (lease === leases.long)
        this.kept.push(valueOf(answer, 'ResponsePayload', 'Ticket', 'TicketValue') as Uint8Array);
    }
  }
}

/** Ends all tickets of a writer; returns a line for each that is missing, or has come back. */
export async function findTicketProblems(
  client: Client,
  { kept, ended }: Pick<TicketWriter, 'kept' | 'ended'>,
): Promise<string[]> {
  const problems: string[] = [];
  for (const ticket of kept)
    if (!isDone(await ask(client, logout(ticket)))) problems.push('a ticket is lost');
  for (const ticket of [...kept, ...ended])
    if (isDone(await ask(client, logout(ticket)))) problems.push('a ticket has come back');
  return problems;
}
