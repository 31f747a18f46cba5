import t from 'tap';
import { createDeliveredLog } from '../../../src/daemon/delivered-log.ts';
import type { ManagedAudit, ReadBlock } from '../../../src/management/managed-audit.ts';

/** Entries of each block, in the order of the rows, which begin at 1. */
type Rows = readonly { chain: string; first: number; count: number; isUnreadable?: boolean }[];

/** A log with those rows; `asked` counts what is asked of it, `opened` has the rows that were opened. */
function start(rows: Rows) {
  const opened: number[] = [];
  const asked = { reads: 0, searches: 0 };
  const blocks: ReadBlock[] = rows.map(({ chain, first, count, isUnreadable }, at) => ({
    ...{ row: at + 1, time: 0, chain, first },
    open() {
      opened.push(at + 1);
      if (isUnreadable) return undefined;
      return Array.from({ length: count }, (_, each) => ({ text: `${chain} ${first + each}` }) as never);
    },
  }));
  const managed: ManagedAudit = {
    async read(row) {
      asked.reads += 1;
      return blocks.filter((block) => block.row > row).slice(0, 2);
    },
    chains: async () => [],
    async rowBefore(chain, entry) {
      asked.searches += 1;
      const found = blocks.findLast((block) => block.chain === chain && block.first <= entry);
      return (found?.row ?? 1) - 1;
    },
    reseal: async () => false,
  };
  const log = createDeliveredLog({ node: 'n', report: () => {} } as never, managed);
  return { log, opened, asked };
}

const rows: Rows = [
  { chain: 'b', first: 0, count: 3 },
  { chain: 'a', first: 0, count: 3 },
  { chain: 'b', first: 3, count: 1 },
  { chain: 'a', first: 3, count: 1 },
  { chain: 'a', first: 4, count: 5 },
];

for (const limit of [1, 2, 3, 4, 5, 9, 100])
  t.test(`a chain is read whole and in order, ${limit} entries at a time, with one search`, async (t) => {
    const { log, opened, asked } = start(rows);
    const read: number[] = [];
    // One read more than there are entries finds the end.
    for (let reads = 0; reads < 10; reads += 1) {
      const entries = await log.readFrom('a', read.length, limit);
      if (entries.length === 0) break;
      t.ok(entries.length <= limit);
      for (const { chain, number, text } of entries) {
        t.equal(chain, 'a');
        t.equal(text, `a ${number}`);
        read.push(number);
      }
    }
    t.strictSame(read, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    t.equal(asked.searches, 1);
    t.strictSame(
      opened.filter((row) => row === 1 || row === 3),
      [],
      'blocks of other chains stay closed',
    );
  });

t.test('a read in the middle of a block begins there, and chains do not disturb each other', async (t) => {
  const { log, asked } = start(rows);
  const numbers = async (chain: string, from: number, limit: number) =>
    (await log.readFrom(chain, from, limit)).map(({ number }) => number);
  t.strictSame(await numbers('a', 5, 2), [5, 6]);
  t.strictSame(await numbers('b', 1, 100), [1, 2, 3]);
  t.strictSame(await numbers('a', 7, 100), [7, 8]);
  t.equal(asked.searches, 2, 'each chain has a place of its own');
  t.strictSame(await numbers('a', 0, 1), [0], 'earlier entries are looked for again');
  t.equal(asked.searches, 3);
});

t.test(
  'entries of a block that does not open are left out; the reader sees their numbers missing',
  async (t) => {
    const { log } = start(rows.map((row, at) => (at === 3 ? { ...row, isUnreadable: true } : row)));
    const numbers = (await log.readFrom('a', 0, 100)).map(({ number }) => number);
    t.strictSame(numbers, [0, 1, 2, 4, 5, 6, 7, 8]);
  },
);

t.test('without a log there is nothing to deliver', async (t) => {
  t.strictSame(await createDeliveredLog(undefined, undefined as never).chains(), []);
});
