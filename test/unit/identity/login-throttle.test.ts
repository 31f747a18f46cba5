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
      throttle.failed('a', 'x');
      const began = now;
      while (throttle.isBlocked('a', 'x')) now += 1000;
      waits.push((now - began) / 1000);
    }
    t.same(waits, [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
    t.notOk(throttle.isBlocked('b', 'x'));
    throttle.failed('a', 'x');
    throttle.succeeded('a', 'x');
    t.notOk(throttle.isBlocked('a', 'x'), 'a success resets the count');
  },
);

t.test('Throttle counts from one again after an hour without a failure', async (t) => {
  let now = 0;
  const throttle = new Throttle(() => now, 2);
  throttle.failed('a', 'x');
  now += 3_600_001;
  throttle.failed('a', 'x');
  t.notOk(throttle.isBlocked('a', 'x'));
  throttle.failed('a', 'x');
  t.ok(throttle.isBlocked('a', 'x'));
});

t.test('Throttle keeps the failures of a client whatever else fails', async (t) => {
  let now = 0;
  const throttle = new Throttle(() => now, 1);
  for (let number = 0; number < 8; number += 1) throttle.failed('a', 'first');
  throttle.failed('b', 'x');
  for (let number = 0; number < 10_000; number += 1)
    if (!throttle.isBlocked('a', `n${number}`)) throttle.failed('a', `n${number}`);
  now += 100_000;
  t.ok(throttle.isBlocked('a', 'first'));
  t.notOk(throttle.isBlocked('a', 'n1'), 'a key whose delay is over');
  t.ok(throttle.isBlocked('a', 'n9999'), 'more keys than are counted');
  t.notOk(throttle.isBlocked('b', 'n9999'), 'another client');
  for (let number = 0; number < 8; number += 1) throttle.failed('b', 'x');
  t.ok(throttle.isBlocked('b', 'x'));
  now += 3_600_000;
  t.notOk(throttle.isBlocked('a', 'n9999'));
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

t.test('LoginThrottle keeps a name blocked while its client logs in and tries many names', async (t) => {
  let now = 0;
  const throttle = new LoginThrottle(() => now);
  for (let number = 0; number < 20; number++) {
    await throttle.attempt('a', 'x', fail);
    now += 900_000;
  }
  await throttle.attempt('a', 'x', fail);
  let guesses = 0;
  for (let number = 0; number < 10_000; number++) {
    await throttle.attempt('a', 'own', succeed);
    await throttle.attempt('a', `n${number}`, async () => {
      guesses += 1;
      return fail();
    });
  }
  t.ok(guesses <= 512, `${guesses} guesses`);
  t.match(await throttle.attempt('a', 'x', succeed), { refused: 'too many attempts have failed' });
  t.match(await throttle.attempt('b', 'x', succeed), { verified: 1 });
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
