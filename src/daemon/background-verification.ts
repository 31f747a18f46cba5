import { setTimeout as sleep } from 'node:timers/promises';
import type { StateDirectory } from '../cli/state-directory/state-directory.ts';
import { verifyDatabase } from '../cli/state-directory/verify-database.ts';
import { describeError } from '../watch/error-text.ts';
import type { Logger } from '../watch/log.ts';
import type { Metrics } from '../watch/metrics.ts';
import type { Backends } from './backends.ts';

/** The first verification begins at most so long after the start: restarts do not put it off. */
const maxFirstMilliseconds = 600_000;
const millisecondsAnHour = 3_600_000;
/** Problems of one verification that are logged. */
const maxLoggedProblems = 20;

/** What the verification works with. */
export interface VerificationContext {
  readonly stateDirectory: StateDirectory;
  readonly backends: Pick<Backends, 'vault' | 'snapshot'>;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'verified'>;
  /** Within which every row is verified once. */
  readonly hours: number;
}

/** Verifies all rows again and again in the background. Returns how to stop it. */
export function startVerifications(context: VerificationContext): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  // Begun after half of the time, a verification of the same length ends in time.
  const interval = (context.hours * millisecondsAnHour) / 2;
  const run = async () => {
    for (let wait = Math.min(interval, maxFirstMilliseconds); !signal.aborted; wait = interval) {
      await sleep(wait, undefined, { signal, ref: false });
      await verifyRowsOnce(context, signal);
    }
  };
  // Only the end of the daemon ends it.
  run().catch(() => {});
  return () => ending.abort();
}

/** Verifies all rows once. What keeps it from that is logged; the next one tries again. */
async function verifyRowsOnce(context: VerificationContext, signal: AbortSignal): Promise<void> {
  const { stateDirectory, backends, log, metrics } = context;
  if (!backends.vault.unsealed) return;
  try {
    const { objects, records, problems, unlisted } = await verifyDatabase(
      stateDirectory,
      backends,
      createPause(signal),
    );
    metrics.verified(problems.length + unlisted);
    for (const problem of problems.slice(0, maxLoggedProblems)) log.error(problem);
    if (problems.length > maxLoggedProblems) log.error('kmipd verify names the other problems');
    log.info(`verified ${objects} objects and ${records} records: ${problems.length + unlisted} problems`);
  } catch (error) {
    if (!signal.aborted) log.warn({ error: describeError(error) }, 'the rows could not be verified');
  }
}

/**
 * Returns a pause after each page of rows, as long as the page has taken. It is no longer, because the
 * database keeps every former version of a row while the snapshot is open.
 */
function createPause(signal: AbortSignal): () => Promise<void> {
  let since = performance.now();
  return async () => {
    await sleep(performance.now() - since, undefined, { signal, ref: false });
    since = performance.now();
  };
}
