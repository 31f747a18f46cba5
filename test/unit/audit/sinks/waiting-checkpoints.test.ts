import t from 'tap';
import { WaitingCheckpoints } from '../../../../src/audit/sinks/delivery/waiting-checkpoints.ts';

t.test('checkpoints that are delivered again come first, each of them once', async (t) => {
  const waiting = new WaitingCheckpoints(['c']);
  waiting.restore(['a', 'b', 'c']);
  t.strictSame(waiting.texts, ['a', 'b', 'c']);
  waiting.add({ text: 'd', after: 9 });
  t.strictSame(waiting.texts, ['a', 'b', 'c', 'd']);
  t.strictSame(waiting.first, { text: 'a', after: 0 });
});

t.test('the oldest are dropped beyond the bounds of number and size, never the last one', async (t) => {
  const many = new WaitingCheckpoints([]);
  for (let at = 0; at < 256; at += 1) t.notOk(many.add({ text: `${at}`, after: 0 }));
  t.ok(many.add({ text: 'new', after: 0 }));
  t.equal(many.texts.length, 256);
  t.equal(many.first?.text, '1');

  const large = new WaitingCheckpoints([]);
  t.notOk(large.add({ text: 'x'.repeat(200_000), after: 0 }));
  t.ok(large.add({ text: 'y'.repeat(300_000), after: 0 }));
  t.strictSame(
    large.texts.map(({ length }) => length),
    [300_000],
  );
});
