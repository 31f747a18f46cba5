import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { AuditJournal } from '../../../src/audit/journal.ts';
import { encodeLine } from '../../../src/audit/journal-lines.ts';
import { entry, moveParts, openJournal } from './opened-journal.ts';

/** The files in which entries of the audit log wait for the database. */

const texts = (journal: AuditJournal) => journal.peek()?.entries.map(({ text }) => text);

const filesOf = (directory: string) => readdirSync(directory).filter((name) => name.startsWith('journal-'));
const pathOf = (directory: string) => join(directory, filesOf(directory).at(-1) ?? '');

t.test('entries are read in their order until they are moved, across restarts', async (t) => {
  const directory = join(t.testdir(), 'audit');
  const { journal } = openJournal(t, directory);
  journal.resume(0);
  journal.append([entry('a'), entry('b')]);
  journal.append([entry('ä\u2028 "c"')]);
  t.strictSame(texts(journal), ['a', 'b', 'ä\u2028 "c"']);
  t.equal(journal.peek()?.last, 3);
  t.strictSame(texts(journal), ['a', 'b', 'ä\u2028 "c"'], 'what was not moved is read again');
  journal.move(2);
  t.strictSame(texts(journal), ['ä\u2028 "c"']);
  t.equal(statSync(directory).mode & 0o777, 0o700);
  t.equal(statSync(pathOf(directory)).mode & 0o777, 0o600);
  await journal.close();
  const next = openJournal(t, directory).journal;
  next.resume(2);
  next.append([entry('d')]);
  t.strictSame(texts(next), ['ä\u2028 "c"', 'd']);
  t.equal(next.peek()?.last, 4);
  next.move(4);
  t.equal(next.peek(), undefined);
  t.equal(next.pending, 0);
  t.equal(filesOf(directory).length, 1, 'the file of moved entries is gone');
});

t.test('salts come back as they were', async (t) => {
  const { journal } = openJournal(t, t.testdir());
  const given = [entry('a'), entry('b')];
  journal.append(given);
  t.strictSame(
    journal.peek()?.entries.map(({ salt }) => Buffer.from(salt).toString('hex')),
    given.map(({ salt }) => Buffer.from(salt).toString('hex')),
  );
});

t.test('large journals are read in parts and kept in several files', async (t) => {
  const directory = t.testdir();
  const { journal } = openJournal(t, directory);
  const text = 'x'.repeat(100_000);
  for (let at = 0; at < 400; at += 1) journal.append([entry(`${at} ${text}`)]);
  t.equal(filesOf(directory).length, 3);
  const parts = moveParts(t, journal);
  t.ok(
    parts.every((part) => part.length < 20),
    'each part is small',
  );
  t.strictSame(
    parts.flat().map((each) => each.split(' ', 1)[0]),
    Array.from({ length: 400 }, (_, at) => String(at)),
  );
  t.equal(filesOf(directory).length, 0);
});

t.test('one entry may be larger than a part', async (t) => {
  const { journal } = openJournal(t, t.testdir());
  journal.append([entry('a'), entry('y'.repeat(3_000_000)), entry('b')]);
  const lengths = moveParts(t, journal)
    .flat()
    .map(({ length }) => length);
  t.strictSame(lengths, [1, 3_000_000, 1]);
});

t.test('a line of which a power cut has left a part is passed over', async (t) => {
  for (const cut of [1, 20, 60]) {
    const directory = t.testdir({});
    const { journal } = openJournal(t, directory);
    journal.append([entry('first'), entry('second, which is cut '.repeat(4))]);
    await journal.close();
    truncateSync(pathOf(directory), statSync(pathOf(directory)).size - cut);
    const after = openJournal(t, directory);
    after.journal.resume(0);
    after.journal.append([entry('third')]);
    t.strictSame(texts(after.journal), ['first', 'third'], `${cut} bytes`);
    t.strictSame(after.damaged, [1]);
  }
});

t.test('a file without a whole line is replaced', async (t) => {
  const directory = t.testdir();
  const { journal } = openJournal(t, directory);
  journal.append([entry('only')]);
  await journal.close();
  truncateSync(pathOf(directory), 5);
  const after = openJournal(t, directory);
  t.strictSame(after.damaged, [1]);
  after.journal.append([entry('next')]);
  t.strictSame(texts(after.journal), ['next']);
});

t.test('altered lines are passed over and counted', async (t) => {
  const directory = t.testdir();
  const { journal } = openJournal(t, directory);
  journal.append(['one', 'two', 'three', 'four'].map(entry));
  await journal.close();
  const path = pathOf(directory);
  writeFileSync(path, readFileSync(path, 'utf8').replace('two', 'tvo').replace('three', 'th\nree'));
  const after = openJournal(t, directory);
  t.strictSame(texts(after.journal), ['one', 'four']);
  t.strictSame(after.damaged, [3]);
});

t.test('numbers go on where the database is ahead of the files', async (t) => {
  const directory = t.testdir();
  const { journal } = openJournal(t, directory);
  journal.resume(70);
  journal.append([entry('a')]);
  t.equal(journal.peek()?.last, 71);
  await journal.close();
  const after = openJournal(t, directory).journal;
  after.resume(71);
  t.equal(after.peek(), undefined);
});

t.test('nothing is written where not everything can be', async (t) => {
  const directory = t.testdir();
  const { journal } = openJournal(t, directory);
  journal.append([entry('a')]);
  await journal.close();
  const path = pathOf(directory);
  const closed = openJournal(t, directory).journal;
  mkdirSync(join(directory, 'journal-0000000000000002.log'));
  t.throws(() => closed.append([entry('b')]));
  t.equal(readFileSync(path, 'utf8').split('\n').length, 2);
});

t.test('other files of the directory are left alone', async (t) => {
  const directory = t.testdir({ 'checkpoints.txt': 'c', 'journal-1.log': 'x' });
  const { journal } = openJournal(t, directory);
  journal.append([entry('a')]);
  journal.move(1);
  await journal.close();
  openJournal(t, directory).journal.resume(1);
  t.strictSame(readdirSync(directory).sort(), ['checkpoints.txt', 'journal-1.log']);
});

t.test('entries whose files are gone are not looked for without end', async (t) => {
  const directory = t.testdir();
  const { journal, damaged } = openJournal(t, directory);
  journal.append([entry('a'), entry('b')]);
  await journal.close();
  const after = openJournal(t, directory);
  after.journal.resume(0);
  for (const name of filesOf(directory)) rmSync(join(directory, name));
  t.equal(after.journal.peek(), undefined);
  t.strictSame([after.journal.pending, after.damaged, damaged], [0, [2], []]);
  after.journal.append([entry('c')]);
  t.strictSame(texts(after.journal), ['c']);
});

t.test('what was moved before is passed over, however much it is', async (t) => {
  const directory = t.testdir();
  const { journal } = openJournal(t, directory);
  for (let at = 0; at < 9; at += 1) journal.append([entry(`${at} ${'x'.repeat(200_000)}`)]);
  journal.append([entry('late')]);
  await journal.close();
  const after = openJournal(t, directory).journal;
  after.resume(9);
  t.strictSame(texts(after), ['late']);
});

t.test('entries that were written before the database is known are not taken for moved ones', async (t) => {
  for (const early of [1, 3_000]) {
    const directory = t.testdir({});
    const { journal } = openJournal(t, directory);
    for (let at = 0; at < early; at += 1) journal.append([entry(`early ${at}`)]);
    journal.resume(7_000);
    journal.append([entry('late')]);
    const seen = moveParts(t, journal).flat();
    t.strictSame(seen, [...Array.from({ length: early }, (_, at) => `early ${at}`), 'late']);
  }
});

t.test('lines that somebody else has put there are no entries, and are counted', async (t) => {
  const line = (number: number, value: string) => encodeLine({ number, entry: entry(value) });
  const cases: readonly (readonly [lines: string, seen: readonly string[], damaged: readonly number[]])[] = [
    [line(1, 'a') + line(1, 'again') + line(2, 'b'), ['a', 'b'], [1]],
    [line(1, 'a') + line(3, 'c'), ['a', 'c'], [1]],
    [line(1, 'a') + line(9_007_199_254_740_991, 'end') + line(2, 'b'), ['a', 'b'], [1]],
    [line(2, 'b') + line(1, 'a') + line(3, 'c'), ['b', 'c'], [2]],
  ];
  for (const [lines, seen, damaged] of cases) {
    const directory = t.testdir({ 'journal-0000000000000001.log': lines });
    const opened = openJournal(t, directory);
    opened.journal.resume(0);
    opened.journal.append([entry('own')]);
    t.strictSame(texts(opened.journal), [...seen, 'own'], lines);
    t.strictSame(opened.damaged, damaged, lines);
  }
});

t.test('names and kinds of files that no journal has end nothing', async (t) => {
  const directory = t.testdir({
    'journal-9999999999999999.log': '',
    'journal-0000000000000000.log': '',
    'journal-0000000000000007.log': t.fixture('dir', {}),
  });
  const opened = openJournal(t, directory);
  t.strictSame(opened.damaged, [1, 1, 1]);
  opened.journal.append([entry('a')]);
  t.strictSame(texts(opened.journal), ['a']);
  t.equal(opened.journal.peek()?.last, 1);
});

t.test('a line without an end is passed over, and reading goes on', async (t) => {
  const directory = t.testdir();
  const { journal } = openJournal(t, directory);
  journal.append([entry('a')]);
  await journal.close();
  appendFileSync(pathOf(directory), 'x'.repeat(140_000_000));
  appendFileSync(pathOf(directory), `\n${encodeLine({ number: 2, entry: entry('b') })}`);
  const after = openJournal(t, directory);
  after.journal.resume(0);
  t.strictSame(texts(after.journal), ['a', 'b']);
  t.ok(after.damaged.length > 0);
});
