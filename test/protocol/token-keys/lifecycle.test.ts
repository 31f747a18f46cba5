import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { tokenKeyMethods } from '../../../src/management/methods/token-keys.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { ReKey } from '../../../src/operations/creation/re-key.ts';
import { ReKeyKeyPair } from '../../../src/operations/creation/re-key-key-pair.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { encodeReleased, tokenKeyKind } from '../../../src/operations/made-token-keys.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { ReleasedTokenKeys } from '../../../src/protocol/batch/released-token-keys.ts';
import { listTokenKeyObjects, listTokenKeys } from '../../../src/protocol/token-key-list.ts';
import { UnitOfWork } from '../../../src/protocol/unit-of-work/unit-of-work.ts';
import { item } from '../../client.ts';
import { namelessCaller } from '../../unit/management/samples.ts';
import { Data } from '../keys.ts';
import { ask, attributeOf, named, outcome, payloadOf, succeed } from '../operations/ask.ts';
import { answersOf, outline, TestService, uid } from '../service.ts';
import { FakeToken } from './fake-token.ts';
import { aes, createKey, createPair, symmetric } from './keys.ts';

/** A key leaves its token with its object, and no other way, whenever a process ends. */

const directory = await mkdtemp(join(tmpdir(), 'kmipd-token-keys-'));
const file = join(directory, 'kmipd.db');
const token = new FakeToken();
const service = await TestService.open({
  ...{ tokenKeys: token.policy, store: `sqlite:${file}`, uniqueNames: true },
});
const database = new DatabaseSync(file);
t.teardown(async () => {
  database.close();
  await service.close();
  await rm(directory, { recursive: true });
});

const inactive = aes.slice(0, 3);
const seconds = (later = 0) => Math.floor(service.now / 1000) + later;
const unitAt = (now: number) => new UnitOfWork(service.store, service.vault, { uniqueNames: false, now });
/** What the background does, so many seconds later. */
const removeDue = (later = 0) =>
  new ReleasedTokenKeys(token.policy.keys, () => unitAt(seconds(later))).removeDue();
const records = async () => (await unitAt(seconds()).everyRecord(tokenKeyKind, 100)).length;
const lastKey = () => [...token.keys.keys()].at(-1) as string;

t.beforeEach(async () => {
  token.isAway = false;
  token.made = () => {};
  token.serialNumber = 'serial-1';
  await removeDue(10_000);
  t.equal(await records(), 0);
});

t.test('Destroy removes the key from the token after its commit', async (t) => {
  const UniqueIdentifier = await createKey(service, inactive);
  const key = lastKey();
  t.equal(await records(), 0, 'the record of its making is gone');
  await succeed(service, '2.1', Destroy, { UniqueIdentifier });
  t.ok(token.keys.has(key), 'not before the next turn');
  await removeDue();
  t.notOk(token.keys.has(key));
  t.equal(await records(), 0);
});

t.test('Destroy succeeds while the token is away, and the key goes once it is back', async (t) => {
  const UniqueIdentifier = await createKey(service, inactive);
  const key = lastKey();
  token.isAway = true;
  await succeed(service, '2.1', Destroy, { UniqueIdentifier });
  await t.rejects(removeDue(), { code: 'TOKEN_UNAVAILABLE' });
  t.ok(token.keys.has(key));
  token.isAway = false;
  await removeDue();
  t.notOk(token.keys.has(key));
});

t.test('a Destroy that is undone leaves the key', async (t) => {
  const UniqueIdentifier = await createKey(service, aes);
  const key = lastKey();
  const other = await createKey(service, inactive);
  const otherKey = lastKey();
  const answers = await service.batch(
    '2.1',
    [
      { operation: 'Destroy', payload: [uid(other)], uniqueBatchItemID: Uint8Array.of(1) },
      { operation: 'Destroy', payload: [uid(UniqueIdentifier)], uniqueBatchItemID: Uint8Array.of(2) },
    ],
    [item('BatchErrorContinuationOption', 'Enumeration', 3)],
  );
  t.match(outline(answers), /Destroy:WrongKeyLifecycleState/);
  await removeDue(10_000);
  t.ok(token.keys.has(key) && token.keys.has(otherKey));
});

t.test('a creation that is refused after the key was made leaves none', async (t) => {
  await createKey(service, [...aes, named('taken')]);
  const before = token.keys.size;
  const request = symmetric(...aes, named('taken'));
  t.equal(await outcome(service, '2.1', Create, request), 'NonUniqueNameAttribute');
  while ((await records()) > 0) await removeDue(10_000);
  t.equal(token.keys.size, before);
});

t.test('what is undone, and a commit that lost a conflict, leave no key', async (t) => {
  const before = token.keys.size;
  const payload = payloadOf('2.1', Create, symmetric(...aes));
  const answers = await service.batch(
    '2.1',
    [
      { operation: 'Create', payload, uniqueBatchItemID: Uint8Array.of(1) },
      { operation: 'Create', payload, uniqueBatchItemID: Uint8Array.of(2) },
      { operation: 'Destroy', payload: [uid('nothing')], uniqueBatchItemID: Uint8Array.of(3) },
    ],
    [item('BatchErrorContinuationOption', 'Enumeration', 3)],
  );
  t.match(outline(answers), /^Create:\S+ Create:\S+ Destroy:/);
  t.ok(token.keys.size > before, 'they were made');
  while ((await records()) > 0) await setImmediate();
  t.equal(token.keys.size, before);
  const same = symmetric(...aes, named('one of twenty'));
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcome(service, '2.1', Create, same)));
  t.equal(outcomes.filter((reason) => reason === 'Success').length, 1);
  while ((await records()) > 0) await setImmediate();
  t.equal(token.keys.size, before + 1);
});

t.test('a key whose process ended before the commit goes after a while, not before', async (t) => {
  token.made = () => {
    token.isAway = true;
    throw new Error('the process ends here');
  };
  const before = token.keys.size;
  t.not(await outcome(service, '2.1', Create, symmetric(...aes)), 'Success');
  service.unexpected.splice(0);
  t.equal(token.keys.size, before + 1);
  t.equal(await records(), 1);
  token.isAway = false;
  // What the failed request itself tries may be at work still.
  while ((await records()) > 0) await removeDue(10_000);
  t.equal(token.keys.size, before);
});

t.test('a key that is being made is not removed, and none gets an object that is', async (t) => {
  token.made = () => removeDue(60);
  const first = await createKey(service, aes);
  t.ok(token.keys.has(lastKey()), 'within its time');
  t.equal(await outcome(service, '2.1', Encrypt, { UniqueIdentifier: first, Data }), 'Success');
  token.made = () => removeDue(10_000);
  const answer = await ask(service, '2.1', Create, symmetric(...aes));
  t.match(answer, { reason: 'GeneralFailure', message: /too long/ });
});

t.test('a key is made and destroyed in one message', async (t) => {
  const payload = payloadOf('2.1', Create, symmetric(...inactive));
  const before = token.keys.size;
  const message = await service.exchange('2.1', [
    { operation: 'Create', payload, uniqueBatchItemID: Uint8Array.of(1) },
    { operation: 'Destroy', payload: [], uniqueBatchItemID: Uint8Array.of(2) },
  ]);
  t.equal(outline(answersOf(message)), 'Create:Success Destroy:Success');
  await removeDue();
  t.equal(token.keys.size, before);
});

t.test('Import in place of a key in the token removes that', async (t) => {
  const UniqueIdentifier = await createKey(service, inactive);
  const key = lastKey();
  await succeed(service, '2.1', Import, {
    ...{ UniqueIdentifier, ObjectType: 'SymmetricKey', ReplaceExisting: true, Attributes: [] },
    Object: {
      type: 'SymmetricKey',
      value: {
        KeyBlock: {
          KeyFormatType: 'Raw',
          KeyValue: { KeyMaterial: new Uint8Array(32), Attributes: [] },
          ...{ CryptographicAlgorithm: 'AES', CryptographicLength: 256 },
        },
      },
    },
  } as never);
  await removeDue();
  t.notOk(token.keys.has(key));
  t.equal(await attributeOf(service, UniqueIdentifier, 'ProtectionStorageMask'), 1);
});

t.test('a key in the token is replaced by one in the token', async (t) => {
  const old = await createKey(service, aes);
  const before = token.keys.size;
  const { UniqueIdentifier } = await succeed(service, '2.1', ReKey, { UniqueIdentifier: old });
  t.equal(token.keys.size, before + 1);
  t.equal(await attributeOf(service, UniqueIdentifier, 'ProtectionStorageMask'), 2);
  const { own } = await createPair(service, 'RSA', 2_048);
  const pair = await succeed(service, '2.1', ReKeyKeyPair, { PrivateKeyUniqueIdentifier: own });
  t.equal(await attributeOf(service, pair.PrivateKeyUniqueIdentifier, 'ProtectionStorageMask'), 2);
  t.equal(await attributeOf(service, pair.PublicKeyUniqueIdentifier, 'ProtectionStorageMask'), 1);
});

t.test('keys of another token wait, and hold up no others', async (t) => {
  const first = await createKey(service, inactive);
  const firstKey = lastKey();
  await succeed(service, '2.1', Destroy, { UniqueIdentifier: first });
  token.serialNumber = 'serial-2';
  const second = await createKey(service, inactive);
  const secondKey = lastKey();
  await succeed(service, '2.1', Destroy, { UniqueIdentifier: second });
  await removeDue();
  t.ok(token.keys.has(firstKey));
  t.notOk(token.keys.has(secondKey));
  token.serialNumber = 'serial-1';
  await removeDue();
  t.notOk(token.keys.has(firstKey));
});

t.test('records of another token, however many, and keys that stay hold up no others', async (t) => {
  const unit = unitAt(seconds());
  for (let at = 0; at < 1_200; at++) {
    const id = `0${at.toString(16).padStart(31, '0')}`;
    const reference = { id, token: 'the one before' };
    unit.putRecord(tokenKeyKind, id, 'g', encodeReleased({ reference, object: 'gone', removedFrom: 1 }));
  }
  t.equal(await unit.commit(), 'committed');
  const made: { readonly id: string; readonly key: string }[] = [];
  for (let at = 0; at < 3; at++) made.push({ id: await createKey(service, inactive), key: lastKey() });
  for (const { id } of made) await succeed(service, '2.1', Destroy, { UniqueIdentifier: id });
  token.kept.add(made[0]?.key ?? '');
  token.calls.splice(0);
  await removeDue();
  token.kept.clear();
  t.strictSame(
    made.map(({ key }) => token.keys.has(key)),
    [true, false, false],
  );
  t.equal(
    token.calls.filter((call) => call === 'remove').length,
    3,
    'the token is asked about its own alone',
  );
  token.serialNumber = 'the one before';
  await removeDue();
  token.serialNumber = 'serial-1';
  await removeDue();
  t.notOk(made.some(({ key }) => token.keys.has(key)));
});

t.test('a record that was put back removes no key of an object', async (t) => {
  type Row = Record<string, string | number | Uint8Array | null>;
  const rows = () => database.prepare('select * from sealed_record').all() as Row[];
  let kept: Row[] = [];
  token.made = () => {
    kept = rows();
  };
  const UniqueIdentifier = await createKey(service, aes);
  const key = lastKey();
  const now = rows();
  const back = kept.filter(({ key: own }) => !now.some((row) => row.key === own));
  t.equal(back.length, 1);
  for (const row of back) {
    const names = Object.keys(row);
    const text = `insert into sealed_record (${names.join()}) values (${names.map(() => '?').join()})`;
    database.prepare(text).run(...Object.values(row));
  }
  await setImmediate();
  await removeDue(10_000);
  t.ok(token.keys.has(key));
  t.equal(await outcome(service, '2.1', Encrypt, { UniqueIdentifier, Data }), 'Success');
});

t.test('a reference moved to another object, or altered, is not served', async (t) => {
  const [own, other] = [await createKey(service, aes), await createKey(service, aes)];
  const box = "select box from managed_object where id = '";
  for (const change of [`(${box}${other}')`, "substr(box, 1, 60) || x'00' || substr(box, 62)"]) {
    const [saved] = database.prepare(`${box}${own}'`).all() as { box: Uint8Array }[];
    database.exec(`update managed_object set box = cast(${change} as blob) where id = '${own}'`);
    await setImmediate();
    token.calls.splice(0);
    t.not(await outcome(service, '2.1', Encrypt, { UniqueIdentifier: own, Data }), 'Success', change);
    t.strictSame(token.calls, []);
    database.prepare('update managed_object set box = ? where id = ?').run(saved?.box ?? null, own);
    await setImmediate();
    t.equal(await outcome(service, '2.1', Encrypt, { UniqueIdentifier: own, Data }), 'Success');
  }
  service.unexpected.splice(0);
});

t.test('no key is removed as an orphan while an object is hidden', async (t) => {
  const UniqueIdentifier = await createKey(service, aes);
  const id = lastKey();
  const other = await createKey(service, aes);
  const { sealedRows } = service.database;
  const { store, vault } = service;
  const backends = { keyDevice: token, store, vault, sealedRows, tokens: { list: () => [] } } as never;
  const page = () => tokenKeyMethods['tokenKey.objects'](backends, { after: 0 }, namelessCaller);
  const key = { id, token: token.serialNumber };
  const remove = () => tokenKeyMethods['tokenKey.remove'](backends, key, namelessCaller);
  const usual = await page();
  t.equal(usual.rows, usual.total);
  const of = (name: string) => `(select seq from managed_object where id = '${name}')`;
  const [saved] = database.prepare(`select ${of(UniqueIdentifier)} as seq`).all() as { seq: number }[];
  for (const seq of ['-1', '0', 'null', "'x'", '9223372036854775807', of(other)]) {
    try {
      database.exec(`update managed_object set seq = ${seq} where id = '${UniqueIdentifier}'`);
    } catch {
      continue; // The schema does not allow that number.
    }
    await setImmediate();
    const { objects, rows, total } = await page();
    if (!objects.some(({ object }) => object === UniqueIdentifier)) t.ok(rows < total, seq);
    await t.rejects(remove(), { message: /^nothing was removed: objects that are not found/ }, seq);
    t.ok(token.keys.has(id));
    database
      .prepare('update managed_object set seq = ? where id = ?')
      .run(saved?.seq ?? null, UniqueIdentifier);
  }
  await setImmediate();
  t.equal(await outcome(service, '2.1', Encrypt, { UniqueIdentifier, Data }), 'Success');
  token.keys.set('0'.repeat(32), { type: 'aes', uses: {} as never, made: 0, secret: new Uint8Array() });
  const orphan = { id: '0'.repeat(32), token: token.serialNumber };
  await tokenKeyMethods['tokenKey.remove'](backends, orphan, namelessCaller);
  t.notOk(token.keys.has('0'.repeat(32)), 'a key of no object');
});

t.test('an operator sees which keys belong to objects', async (t) => {
  const kept = await createKey(service, aes);
  const keptKey = lastKey();
  const gone = await createKey(service, inactive);
  const goneKey = lastKey();
  await succeed(service, '2.1', Destroy, { UniqueIdentifier: gone });
  const { sealedRows } = service.database;
  const rows = { store: service.store, vault: service.vault, sealedRows };
  const { objects, broken, next } = await listTokenKeyObjects(rows, 0, seconds());
  t.strictSame([broken, next], [[], null]);
  t.equal(objects.find(({ object }) => object === kept)?.reference.id, keptKey);
  t.notOk(objects.some(({ reference }) => reference.id === goneKey));
  const keys = await listTokenKeys(rows, token, seconds());
  t.equal(keys.find(({ reference }) => reference.id === goneKey)?.isReleased, true);
  t.equal(keys.find(({ reference }) => reference.id === keptKey)?.isReleased, false);
});
