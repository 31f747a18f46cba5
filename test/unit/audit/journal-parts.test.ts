import t, { type Test } from 'tap';
import type { AuditJournal } from '../../../src/audit/journal.ts';
import { entry, moveParts, openJournal } from './opened-journal.ts';

/** A journal moves every entry once and in order, part by part. */

/** Moves everything, and returns the texts in their order. */
const moveAll = (t: Test, journal: AuditJournal) => moveParts(t, journal).flat();

for (const [what, size, count] of [
  ['few small ones', 10, 20],
  ['more than one commit takes', 10, 5_000],
  ['many of a few kilobytes', 5_000, 2_000],
  ['some that are larger than a part', 3_000_000, 3],
] as const)
  t.test(`every entry is moved once and in order: ${what}`, async (t) => {
    const directory = t.testdir();
    const { journal, damaged } = openJournal(t, directory);
    journal.resume(0);
    const texts = Array.from({ length: count }, (_, at) => `${at} ${'x'.repeat(size)}`);
    const moved: string[] = [];
    for (let at = 0; at < count; ) {
      const some = texts.slice(at, at + 1 + (at % 7));
      journal.append(some.map(entry));
      at += some.length;
      // Some are moved while others come.
      if (at % 11 === 0) moved.push(...moveAll(t, journal));
    }
    moved.push(...moveAll(t, journal));
    t.ok(moved.length === count && moved.every((text, at) => text === texts[at]));
    t.strictSame(damaged, []);
    journal.append([entry('last')]);
    await journal.close();
    const again = openJournal(t, directory).journal;
    again.resume(count);
    t.strictSame(moveAll(t, again), ['last']);
  });

t.test('a part that was moved in the middle is gone on with from the file', async (t) => {
  const { journal } = openJournal(t, t.testdir());
  journal.resume(0);
  journal.append(['a', 'b', 'c'].map(entry));
  journal.append([entry('d')]);
  journal.peek();
  journal.move(2);
  t.strictSame(moveAll(t, journal), ['c', 'd']);
});

t.test('what was written before the store said where it is has its number afterwards', async (t) => {
  const { journal } = openJournal(t, t.testdir());
  journal.append(['a', 'b'].map(entry));
  journal.resume(10);
  journal.append([entry('c')]);
  t.equal(journal.peek()?.last, 13);
  t.strictSame(moveAll(t, journal), ['a', 'b', 'c']);
});
