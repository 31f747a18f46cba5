import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import {
  decodeKeyLine,
  encodeKeyLine,
  isCertified,
  isSignatureOf,
  keyFingerprintOf,
} from '../../../src/audit/checkpoints/signing-key.ts';
import { readKeyList, SigningKeys } from '../../../src/audit/checkpoints/signing-keys.ts';
import { VaultUnavailableError } from '../../../src/vault/vault.ts';
import { EpochVault } from './epoch-vault.ts';

const noon = Date.parse('2026-11-29T12:00:00Z');
const day = 86_400_000;

function prepare(t: Test) {
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-keys-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const vault = new EpochVault();
  const keys = () => new SigningKeys(directory, vault.vault);
  return { directory, vault, keys, file: join(directory, 'signing-key') };
}

t.test('a key signs, also after a restart', async (t) => {
  const { keys, file } = prepare(t);
  const first = keys();
  t.equal(first.prepare(noon), 'begun');
  t.equal(first.reason, 'first');
  t.equal(first.current.first, keyFingerprintOf(first.current.key));
  t.equal(statSync(file).mode & 0o777, 0o600);
  const again = keys();
  t.equal(again.prepare(noon + 1_000), 'same');
  t.same(again.current, first.current);
  for (const each of [first, again]) {
    const signature = each.sign('a text');
    t.ok(isSignatureOf('a text', signature, first.current.key));
    t.notOk(isSignatureOf('a texT', signature, first.current.key));
    t.notOk(isSignatureOf('a text', signature.with(5, (signature[5] ?? 0) ^ 1), first.current.key));
  }
});

t.test('each day has a key that the one before has certified, which is gone', async (t) => {
  const { keys, file, directory } = prepare(t);
  const signing = keys();
  signing.prepare(noon);
  const yesterday = signing.current;
  const before = readFileSync(file, 'utf8');
  const lastSecond = Date.parse('2026-11-29T23:59:59.999Z');
  t.equal(signing.prepare(lastSecond), 'same');
  t.equal(signing.prepare(lastSecond + 1), 'changed');
  const { current } = signing;
  t.equal(current.day, '20261130');
  t.same(current.signedBy?.key, yesterday.key);
  t.equal(current.first, yesterday.first);
  t.ok(isCertified(current));
  t.notOk(isCertified({ ...current, day: '20261201' }));
  t.notOk(isCertified({ ...current, first: 'f'.repeat(64) }));
  const [, box = 'none'] = before.split('\n');
  t.notMatch(readFileSync(file, 'utf8'), box);
  t.notOk(existsSync(`${file}.next`));
  t.same(readKeyList(directory), [yesterday, current]);
  t.equal(keys().prepare(lastSecond + 2), 'same', 'after a restart');
  const later = keys();
  t.equal(later.prepare(noon + 30 * day), 'changed', 'days without a daemon');
  t.same(later.current.signedBy?.key, current.key);
  t.equal(readKeyList(directory).length, 3);
});

t.test('a clock that is set back changes no key, one that was years ahead does', async (t) => {
  const { keys } = prepare(t);
  const signing = keys();
  signing.prepare(noon);
  const { key } = signing.current;
  for (const back of [1, 3_600_000, day - 1]) t.equal(signing.prepare(noon - back), 'same');
  t.same(signing.current.key, key);
  t.equal(signing.prepare(noon + 700 * day), 'changed');
  t.equal(signing.prepare(noon), 'changed', 'the clock is right again');
  t.equal(signing.prepare(noon + day), 'changed');
  t.equal(signing.current.day, '20261130');
  t.ok(isCertified(signing.current));
});

t.test('a file that is missing or altered begins a new chain of keys', async (t) => {
  const { keys, file, directory } = prepare(t);
  const first = keys();
  first.prepare(noon);
  const content = readFileSync(file, 'utf8');
  rmSync(file);
  const second = keys();
  t.equal(second.prepare(noon), 'begun');
  t.equal(second.reason, 'missing');
  t.not(second.current.first, first.current.first);
  const [line = '', box = ''] = content.split('\n');
  const other = new EpochVault();
  const otherHome = mkdtempSync(join(tmpdir(), 'kmipd-keys-'));
  t.teardown(() => rmSync(otherHome, { recursive: true }));
  new SigningKeys(otherHome, other.vault).prepare(noon);
  const altered = {
    'no key': 'nothing\n',
    'an empty file': '',
    'overwritten with zeros': '\0'.repeat(content.length),
    'cut off': content.slice(0, -9),
    'a changed box': `${line}\n${box.replace(/.(?=.{10}$)/, (character) => (character === 'A' ? 'B' : 'A'))}\n`,
    'the key of another vault': readFileSync(join(otherHome, 'signing-key'), 'utf8'),
    'a box under the line of another key': `${encodeKeyLine(second.current)}\n${box}\n`,
  };
  for (const [what, text] of Object.entries(altered)) {
    writeFileSync(file, text);
    const next = keys();
    t.equal(next.prepare(noon), 'begun', what);
    t.equal(next.reason, 'unusable', what);
    t.equal(readFileSync(`${file}.unusable`, 'utf8'), text, what);
  }
  t.equal(readKeyList(directory).length, 2 + Object.keys(altered).length);
});

t.test('a change that was interrupted is ended at the next start', async (t) => {
  const { keys, file } = prepare(t);
  const signing = keys();
  signing.prepare(noon);
  const yesterday = readFileSync(file, 'utf8');
  signing.prepare(noon + day);
  const today = readFileSync(file, 'utf8');
  for (const current of [yesterday, '\0'.repeat(yesterday.length)]) {
    writeFileSync(file, current);
    writeFileSync(`${file}.next`, today);
    const next = keys();
    t.equal(next.prepare(noon + day), 'same');
    t.same(next.current, signing.current);
    t.equal(readFileSync(file, 'utf8'), today);
  }
  writeFileSync(`${file}.next`, today.slice(0, 40));
  t.equal(keys().prepare(noon + day), 'same', 'a part of a file');
  t.notOk(existsSync(`${file}.next`));
});

t.test('the key follows the epochs of the vault, and waits for a sealed one', async (t) => {
  const { keys, vault } = prepare(t);
  const signing = keys();
  signing.prepare(noon);
  const { key } = signing.current;
  vault.begin();
  t.equal(signing.prepare(noon), 'same');
  vault.retire(1);
  const again = keys();
  t.equal(again.prepare(noon), 'same');
  t.same(again.current.key, key);
  vault.unsealed = false;
  t.throws(() => keys().prepare(noon), VaultUnavailableError);
  vault.unsealed = true;
  t.equal(keys().prepare(noon), 'same');
});

t.test('lines of keys have one form', async (t) => {
  const { keys } = prepare(t);
  const signing = keys();
  signing.prepare(noon);
  signing.prepare(noon + day);
  const line = encodeKeyLine(signing.current);
  t.same(decodeKeyLine(line), signing.current);
  for (const wrong of [
    '',
    `${line} `,
    line.replace('sign', 'Sign'),
    line.slice(0, -1),
    line.replace('first', 'last'),
  ])
    t.equal(decodeKeyLine(wrong), undefined, wrong);
  for (const at of line.split('').keys()) {
    const altered = `${line.slice(0, at)}${line[at] === '2' ? '3' : '2'}${line.slice(at + 1)}`;
    const decoded = decodeKeyLine(altered);
    if (altered !== line && decoded !== undefined && isCertified(decoded) && !isName(line, at))
      t.fail(`position ${at}`);
  }
});

/** Whether a position is in the day of the key before, which only names it. */
function isName(line: string, at: number): boolean {
  const start = line.indexOf('signed-by ') + 'signed-by '.length;
  return at >= start && at < start + 8;
}
