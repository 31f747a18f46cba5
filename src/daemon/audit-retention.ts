import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/index.ts';
import { describeError } from '../watch/error-text.ts';
import type { Logger } from '../watch/log.ts';
import type { Backends } from './backends.ts';

/** The first removal, and those that follow. */
const firstMilliseconds = 60_000;
const intervalMilliseconds = 3_600_000;
const millisecondsADay = 86_400_000;
const bytesAMegabyte = 1_000_000;

/** What the removal works with. */
export interface RetentionContext {
  readonly config: Pick<Config, 'audit'>;
  readonly backends: Pick<Backends, 'vault' | 'cutAuditLog'>;
  readonly log: Logger;
}

/**
 * Removes the oldest blocks of the audit log again and again, as the operator bounds its age and size.
 * Returns how to stop it.
 */
export function startAuditRetention(context: RetentionContext): () => void {
  const { retentionDays, maxMegabytes } = context.config.audit;
  if (retentionDays === undefined && maxMegabytes === undefined) return () => {};
  const ending = new AbortController();
  const { signal } = ending;
  const run = async () => {
    for (let wait = firstMilliseconds; !signal.aborted; wait = intervalMilliseconds) {
      await sleep(wait, undefined, { signal, ref: false });
      await removeOnce(context, signal);
    }
  };
  // Only the end of the daemon ends it.
  run().catch(() => {});
  return () => ending.abort();
}

/** Removes all blocks that are due. What keeps it from that is logged; the next one tries again. */
async function removeOnce({ config, backends, log }: RetentionContext, signal: AbortSignal): Promise<void> {
  const { retentionDays, maxMegabytes } = config.audit;
  const { vault, cutAuditLog } = backends;
  const before = retentionDays === undefined ? 0 : Date.now() - retentionDays * millisecondsADay;
  const maxBytes = (maxMegabytes ?? Number.POSITIVE_INFINITY) * bytesAMegabyte;
  try {
    let blocks = 0;
    while (vault.unsealed && !signal.aborted) {
      const started = performance.now();
      const removed = await cutAuditLog({ before, maxBytes }, vault);
      if (removed === 0) break;
      blocks += removed;
      await sleep(performance.now() - started, undefined, { signal, ref: false });
    }
    if (blocks > 0)
      log.info(`removed ${blocks} blocks of the audit log, as [audit] of the configuration says`);
  } catch (error) {
    if (!signal.aborted) log.warn({ error: describeError(error) }, 'the audit log was not shortened');
  }
}
