import { readJson, writeJson } from '../../common/json.ts';
import type { Context, Records } from '../context.ts';

/**
 * Which certificate of a client came after which, kept as long as tickets that name the former can live: they stay
 * their client's when it replaces its enrolment itself, and end when the operator does.
 */
const kind = 'succession';

/** Replacements that one ticket survives. */
const maxSteps = 16;

interface CertificateReplacement {
  readonly client: string;
  /** Fingerprint of the certificate that came after. */
  readonly replacement: string;
}

/** The record's content; its field names are part of the stored format. */
interface StoredReplacement {
  readonly client: string;
  readonly after: string;
}

export async function recordReplacement(
  before: string,
  { client, replacement }: CertificateReplacement,
  { work, now, limits }: Pick<Context, 'work' | 'now' | 'limits'>,
): Promise<void> {
  const stored: StoredReplacement = { client, after: replacement };
  // A certificate may have been replaced before, and come back.
  await work.records.load(kind, before);
  work.records.put(kind, before, writeJson(stored), now + limits.ticketSeconds);
}

/** Whether the client of the certificate `from` has replaced it, perhaps several times, by `to`. */
export async function isReplacedBy(
  from: string,
  { client, replacement: to }: CertificateReplacement,
  load: (kind: string, id: string) => ReturnType<Records['load']>,
): Promise<boolean> {
  for (let at = from, steps = 0; steps < maxSteps; steps++) {
    const content = await load(kind, at);
    if (content === undefined) return false;
    const next = readJson<StoredReplacement>(content);
    if (next.client !== client) return false;
    if (next.after === to) return true;
    at = next.after;
  }
  return false;
}
