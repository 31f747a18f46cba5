import { readJson, writeJson } from '../common/json.ts';
import type { Authorisation, Bearer, Enrolment } from '../identity/principal.ts';
import type { Context } from './context.ts';
import type { Records } from './work.ts';

/**
 * Kind of the records that name the replacement of a client certificate, by the fingerprint of the replaced
 * one. They are stored as long as what names the replaced certificate can live. It stays valid when the
 * client itself replaces its certificate, and ends when the operator does.
 */
const replacementKind = 'succession';

/**
 * Kind of the records of tickets (KMIP 2.1 §9.21). Login creates a ticket, Logout ends it, a request header
 * presents it.
 */
export const ticketKind = 'ticket';

/** Replacements that what lasts survives. */
const maxSteps = 16;

/** A replacement of a client certificate. */
interface CertificateReplacement {
  readonly client: string;
  /** Fingerprint of the new certificate. */
  readonly replacement: string;
}

/** Field of the stored record for the fingerprint of the new certificate; part of the stored format. */
const replacementField = 'after';

/** Records the replacement of the certificate with fingerprint `replaced`. */
export async function recordReplacement(
  replaced: string,
  { client, replacement }: CertificateReplacement,
  { work, now, limits }: Pick<Context, 'work' | 'now' | 'limits'>,
): Promise<void> {
  const stored = { client, [replacementField]: replacement };
  // A certificate that was replaced before and enrolled again has a record, which must be loaded to be
  // replaced.
  await work.records.load(replacementKind, replaced);
  // A job is submitted, runs and is answered; an hour and more is enough for the run.
  const seconds = limits.ticketSeconds + limits.jobAnswerSeconds;
  work.records.put(replacementKind, replaced, writeJson(stored), now + seconds);
}

/** Returns what authorises the messages of that sender, to be stored with what lasts. */
export function authorityOf({ client, fingerprint, enrolledAt, ticket }: Authorisation): Authorisation {
  return {
    client,
    ...(fingerprint !== undefined && { fingerprint }),
    ...(enrolledAt !== undefined && { enrolledAt }),
    ...(ticket !== undefined && { ticket }),
  };
}

/** Returns the client that has shown another's ticket, to be stored with what lasts; empty without one. */
export function bearerOf({ bearer, bearerEnrolledAt }: Bearer): Bearer {
  return {
    ...(bearer !== undefined && { bearer }),
    ...(bearerEnrolledAt !== undefined && { bearerEnrolledAt }),
  };
}

/**
 * Whether something that lasts is still authorised: its client is enrolled as it was then, and the ticket
 * that it came with, if any, has not ended.
 */
export async function isInForce(
  { ticket, ...then }: Authorisation,
  client: Enrolment,
  load: Records['load'],
): Promise<boolean> {
  if (!(await isOfEnrolment(then, client, load))) return false;
  return ticket === undefined || (await load(ticketKind, ticket)) !== undefined;
}

/**
 * Whether a client is enrolled as it was `then`: by the same decision of the operator, with a certificate
 * that the client itself has replaced or not. A name alone proves nothing, because another client may have
 * got it since. Older kmipds have stored no `enrolledAt` with tickets.
 */
export async function isOfEnrolment(
  then: Enrolment,
  { client, fingerprint, enrolledAt }: Enrolment,
  load: Records['load'],
): Promise<boolean> {
  if (then.client !== client) return false;
  if (then.enrolledAt !== undefined && then.enrolledAt !== enrolledAt) return false;
  if (then.fingerprint === fingerprint) return true;
  if (then.fingerprint === undefined || fingerprint === undefined) return false;
  return isReplacedBy(then.fingerprint, { client, replacement: fingerprint }, load);
}

/** Whether the client of the certificate `from` has replaced it, perhaps several times, by `to`. */
async function isReplacedBy(
  from: string,
  { client, replacement: to }: CertificateReplacement,
  load: Records['load'],
): Promise<boolean> {
  for (let at = from, steps = 0; steps < maxSteps; steps++) {
    const content = await load(replacementKind, at);
    if (content === undefined) return false;
    const next = readJson<{ client: string; [replacementField]: string }>(content);
    if (next.client !== client) return false;
    if (next[replacementField] === to) return true;
    at = next[replacementField];
  }
  return false;
}
