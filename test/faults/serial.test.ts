import t from 'tap';
import { type Deed, explain, type Step, type World } from './serial.ts';

/** The checker itself: what it accepts, and that it sees each kind of loss. */

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

/** A message on a connection from one tick to another; without an end it was cut off. */
const deed = (connection: number, started: number, ended: number | undefined, ...steps: Step[]): Deed => ({
  connection,
  started,
  ended,
  steps,
  undone: false,
});
const undone = (...of: Parameters<typeof deed>): Deed => ({ ...deed(...of), undone: true });

const start = world('a', '1', 10);

t.test('histories that a serial order explains', (t) => {
  const rows: [what: string, deeds: Deed[], final: World][] = [
    ['nothing happened', [], start],
    [
      'one after the other',
      [deed(0, 1, 2, cell('a', 'b')), deed(0, 3, 4, cell('b', 'c'))],
      world('c', '1', 10),
    ],
    [
      'at once, in the other order',
      [deed(0, 1, 9, cell('b', 'c')), deed(1, 2, 8, cell('a', 'b'))],
      world('c', '1', 10),
    ],
    [
      'several objects at once',
      [deed(0, 1, 9, cell('a', 'b'), spend(4, 6)), deed(1, 2, 8, chain('1', '2'), spend(6, 0))],
      world('b', '2', 0),
    ],
    [
      'undone: seen, and gone',
      [undone(0, 1, 9, cell('a', 'x')), deed(1, 2, 8, cell('a', 'b'))],
      world('b', '1', 10),
    ],
    [
      'undone, spent and refused',
      [undone(0, 1, 9, spend(4, 6)), deed(1, 2, 8, spend(9, 1)), undone(0, 10, 11, refused(2))],
      world('a', '1', 1),
    ],
    ['cut off and never done', [deed(0, 1, undefined, cell(undefined, 'x'))], start],
    ['cut off and done', [deed(0, 1, undefined, cell(undefined, 'x'))], world('x', '1', 10)],
    [
      'cut off, done and built upon',
      [deed(0, 1, undefined, cell(undefined, 'x')), deed(1, 2, 8, cell('x', 'y'))],
      world('y', '1', 10),
    ],
    [
      'cut off between others',
      [deed(0, 1, 2, spend(1, 9)), deed(1, 3, 4, spend(1, 6)), deed(2, 1, undefined, spend(2, undefined))],
      world('a', '1', 6),
    ],
    [
      'a replacement nobody was told of',
      [deed(0, 1, undefined, chain(undefined, undefined)), deed(1, 2, 8, chain('unknown', '3'))],
      world('a', '3', 10),
    ],
    [
      'the same, and nothing after it',
      [deed(0, 1, undefined, chain(undefined, undefined))],
      world('a', 'unknown', 10),
    ],
    [
      'of several that were cut off, the ones that fit',
      [7, 5, 3].map((amount, at) => deed(at, 1, undefined, spend(amount, undefined))),
      world('a', '1', 2),
    ],
  ];
  for (const [what, deeds, final] of rows) t.equal(explain(start, deeds, final), undefined, what);
  t.end();
});

t.test('losses, each of which is seen', (t) => {
  const rows: [what: string, deeds: Deed[], final: World][] = [
    ['a change out of nowhere', [], world('z', '1', 10)],
    ['a lost change', [deed(0, 1, 2, cell('a', 'b'))], start],
    [
      'two changes of the same',
      [deed(0, 1, 9, cell('a', 'b')), deed(1, 2, 8, cell('a', 'c'))],
      world('c', '1', 10),
    ],
    [
      'two replacements of the same',
      [deed(0, 1, 9, chain('1', '2')), deed(1, 2, 8, chain('1', '3'))],
      world('a', '3', 10),
    ],
    ['half of a message', [deed(0, 1, 2, cell('a', 'b'), spend(1, 9))], world('b', '1', 10)],
    [
      'half of one that was cut off',
      [deed(0, 1, undefined, cell(undefined, 'b'), spend(1, undefined))],
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
      [undone(0, 1, 9, cell('a', 'x')), deed(1, 2, 8, cell('x', 'b'))],
      world('b', '1', 10),
    ],
    [
      'spent more than there was',
      [deed(0, 1, 2, spend(6, 4)), deed(1, 1, 2, spend(6, -2))],
      world('a', '1', -2),
    ],
    [
      'spent twice, counted once',
      [deed(0, 1, 9, spend(6, 4)), deed(1, 2, 8, spend(6, 4))],
      world('a', '1', 4),
    ],
    ['refused although there was enough', [undone(0, 1, 2, refused(5))], start],
    [
      'an order that the clock forbids',
      [deed(0, 1, 2, cell('b', 'c')), deed(1, 3, 4, cell('a', 'b'))],
      world('c', '1', 10),
    ],
    [
      'one that was cut off before what its connection was answered',
      [deed(0, 1, 2, cell('x', 'b')), deed(0, 3, undefined, cell(undefined, 'x'))],
      world('b', '1', 10),
    ],
    [
      'a head that somebody else made',
      [deed(0, 1, undefined, chain(undefined, undefined)), deed(1, 2, 8, chain('1', '2'))],
      world('a', '1', 10),
    ],
  ];
  for (const [what, deeds, final] of rows) t.match(explain(start, deeds, final), /^no serial order/, what);
  t.end();
});
