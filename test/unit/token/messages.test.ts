import t from 'tap';
import {
  decodeFailure,
  decodeSecret,
  decodeUnwrap,
  encodeFailure,
  encodeJson,
  encodeSecret,
  encodeUnwrap,
  maxSecretBytes,
  TokenFailure,
} from '../../../src/token/messages.ts';

const mask = Uint8Array.from({ length: maxSecretBytes }, (_, at) => (at * 7 + 1) & 0xff);
const secretOf = (length: number) => new Uint8Array(length).fill(0x41);

t.test('a secret returns under its mask, in an answer of one length', async (t) => {
  for (const length of [1, 59, maxSecretBytes]) {
    const body = encodeSecret(secretOf(length), mask);
    t.equal(body.length, 1 + maxSecretBytes);
    t.equal(Buffer.from(body.buffer).includes('AAAA'), false, 'the stream has nothing of it');
    t.same(decodeSecret(body, mask), secretOf(length));
    t.ok(
      body.every((byte) => byte === 0),
      'the answer is wiped',
    );
  }
});

t.test('a rejected secret has no bytes', async (t) => {
  t.equal(decodeSecret(encodeSecret(undefined, mask), mask), undefined);
});

t.test('an answer that is no secret is refused', async (t) => {
  t.throws(() => decodeSecret(new Uint8Array(5), mask), RangeError);
  t.throws(() => decodeSecret(new Uint8Array(1 + maxSecretBytes).fill(129, 0, 1), mask), RangeError);
});

t.test('a request to unwrap has the mask before the wrapped secret', async (t) => {
  t.same(decodeUnwrap(encodeUnwrap(mask, Uint8Array.of(3, 1, 2))), [mask, Uint8Array.of(3, 1, 2)]);
});

t.test('a failure arrives as one line of bounded length', async (t) => {
  const failure = decodeFailure(encodeFailure(new TokenFailure('token', `a\nb\u0007${'x'.repeat(5_000)}`)));
  t.equal(failure.kind, 'token');
  t.match(failure.message, /^a b x+$/);
  t.ok(failure.message.length <= 600);
  for (const wrong of [{ kind: 'unknown', message: '' }, { kind: 'token', message: 1 }, []])
    t.throws(() => decodeFailure(encodeJson(wrong)), SyntaxError);
  t.throws(() => decodeFailure(new TextEncoder().encode('null')), SyntaxError);
});
