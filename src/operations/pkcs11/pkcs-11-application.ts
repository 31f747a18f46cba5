import { readJson, writeJson } from '../../common/json.ts';
import { type Authorisation, accountOf, type Bearer } from '../../identity/principal.ts';
import type { Context } from '../context.ts';
import { authorityOf, bearerOf } from '../enrolment.ts';

/**
 * State of a PKCS#11 application from C_Initialize to C_Finalize, stored as a record: several servers may
 * share a database, and a client may use several connections.
 */

/** Kind of the records. */
export const applicationKind = 'pkcs11';
/** Seconds without a call after which an application expires. */
const idleSeconds = 3_600;
/** Age in seconds from which a call renews the record, so that not every call writes. */
const renewSeconds = idleSeconds / 4;
/**
 * Applications of one group. Another one removes the oldest of the client that has the most, so that a client
 * with few keeps them whatever the others do.
 */
const maxApplications = 64;

/** A digest between C_DigestInit and its end. */
export interface Digestion {
  readonly mechanism: number;
  /** The parts received so far, in Base64; undefined before the first part. */
  data?: string | undefined;
}

/** An open session. */
export interface Session {
  readonly flags: number;
  digest?: Digestion | undefined;
}

/** The content of the record, with the enrolment and the ticket that authorised C_Initialize. */
export interface Application extends Authorisation, Bearer {
  /** POSIX seconds. */
  renewed: number;
  /** Handles are not reused. */
  nextHandle: number;
  sessions: Record<string, Session>;
}

/** Creates an application and returns its random Correlation Value. */
export async function createApplication(context: Context): Promise<Uint8Array> {
  const { crypto, principal, now, work } = context;
  const stored = await work.records.list(applicationKind, maxApplications);
  const removed = superfluous(stored, accountOf(principal));
  if (removed !== undefined) work.records.remove(applicationKind, removed);
  const correlation = crypto.random(16);
  const application = {
    ...authorityOf(principal),
    ...bearerOf(principal),
    renewed: now,
    nextHandle: 1,
    sessions: {},
  };
  saveApplication(correlation, application, context);
  return correlation;
}

/** Returns the application that has to go before that client may have another one, where all are taken. */
function superfluous(
  stored: readonly { readonly id: string; readonly content: Uint8Array }[],
  account: string,
): string | undefined {
  if (stored.length < maxApplications) return undefined;
  const byClient = Map.groupBy(stored, ({ content }) => accountOf(readJson<Application>(content)));
  const own = byClient.get(account) ?? [];
  return [own, ...byClient.values()].toSorted((a, b) => b.length - a.length)[0]?.[0]?.id;
}

/** Loads the application with that Correlation Value; undefined when this client has none. */
export async function loadApplication(
  correlation: Uint8Array | undefined,
  context: Context,
): Promise<Application | undefined> {
  if (correlation === undefined || correlation.length !== 16) return undefined;
  const content = await context.work.records.load(applicationKind, correlation.toHex());
  if (content === undefined) return undefined;
  const application = readJson<Application>(content);
  return (await context.renewedAccess.isInForce(application)) ? application : undefined;
}

/** Writes the record and renews its expiry. */
export function saveApplication(
  correlation: Uint8Array,
  application: Application,
  { work, now }: Context,
): void {
  application.renewed = now;
  work.records.put(applicationKind, correlation.toHex(), writeJson(application), now + idleSeconds);
}

/** Whether the record should be renewed by this call. */
export function needsRenewal({ renewed }: Application, { now }: Context): boolean {
  return now - renewed >= renewSeconds;
}

/** Removes the record. */
export function removeApplication(correlation: Uint8Array, { work }: Context): void {
  work.records.remove(applicationKind, correlation.toHex());
}
