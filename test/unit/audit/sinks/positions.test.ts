import fc from 'fast-check';
import t from 'tap';
import { Arrivals } from '../../../../src/audit/sinks/delivery/arrivals.ts';
import type { SinkGap } from '../../../../src/audit/sinks/delivery/audit-log-reader.ts';
import { ChainPositions } from '../../../../src/audit/sinks/delivery/chain-positions.ts';
import { EntryBuffer } from '../../../../src/audit/sinks/delivery/entry-buffer.ts';
import { SentHistory } from '../../../../src/audit/sinks/delivery/sent-history.ts';
import { numbered } from './entries.ts';

t.test('a new sink begins with what comes next, or with what arrived before the log was asked', async (t) => {
  const positions = new ChainPositions(undefined);
  positions.extend('b', 7, 9);
  t.same([...positions.cursors], [], 'what is not decided is not written down');
  t.same(
    positions.update([
      { chain: 'a', first: 0, next: 5 },
      { chain: 'b', first: 2, next: 9 },
    ]),
    [],
  );
  t.same(
    [...positions.cursors],
    [
      ['a', 5],
      ['b', 7],
    ],
  );
  t.same(positions.head(), { chain: 'b', next: 7, end: 9 });
  t.equal(positions.backlog, 2);
});

t.test(
  'a known sink goes on where it stopped, and gets chains that began meanwhile as a whole',
  async (t) => {
    const positions = new ChainPositions(
      new Map([
        ['a', 3],
        ['gone', 8],
      ]),
    );
    positions.extend('b', 7, 9);
    t.same(
      positions.update([
        { chain: 'a', first: 0, next: 5 },
        { chain: 'b', first: 2, next: 9 },
      ]),
      [],
    );
    t.same(
      [...positions.cursors],
      [
        ['a', 3],
        ['b', 2],
      ],
    );
    t.equal(positions.backlog, 2 + 7);
    positions.update([
      { chain: 'c', first: 4, next: 6 },
      { chain: 'b', first: 2, next: 10 },
    ]);
    t.equal(positions.backlog, 2 + 8 + 2, 'later chains of other processes are found too');
  },
);

t.test('a position beyond the end of its chain is wrong and begins anew', async (t) => {
  const positions = new ChainPositions(new Map([['a', 1_000_000]]));
  t.same(positions.update([{ chain: 'a', first: 2, next: 5 }]), ['a']);
  t.same(positions.head(), { chain: 'a', next: 2, end: 5 });
  t.equal(positions.backlog, 3);
});

t.test('entries that are given up are gaps, exact and reported once', async (t) => {
  const positions = new ChainPositions(
    new Map([
      ['a', 0],
      ['b', 0],
    ]),
  );
  positions.update([
    { chain: 'a', first: 0, next: 10 },
    { chain: 'b', first: 0, next: 10 },
  ]);
  positions.trim(6);
  t.same(positions.head(), { chain: 'b', next: 4, end: 10 });
  t.same(
    [...positions.cursors],
    [
      ['a', 0],
      ['b', 0],
    ],
    'not before something else was delivered',
  );
  t.same(positions.confirm('b', 4, 6), [
    { chain: 'a', from: 0, to: 9 },
    { chain: 'b', from: 0, to: 3 },
  ]);
  t.same(positions.confirm('b', 6, 7), []);
  t.same(positions.confirm('b', 9, 10), [{ chain: 'b', from: 7, to: 8 }], 'the log was cut');
  t.equal(positions.backlog, 0);
});

t.test('whatever happens, each entry is delivered or in one gap', async (t) => {
  const step = fc.oneof(
    fc.record({ type: fc.constant('extend' as const), count: fc.nat(20) }),
    fc.record({ type: fc.constant('trim' as const), count: fc.nat(30) }),
    fc.record({ type: fc.constant('deliver' as const), count: fc.nat(10) }),
    fc.record({ type: fc.constant('cut' as const), count: fc.nat(10) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const positions = new ChainPositions(new Map([['a', 0]]));
      positions.update([{ chain: 'a', first: 0, next: 0 }]);
      const seen: number[] = [];
      const note = (gaps: readonly SinkGap[]) => {
        for (const { from, to } of gaps) for (let at = from; at <= to; at++) seen.push(at);
      };
      let end = 0;
      const deliver = (count: number, skipped: number) => {
        const head = positions.head();
        if (head === undefined) return;
        const from = Math.min(head.next + skipped, head.end - 1);
        const to = Math.min(from + count + 1, head.end);
        note(positions.confirm('a', from, to));
        for (let at = from; at < to; at++) seen.push(at);
      };
      for (const { type, count } of steps) {
        if (type === 'extend') positions.extend('a', end, (end += count));
        else if (type === 'trim') positions.trim(count);
        else deliver(count, type === 'cut' ? 3 : 0);
        if (positions.backlog !== end - (positions.head()?.next ?? end)) return false;
      }
      deliver(end, 0);
      note(positions.confirm('', 0, 0));
      return seen.length === end && seen.every((number, at) => number === at);
    }),
  );
  t.pass();
});

t.test('the buffer keeps the newest entries within its bounds', async (t) => {
  const buffer = new EntryBuffer({ entries: 600, characters: 1_000_000 });
  for (let number = 0; number < 5_000; number++) buffer.add(numbered(number));
  t.ok(buffer.size <= 600 && buffer.size > 600 - 256);
  t.same(buffer.read('c0ffee', 0, 10), []);
  t.same(
    buffer.read('c0ffee', 4_700, 400).map(({ number }) => number),
    Array.from({ length: 300 }, (_, at) => 4_700 + at),
  );
  t.same(buffer.read('other', 4_990, 10), []);
  buffer.add(numbered(0, 'other'));
  buffer.add(numbered(5_000));
  t.same(
    buffer.read('c0ffee', 4_999, 5).map(({ number }) => number),
    [4_999, 5_000],
  );
  const small = new EntryBuffer({ entries: 600, characters: 1_000 });
  for (let number = 0; number < 50; number++) small.add({ chain: 'a', number, text: 'x'.repeat(300) });
  t.ok(small.size <= 3);
});

t.test('the arrival of the oldest entry is known within a fraction of the deadline', async (t) => {
  let now = 0;
  const arrivals = new Arrivals(1_000, () => now);
  t.equal(arrivals.oldest, undefined);
  for (let arrived = 0; arrived < 10_000; arrived++) {
    now = arrived;
    arrivals.arrive(arrived);
    const waiting = 500;
    arrivals.leave(Math.max(0, arrived + 1 - waiting), arrived + 1);
    const truth = Math.max(0, arrived + 1 - waiting);
    const { oldest = Number.NaN } = arrivals;
    if (!(oldest <= truth && truth - oldest <= 25)) t.fail(`${oldest} for ${truth}`);
  }
  arrivals.leave(10_000, 10_000);
  t.equal(arrivals.oldest, undefined);
});

t.test('what a broken connection may have lost is known, within bounds', async (t) => {
  let now = 0;
  const minute = 60_000;
  const history = new SentHistory(() => now);
  // One entry each second, for an hour.
  for (let number = 0; number < 3_600; number++, now += 1_000)
    history.addEntries('a', number, number + 1, 100);
  history.addCheckpoint('x');
  history.addCheckpoint('x');
  t.same(history.read(minute).checkpoints, ['x'], 'once');
  const from = (milliseconds: number) => history.read(milliseconds).chains.get('a') ?? Number.NaN;
  t.ok(from(minute) <= 3_540 && from(minute) >= 3_500, `from ${from(minute)} on for a minute`);
  t.ok(
    from(20 * minute) <= 2_400 && from(20 * minute) >= 2_360,
    `from ${from(20 * minute)} on for 20 minutes`,
  );
  const before = from(20 * minute);
  now += 10 * minute;
  history.addEntries('a', 2_400, 3_600, 1_000_000);
  t.ok(from(20 * minute) >= 2_960 && before < 2_500, 'what is sent again keeps its time');
  for (let number = 0; number < 100; number++, now += 1)
    history.addEntries('b', number, number + 1, 1_000_000);
  const begin = history.read(20 * minute).chains.get('b') ?? Number.NaN;
  t.ok(begin >= 83 && begin <= 85, `from ${begin} on: 16 MiB`);
});

t.test('a rewound chain delivers entries again and reports no gap', async (t) => {
  const positions = new ChainPositions(new Map([['a', 0]]));
  positions.update([{ chain: 'a', first: 0, next: 100 }]);
  positions.confirm('a', 0, 90);
  t.notOk(positions.rewind('b', 0, 50));
  t.notOk(positions.rewind('a', 90, 50));
  t.ok(positions.rewind('a', 10, 50));
  t.same(positions.head(), { chain: 'a', next: 40, end: 100 }, 'at most so many');
  t.equal(positions.backlog, 60);
  t.same(positions.confirm('a', 40, 100), []);
  t.equal(positions.backlog, 0);
});
