import type { ChainedEntry } from '../../audit.ts';
import { eventOfCheckpoint, eventsOfEntry, type SinkEvent } from '../formats/event.ts';
import { SinkDeliveryError } from '../outputs/output.ts';
import type { AuditLogReader } from './audit-log-reader.ts';
import type { ChainPositions, WaitingEntries } from './chain-positions.ts';
import type { EntryBuffer } from './entry-buffer.ts';
import type { WaitingCheckpoints } from './waiting-checkpoints.ts';

/** Characters of the entries of one attempt, more only for a single entry. */
const maxCharacters = 1_048_576;

/** What one attempt delivers: the checkpoint that waits longest, or entries of one chain. */
export interface Batch {
  readonly events: readonly SinkEvent[];
  /** Undefined for a checkpoint. */
  readonly entries:
    | { readonly chain: string; readonly from: number; readonly to: number; readonly characters: number }
    | undefined;
}

export interface BatchSource {
  readonly positions: ChainPositions;
  readonly checkpoints: WaitingCheckpoints;
  readonly buffer: EntryBuffer;
  readonly reader: AuditLogReader;
}

/**
 * Returns what waits longest, entries from memory or from the log; undefined when nothing waits, or the log
 * has cut what waits. A checkpoint follows the entries that arrived before it.
 * @throws {SinkDeliveryError} when the log cannot be read
 */
export async function nextBatch(source: BatchSource, maxEntries: number): Promise<Batch | undefined> {
  const { positions, checkpoints, buffer } = source;
  const head = positions.head();
  const { first } = checkpoints;
  const untilCheckpoint =
    first === undefined ? Number.POSITIVE_INFINITY : first.after - positions.arrived + positions.backlog;
  if (first !== undefined && (head === undefined || untilCheckpoint <= 0))
    return { events: [eventOfCheckpoint(first.text)], entries: undefined };
  if (head === undefined) return undefined;
  const { chain, next, end } = head;
  const limit = Math.min(maxEntries, end - next, untilCheckpoint);
  const kept = buffer.read(chain, next, limit);
  const entries = takeWhole(kept.length > 0 ? kept : await readBack(source, head, limit));
  const [begin] = entries;
  if (begin === undefined) return undefined;
  return {
    events: entries.flatMap(eventsOfEntry),
    entries: {
      ...{ chain, from: begin.number, to: begin.number + entries.length },
      characters: entries.reduce((sum, { text }) => sum + text.length, 0),
    },
  };
}

/** Takes entries without a hole between them, up to a size. */
function takeWhole(entries: readonly ChainedEntry[]): readonly ChainedEntry[] {
  const [begin] = entries;
  if (begin === undefined) return entries;
  let characters = 0;
  const end = entries.findIndex(({ number, text }, at) => {
    characters += text.length;
    return number !== begin.number + at || (at > 0 && characters > maxCharacters);
  });
  return end < 0 ? entries : entries.slice(0, end);
}

/** Reads entries from the log; entries that it has cut are given up, and none are returned then. */
async function readBack(
  { reader, positions }: BatchSource,
  { chain, next, end }: WaitingEntries,
  limit: number,
): Promise<readonly ChainedEntry[]> {
  const entries = await readLog(() => reader.readFrom(chain, next, limit));
  if (entries.some((entry) => entry.chain !== chain || entry.number < next))
    throw new SinkDeliveryError('the audit log returns other entries than it was asked for');
  // Entries at and beyond the end are not durable, or arrive later.
  const found = entries.filter(({ number }) => number < end);
  if (found.length > 0) return found;
  const ranges = await readLog(() => reader.chains());
  const first = ranges.find((range) => range.chain === chain)?.first ?? end;
  if (first <= next)
    throw new SinkDeliveryError(`the audit log does not return entry ${next} of chain ${chain}`);
  positions.skip(chain, first);
  return [];
}

async function readLog<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? (error as Error).name;
    throw new SinkDeliveryError(`the audit log cannot be read (${code})`, { cause: error });
  }
}
