import { readJson, writeJson } from '../../common/json.ts';
import type { Context, Records } from '../context.ts';

/**
 * Kind of the records that name the replacement of a client certificate, by the fingerprint of the replaced
 * one. They are stored as long as tickets that name the replaced certificate can live. Such tickets stay
 * valid when the client itself replaces its certificate, and end when the operator does.
 */
const kind = 'succession';

/** Replacements that one ticket survives. */
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
  await work.records.load(kind, replaced);
  work.records.put(kind, replaced, writeJson(stored), now + limits.ticketSeconds);
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
    const next = readJson<{ client: string; [replacementField]: string }>(content);
    if (next.client !== client) return false;
    if (next[replacementField] === to) return true;
    at = next[replacementField];
  }
  return false;
}
