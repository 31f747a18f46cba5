import { format, inspect } from 'node:util';
import t from 'tap';
import { Secret } from '../../../src/common/secret.ts';

t.test('no text shows a secret', (t) => {
  const secret = new Secret(Uint8Array.of(0xca, 0xfe, 202, 254));
  const texts = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect(secret, { depth: 9, showHidden: true }),
    inspect({ list: [secret] }),
    format('%s %o %j', secret, secret, secret),
    Object.entries(secret).join(),
  ];
  for (const text of texts) t.notMatch(text, /ca|202|254/i, text);
  t.equal(texts[0], '[secret]');
  t.end();
});

t.test('a secret is overwritten, and serves for nothing afterwards', (t) => {
  const bytes = Uint8Array.of(1, 2, 3);
  {
    using secret = new Secret(bytes);
    t.strictSame(secret.bytes, bytes);
  }
  t.strictSame(bytes, new Uint8Array(3));
  const copy = Secret.copyOf(Buffer.from('abc'));
  t.equal(copy.bytes.buffer.byteLength, 3, 'not in a pool');
  copy.wipe();
  copy.wipe();
  t.throws(() => copy.bytes, /was wiped/);
  t.equal(copy.length, 3);
  t.end();
});
