import t from 'tap';
import type { EntryFilter } from '../../../src/audit/entry-filter.ts';
import type { ReadBlock } from '../../../src/management/managed-audit.ts';
import { auditMethods } from '../../../src/management/methods/audit.ts';

/** Which entries `audit.list` returns, whatever the rows of the log say. */

const list = auditMethods['audit.list'];
const caller = {} as Parameters<typeof list>[2];

const entryAt = (time: number) =>
  JSON.stringify({ time, kind: 'audit', node: 'n', items: [{ operation: `at ${time}`, result: 'Success' }] });

const blockOf = (row: number, time: number, texts: readonly string[] | undefined): ReadBlock => ({
  ...{ row, time, chain: 'c', first: row },
  open: () => texts?.map((text) => ({ salt: new Uint8Array(16), text })),
});

/** Reads all pages, the newest first. */
async function readAll(blocks: readonly ReadBlock[], filter: EntryFilter = {}) {
  const audit = {
    read: async (from: number) =>
      blocks
        .filter(({ row }) => row < from)
        .toReversed()
        .slice(0, 16),
  };
  const backends = { audit } as unknown as Parameters<typeof list>[0];
  const found: string[] = [];
  let unreadable = 0;
  for (let from = Number.MAX_SAFE_INTEGER; ; ) {
    const page = await list(backends, { from, isBackward: true, filter }, caller);
    found.push(...page.entries.map(({ text }) => JSON.parse(text).items[0].operation));
    unreadable += page.unreadable;
    if (!page.isLast && page.next >= from) throw new Error('the next page is none before this one');
    from = page.next;
    if (page.isLast) return { found, unreadable };
  }
}

t.test('an entry of another form is left out, and counted', async (t) => {
  const blocks = [blockOf(1, 1, [entryAt(1)]), blockOf(2, 2, ['null', '{', '{}', entryAt(2)])];
  t.strictSame(await readAll(blocks), { found: ['at 2', 'at 1'], unreadable: 3 });
});

t.test('a block that does not open hides no other one by its time', async (t) => {
  const blocks = [blockOf(1, 5, [entryAt(5)]), blockOf(2, 1, undefined), blockOf(3, 6, [entryAt(6)])];
  t.strictSame(await readAll(blocks, { since: 5 }), { found: ['at 6', 'at 5'], unreadable: 1 });
});

t.test('nor does one of a node whose clock is late', async (t) => {
  const blocks = [blockOf(1, 5, [entryAt(5)]), blockOf(2, 1, [entryAt(1)]), blockOf(3, 6, [entryAt(6)])];
  t.strictSame(await readAll(blocks, { since: 5 }), { found: ['at 6', 'at 5'], unreadable: 0 });
});

t.test('the whole log is not read for its end', async (t) => {
  const blocks = Array.from({ length: 2_000 }, (_, at) => blockOf(at + 1, at, [entryAt(at)]));
  let rows = 0;
  const counted = blocks.map((block) => ({
    ...block,
    open() {
      rows += 1;
      return block.open();
    },
  }));
  const { found } = await readAll(counted, { since: 1_990 });
  t.equal(found.length, 10);
  t.ok(rows < 600, `${rows} blocks were looked at`);
});
