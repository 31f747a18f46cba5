import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { AuditEntry, LaneJournal } from '../../../src/audit/audit.ts';
import { AuditLog } from '../../../src/audit/audit-log.ts';
import { AuditJournal } from '../../../src/audit/journal.ts';

/** How the log moves entries into the store, and what it tells of those that could not be written. */

const release: AuditEntry = {
  ...{ time: 1, kind: 'message', node: 'n' },
  items: [{ operation: 'Get', result: 'Success' }],
};

/** A store that takes what waits. */
class Chain {
  readonly entries: AuditEntry[] = [];
  isFailing = false;

  async move(log: LaneJournal): Promise<void> {
    if (this.isFailing) throw new Error('the store takes nothing');
    const part = log.peek();
    if (part === undefined) return;
    const first = this.entries.length;
    this.entries.push(...part.entries.map(({ text }) => JSON.parse(text) as AuditEntry));
    log.appended({ chain: 'c', first, entries: part.entries, journal: part.last });
  }

  get operations(): readonly string[] {
    return this.entries.flatMap(({ items }) =>
      items.map(({ operation, count }) => (count === undefined ? operation : `${operation} ${count}`)),
    );
  }
}

function open(t: Test) {
  const directory = join(t.testdir(), 'audit');
  const told: string[] = [];
  const log = new AuditLog({
    ...{ directory, node: 'n', hasNames: false, isStrict: false, onFailure: 'alarm' },
    observer: {
      failed: () => told.push('failed'),
      recovered: (lost) => told.push(`recovered ${lost}`),
      damaged() {},
    },
  });
  const chain = new Chain();
  return { directory, told, log, chain };
}

t.test('entries that could not be written are counted in the store when the daemon ends', async (t) => {
  const { directory, told, log, chain } = open(t);
  rmSync(directory, { recursive: true });
  for (let at = 0; at < 3; at += 1) await log.append(release);
  log.start(() => chain.move(log));
  await log.close();
  t.strictSame(chain.operations, ['EntriesLost 3']);
  t.strictSame(told, ['failed']);
});

t.test('they are counted once, also where the store takes them at the second attempt only', async (t) => {
  const { directory, told, log, chain } = open(t);
  rmSync(directory, { recursive: true });
  await log.append(release);
  chain.isFailing = true;
  await t.rejects(chain.move(log));
  log.peek();
  await log.append(release);
  mkdirSync(directory, { mode: 0o700 });
  await log.append(release);
  t.strictSame(told, ['failed', 'recovered 2']);
  chain.isFailing = false;
  log.start(() => chain.move(log));
  await log.close();
  t.strictSame(chain.operations, ['Get', 'EntriesLost 2']);
});

t.test('what is lost after it was counted is counted by itself', async (t) => {
  const { directory, log, chain } = open(t);
  rmSync(directory, { recursive: true });
  await log.append(release);
  const part = log.peek();
  await log.append(release);
  if (part === undefined) throw new Error('nothing waits');
  log.appended({ chain: 'c', first: 0, entries: part.entries, journal: part.last });
  t.equal(log.pending, 1);
  log.start(() => chain.move(log));
  await log.close();
  t.match(JSON.parse(part.entries[0]?.text ?? ''), { items: [{ operation: 'EntriesLost', count: 1 }] });
  t.strictSame(chain.operations, ['EntriesLost 1']);
});

t.test('a journal that cannot be numbered anew is moved all the same', async (t) => {
  const { directory, told, log, chain } = open(t);
  await log.append(release);
  await log.append(release);
  // The file of the first number behind that of the store cannot be made.
  mkdirSync(join(directory, 'journal-0000000000001001.log'));
  log.resume(1_000);
  t.strictSame(told, ['failed']);
  log.start(() => chain.move(log));
  await log.close();
  t.strictSame(chain.operations, ['Get', 'Get']);
});

t.test('a long journal is moved part by part', async (t) => {
  const directory = t.testdir();
  const journal = new AuditJournal(directory, { damaged() {}, notDurable() {} });
  const text = JSON.stringify({ ...release, clientCorrelation: 'x'.repeat(100_000) });
  for (let at = 0; at < 40; at += 1) journal.append([{ salt: new Uint8Array(16), text }]);
  await journal.close();
  const log = new AuditLog({
    ...{ directory, node: 'n', hasNames: false, isStrict: false, onFailure: 'refuse' },
    observer: { failed() {}, recovered() {}, damaged() {} },
  });
  const chain = new Chain();
  const moved = new Promise<void>((resolve) => {
    log.start(async () => {
      await chain.move(log);
      if (log.pending === 0) resolve();
    });
  });
  // The timers of the log keep no process alive.
  const alive = setInterval(() => {}, 60_000);
  await moved.finally(() => clearInterval(alive));
  await log.close();
  t.equal(chain.entries.length, 40);
});
