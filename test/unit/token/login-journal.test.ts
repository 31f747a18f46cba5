import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { tokenFlags } from '../../../src/token/cryptoki.ts';
import { findPinFile, LoginJournal } from '../../../src/token/login-journal.ts';
import { requireLoginPermitted } from '../../../src/token/process/pin.ts';
import { parseTokenUri } from '../../../src/token/token-uri.ts';

const directory = mkdtempSync(join(tmpdir(), 'kmipd-journal-'));
t.teardown(() => rmSync(directory, { recursive: true }));
const pinFile = join(directory, 'pin');
const file = join(directory, 'refused-login');
const parse = (token: string, source = 'file:pin') =>
  parseTokenUri(`pkcs11:token=${token}?module-path=/v.so&pin-source=${source}`, directory);
const open = (uri = parse('a'), pin: string | undefined = pinFile) => new LoginJournal(file, uri, pin);

t.beforeEach(() => {
  rmSync(file, { force: true });
  writeFileSync(pinFile, '1234\n');
});

t.test('a refusal is known to the next journal of the same URI', async (t) => {
  open().refuse('CKR_PIN_INCORRECT');
  t.match(open().read(), { state: 'refused', reason: /^CKR_PIN_INCORRECT \(20\d\d-.*Z\)$/ });
  t.same(open(parse('b')).read(), { state: 'clear' }, 'another URI is a request of the operator');
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.notMatch(readFileSync(file, 'utf8'), /1234/);
});

t.test(
  'a refusal ends with another PIN file, when it is forgotten, and when the file is removed',
  async (t) => {
    open().refuse('no');
    utimesSync(pinFile, 1, 1);
    t.equal(open().read().state, 'clear');
    open().refuse('no');
    open().forget();
    t.equal(open().read().state, 'clear');
    open().refuse('no');
    rmSync(file);
    t.equal(open().read().state, 'clear');
  },
);

t.test('a credential is a new file at every start, which says nothing', async (t) => {
  const uri = parse('a', 'credential:pin');
  t.equal(findPinFile(uri, { CREDENTIALS_DIRECTORY: directory }), pinFile);
  t.throws(() => findPinFile(uri, {}), {
    code: 'VAULT_UNAVAILABLE',
    message: /systemd gives this process no credentials/,
  });
  open(uri).refuse('no');
  utimesSync(pinFile, 2, 2);
  t.equal(open(uri).read().state, 'refused');
});

t.test('an attempt is noted before its outcome is known', async (t) => {
  open().begin();
  t.same(open().read(), { state: 'unknown' });
  utimesSync(pinFile, 3, 3);
  t.same(open().read(), { state: 'unknown' }, 'whatever has become of the PIN file');
});

t.test('a refusal is of the PIN file that was there when the attempt began', async (t) => {
  const journal = open();
  journal.begin();
  writeFileSync(pinFile, '123456\n');
  journal.refuse('no');
  t.equal(open().read().state, 'clear', 'the new file was not tried');
  writeFileSync(pinFile, '654321\n');
  utimesSync(pinFile, 4, 4);
  const other = open();
  writeFileSync(pinFile, '12345678\n');
  other.begin();
  other.refuse('no');
  t.equal(open().read().state, 'refused', 'the journal is older than the file that was tried');
});

t.test('an attempt that did not count leaves what was known before', async (t) => {
  const journal = open();
  journal.begin();
  journal.cancel();
  t.same(journal.read(), { state: 'clear' });
  journal.refuse('no');
  journal.begin();
  t.same(open().read(), { state: 'unknown' });
  journal.cancel();
  t.match(open().read(), { state: 'refused', reason: /^no / });
});

t.test('roots in one token share a note, unless their PIN or library is another one', async (t) => {
  const uri = (text: string) => parseTokenUri(`pkcs11:${text}`, directory);
  const first = uri('token=a;object=one?module-path=/v.so&pin-source=file:pin');
  open(first).refuse('no');
  t.equal(open(uri('token=a;object=two?pin-source=file:pin&module-path=/v.so')).read().state, 'refused');
  for (const text of [
    'token=a;object=one?module-path=/v.so&pin-source=file:other',
    'token=a;object=one?module-path=/v.so&pin-source=credential:pin',
    'token=a;object=one?module-path=/w.so&pin-source=file:pin',
    'token=a;serial=1;object=one?module-path=/v.so&pin-source=file:pin',
  ])
    t.equal(open(uri(text)).read().state, 'clear', text);
});

t.test('one journal at a time may try a login', async (t) => {
  const claim = open().claim();
  t.ok(claim);
  t.equal(open().claim(), undefined, 'by the file, whoever has it');
  t.equal(new LoginJournal(`${file}-other`, parse('b'), pinFile).claim()?.release(), undefined);
  claim?.release();
  const next = open().claim();
  t.ok(next, 'it is free again');
  next?.release();
  const absent = new LoginJournal(join(directory, 'absent', 'note'), parse('a'), pinFile);
  t.throws(() => absent.claim(), { code: 'ENOENT' });
});

t.test('without a file, the journal remembers for the life of the process', async (t) => {
  const journal = new LoginJournal(undefined, parse('a'), pinFile);
  journal.refuse('no');
  t.equal(journal.read().state, 'refused');
  journal.forget();
  t.equal(journal.read().state, 'clear');
});

t.test('a file that is no note is refused, so that no login is tried', async (t) => {
  for (const text of ['', 'x', '{}', 'null', `{"login":1}`]) {
    writeFileSync(file, text);
    t.throws(() => open().read(), { message: /is no note of kmipd about a login; remove it/ }, text);
  }
  writeFileSync(file, ' '.repeat(9_000));
  t.throws(() => open().read(), { code: 'UNUSABLE_FILE' });
});

t.test('the flags of a token permit a login or not', async (t) => {
  const { userPinCountLow, userPinFinalTry, userPinLocked } = tokenFlags;
  const isPermitted = (flags: number, isOutcomeUnknown: boolean, mayLockPin: boolean): boolean => {
    try {
      requireLoginPermitted(flags, { isOutcomeUnknown, mayLockPin });
      return true;
    } catch (error) {
      t.match(error, { kind: 'refused' });
      return false;
    }
  };
  t.equal(isPermitted(0, true, false), true);
  t.equal(isPermitted(userPinCountLow, false, false), true);
  t.equal(isPermitted(userPinCountLow, true, false), false);
  t.equal(isPermitted(userPinCountLow, true, true), true);
  t.equal(isPermitted(userPinFinalTry, false, false), false);
  t.equal(isPermitted(userPinFinalTry, false, true), true);
  t.equal(isPermitted(userPinLocked, false, true), false);
});
