import { readJson, writeJson } from '../../common/json.ts';
import type { Context } from '../context.ts';

/**
 * State of a PKCS#11 application from C_Initialize to C_Finalize, stored as a record: several servers may
 * share a database, and a client may use several connections.
 */

const kind = 'pkcs11';
/** Seconds without a call after which an application expires. */
const idleSeconds = 3_600;
/** Age in seconds from which a call renews the record, so that not every call writes. */
const renewSeconds = idleSeconds / 4;
/** Applications of one group; another one removes the oldest. */
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

/** The content of the record. */
export interface Application {
  readonly client: string;
  /** POSIX seconds. */
  renewed: number;
  /** Handles are not reused. */
  nextHandle: number;
  sessions: Record<string, Session>;
}

/** Creates an application and returns its random Correlation Value. */
export async function createApplication(context: Context): Promise<Uint8Array> {
  const { crypto, principal, now, work } = context;
  const old = await work.records.list(kind, maxApplications);
  for (const { id } of old.slice(0, Math.max(0, old.length - maxApplications + 1)))
    work.records.remove(kind, id);
  const correlation = crypto.random(16);
  saveApplication(
    correlation,
    { client: principal.client, renewed: now, nextHandle: 1, sessions: {} },
    context,
  );
  return correlation;
}

/** Loads the application with that Correlation Value; undefined when this client has none. */
export async function loadApplication(
  correlation: Uint8Array | undefined,
  context: Context,
): Promise<Application | undefined> {
  if (correlation === undefined || correlation.length !== 16) return undefined;
  const content = await context.work.records.load(kind, correlation.toHex());
  if (content === undefined) return undefined;
  const application = readJson<Application>(content);
  return application.client === context.principal.client ? application : undefined;
}

/** Writes the record and renews its expiry. */
export function saveApplication(
  correlation: Uint8Array,
  application: Application,
  { work, now }: Context,
): void {
  application.renewed = now;
  work.records.put(kind, correlation.toHex(), writeJson(application), now + idleSeconds);
}

/** Whether the record should be renewed by this call. */
export function needsRenewal({ renewed }: Application, { now }: Context): boolean {
  return now - renewed >= renewSeconds;
}

/** Removes the record. */
export function removeApplication(correlation: Uint8Array, { work }: Context): void {
  work.records.remove(kind, correlation.toHex());
}
