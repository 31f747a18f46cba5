import t from 'tap';
import { type LoginAttempt, LoginThrottle } from '../../../src/identity/login-throttle.ts';
import { Throttle } from '../../../src/identity/throttle.ts';

t.test(
  'Throttle doubles the delay with each failure after the free ones, up to a quarter of an hour',
  async (t) => {
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
    t.notOk(throttle.isBlocked('a'), 'a success resets the count');
  },
);

t.test('Throttle counts from one again after an hour without a failure', async (t) => {
  let now = 0;
  const throttle = new Throttle(() => now, 2);
  throttle.failed('a');
  now += 3_600_001;
  throttle.failed('a');
  t.notOk(throttle.isBlocked('a'));
  throttle.failed('a');
  t.ok(throttle.isBlocked('a'));
});

t.test('Throttle drops the key that failed longest ago when it remembers too many', async (t) => {
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

const fail = async (): Promise<LoginAttempt<number>> => ({ refused: 'wrong' });
const succeed = async () => ({ verified: 1 });

t.test(
  'LoginThrottle runs the attempts of one client one after the other, those of others concurrently',
  async (t) => {
    const throttle = new LoginThrottle(() => 0);
    const order: string[] = [];
    const slow = Promise.withResolvers<LoginAttempt<number>>();
    const first = throttle.attempt('a', 'x', () => {
      order.push('first');
      return slow.promise;
    });
    const second = throttle.attempt('a', 'y', async () => {
      order.push('second');
      return { verified: 2 };
    });
    await throttle.attempt('b', 'x', async () => ({ verified: order.push('other') }));
    t.same(order.toSorted(), ['first', 'other']);
    slow.resolve({ verified: 1 });
    t.same(await Promise.all([first, second]), [{ verified: 1 }, { verified: 2 }]);
    t.same(order.at(-1), 'second');
    await t.rejects(
      throttle.attempt('a', 'x', () => Promise.reject(new Error('unavailable'))),
      /unavailable/,
    );
    t.same(
      await throttle.attempt('a', 'x', succeed),
      { verified: 1 },
      'an error of the server delays no client',
    );
  },
);

t.test('LoginThrottle verifies five of a hundred concurrent wrong guesses', async (t) => {
  const throttle = new LoginThrottle(() => 0);
  let verified = 0;
  const guess = async () => {
    verified += 1;
    return { refused: 'wrong' };
  };
  await Promise.all(Array.from({ length: 100 }, () => throttle.attempt('a', 'x', guess)));
  t.equal(verified, 5);
  t.match(await throttle.attempt('a', 'x', succeed), { refused: 'too many attempts have failed' });
  t.match(await throttle.attempt('a', 'y', succeed), { verified: 1 });
  t.match(await throttle.attempt('b', 'x', succeed), { verified: 1 });
});

t.test('LoginThrottle neither counts nor resets failures when a right secret is refused', async (t) => {
  const throttle = new LoginThrottle(() => 0);
  const late = async (): Promise<LoginAttempt<number>> => ({ refused: 'late', known: true });
  for (let number = 0; number < 4; number++) await throttle.attempt('a', 'x', fail);
  for (let number = 0; number < 9; number++)
    t.match(await throttle.attempt('a', 'x', late), { refused: 'late' });
  await throttle.attempt('a', 'x', fail);
  t.match(await throttle.attempt('a', 'x', succeed), { refused: 'too many attempts have failed' });
});

t.test('LoginThrottle refuses every name of a client that has failed with many names', async (t) => {
  const throttle = new LoginThrottle(() => 0);
  for (let number = 0; number < 50; number++) await throttle.attempt('a', `n${number}`, fail);
  t.match(await throttle.attempt('a', 'another', succeed), { refused: 'too many attempts have failed' });
});

t.test('LoginThrottle verifies a credential once when it is shown many times at once', async (t) => {
  const throttle = new LoginThrottle(() => 0);
  let verified = 0;
  const check = async () => {
    verified += 1;
    return { verified: 1 };
  };
  const all = await Promise.all(
    Array.from({ length: 64 }, () => throttle.attemptOnce('a', 'x', 'digest', check)),
  );
  t.same(new Set(all.map((each) => JSON.stringify(each))), new Set(['{"verified":1}']));
  t.equal(verified, 1);
  await throttle.attemptOnce('a', 'x', 'digest', check);
  t.equal(verified, 2, 'nothing is remembered');
});
