import t from 'tap';
import { formatRootUri, isAttendedRoot, parseRootUri } from '../../../src/common/root-uri.ts';

const parse = (text: string) => parseRootUri(text, '/home');

t.test('a URI of a root is read, and written with absolute paths', (t) => {
  const cases: Record<string, unknown> = {
    'file:root.key': { kind: 'file', path: '/home/root.key' },
    'file:/a b/c+d:e': { kind: 'file', path: '/a b/c+d:e' },
    'passphrase:': { kind: 'passphrase' },
    'passphrase:file=../p': { kind: 'passphrase', file: '/p' },
    'passphrase:credential=pass': { kind: 'passphrase', credential: 'pass' },
    'credential:root': { kind: 'credential', name: 'root' },
    'shares:3/5': { kind: 'shares', threshold: 3, parts: 5 },
    'pkcs11:token=a;object=b?pin-source=file:/p': {
      kind: 'pkcs11',
      uri: 'pkcs11:token=a;object=b?pin-source=file:/p',
    },
    'all-of:file:/a+b+pkcs11:token=t+shares:2/2': {
      kind: 'all-of',
      parts: [
        { kind: 'file', path: '/a+b' },
        { kind: 'pkcs11', uri: 'pkcs11:token=t' },
        { kind: 'shares', threshold: 2, parts: 2 },
      ],
    },
  };
  for (const [text, expected] of Object.entries(cases)) {
    const read = parse(text);
    if (typeof read === 'string') throw new Error(`${text}: ${read}`);
    t.same(read, expected, text);
    t.same(parseRootUri(formatRootUri(read), '/elsewhere'), read, text);
  }
  t.end();
});

t.test('another URI is refused with what it must be, and without repeating it', (t) => {
  const cases: Record<string, RegExp> = {
    '': /must be one of file:PATH, /,
    '/var/root.key': /must be one of/,
    'tpm:x': /must be one of/,
    'file:': /must name a file/,
    'passphrase:correct horse': /must not contain the passphrase/,
    'passphrase:file=': /must not contain the passphrase/,
    'passphrase:credential=a/b': /must name a credential/,
    'credential:': /must name a credential/,
    'credential:../root': /must name a credential/,
    'credential:..': /must name a credential/,
    'shares:1/3': /K of N shares/,
    'shares:4/3': /K of N shares/,
    'shares:2/33': /K of N shares/,
    'shares:02/3': /K of N shares/,
    'pkcs11:': /must name a token/,
    'pkcs11:token=a?pin-value=1234': /must not contain a PIN/,
    'all-of:file:/a': /must join 2 to 4 different roots/,
    'all-of:file:/a+file:/a': /must join 2 to 4 different roots/,
    'all-of:file:/a+all-of:file:/b+file:/c': /must be one of/,
    'all-of:shares:2/3+shares:2/4': /two roots that operators give/,
    'file:/a\nb': /no control characters/,
    [`file:/${'a'.repeat(4_096)}`]: /at most 4096 characters/,
  };
  for (const [text, expected] of Object.entries(cases)) {
    const read = parse(text);
    t.match(read, expected, text);
    t.notMatch(read, /correct horse|1234/);
  }
  t.end();
});

t.test('roots that people give are told apart', (t) => {
  const isAttended = (text: string) => {
    const uri = parse(text);
    return typeof uri === 'string' ? uri : isAttendedRoot(uri);
  };
  for (const text of ['passphrase:', 'shares:2/3', 'all-of:file:/a+passphrase:'])
    t.equal(isAttended(text), true, text);
  for (const text of ['file:/a', 'passphrase:file=/a', 'credential:a', 'pkcs11:token=a'])
    t.equal(isAttended(text), false, text);
  t.end();
});
