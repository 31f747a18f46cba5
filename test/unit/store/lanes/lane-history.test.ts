import t from 'tap';
import { AnchorUnreadableError, decodeAnchor, encodeAnchor } from '../../../../src/store/lanes/anchor.ts';
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

t.test('older states are not learned, and what changed last is at the end', async (t) => {
  const history = new LaneHistory();
  history.learn([lane('a', 5, hashes.one), lane('b', 3)]);
  history.learn([lane('a', 4, hashes.other), lane('b', 3, hashes.one), lane('a', 5)]);
  t.strictSame(history.lanes, [lane('a', 5, hashes.one), lane('b', 3, hashes.one)]);
  history.learn([lane('a', 6, hashes.other)]);
  t.strictSame(history.lanes, [lane('b', 3, hashes.one), lane('a', 6, hashes.other)]);
});

t.test('an anchor is read as it was written', async (t) => {
  const anchor = { keyring: 7, lanes: [lane('__proto__', 1), lane('a', 5, hashes.one), lane('b', 3)] };
  t.strictSame(decodeAnchor(encodeAnchor(anchor), 'anchor'), anchor);
  t.equal(encodeAnchor(anchor), encodeAnchor({ ...anchor, lanes: anchor.lanes.toReversed() }));
});

for (const text of [
  ...['', '{', 'null', '[]', '7', '{}', '{"format":2,"keyring":1,"lanes":{}}', '{"format":1,"keyring":1}'],
  ...['{"format":1,"keyring":-1,"lanes":{}}', '{"format":1,"keyring":1,"lanes":null}'],
  ...['{"seq":1.5}', '{"seq":"1"}', '{}', '7', 'null', '{"seq":1,"box":"00"}', '{"seq":1,"box":7}'].map(
    (state) => `{"format":1,"keyring":1,"lanes":{"a":${state}}}`,
  ),
])
  t.test(`no anchor: ${text}`, async (t) => {
    t.throws(() => decodeAnchor(text, '/home/anchor'), AnchorUnreadableError);
  });
