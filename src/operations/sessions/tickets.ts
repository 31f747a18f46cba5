import type { UsageLimits } from '../../../codec/structures/attribute-values.ts';
import type { Ticket } from '../../../codec/structures/credentials.ts';
import { fail } from '../../common/errors.ts';
import { readJson, writeJson } from '../../common/json.ts';
import type { Principal, Right } from '../../identity/principal.ts';
import type { Context } from '../context.ts';

/** Tickets (KMIP 2.1 §9.21) as records: what Login gives out, Logout takes back, and the header of a request shows. */
export const ticketKind = 'ticket';

const valueBytes = 32;

/** What is left of Usage Limits: bytes, or objects, in decimal. */
export interface Allowance {
  readonly unit: 'Byte' | 'Object';
  readonly left: string;
}

export interface TicketRight extends Right {
  readonly usage?: Allowance;
}

export interface TicketRecord {
  /** Who asked for it, by the certificate it had then: a ticket does not outlive its client's enrolment. */
  readonly client: string;
  readonly fingerprint?: string;
  /** POSIX seconds. */
  readonly expires: number;
  /** Of Delegated Login: any enrolled client may show it, and may do what these say. */
  readonly rights?: readonly TicketRight[];
  /** Requests left; any number when left out. */
  readonly requests?: number;
  readonly usage?: Allowance;
}

export interface LoginRequest {
  readonly LeaseTime?: number | undefined;
  readonly RequestCount?: number | undefined;
  readonly UsageLimits?: UsageLimits | undefined;
}

/** The value itself is kept nowhere: whoever reads the database cannot speak as somebody else. */
export function ticketId(value: Uint8Array, { digest }: Pick<Context['crypto'], 'digest'>): string {
  return digest('SHA_256', value).toHex();
}

export function readTicket(content: Uint8Array): TicketRecord {
  return readJson(content);
}

export function writeTicket(ticket: TicketRecord): Uint8Array {
  return writeJson(ticket);
}

/** A new ticket for the speaker. Fails with PermissionDenied for one that speaks by a ticket itself: it would outlive its limits. */
export function issueTicket(
  { LeaseTime: lease = 0, RequestCount: requests = 0, UsageLimits: limits }: LoginRequest,
  { principal, work, crypto, now, limits: { ticketSeconds } }: Context,
  rights?: readonly TicketRight[],
): Ticket {
  refuseTicketHolder(principal);
  if (requests < 0) fail('InvalidField', 'Request Count cannot be negative');
  const value = crypto.random(valueBytes);
  const { client, fingerprint } = principal;
  const usage = allowanceOf(limits);
  const expires = now + (lease === 0 ? ticketSeconds : Math.min(lease, ticketSeconds));
  const ticket: TicketRecord = {
    client,
    expires,
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(rights === undefined ? {} : { rights }),
    ...(requests === 0 ? {} : { requests }),
    ...(usage === undefined ? {} : { usage }),
  };
  work.records.put(ticketKind, ticketId(value, crypto), writeTicket(ticket), expires);
  return { TicketType: 'Login', TicketValue: value };
}

function refuseTicketHolder({ ticket }: Principal): void {
  if (ticket !== undefined) fail('PermissionDenied', 'a ticket cannot be used to get another one');
}

/** Undefined where there is no limit: none given, or a total of 0. Fails with InvalidField. */
export function allowanceOf(limits: UsageLimits | undefined): Allowance | undefined {
  if (limits === undefined || limits.UsageLimitsTotal === 0n) return undefined;
  const { UsageLimitsUnit: unit, UsageLimitsTotal: total } = limits;
  if (unit !== 'Byte' && unit !== 'Object') fail('InvalidField', 'Usage Limits Unit must be Byte or Object');
  if (total < 0n) fail('InvalidField', 'Usage Limits Total cannot be negative');
  return { unit, left: String(total) };
}

/** What remains after a use of `bytes` bytes; undefined when that is too much. */
export function afterUse({ unit, left }: Allowance, bytes: number): Allowance | undefined {
  const remains = BigInt(left) - (unit === 'Object' ? 1n : BigInt(bytes));
  return remains < 0n ? undefined : { unit, left: String(remains) };
}
