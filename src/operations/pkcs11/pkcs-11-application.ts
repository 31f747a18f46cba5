import { readJson, writeJson } from '../../common/json.ts';
import type { Context } from '../context.ts';

/**
 * What the server remembers of a PKCS#11 application from C_Initialize to C_Finalize, as a record: several servers may
 * share a database, and a client may come back on another connection.
 */

const kind = 'pkcs11';
/** An application that has not called for so long is gone. */
const idleSeconds = 3_600;
/** A record is written anew when so much of its time is over, not at every call. */
const renewSeconds = idleSeconds / 4;
/** Of one group; when more are begun, the oldest end. */
const maxApplications = 64;

export interface Digestion {
  readonly mechanism: number;
  /** What has come so far in parts, in Base64; undefined before the first part. */
  data?: string | undefined;
}

export interface Session {
  readonly flags: number;
  digest?: Digestion | undefined;
}

export interface Application {
  readonly client: string;
  /** POSIX seconds. */
  renewed: number;
  /** Handles are never used twice. */
  nextHandle: number;
  sessions: Record<string, Session>;
}

/** Begins an application; its Correlation Value is nothing that anybody could guess. */
export async function begin(context: Context): Promise<Uint8Array> {
  const { crypto, principal, now, work } = context;
  const old = await work.records.list(kind, maxApplications);
  for (const { id } of old.slice(0, Math.max(0, old.length - maxApplications + 1)))
    work.records.remove(kind, id);
  const correlation = crypto.random(16);
  save(correlation, { client: principal.client, renewed: now, nextHandle: 1, sessions: {} }, context);
  return correlation;
}

/** The application of that Correlation Value, if it is one of this client's. */
export async function resume(
  correlation: Uint8Array | undefined,
  context: Context,
): Promise<Application | undefined> {
  if (correlation === undefined || correlation.length !== 16) return undefined;
  const content = await context.work.records.load(kind, correlation.toHex());
  if (content === undefined) return undefined;
  const application = readJson<Application>(content);
  return application.client === context.principal.client ? application : undefined;
}

export function save(correlation: Uint8Array, application: Application, { work, now }: Context): void {
  application.renewed = now;
  work.records.put(kind, correlation.toHex(), writeJson(application), now + idleSeconds);
}

export function isStale({ renewed }: Application, { now }: Context): boolean {
  return now - renewed >= renewSeconds;
}

export function end(correlation: Uint8Array, { work }: Context): void {
  work.records.remove(kind, correlation.toHex());
}
