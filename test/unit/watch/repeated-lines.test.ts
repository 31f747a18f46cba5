import t from 'tap';
import { RepeatedLines } from '../../../src/watch/repeated-lines.ts';

t.test('a line of a kind is written once a minute, with the number of lines that it stands for', (t) => {
  let now = 0;
  const lines = new RepeatedLines(() => now);
  t.equal(lines.take('a'), 1);
  for (let count = 0; count < 1_000; count++) t.equal(lines.take('a'), undefined);
  t.equal(lines.take('b'), 1, 'another kind');
  now = 59_999;
  t.equal(lines.take('a'), undefined);
  now = 60_000;
  t.equal(lines.take('a'), 1_002, 'those that were not written, and this one');
  t.equal(lines.take('a'), undefined);
  now = 120_000;
  t.equal(lines.take('a'), 2);
  t.end();
});

t.test('kinds are bounded, and old ones are forgotten', (t) => {
  let now = 0;
  const lines = new RepeatedLines(() => now);
  for (let kind = 0; kind < 10_000; kind++) lines.take(String(kind));
  t.equal(lines.take('one more'), undefined);
  t.equal(lines.take('0'), undefined, 'known kinds are counted on');
  now = 60_000;
  t.equal(lines.take('one more'), 1);
  t.end();
});
