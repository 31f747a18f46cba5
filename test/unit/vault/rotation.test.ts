import { renameSync, rmSync } from 'node:fs';
import t from 'tap';
import { openLocalVault } from '../../../src/vault/local.ts';
import { createRootKey } from '../../../src/vault/root-key.ts';
import { createFileRoot } from '../../../src/vault/roots/file-root.ts';
import type { StoredKeyring, Vault } from '../../../src/vault/vault.ts';
import { VaultUnavailableError } from '../../../src/vault/vault.ts';
import { memoryKeyrings } from './memory-keyrings.ts';
import { context, createRootKeyDirectory, plain, quick } from './vault-fixture.ts';

const { freshFile } = createRootKeyDirectory(t);
const epochOf = (sealed: Uint8Array) => Buffer.from(sealed).readUInt32BE(2);

t.test('rotation seals in the new epoch and opens old boxes', async (t) => {
  const [rootKeyFile, keys] = [freshFile(), memoryKeyrings()];
  const vault = await openLocalVault({ roots: [createFileRoot(rootKeyFile)], keyrings: keys, ...quick });
  t.teardown(() => vault.close());
  const old = vault.seal(context, plain);
  t.equal(epochOf(old), 1);
  t.equal(await vault.rotate(), 2);
  const fresh = vault.seal(context, plain);
  t.equal(epochOf(fresh), 2);
  t.strictSame(vault.open(context, old), plain);
  t.strictSame(vault.open(context, fresh), plain);
});

t.test('rotation happens when an epoch has sealed enough boxes', async (t) => {
  let now = 1_000_000;
  const [rootKeyFile, keyrings] = [freshFile(), memoryKeyrings()];
  const settings = {
    roots: [createFileRoot(rootKeyFile)],
    keyrings,
    sealsBeforeRotation: 5,
    now: () => now,
    ...quick,
  };
  const vault = await openLocalVault(settings);
  t.teardown(() => vault.close());
  const epochs: number[] = [];
  const seal = async (each: Vault) => {
    now += 10_000;
    epochs.push(epochOf(each.seal(context, plain)));
    await new Promise(setImmediate);
  };
  for (let at = 0; at < 12; at += 1) await seal(vault);
  t.strictSame(epochs.splice(0), [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3]);

  const again = await openLocalVault(settings);
  t.teardown(() => again.close());
  again.sealCounter.resume([{ epoch: 3, count: 2 }]);
  again.sealCounter.learnOthers([{ epoch: 3, count: 1 }]);
  for (let at = 0; at < 4; at += 1) await seal(again);
  t.strictSame(epochs.splice(0), [3, 3, 4, 4], 'counted before the start, and by others');
  for (let at = 0; at < 5; at += 1) await seal(vault);
  t.strictSame(epochs, [3, 3, 3, 4, 4], 'another process has begun it: none of its own');
  t.equal(keyrings.stored?.generation, 4);
});

t.test('rotation is tried again later when it fails', async (t) => {
  let now = 1_000_000;
  const [rootKeyFile, keyrings] = [freshFile(), memoryKeyrings()];
  const vault = await openLocalVault({
    roots: [createFileRoot(rootKeyFile)],
    keyrings,
    sealsBeforeRotation: 1,
    now: () => now,
    ...quick,
  });
  t.teardown(() => vault.close());
  renameSync(rootKeyFile, `${rootKeyFile}.away`);
  const seal = async () => {
    const epoch = epochOf(vault.seal(context, plain));
    await new Promise(setImmediate);
    return epoch;
  };
  await seal();
  renameSync(`${rootKeyFile}.away`, rootKeyFile);
  t.strictSame([await seal(), await seal()], [1, 1], 'not at once');
  now += 10_000;
  t.strictSame([await seal(), await seal()], [1, 2]);
});

t.test('rotation is what a process needs that has sealed all that an epoch may', async (t) => {
  let now = 1_000_000;
  const [rootKeyFile, keyrings] = [freshFile(), memoryKeyrings()];
  const vault = await openLocalVault({
    roots: [createFileRoot(rootKeyFile)],
    keyrings,
    now: () => now,
    ...quick,
  });
  t.teardown(() => vault.close());
  vault.sealCounter.resume([{ epoch: 1, count: 2 ** 31 - 1 }]);
  renameSync(rootKeyFile, `${rootKeyFile}.away`);
  vault.seal(context, plain);
  await new Promise(setImmediate);
  const limit = { code: 'VAULT_UNAVAILABLE', message: /limit of seals/ };
  t.throws(() => vault.seal(context, plain), limit);
  renameSync(`${rootKeyFile}.away`, rootKeyFile);
  now += 10_000;
  t.throws(() => vault.seal(context, plain), limit, 'but it tries again to begin another epoch');
  await new Promise(setImmediate);
  t.equal(epochOf(vault.seal(context, plain)), 2);
  vault.seal(context, plain);
});

t.test('rotation does not use a new epoch before its activation delay has passed', async (t) => {
  let now = 1_000_000;
  const keys = memoryKeyrings();
  const vault = await openLocalVault({
    roots: [createFileRoot(freshFile())],
    keyrings: keys,
    refreshSeconds: 0,
    now: () => now,
  });
  t.teardown(() => vault.close());
  await vault.rotate();
  t.equal(epochOf(vault.seal(context, plain)), 1);
  now += 121_000;
  t.equal(epochOf(vault.seal(context, plain)), 2);
});

t.test('rotation in another process is noticed when its first box is opened', async (t) => {
  const [rootKeyFile, keys] = [freshFile(), memoryKeyrings()];
  let now = Date.now();
  const open = () =>
    openLocalVault({ roots: [createFileRoot(rootKeyFile)], keyrings: keys, ...quick, now: () => now });
  const [here, there] = [await open(), await open()];
  t.teardown(() => Promise.all([here.close(), there.close()]));
  await there.rotate();
  const sealed = there.seal(context, plain);
  now += 61_000;
  t.throws(() => here.open(context, sealed), VaultUnavailableError, 'it may be an epoch of another process');
  await here.refresh();
  t.strictSame(here.open(context, sealed), plain);
  const before = keys.reads;
  await here.refresh();
  t.equal(keys.reads, before + 1);
  await Promise.all([here.rotate(), there.rotate()]);
  await Promise.all([here.refresh(), there.refresh()]);
  t.strictSame(here.open(context, there.seal(context, plain)), plain);
});

t.test('rotation is refused when the root key was exchanged', async (t) => {
  const [rootKeyFile, keys] = [freshFile(), memoryKeyrings()];
  const vault = await openLocalVault({ roots: [createFileRoot(rootKeyFile)], keyrings: keys, ...quick });
  t.teardown(() => vault.close());
  rmSync(rootKeyFile);
  await t.rejects(vault.rotate(), { name: 'VaultUnavailableError', message: /is missing/ });
  createRootKey(rootKeyFile);
  await t.rejects(vault.rotate(), { name: 'VaultUnavailableError', message: /encrypted under another/ });
  t.equal(keys.stored?.generation, 1);
  t.equal(vault.unsealed, true, 'the keys at hand stay good');
  t.equal(epochOf(vault.seal(context, plain)), 1);
});

t.test('after the end of all lanes none of before opens, and everything else does', async (t) => {
  const [rootKeyFile, keyrings] = [freshFile(), memoryKeyrings()];
  const open = () => openLocalVault({ roots: [createFileRoot(rootKeyFile)], keyrings, refreshSeconds: 0 });
  const vault = await open();
  t.teardown(() => vault.close());
  const lane = { kind: 'lane', name: 'node', seq: 1, era: 1 } as const;
  const [beforeLane, value] = [vault.seal(lane, plain), vault.seal(context, plain)];
  await vault.rotate();
  await vault.endLanes();
  const after = vault.seal(lane, plain);
  t.equal(epochOf(after), 3, 'without an activation delay');
  await vault.rotate();
  const again = await open();
  t.teardown(() => again.close());
  for (const each of [vault, again]) {
    t.throws(() => each.open(lane, beforeLane), { name: 'SealBrokenError' });
    t.strictSame(each.open(context, value), plain);
    t.strictSame(each.open(lane, after), plain);
  }
  const behind = await openLocalVault({
    ...{
      roots: [createFileRoot(rootKeyFile)],
      keyrings,
      refreshSeconds: 0,
      now: () => Date.now() - 3_600_000,
    },
  });
  t.teardown(() => behind.close());
  t.strictSame(vault.open(lane, behind.seal(lane, plain)), plain, 'a clock that is behind');
  const racing = { ...keyrings, write: async () => false };
  const late = await openLocalVault({
    roots: [createFileRoot(rootKeyFile)],
    keyrings: racing,
    refreshSeconds: 0,
  });
  t.teardown(() => late.close());
  await t.rejects(late.endLanes(), /another process changes the keyring/);
});

t.test('a database moves from one root to another while it is open', async (t) => {
  const [first, second, keyrings] = [freshFile(), freshFile(), memoryKeyrings()];
  const open = async (...files: string[]) => {
    const vault = await openLocalVault({ roots: files.map(createFileRoot), keyrings, ...quick });
    t.teardown(() => vault.close());
    return vault;
  };
  const vault = await open(first);
  const sealed = vault.seal(context, plain);
  t.match((await open(second)).sealedBecause, /root-\d+\.key is missing/);
  await vault.addRoot(createFileRoot(second));
  const { generation } = vault.status();
  await vault.addRoot(createFileRoot(second));
  t.equal(vault.status().generation, generation, 'it is live');
  await t.rejects(
    vault.addRoot(createFileRoot(freshFile())),
    /the database moves to the root file:\S+ already: end that change first/,
  );
  t.equal(vault.status().generation, generation, 'two nodes move to one root');
  t.equal(await vault.rotate(), 2, 'with both at hand');
  for (const file of [first, second]) {
    const alone = await open(file);
    t.strictSame(alone.open(context, sealed), plain, file);
    await t.rejects(alone.rotate(), /the keyring is not changed: its root file:.* is not at hand/);
  }
  const stored = keyrings.stored as StoredKeyring;
  const { roots } = JSON.parse(Buffer.from(stored.content.subarray(32)).toString());
  t.strictSame(
    roots.map(({ uri }: { uri: string }) => uri),
    [`file:${first}`, `file:${second}`],
  );
  rmSync(first);
  const moved = await open(first, second);
  t.equal(moved.sealedBecause, undefined, 'one of them is enough to open');
  t.match(moved.status(), { atHand: [roots[1].id], rootProblems: [/root-\d+\.key is missing/] });
  await t.rejects(moved.keepRoot(roots[0].id), {
    ...{
      code: 'VAULT_UNAVAILABLE',
      message: /which is to stay, is not at hand; the root key \S+ is missing/,
    },
  });
  await moved.keepRoot(roots[1].id);
  t.match(moved.status(), { roots: [{ id: roots[1].id }], atHand: [roots[1].id], rootProblems: [] });
  await moved.keepRoot(roots[1].id);
  t.equal(await moved.rotate(), 3);
  t.strictSame((await open(second)).open(context, sealed), plain);
  const racing = { ...keyrings, read: async () => keyrings.stored, write: async () => false };
  const late = await openLocalVault({ roots: [createFileRoot(second)], keyrings: racing, ...quick });
  t.teardown(() => late.close());
  await t.rejects(late.addRoot(createFileRoot(freshFile())), /another process changes the keyring/);
});
