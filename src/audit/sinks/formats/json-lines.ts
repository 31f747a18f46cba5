import type { SinkEvent } from './event.ts';

/**
 * Formats an event as one line of JSON without its end. An item has the fields of `FlatItem`; a checkpoint
 * has `kind`, `time` and `text`.
 */
export function formatJsonLine(event: SinkEvent): string {
  if (event.type === 'item') return JSON.stringify(event.item);
  if (event.type === 'checkpoint') {
    const { time = null, text } = event;
    return JSON.stringify({ kind: 'checkpoint', time, text });
  }
  const { chain, number } = event;
  return JSON.stringify({ kind: 'unreadable', chain, number });
}
