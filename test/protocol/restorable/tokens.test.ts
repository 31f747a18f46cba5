import t from 'tap';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { ReleasedTokenKeys } from '../../../src/protocol/batch/released-token-keys.ts';
import { RestorableDirectory } from '../../../src/protocol/restorable-directory.ts';
import { listTokenKeyObjects } from '../../../src/protocol/token-key-list.ts';
import { UnitOfWork } from '../../../src/protocol/unit-of-work/unit-of-work.ts';
import { FakeToken as FakeRootToken } from '../../fake-token.ts';
import { Data } from '../keys.ts';
import { outcome, storedKey, succeed } from '../operations/ask.ts';
import { findProblems, rewrapAll } from '../rewrap-all.ts';
import { TestService } from '../service.ts';
import { FakeToken } from '../token-keys/fake-token.ts';
import { aes, createKey } from '../token-keys/keys.ts';
import { atTime } from './at-time.ts';

/** Destroyed objects in their waiting period whose value, or key, needs a token. */

const day = 86_400;
const waitingSeconds = () => 30 * day;
const names = { uniqueNames: false };

/** Ends the waiting period of an object, as the daemon does so many seconds later. */
async function end(directory: RestorableDirectory, id: string, later: number): Promise<void> {
  const { objects } = await directory.list(0);
  const found = objects.find((each) => each.id === id);
  if (found === undefined) throw new Error(`${id} is not listed`);
  await atTime(Date.now() + later * 1_000, () => directory.remove(found, undefined));
}

t.test(
  'a value in direct mode is kept and restored without the token, and sealed anew with it',
  async (t) => {
    const token = new FakeRootToken();
    const service = await TestService.open({ token, activationDelaySeconds: 0, waitingSeconds });
    service.now = Date.now();
    t.teardown(() => service.close());
    const directory = new RestorableDirectory(service.store, service.vault, names);
    const [UniqueIdentifier, other] = [await storedKey(service), await storedKey(service)];
    const before = await succeed(service, '2.1', Get, { UniqueIdentifier });
    token.isAway = true;
    await succeed(service, '2.1', Destroy, { UniqueIdentifier });
    t.match(await directory.restore(UniqueIdentifier), { group: 'g' });
    await succeed(service, '2.1', Destroy, { UniqueIdentifier });
    token.isAway = false;
    await succeed(service, '2.1', Destroy, { UniqueIdentifier: other });
    const unwraps = token.unwraps;
    t.equal(await outcome(service, '2.1', Get, { UniqueIdentifier }), 'ObjectDestroyed');
    t.equal(token.unwraps, unwraps, 'nobody asks the token for a destroyed object');

    const done = await rewrapAll(service, await service.vault.rotate());
    t.same(done.broken, []);
    t.ok(done.rewrapped >= 2, `${done.rewrapped} rows`);
    t.same(await findProblems(service), []);
    t.match(await directory.restore(UniqueIdentifier), { group: 'g' });
    t.same(await succeed(service, '2.1', Get, { UniqueIdentifier }), before);
    await end(directory, other, 60 * day);
    t.equal((await service.store.load('g', [other]))[0]?.value, null, 'the box of the value is gone');
    t.same(await findProblems(service), []);
  },
);

t.test('a key stays in its token until the waiting period is over', async (t) => {
  const token = new FakeToken();
  const service = await TestService.open({ tokenKeys: token.policy, waitingSeconds });
  t.teardown(() => service.close());
  service.now = Date.now();
  const directory = new RestorableDirectory(service.store, service.vault, names);
  const inactive = aes.slice(0, 3);
  const now = () => Math.floor(service.now / 1000);
  const removeKeys = (later: number) =>
    new ReleasedTokenKeys(
      token.policy.keys,
      () => new UnitOfWork(service.store, service.vault, { ...names, now: now() + later }),
    ).removeDue();
  const made = async () => [await createKey(service, inactive), [...token.keys.keys()].at(-1) ?? ''] as const;
  const [[restored, restoredKey], [gone, goneKey], [late, lateKey]] = [
    await made(),
    await made(),
    await made(),
  ];
  for (const UniqueIdentifier of [restored, gone, late])
    await succeed(service, '2.1', Destroy, { UniqueIdentifier });
  await removeKeys(29 * day);
  for (const key of [restoredKey, goneKey, lateKey]) t.ok(token.keys.has(key));
  t.match(await directory.restore(restored), { group: 'g' });

  // The token first, the row later: what is without its key is not restored.
  token.kept.add(lateKey);
  await removeKeys(31 * day).catch(() => {});
  t.match(await directory.restore(late), /the key of ".*" is removed from its token/);
  t.notOk(token.keys.has(goneKey));
  t.ok(token.keys.has(restoredKey), 'the key of a restored object stays');
  t.match(await directory.restore(gone), /the key of ".*" is removed from its token/);
  await end(directory, gone, 31 * day);
  t.match(await directory.restore(gone), /is no destroyed object/);
  const uses = { UniqueIdentifier: restored, Data };
  t.equal(await outcome(service, '2.1', Encrypt, uses), 'WrongKeyLifecycleState', 'it was not active before');
  t.same(await findProblems(service), []);
});

t.test('a key that is kept is that of an object for whoever looks for keys of none', async (t) => {
  const token = new FakeToken();
  const service = await TestService.open({ tokenKeys: token.policy, waitingSeconds });
  t.teardown(() => service.close());
  service.now = Date.now();
  const { store, vault, database } = service;
  const rows = { store, vault, sealedRows: database.sealedRows };
  const UniqueIdentifier = await createKey(service, aes.slice(0, 3));
  const key = [...token.keys.keys()].at(-1);
  const keys = async () =>
    (await listTokenKeyObjects(rows, 0, 0)).objects.map(({ reference }) => reference.id);
  t.strictSame(await keys(), [key]);
  await succeed(service, '2.1', Destroy, { UniqueIdentifier });
  t.strictSame(await keys(), [key]);
});
