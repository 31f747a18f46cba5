import type { ChainedEntry } from '../../audit.ts';
import { type FlatItem, flattenEntry } from './flatten.ts';

/** What a sink delivers as one line, syslog message or log record. */
export type SinkEvent = ItemEvent | CheckpointEvent | UnreadableEvent;

export interface ItemEvent {
  readonly type: 'item';
  readonly item: FlatItem;
}

/** A signed checkpoint; only the exact text can be verified. */
export interface CheckpointEvent {
  readonly type: 'checkpoint';
  /** ISO 8601; undefined where the text names none. */
  readonly time: string | undefined;
  readonly text: string;
}

/** An entry that cannot be read. It is named, so that its number is not missing, and its text left out. */
export interface UnreadableEvent {
  readonly type: 'unreadable';
  readonly chain: string;
  readonly number: number;
}

/** Returns the events of an entry: one for each item. */
export function eventsOfEntry(entry: ChainedEntry): readonly SinkEvent[] {
  try {
    return flattenEntry(entry).map((item) => ({ type: 'item', item }));
  } catch {
    return [{ type: 'unreadable', chain: entry.chain, number: entry.number }];
  }
}

/** Returns the event of a checkpoint, with the time that its text names. */
export function eventOfCheckpoint(text: string): CheckpointEvent {
  const [, time = ''] = /\btime (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z)/.exec(text) ?? [];
  return { type: 'checkpoint', time: Number.isNaN(Date.parse(time)) ? undefined : time, text };
}

/** How serious an event is; each format has its own numbers. */
export type Severity = 'informational' | 'notice' | 'warning' | 'error';

/**
 * Failures and refusals are warnings; acts of administrators, of the daemon and on the log are notices, and
 * so are checkpoints; an entry that cannot be read is an error.
 */
export function severityOf(event: SinkEvent): Severity {
  if (event.type === 'unreadable') return 'error';
  if (event.type === 'checkpoint') return 'notice';
  const { kind, result } = event.item;
  if (kind === 'refusal' || result === 'OperationFailed' || result === 'OperationUndone') return 'warning';
  return kind === 'message' || kind === 'job' ? 'informational' : 'notice';
}

/** Returns a name for the kind of event in the namespace of kmipd, such as `message` or `checkpoint`. */
export function kindOf(event: SinkEvent): string {
  return event.type === 'item' ? event.item.kind : event.type;
}

/** Returns the time of an event in ISO 8601; undefined where nothing names one. */
export function timeOf(event: SinkEvent): string | undefined {
  if (event.type === 'item') return event.item.time;
  return event.type === 'checkpoint' ? event.time : undefined;
}
