import t from 'tap';
import {
  findTotpStep,
  otpauthUri,
  type TotpHash,
  toBase32,
  totpCode,
  totpSecretBytes,
  totpStepSeconds,
} from '../../../src/identity/totp.ts';

const ascii = (text: string) => new TextEncoder().encode(text);
const digits = '12345678901234567890123456789012';
const secrets: Readonly<Record<TotpHash, Uint8Array>> = {
  SHA1: ascii(digits.slice(0, totpSecretBytes.SHA1)),
  SHA256: ascii(digits.slice(0, totpSecretBytes.SHA256)),
};

/** RFC 6238, appendix B: seconds, and the passwords of eight digits, of which ours are the last six. */
const vectors: readonly (readonly [seconds: number, sha1: string, sha256: string])[] = [
  [59, '94287082', '46119246'],
  [1_111_111_109, '07081804', '68084774'],
  [1_111_111_111, '14050471', '67062674'],
  [1_234_567_890, '89005924', '91819424'],
  [2_000_000_000, '69279037', '90698825'],
  [20_000_000_000, '65353130', '77737706'],
];

t.test('passwords are those of RFC 6238', (t) => {
  for (const [seconds, sha1, sha256] of vectors) {
    const step = Math.floor(seconds / totpStepSeconds);
    t.strictSame(totpCode(secrets.SHA1, step, 'SHA1'), ascii(sha1.slice(2)), `SHA-1 at ${seconds}`);
    t.strictSame(totpCode(secrets.SHA256, step, 'SHA256'), ascii(sha256.slice(2)), `SHA-256 at ${seconds}`);
  }
  t.end();
});

t.test('a password is valid in its step, the one before and the one after, and once', (t) => {
  const secret = secrets.SHA1;
  const step = 50_000_000;
  const code = totpCode(secret, step, 'SHA1');
  const find = (now: number, lastStep = -1, given = code) =>
    findTotpStep(given, { hash: 'SHA1', secret, lastStep }, now);
  const begin = step * totpStepSeconds;
  t.equal(find(begin - 31), undefined);
  for (const now of [begin - 30, begin, begin + 29, begin + 59]) t.equal(find(now), step, `at ${now}`);
  t.equal(find(begin + 60), undefined);
  t.equal(find(begin, step - 1), step);
  t.equal(find(begin, step), undefined, 'it was used');
  t.equal(find(begin, step + 1), undefined, 'a later one was used');
  t.equal(find(begin, -1, code.subarray(1)), undefined);
  t.equal(find(begin, -1, new Uint8Array()), undefined);
  t.equal(find(begin, -1, ascii('0'.repeat(7))), undefined);
  t.equal(findTotpStep(code, { hash: 'SHA1', secret, lastStep: -1 }, 0), undefined, 'no step before 1970');
  t.equal(findTotpStep(code, { hash: 'SHA256', secret, lastStep: -1 }, begin), undefined);
  t.end();
});

t.test('Base32 is that of RFC 4648 without padding', (t) => {
  const samples = {
    f: 'MY',
    fo: 'MZXQ',
    foo: 'MZXW6',
    foob: 'MZXW6YQ',
    fooba: 'MZXW6YTB',
    foobar: 'MZXW6YTBOI',
  };
  for (const [text, encoded] of Object.entries(samples)) t.equal(toBase32(ascii(text)), encoded);
  t.equal(toBase32(new Uint8Array()), '');
  t.equal(toBase32(new Uint8Array(20).fill(255)), '7'.repeat(32));
  t.end();
});

t.test('the URI for authenticator apps names everything', (t) => {
  const uri = new URL(otpauthUri('anna@site', { hash: 'SHA256', secret: secrets.SHA256 }));
  t.equal(uri.protocol, 'otpauth:');
  t.equal(decodeURIComponent(uri.pathname), '/kmipd:anna@site');
  t.strictSame(Object.fromEntries(uri.searchParams), {
    ...{ secret: toBase32(secrets.SHA256), issuer: 'kmipd', algorithm: 'SHA256', digits: '6', period: '30' },
  });
  t.end();
});
