import t from 'tap';
import { currentRequester, runFor } from '../../../src/common/requester.ts';
import { QuotaCounts } from '../../../src/protocol/unit-of-work/quotas.ts';
import type { CountQuery, ObjectCount } from '../../../src/store/store.ts';

/** A store whose counts end when the test says so. */
function openCounts() {
  const asked: (CountQuery & { end(count: Partial<ObjectCount>): Promise<void>; fail(): void })[] = [];
  const state = { now: 0, isWaiting: true };
  const store = {
    count: (query: CountQuery) => {
      const { promise, resolve, reject } = Promise.withResolvers<ObjectCount>();
      state.isWaiting &&= currentRequester().isWaiting();
      asked.push({
        ...query,
        async end(count) {
          resolve({ objects: 0, last: 0, isComplete: true, ...count });
          await new Promise(setImmediate);
        },
        fail: () => reject(new Error('no database')),
      });
      return promise;
    },
  };
  return { asked, state, counts: new QuotaCounts(store, () => state.now) };
}

t.test('newer objects are added to a count, until it is too old', async (t) => {
  const { asked, state, counts } = openCounts();
  const first = counts.estimate('g', 10);
  await new Promise(setImmediate);
  await asked[0]?.end({ objects: 3, last: 7 });
  t.match(await first, { objects: 3, last: 7 });
  state.now = 10_000;
  const second = counts.estimate('g', 10);
  t.match(asked[1], { group: 'g', after: 7 });
  await asked[1]?.end({ objects: 2, last: 9 });
  t.match(await second, { objects: 5, last: 9 });
  state.now = 10_001;
  const third = counts.estimate('g', 10);
  await new Promise(setImmediate);
  t.match(asked[2], { after: 0 }, 'the age is that of the whole count');
  await asked[2]?.end({ objects: 11, last: 4, isComplete: false });
  t.match(await third, { isComplete: false });
  void counts.estimate('g', 10);
  await new Promise(setImmediate);
  t.match(asked[3], { after: 0 }, 'a count that ended early is none to begin from');
});

t.test('those who come while a count runs share the next one, whoever leaves', async (t) => {
  const { asked, state, counts } = openCounts();
  const gone = { account: 'a', isWaiting: () => false };
  const first = runFor(gone, () => counts.count('g', 10));
  await new Promise(setImmediate);
  const later = [counts.count('g', 10), counts.count('g', 10)];
  await new Promise(setImmediate);
  t.equal(asked.length, 1);
  asked[0]?.fail();
  await t.rejects(first, /no database/);
  await new Promise(setImmediate);
  t.equal(asked.length, 2);
  await asked[1]?.end({ objects: 4 });
  t.match(await Promise.all(later), [{ objects: 4 }, { objects: 4 }]);
  t.equal(asked.length, 2);
  t.ok(state.isWaiting);
});
