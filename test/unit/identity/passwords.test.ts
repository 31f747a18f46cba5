import t from 'tap';
import {
  answerToHashedPassword,
  hashedPasswordVerifier,
  includesText,
  isPassword,
  passwordVerifier,
} from '../../../src/identity/passwords.ts';

t.test('isPassword accepts only the password of a verifier, and no two verifiers are equal', async (t) => {
  const [one, two] = await Promise.all([passwordVerifier('pässword'), passwordVerifier('pässword')]);
  t.notSame(one, two);
  t.notMatch(JSON.stringify(one), /ssword/);
  t.ok(await isPassword('pässword', one));
  t.ok(await isPassword('pässword', two));
  for (const wrong of ['', 'password', 'pässword ', 'PÄSSWORD']) t.notOk(await isPassword(wrong, one));
  t.notOk(await isPassword('pässword', undefined));
});

t.test('isPassword uses the parameters of the verifier', async (t) => {
  const { scryptSync } = await import('node:crypto');
  const salt = Buffer.alloc(16, 1);
  const hash = scryptSync('word', salt, 32, { N: 1024, r: 4, p: 2 }).toString('base64');
  t.ok(await isPassword('word', { N: 1024, r: 4, p: 2, salt: salt.toString('base64'), hash }));
});

t.test('isPassword takes as long without a verifier as with one', async (t) => {
  const verifier = await passwordVerifier('right');
  const seconds = async (task: () => Promise<unknown>) => {
    const began = performance.now();
    for (let number = 0; number < 4; number++) await task();
    return performance.now() - began;
  };
  const wrong = await seconds(() => isPassword('wrong', verifier));
  const unknown = await seconds(() => isPassword('wrong', undefined));
  t.ok(unknown > wrong / 4 && unknown < wrong * 4, `${wrong} and ${unknown} ms`);
});

t.test('answerToHashedPassword returns the known answer when the Hashed Password is right', async (t) => {
  const verifier = hashedPasswordVerifier('user', 'pass');
  const { createHash } = await import('node:crypto');
  const sha256 = (...parts: (string | Uint8Array)[]) =>
    parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
  const time = Buffer.from([0, 5, 0, 0, 0, 0, 0, 1]);
  const given = Uint8Array.from([...sha256(sha256('userpass'), time), ...sha256('passuser')]);
  const answer = answerToHashedPassword(given, time.readBigInt64BE(), 'SHA_256', verifier);
  t.same(answer, sha256(time, sha256('userpass'), sha256(sha256('passuser'))));
  t.equal(answerToHashedPassword(given, time.readBigInt64BE(), 'SHA_256', undefined), undefined);
  t.equal(answerToHashedPassword(given, 1n, 'SHA_256', verifier), undefined);
  t.equal(answerToHashedPassword(given, time.readBigInt64BE(), '__proto__', verifier), undefined);
  t.equal(answerToHashedPassword(given, time.readBigInt64BE(), 7, verifier), undefined);
});

t.test('includesText finds whole entries of a list only', async (t) => {
  t.ok(includesText(['a', 'bc'], 'bc'));
  t.notOk(includesText(['a', 'bc'], 'b'));
  t.notOk(includesText([], ''));
});
