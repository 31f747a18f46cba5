import { chainEnded, signingKeyBegun } from '../audit.ts';
import { readEntry } from '../entry-text.ts';
import type { StatedEnd } from './stated-positions.ts';

/** What entries say about the log itself. */
export type Notice =
  | { readonly kind: 'ended'; readonly end: StatedEnd }
  | { readonly kind: 'key'; readonly beginning: KeyBeginning };

/** The beginning of a chain of signing keys. */
export interface KeyBeginning {
  /** The node that signs. */
  readonly node: string;
  /** Of its first key. */
  readonly fingerprint: string;
}

/** Every text of an entry of that kind has it; texts of others in an entry have their quotes escaped. */
const mark = '"kind":"audit"';

/** Reads what an entry says about the log; undefined for any other entry. */
export function readNotice(text: string): Notice | undefined {
  if (!text.includes(mark)) return undefined;
  const entry = readEntry(text);
  const [item] = entry?.items ?? [];
  if (entry?.kind !== 'audit' || item === undefined) return undefined;
  const { chain, entries, head, lane, fingerprint } = item.details ?? {};
  if (item.operation === chainEnded && isText(chain) && isText(head) && typeof entries === 'number')
    return {
      kind: 'ended',
      end: { chain, count: entries, head, by: `the entry about the end of lane ${lane}` },
    };
  if (item.operation === signingKeyBegun && isText(fingerprint))
    return { kind: 'key', beginning: { node: entry.node, fingerprint } };
  return undefined;
}

const isText = (value: unknown): value is string => typeof value === 'string';
