import t from 'tap';
import { findSerialOrderProblem, type RecordedMessage, type Step, type World } from './serial.ts';

/** Tests of the checker: valid histories pass, and each kind of loss is found. */

const world = (cell: string, chain: string, left: number): World =>
  new Map<string, string | number>([
    ['cell', cell],
    ['chain', chain],
    ['key', left],
  ]);
const cell = (before: string | undefined, after: string): Step => ({
  kind: 'cell',
  object: 'cell',
  before,
  after,
});
const chain = (before: string | undefined, after: string | undefined): Step => ({
  kind: 'chain',
  object: 'chain',
  before,
  after,
});
const spend = (amount: number, left: number | undefined): Step => ({
  kind: 'spend',
  object: 'key',
  amount,
  left,
});
const refused = (amount: number): Step => ({ kind: 'refused', object: 'key', amount });

/** Creates a message on a connection from one tick to another; without an end it was not answered. */
const message = (
  connection: number,
  started: number,
  ended: number | undefined,
  ...steps: Step[]
): RecordedMessage => ({
  connection,
  started,
  ended,
  steps,
  undone: false,
});
const undone = (...of: Parameters<typeof message>): RecordedMessage => ({ ...message(...of), undone: true });

const start = world('a', '1', 10);

t.test('a serial order is found when there is one', (t) => {
  const rows: [what: string, messages: RecordedMessage[], final: World][] = [
    ['nothing happened', [], start],
    [
      'one after the other',
      [message(0, 1, 2, cell('a', 'b')), message(0, 3, 4, cell('b', 'c'))],
      world('c', '1', 10),
    ],
    [
      'at once, in the other order',
      [message(0, 1, 9, cell('b', 'c')), message(1, 2, 8, cell('a', 'b'))],
      world('c', '1', 10),
    ],
    [
      'several objects at once',
      [message(0, 1, 9, cell('a', 'b'), spend(4, 6)), message(1, 2, 8, chain('1', '2'), spend(6, 0))],
      world('b', '2', 0),
    ],
    [
      'undone: seen, and gone',
      [undone(0, 1, 9, cell('a', 'x')), message(1, 2, 8, cell('a', 'b'))],
      world('b', '1', 10),
    ],
    [
      'undone, spent and refused',
      [undone(0, 1, 9, spend(4, 6)), message(1, 2, 8, spend(9, 1)), undone(0, 10, 11, refused(2))],
      world('a', '1', 1),
    ],
    ['cut off and never done', [message(0, 1, undefined, cell(undefined, 'x'))], start],
    ['cut off and done', [message(0, 1, undefined, cell(undefined, 'x'))], world('x', '1', 10)],
    [
      'cut off, done and built upon',
      [message(0, 1, undefined, cell(undefined, 'x')), message(1, 2, 8, cell('x', 'y'))],
      world('y', '1', 10),
    ],
    [
      'cut off between others',
      [
        message(0, 1, 2, spend(1, 9)),
        message(1, 3, 4, spend(1, 6)),
        message(2, 1, undefined, spend(2, undefined)),
      ],
      world('a', '1', 6),
    ],
    [
      'a replacement nobody was told of',
      [message(0, 1, undefined, chain(undefined, undefined)), message(1, 2, 8, chain('unknown', '3'))],
      world('a', '3', 10),
    ],
    [
      'the same, and nothing after it',
      [message(0, 1, undefined, chain(undefined, undefined))],
      world('a', 'unknown', 10),
    ],
    [
      'of several that were cut off, the ones that fit',
      [7, 5, 3].map((amount, at) => message(at, 1, undefined, spend(amount, undefined))),
      world('a', '1', 2),
    ],
  ];
  for (const [what, messages, final] of rows)
    t.equal(findSerialOrderProblem(start, messages, final), undefined, what);
  t.end();
});

t.test('no serial order is found when a change was lost', (t) => {
  const rows: [what: string, messages: RecordedMessage[], final: World][] = [
    ['a change out of nowhere', [], world('z', '1', 10)],
    ['a lost change', [message(0, 1, 2, cell('a', 'b'))], start],
    [
      'two changes of the same',
      [message(0, 1, 9, cell('a', 'b')), message(1, 2, 8, cell('a', 'c'))],
      world('c', '1', 10),
    ],
    [
      'two replacements of the same',
      [message(0, 1, 9, chain('1', '2')), message(1, 2, 8, chain('1', '3'))],
      world('a', '3', 10),
    ],
    ['half of a message', [message(0, 1, 2, cell('a', 'b'), spend(1, 9))], world('b', '1', 10)],
    [
      'half of one that was cut off',
      [message(0, 1, undefined, cell(undefined, 'b'), spend(1, undefined))],
      world('b', '1', 10),
    ],
    ['undone, and yet there', [undone(0, 1, 2, cell('a', 'b'))], world('b', '1', 10)],
    [
      'undone and cut off, and yet there',
      [undone(0, 1, undefined, cell(undefined, 'b'))],
      world('b', '1', 10),
    ],
    [
      'undone by one, seen by another',
      [undone(0, 1, 9, cell('a', 'x')), message(1, 2, 8, cell('x', 'b'))],
      world('b', '1', 10),
    ],
    [
      'spent more than there was',
      [message(0, 1, 2, spend(6, 4)), message(1, 1, 2, spend(6, -2))],
      world('a', '1', -2),
    ],
    [
      'spent twice, counted once',
      [message(0, 1, 9, spend(6, 4)), message(1, 2, 8, spend(6, 4))],
      world('a', '1', 4),
    ],
    ['refused although there was enough', [undone(0, 1, 2, refused(5))], start],
    [
      'an order that the clock forbids',
      [message(0, 1, 2, cell('b', 'c')), message(1, 3, 4, cell('a', 'b'))],
      world('c', '1', 10),
    ],
    [
      'one that was cut off before what its connection was answered',
      [message(0, 1, 2, cell('x', 'b')), message(0, 3, undefined, cell(undefined, 'x'))],
      world('b', '1', 10),
    ],
    [
      'a head that somebody else made',
      [message(0, 1, undefined, chain(undefined, undefined)), message(1, 2, 8, chain('1', '2'))],
      world('a', '1', 10),
    ],
  ];
  for (const [what, messages, final] of rows)
    t.match(findSerialOrderProblem(start, messages, final), /^no serial order/, what);
  t.end();
});
