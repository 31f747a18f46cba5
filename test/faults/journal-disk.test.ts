import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { AuditJournal } from '../../src/audit/journal.ts';
import { createSalt } from '../../src/common/audit-chain.ts';
import { mountSmallDisk, unmountDisk } from './small-disk.ts';

/** A disk that the journal of the audit log has filled. */

const entry = (length: number) => ({ salt: createSalt(), text: 'x'.repeat(length) });
const directory = mkdtempSync(join(tmpdir(), 'kmipd-journal-disk-'));
const missing = mountSmallDisk(directory, '1m');
t.teardown(() => {
  if (missing === undefined) unmountDisk(directory);
  rmSync(directory, { recursive: true, force: true });
});

t.test('entries that were moved give their space to others', { skip: missing ?? false }, async (t) => {
  const journal = new AuditJournal(directory, { damaged: t.error, notDurable: t.error });
  t.teardown(() => journal.close());
  journal.append([entry(500_000)]);
  t.throws(() => journal.append([entry(700_000)]), { code: 'ENOSPC' }, 'not while they wait');
  journal.move(journal.peek()?.last ?? 0);
  journal.append([entry(700_000)]);
  t.same(
    journal.peek()?.entries.map(({ text }) => text.length),
    [700_000],
  );
});
