import type { Test } from 'tap';
import { AuditJournal } from '../../../src/audit/journal.ts';
import { type ChainEntry, createSalt } from '../../../src/common/audit-chain.ts';

/** Journals of the audit log in a directory of a test. */

export const entry = (text: string): ChainEntry => ({ salt: createSalt(), text });

/** Opens a journal; `damaged` has the lines that it has passed over, each time that it does. */
export function openJournal(t: Test, directory: string) {
  const damaged: number[] = [];
  const observer = { damaged: ({ lines }: { lines: number }) => damaged.push(lines), notDurable: t.error };
  const journal = new AuditJournal(directory, observer);
  t.teardown(() => journal.close());
  return { journal, damaged };
}

/** Moves everything, part by part, and returns the texts of each part. */
export function moveParts(t: Test, journal: AuditJournal): readonly (readonly string[])[] {
  const moved: string[][] = [];
  for (let next = journal.moved + 1; ; ) {
    const part = journal.peek();
    if (part === undefined) return moved;
    t.ok(part.entries.length > 0 && part.entries.length <= 1_024);
    // A journal that does not go on would be read for ever.
    if (!t.equal(part.last, next + part.entries.length - 1, 'numbers have no gap')) return moved;
    const isMore = journal.hasMore;
    moved.push(part.entries.map(({ text }) => text));
    journal.move(part.last);
    if (journal.pending > 0) t.ok(isMore, 'it says that more waits');
    next = part.last + 1;
  }
}
