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
  t.same(open(parse('b')).read(), { state: 'successful' }, 'another URI is a request of the operator');
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.notMatch(readFileSync(file, 'utf8'), /1234/);
});

t.test(
  'a refusal ends with another PIN file, when it is forgotten, and when the file is removed',
  async (t) => {
    open().refuse('no');
    utimesSync(pinFile, 1, 1);
    t.equal(open().read().state, 'successful');
    open().refuse('no');
    open().forget();
    t.equal(open().read().state, 'successful');
    open().refuse('no');
    rmSync(file);
    t.equal(open().read().state, 'successful');
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
  t.same(open().read(), { state: 'unknown', isAtWork: false });
  utimesSync(pinFile, 3, 3);
  t.same(open().read(), { state: 'unknown', isAtWork: false }, 'whatever has become of the PIN file');
  const note = JSON.parse(readFileSync(file, 'utf8'));
  t.equal(note.pid, process.pid);
  for (const [pid, isAtWork] of [
    [process.ppid, true],
    [1, true],
    [2 ** 31 - 1, false],
    [0, false],
    [-1, false],
    ['1', false],
  ]) {
    writeFileSync(file, JSON.stringify({ ...note, pid }));
    t.same(open().read(), { state: 'unknown', isAtWork }, `process ${pid}`);
  }
});

t.test('without a file, the journal remembers for the life of the process', async (t) => {
  const journal = new LoginJournal(undefined, parse('a'), pinFile);
  journal.refuse('no');
  t.equal(journal.read().state, 'refused');
  journal.forget();
  t.equal(journal.read().state, 'successful');
});

t.test('a file that is no note is refused, so that no login is tried', async (t) => {
  for (const text of ['', 'x', '{}', 'null', `{"uri":1}`]) {
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
