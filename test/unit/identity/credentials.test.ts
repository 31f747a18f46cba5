import t from 'tap';
import { boundedUse } from '../../../src/identity/credentials.ts';

t.test('boundedUse keeps what credentials of now have used, and the latest of removed ones', (t) => {
  const numbers = [...Array(3_000).keys()];
  const timeStamps = Object.fromEntries(numbers.map((at) => [`user ${at}`, String(10 ** 15 - at)]));
  const spent = numbers.map((at) => `code ${at}`);
  const users = [{ username: 'user 2999', oneTime: ['code 0', 'code 5'] }];
  const use = boundedUse({ timeStamps, spent }, { users, devices: [] });
  t.strictSame(use.spent, ['code 0', 'code 5', ...spent.slice(2_000)]);
  t.strictSame(
    Object.keys(use.timeStamps).sort(),
    ['user 2999', ...numbers.slice(0, 100).map((at) => `user ${at}`)].sort(),
  );
  t.strictSame(boundedUse(use, { users, devices: [] }), use, 'and drops nothing more');
  t.end();
});
