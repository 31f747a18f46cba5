import t from 'tap';
import { type LoginAttempt, LoginThrottle } from '../../../src/identity/login-throttle.ts';
import { Throttle } from '../../../src/identity/throttle.ts';

t.test('each failure beyond the free ones doubles the time, up to a quarter of an hour', async (t) => {
  let now = 0;
  const throttle = new Throttle(() => now, 3);
  const waits: number[] = [];
  for (let number = 0; number < 16; number++) {
    throttle.failed('a');
    const began = now;
    while (throttle.isBlocked('a')) now += 1000;
    waits.push((now - began) / 1000);
  }
  t.same(waits, [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
  t.notOk(throttle.isBlocked('b'));
  throttle.failed('a');
  throttle.succeeded('a');
  t.notOk(throttle.isBlocked('a'), 'success forgets');
});

t.test('a quiet hour forgets too', async (t) => {
  let now = 0;
  const throttle = new Throttle(() => now, 2);
  throttle.failed('a');
  now += 3_600_001;
  throttle.failed('a');
  t.notOk(throttle.isBlocked('a'));
  throttle.failed('a');
  t.ok(throttle.isBlocked('a'));
});

t.test('the number of names that are remembered is bounded; who failed last stays', async (t) => {
  const throttle = new Throttle(() => 0, 1);
  throttle.failed('first');
  throttle.failed('kept');
  for (let number = 0; number < 9_999; number++) {
    throttle.failed(`n${number}`);
    if (number === 5_000) throttle.failed('kept');
  }
  t.notOk(throttle.isBlocked('first'));
  t.ok(throttle.isBlocked('kept'));
});

const wrong = async (): Promise<LoginAttempt<number>> => ({ refused: 'wrong' });
const right = async () => ({ verified: 1 });

t.test('attempts of one client go one after the other, those of others beside them', async (t) => {
  const guard = new LoginThrottle(() => 0);
  const order: string[] = [];
  const slow = Promise.withResolvers<LoginAttempt<number>>();
  const first = guard.attempt('a', 'x', () => {
    order.push('first');
    return slow.promise;
  });
  const second = guard.attempt('a', 'y', async () => {
    order.push('second');
    return { verified: 2 };
  });
  await guard.attempt('b', 'x', async () => ({ verified: order.push('other') }));
  t.same(order.toSorted(), ['first', 'other']);
  slow.resolve({ verified: 1 });
  t.same(await Promise.all([first, second]), [{ verified: 1 }, { verified: 2 }]);
  t.same(order.at(-1), 'second');
  await t.rejects(
    guard.attempt('a', 'x', () => Promise.reject(new Error('weather'))),
    /weather/,
  );
  t.same(await guard.attempt('a', 'x', right), { verified: 1 }, 'a failure of ours holds nobody up');
});

t.test('a hundred guesses at once are no more than five', async (t) => {
  const guard = new LoginThrottle(() => 0);
  let verified = 0;
  const guess = async () => {
    verified += 1;
    return { refused: 'wrong' };
  };
  await Promise.all(Array.from({ length: 100 }, () => guard.attempt('a', 'x', guess)));
  t.equal(verified, 5);
  t.match(await guard.attempt('a', 'x', right), { refused: 'too many attempts have failed' });
  t.match(await guard.attempt('a', 'y', right), { verified: 1 });
  t.match(await guard.attempt('b', 'x', right), { verified: 1 });
});

t.test('who knows the secret but comes too late is neither slowed down nor forgiven', async (t) => {
  const guard = new LoginThrottle(() => 0);
  const late = async (): Promise<LoginAttempt<number>> => ({ refused: 'late', known: true });
  for (let number = 0; number < 4; number++) await guard.attempt('a', 'x', wrong);
  for (let number = 0; number < 9; number++)
    t.match(await guard.attempt('a', 'x', late), { refused: 'late' });
  await guard.attempt('a', 'x', wrong);
  t.match(await guard.attempt('a', 'x', right), { refused: 'too many attempts have failed' });
});

t.test('a certificate that tries many names is stopped as a whole', async (t) => {
  const guard = new LoginThrottle(() => 0);
  for (let number = 0; number < 50; number++) await guard.attempt('a', `n${number}`, wrong);
  t.match(await guard.attempt('a', 'another', right), { refused: 'too many attempts have failed' });
});

t.test('who shows the same at once shares one verification', async (t) => {
  const guard = new LoginThrottle(() => 0);
  let verified = 0;
  const check = async () => {
    verified += 1;
    return { verified: 1 };
  };
  const all = await Promise.all(
    Array.from({ length: 64 }, () => guard.attemptOnce('a', 'x', 'digest', check)),
  );
  t.same(new Set(all.map((each) => JSON.stringify(each))), new Set(['{"held":1}']));
  t.equal(verified, 1);
  await guard.attemptOnce('a', 'x', 'digest', check);
  t.equal(verified, 2, 'nothing is remembered');
});
