import t from 'tap';
import { EpochSealCounter } from '../../../src/vault/seal-counter.ts';

const none = { epoch: 0, count: 0 };

t.test('boxes of the epoch in use are counted', (t) => {
  const counter = new EpochSealCounter();
  t.strictSame(counter.own, none);
  t.strictSame([counter.add(1), counter.add(1), counter.add(2), counter.add(2)], [1, 2, 1, 2]);
  t.strictSame(counter.own, { epoch: 2, count: 2 });
  t.end();
});

t.test('a process goes on where its lanes end, whichever has stated it last', (t) => {
  const counter = new EpochSealCounter();
  counter.resume([none, { epoch: 3, count: 10 }, { epoch: 3, count: 12 }, { epoch: 2, count: 99 }]);
  t.strictSame(counter.own, { epoch: 3, count: 12 });
  t.equal(counter.add(3), 13);
  t.strictSame(counter.own, { epoch: 3, count: 13 });
  t.equal(counter.add(4), 1, 'a new epoch begins with none');
  counter.resume([]);
  t.equal(counter.add(4), 2);
  t.end();
});

t.test('boxes of others in this epoch count, but not as own ones', (t) => {
  const counter = new EpochSealCounter();
  counter.learnOthers([{ epoch: 1, count: 5 }, { epoch: 1, count: 7 }, { epoch: 2, count: 100 }, none]);
  t.equal(counter.add(1), 13);
  t.strictSame(counter.own, { epoch: 1, count: 1 });
  t.equal(counter.add(2), 101);
  counter.learnOthers([]);
  t.equal(counter.add(2), 2);
  t.end();
});

t.test('boxes of lanes that this process folds count as own ones', (t) => {
  const counter = new EpochSealCounter();
  counter.takeOver([
    { epoch: 1, count: 5 },
    { epoch: 2, count: 100 },
  ]);
  counter.takeOver([{ epoch: 1, count: 7 }]);
  t.equal(counter.add(1), 13);
  t.strictSame(counter.own, { epoch: 1, count: 13 });
  t.equal(counter.add(2), 101);
  t.end();
});
