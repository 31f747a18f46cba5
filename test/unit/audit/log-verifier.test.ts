import t from 'tap';
import { toChainEntries } from '../../../src/audit/entry-text.ts';
import { type ChainCut, type FoundBlock, LogVerifier } from '../../../src/audit/verification/log-verifier.ts';
import { type StatedEnd, StatedPositions } from '../../../src/audit/verification/stated-positions.ts';
import {
  addBlock,
  type ChainEntry,
  type ChainPosition,
  chainStart,
} from '../../../src/common/audit-chain.ts';

const [a, b] = ['a'.repeat(32), 'b'.repeat(32)];

/** A chain that a test writes. */
class Chain {
  readonly blocks: FoundBlock[] = [];
  readonly positions: ChainPosition[] = [chainStart];
  readonly #id: string;

  constructor(id: string, ...sizes: readonly number[]) {
    this.#id = id;
    for (const size of sizes) this.add(Array.from({ length: size }, (_, at) => `entry ${at} of ${size}`));
  }

  add(texts: readonly string[]): void {
    const entries: ChainEntry[] = texts.map((text, at) => ({ salt: new Uint8Array(16).fill(at), text }));
    const before = this.positions.at(-1) ?? chainStart;
    this.blocks.push({
      ...{ chain: this.#id, first: before.count, count: texts.length, entries },
      place: `row ${this.blocks.length + 1}`,
    });
    this.positions.push(addBlock(before, entries));
  }

  /** What a lane or a checkpoint states after so many blocks. */
  at(blocks = this.blocks.length) {
    const { count, head } = this.positions[blocks] ?? chainStart;
    return { chain: this.#id, count, head: head.toHex() };
  }

  get end(): StatedEnd {
    return { ...this.at(), by: `lane of ${this.#id.slice(0, 1)}` };
  }
}

interface Expected {
  readonly ends?: readonly StatedEnd[];
  readonly starts?: readonly [string, ChainCut][];
  readonly checkpoints?: StatedPositions;
  readonly isPart?: boolean;
}

function verify(blocks: readonly FoundBlock[], { ends = [], starts = [], ...more }: Expected = {}) {
  const { checkpoints = new StatedPositions(), isPart = false } = more;
  const verifier = new LogVerifier({ ends, starts: new Map(starts), checkpoints, isPart });
  for (const block of blocks) verifier.add(block);
  return verifier.finish();
}

const problemsOf = (...args: Parameters<typeof verify>) =>
  verify(...args).problems.map((problem) => problem.replaceAll(a, 'A').replaceAll(b, 'B'));

const checkpointsOf = (...stated: readonly { chain: string; count: number; head: string }[]) => {
  const positions = new StatedPositions();
  for (const [at, position] of stated.entries())
    positions.add({ time: `2026-11-29T00:00:0${at}.000Z`, positions: [position] });
  return positions;
};

t.test('a complete log has no fault, whatever the order of chains', async (t) => {
  const [one, other] = [new Chain(a, 1, 3, 2), new Chain(b, 5, 1)];
  const expected = () => ({
    ends: [one.end, other.end],
    checkpoints: checkpointsOf(one.at(1), other.at(1), one.at(3)),
  });
  const [b1, b2] = other.blocks as [FoundBlock, FoundBlock];
  for (const blocks of [
    [...one.blocks, ...other.blocks],
    [b1, ...one.blocks, b2],
  ]) {
    const checks = expected();
    const { problems, chains, entries } = verify(blocks, checks);
    t.same([problems, chains, entries], [[], 2, 12]);
    t.equal(checks.checkpoints.newestAgreeing, '2026-11-29T00:00:02.000Z');
  }
});

t.test('what is wrong is said with its chain and entries', async (t) => {
  const chain = new Chain(a, 1, 3, 2, 1);
  const [b1, b2, b3, b4] = chain.blocks as [FoundBlock, FoundBlock, FoundBlock, FoundBlock];
  const ends = [chain.end];
  const altered = { ...b2, entries: undefined };
  const cases: [string, readonly FoundBlock[], readonly string[]][] = [
    ['a block is missing', [b1, b3, b4], ['chain A: entries 1 to 3 are missing in front of row 3']],
    ['the first is missing', [b2, b3, b4], ['chain A begins with entry 1 (row 2), which no cut explains']],
    [
      'the last is missing',
      [b1, b2, b3],
      ['chain A: entry 6 is missing at its end; lane of a states 7 entries'],
    ],
    ['nothing is there', [], ['chain A: it is not there; lane of a states 7 entries']],
    [
      'two are exchanged',
      [b1, b3, b2, b4],
      [
        'chain A: entries 1 to 3 are missing in front of row 3',
        'chain A: entries 1 to 3 stand in row 2 after entry 5: again, or in another order',
      ],
    ],
    [
      'one is there again',
      [b1, b2, b2, b3, b4],
      ['chain A: entries 1 to 3 stand in row 2 after entry 3: again, or in another order'],
    ],
    [
      'one does not open',
      [b1, altered, b3, b4],
      ['row 2: the block of chain A from entry 1 was altered outside kmipd'],
    ],
    [
      'one is of another chain',
      [b1, b2, b3, b4, { ...b1, chain: b }],
      ['chain B is of no lane, and no entry says that it has ended'],
    ],
  ];
  for (const [what, blocks, problems] of cases) t.same(problemsOf(blocks, { ends }), problems, what);
  const longer = new Chain(a, 1, 3, 2, 1, 4);
  t.same(problemsOf(longer.blocks, { ends }), [
    'chain A goes on after its end: lane of a states 7 entries, it has 11',
  ]);
  const other = new Chain(a, 1, 3, 2);
  other.add(['another entry']);
  t.same(problemsOf(other.blocks, { ends }), ['chain A: its 7 entries are not those that lane of a states']);
});

t.test('checkpoints find what the lane of a chain agrees with', async (t) => {
  const chain = new Chain(a, 1, 3, 2);
  const forged = new Chain(a, 1);
  forged.add(['x', 'y', 'z']);
  forged.add(['1', '2']);
  const checkpoints = () => checkpointsOf(chain.at(1), chain.at(2), chain.at(3));
  t.same(problemsOf(forged.blocks, { ends: [forged.end], checkpoints: checkpoints() }), [
    'chain A: the first 4 entries are not those of the checkpoint of 2026-11-29T00:00:01.000Z',
  ]);
  const shorter = new Chain(a, 1, 3);
  t.same(problemsOf(shorter.blocks, { ends: [shorter.end], checkpoints: checkpoints() }), [
    'chain A had 6 entries at the checkpoint of 2026-11-29T00:00:02.000Z; it has 4: its end is missing, or the database was put back',
  ]);
  const joined = new Chain(a, 4, 2);
  t.match(problemsOf(joined.blocks, { ends: [joined.end], checkpoints: checkpoints() }), [
    'chain A: no block ends after 1 entries, where the checkpoint of 2026-11-29T00:00:00.000Z was made',
  ]);
  t.same(problemsOf([], { checkpoints: checkpoints() }), [
    'chain A had 6 entries at the checkpoint of 2026-11-29T00:00:02.000Z; it is not there: its end is missing, or the database was put back',
  ]);
  const positions = checkpoints();
  t.same(
    positions.add({ time: 'later', positions: [{ ...chain.at(2), head: '0'.repeat(64) }] }).length,
    1,
    'a fork',
  );
  // After a block that does not open the next checkpoint gives the head, so that later faults are found too.
  const [b1, b2, b3] = chain.blocks as [FoundBlock, FoundBlock, FoundBlock];
  const last = { ...b3, entries: (forged.blocks[2] as FoundBlock).entries };
  t.same(
    problemsOf([b1, { ...b2, entries: undefined }, last], { ends: [chain.end], checkpoints: checkpoints() }),
    [
      'row 2: the block of chain A from entry 1 was altered outside kmipd',
      'chain A: the first 6 entries are not those of the checkpoint of 2026-11-29T00:00:02.000Z',
      'chain A: its 6 entries are not those that lane of a states',
    ],
  );
});

t.test('a cut explains the beginning of a chain, and nothing else', async (t) => {
  const chain = new Chain(a, 1, 3, 2);
  const { count: first, head } = chain.positions[2] as ChainPosition;
  const ends = [chain.end];
  const checkpoints = () => checkpointsOf(chain.at(1), chain.at(2), chain.at(3));
  const kept = chain.blocks.slice(2);
  const starts = (cut: ChainCut): [string, ChainCut][] => [[a, cut]];
  const agreeing = checkpoints();
  t.same(problemsOf(kept, { ends, checkpoints: agreeing, starts: starts({ first, head }) }), []);
  t.equal(agreeing.newestAgreeing, '2026-11-29T00:00:02.000Z');
  const wrongHead = starts({ first, head: new Uint8Array(32) });
  t.equal(problemsOf(kept, { ends, checkpoints: checkpoints(), starts: wrongHead }).length, 2);
  t.match(
    problemsOf(chain.blocks, { ends, starts: starts({ first, head }) })[0] ?? '',
    /the cut has kept none before 4/,
  );
  const later = starts({ first: 6, head: (chain.positions[3] as ChainPosition).head });
  t.same(problemsOf([], { ends, checkpoints: checkpoints(), starts: later }), [], 'everything was cut');
  t.match(problemsOf([], { ends, starts: starts({ first, head }) }), [
    'chain A: it is not there; lane of a states 6 entries',
  ]);
});

t.test('an entry about its end takes the place of a lane', async (t) => {
  const [one, other] = [new Chain(a, 1, 3), new Chain(b, 2)];
  const { count: entries, head } = one.at();
  const ended = (details: object) => {
    const items = [
      { operation: 'ChainEnded', result: 'Success', details: { lane: 'x', chain: a, ...details } },
    ];
    return toChainEntries({ time: 1, kind: 'audit', node: 'n', items })[0]?.text ?? '';
  };
  other.add([ended({ entries, head })]);
  const ends = [other.end];
  t.same(problemsOf([...one.blocks, ...other.blocks], { ends }), []);
  t.same(problemsOf(one.blocks.slice(0, 1).concat(other.blocks), { ends }), [
    'chain A: entries 1 to 3 are missing at its end; the entry about the end of lane x states 4 entries',
  ]);
  t.same(problemsOf(other.blocks, { ends }), [
    'chain A: it is not there; the entry about the end of lane x states 4 entries',
  ]);
  const said = new Chain(b, 2);
  // The text of a client in an entry is no entry.
  said.add([
    JSON.stringify({ kind: 'message', items: [{ operation: 'Get', reason: ended({ entries, head }) }] }),
  ]);
  t.same(problemsOf([...one.blocks, ...said.blocks], { ends: [said.end] }), [
    'chain A is of no lane, and no entry says that it has ended',
  ]);
});

t.test('a part of a log is compared as far as it reaches', async (t) => {
  const chain = new Chain(a, 1, 3, 2);
  const checkpoints = checkpointsOf(chain.at(2), chain.at(3));
  const ends = [{ ...chain.at(2), by: 'the end' }];
  t.same(problemsOf(chain.blocks.slice(0, 2), { ends, checkpoints, isPart: true }), []);
  t.equal(
    problemsOf(chain.blocks.slice(0, 1), { ends, checkpoints: checkpointsOf(), isPart: true }).length,
    1,
  );
});

t.test('many problems are counted, not listed', async (t) => {
  const blocks = Array.from({ length: 1_500 }, (_, at) => ({
    ...{ chain: a, first: at, count: 1, entries: undefined, place: `row ${at}` },
  }));
  const { problems, unlisted } = verify(blocks);
  t.same([problems.length, unlisted], [1_000, 500]);
});
