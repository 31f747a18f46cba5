import t from 'tap';
import { JoinedRuns } from '../../../src/common/joined-runs.ts';

t.test('a run serves all requests before it begins, and no later one', async (t) => {
  const ends: PromiseWithResolvers<number>[] = [];
  const runs = new JoinedRuns(() => {
    const end = Promise.withResolvers<number>();
    ends.push(end);
    return end.promise;
  });
  const first = [runs.request(), runs.request()];
  await new Promise(setImmediate);
  t.equal(ends.length, 1);
  const later = Array.from({ length: 400 }, () => runs.request());
  await new Promise(setImmediate);
  t.equal(ends.length, 1, 'one after another');
  ends[0]?.reject(new Error('the first one'));
  t.match(await Promise.allSettled(first), [{ status: 'rejected' }, { status: 'rejected' }]);
  await new Promise(setImmediate);
  t.equal(ends.length, 2);
  ends[1]?.resolve(2);
  t.strictSame(new Set(await Promise.all(later)), new Set([2]));
});
