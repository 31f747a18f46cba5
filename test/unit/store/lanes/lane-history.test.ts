import t from 'tap';
import { decodeAnchors, encodeAnchors } from '../../../../src/store/lanes/anchor.ts';
import { type KnownLane, LaneHistory } from '../../../../src/store/lanes/lane-history.ts';

/** What is a rollback of lanes, and the file that remembers them. */

const hashes = { one: '1'.repeat(64), other: 'e'.repeat(64) };
const lane = (name: string, seq: number, box?: string): KnownLane => ({ name, seq, box });

const known = [lane('a', 5, hashes.one), lane('b', 3)];
const cases: readonly [string, readonly KnownLane[], string | undefined][] = [
  ['the same states', [lane('a', 5, hashes.one), lane('b', 3, hashes.other)], undefined],
  ['later states', [lane('a', 6, hashes.other), lane('b', 9)], undefined],
  ['another lane', [lane('a', 5, hashes.one), lane('b', 3), lane('c', 1)], undefined],
  ['a lane that is missing', [lane('a', 5, hashes.one)], 'the row b of table lane is missing'],
  ['no lane', [], 'the row a of table lane is missing'],
  [
    'an earlier state',
    [lane('a', 4, hashes.one), lane('b', 3)],
    'the row a of table lane is at commit 4; it was at commit 5',
  ],
  [
    'an earlier state of the other',
    [lane('a', 5, hashes.one), lane('b', 2)],
    'the row b of table lane is at commit 2',
  ],
  [
    'another box of the same commit',
    [lane('a', 5, hashes.other), lane('b', 3)],
    'the row a of table lane was replaced',
  ],
];
for (const [what, rows, problem] of cases)
  t.test(`${what}: ${problem ?? 'no rollback'}`, async (t) => {
    const history = new LaneHistory();
    history.learn(known);
    const found = history.findRollback(rows);
    if (problem === undefined) t.equal(found, undefined);
    else t.ok(found?.startsWith(problem), String(found));
  });

t.test('a missing lane is none that was folded when it was seen later, or otherwise', async (t) => {
  const history = new LaneHistory();
  history.learn([lane('a', 5, hashes.one)]);
  for (const [last, problem] of [
    [lane('a', 5, hashes.one), undefined],
    [lane('a', 6, hashes.other), undefined],
    [lane('a', 5, hashes.other), /was replaced/],
    [lane('a', 4, hashes.one), /is at commit 4; it was at commit 5/],
    [undefined, /is missing/],
  ] as const)
    t.match(
      history.findRollback([], () => last),
      problem,
    );
  t.strictSame(history.findMissing([lane('b', 1)]), ['a']);
  history.forget('a');
  t.strictSame([history.findMissing([]), history.has('a')], [[], false]);
});

t.test('older states are not learned, and what changed last is at the end', async (t) => {
  const history = new LaneHistory();
  history.learn([lane('a', 5, hashes.one), lane('b', 3)]);
  history.learn([lane('a', 4, hashes.other), lane('b', 3, hashes.one), lane('a', 5)]);
  t.strictSame(history.lanes, [lane('a', 5, hashes.one), lane('b', 3, hashes.one)]);
  history.learn([lane('a', 6, hashes.other)]);
  t.strictSame(history.lanes, [lane('b', 3, hashes.one), lane('a', 6, hashes.other)]);
});

const anchor = {
  store: '0'.repeat(32),
  keyring: 7,
  lanes: [lane('__proto__', 1), lane('a', 5, hashes.one), lane('b', 3)],
};

t.test('anchors are read as they were written', async (t) => {
  for (const anchors of [[], [anchor], [anchor, { ...anchor, store: 'f'.repeat(32), lanes: [] }]])
    t.strictSame(decodeAnchors(encodeAnchors(anchors)), anchors);
  t.equal(encodeAnchors([anchor]), encodeAnchors([{ ...anchor, lanes: anchor.lanes.toReversed() }]));
});

const [good = ''] = encodeAnchors([anchor]).split('\n');
const mutations: Readonly<Record<string, (line: string) => string>> = {
  'a part': (line) => line.slice(0, -1),
  'another format': (line) => line.replace('"format":1', '"format":2'),
  'another store': (line) => line.replace('"store":"0', '"store":"'),
  'a store that is no text': (line) => line.replace(/"store":"0+"/, '"store":1'),
  'a negative generation': (line) => line.replace('"keyring":7', '"keyring":-7'),
  'no lanes': (line) => line.replace(/"lanes":.*/, '"lanes":null}'),
  'a lane without state': (line) => line.replace(/\{"seq":3\}/, 'null'),
  'a lane without number': (line) => line.replace(/\{"seq":3\}/, '{}'),
  'a number that is none': (line) => line.replace('"seq":3', '"seq":"3"'),
  'a fraction': (line) => line.replace('"seq":3', '"seq":3.5'),
  'a short hash': (line) => line.replace('"box":"1', '"box":"'),
  'a hash that is none': (line) => line.replace('"box":"1', '"box":"x'),
  null: () => 'null',
  'a number': () => '7',
  'an empty line': () => '',
};
for (const [what, mutate] of Object.entries(mutations))
  t.test(`not an anchor: ${what}`, async (t) => {
    t.not(mutate(good), good);
    t.equal(decodeAnchors(`${mutate(good)}\n`), undefined);
    t.equal(decodeAnchors(`${good}\n${mutate(good)}\n`), undefined);
  });

t.test('a text without its last line feed is not whole', async (t) => {
  t.equal(decodeAnchors(good), undefined);
});
