import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { SerialQueue } from '../../src/protocol/unit-of-work/serial-queue.ts';

t.test('SerialQueue runs tasks one after the other, whether they succeed or fail', async (t) => {
  const turns = new SerialQueue();
  const seen: string[] = [];
  const task = (name: string, fails = false) =>
    turns.run(60_000, async () => {
      seen.push(`${name} begins`);
      await setImmediate();
      seen.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    });
  const [a, b, c] = [task('a'), task('b', true), task('c')];
  t.equal(await a, 'a');
  await t.rejects(b, /b/);
  t.equal(await c, 'c');
  t.same(seen, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

t.test(
  'SerialQueue holds others back during exclusive work, and releases them when the work fails',
  async (t) => {
    const turns = new SerialQueue();
    t.notOk(turns.hasExclusive);
    await turns.untilShared();
    for (const fails of [false, true]) {
      const seen: string[] = [];
      const alone = turns.runExclusive(60_000, async () => {
        await setImmediate();
        seen.push('alone');
        if (fails) throw new Error('lost');
      });
      t.ok(turns.hasExclusive);
      const others = [1, 2].map((at) => turns.untilShared().then(() => seen.push(`other ${at}`)));
      if (fails) await t.rejects(alone, /lost/);
      else await alone;
      await Promise.all(others);
      t.same(seen, ['alone', 'other 1', 'other 2']);
      t.notOk(turns.hasExclusive);
    }
  },
);
