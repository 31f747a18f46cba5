import type { UsageLimits } from '../../../codec/structures/attribute-values.ts';
import type { Ticket } from '../../../codec/structures/credentials.ts';
import { fail } from '../../common/errors.ts';
import { readJson, writeJson } from '../../common/json.ts';
import type { DelegatedRight, Enrolment, Principal } from '../../identity/principal.ts';
import type { UseAmounts } from '../../object/usage.ts';
import type { Context } from '../context.ts';
import { ticketKind } from '../enrolment.ts';

const valueBytes = 32;

/** The remainder of Usage Limits, in bytes or objects. */
export interface Allowance {
  readonly unit: 'Byte' | 'Object';
  /** Decimal. */
  readonly left: string;
}

/** A Right of Delegated Login, with what is left of its Usage Limits. */
export interface TicketRight extends DelegatedRight {
  readonly usage?: Allowance;
}

/** Content of a ticket's record, with the client that it was issued to: it ends with that enrolment. */
export interface TicketRecord extends Enrolment {
  /** POSIX seconds. */
  readonly expires: number;
  /** Of Delegated Login: any enrolled client may present the ticket, and is restricted to these Rights. */
  readonly rights?: readonly TicketRight[];
  /** Requests left; any number when left out. */
  readonly requests?: number;
  readonly usage?: Allowance;
}

/** Fields of Login and Delegated Login. */
export interface LoginRequest {
  readonly LeaseTime?: number | undefined;
  readonly RequestCount?: number | undefined;
  readonly UsageLimits?: UsageLimits | undefined;
}

/**
 * Identifier of a ticket's record: SHA-256 of the value, hex. The value is not stored, so a database reader
 * cannot use it.
 */
export function ticketId(value: Uint8Array, { digest }: Pick<Context['crypto'], 'digest'>): string {
  return digest('SHA_256', value).toHex();
}

/** Decodes the content of a ticket's record. */
export function readTicket(content: Uint8Array): TicketRecord {
  return readJson(content);
}

/** Encodes the content of a ticket's record. */
export function writeTicket(ticket: TicketRecord): Uint8Array {
  return writeJson(ticket);
}

/**
 * Issues a ticket for the client, with `rights` of Delegated Login.
 * @throws {KmipError} PermissionDenied when the client authenticated by a ticket, whose limits the new one
 *   would outlive; InvalidField for negative limits
 */
export function issueTicket(
  { LeaseTime: lease = 0, RequestCount: requests = 0, UsageLimits: limits }: LoginRequest,
  { principal, work, crypto, now, limits: { ticketSeconds } }: Context,
  rights?: readonly TicketRight[],
): Ticket {
  refuseTicketHolder(principal);
  if (requests < 0) fail('InvalidField', 'Request Count cannot be negative');
  const value = crypto.random(valueBytes);
  const { client, fingerprint, enrolledAt } = principal;
  const usage = toAllowance(limits);
  const expires = now + (lease === 0 ? ticketSeconds : Math.min(lease, ticketSeconds));
  const ticket: TicketRecord = {
    client,
    expires,
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(enrolledAt === undefined ? {} : { enrolledAt }),
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

/**
 * Converts Usage Limits into an allowance; undefined means no limit (none given, or a total of 0).
 * @throws {KmipError} InvalidField for another unit or a negative total
 */
export function toAllowance(limits: UsageLimits | undefined): Allowance | undefined {
  if (limits === undefined || limits.UsageLimitsTotal === 0n) return undefined;
  const { UsageLimitsUnit: unit, UsageLimitsTotal: total } = limits;
  if (unit !== 'Byte' && unit !== 'Object') fail('InvalidField', 'Usage Limits Unit must be Byte or Object');
  if (total < 0n) fail('InvalidField', 'Usage Limits Total cannot be negative');
  return { unit, left: String(total) };
}

/** Deducts a use; returns undefined when the allowance does not suffice, or has another unit than the use. */
export function deductUse({ unit, left }: Allowance, amounts: UseAmounts): Allowance | undefined {
  const amount = amounts[unit];
  const remains = amount === undefined ? -1n : BigInt(left) - amount;
  return remains < 0n ? undefined : { unit, left: String(remains) };
}
