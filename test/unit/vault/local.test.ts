import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openLocalVault } from '../../../src/vault/local.ts';
import { createRootKey } from '../../../src/vault/root-key.ts';
import { createFileRoot } from '../../../src/vault/roots/file-root.ts';
import type { SealedKey } from '../../../src/vault/vault.ts';
import { SealBrokenError, VaultUnavailableError } from '../../../src/vault/vault.ts';
import { memoryKeyrings } from './memory-keyrings.ts';
import { context, createRootKeyDirectory, plain, quick } from './vault-fixture.ts';

const { directory, freshFile } = createRootKeyDirectory(t);
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

t.test('a sealed value opens for its object after a restart', async (t) => {
  const [rootKeyFile, keys] = [freshFile(), memoryKeyrings()];
  const vault = await openLocalVault({ roots: [createFileRoot(rootKeyFile)], keyrings: keys, ...quick });
  t.equal(vault.unsealed, true);
  t.equal(vault.sealedBecause, undefined);
  const sealed = vault.seal(context, plain);
  t.equal(sealed.length, 1 + 1 + 4 + 12 + 32 + 16);
  t.notOk(text(sealed).includes(text(plain)));
  t.notSame(vault.seal(context, plain), sealed, 'a nonce of its own each time');
  const empty = vault.seal(context, new Uint8Array(0));
  await vault.close();
  const again = await openLocalVault({ roots: [createFileRoot(rootKeyFile)], keyrings: keys, ...quick });
  t.teardown(() => again.close());
  const opened = again.open(context, sealed);
  t.strictSame(opened, plain);
  t.equal(opened.buffer.byteLength, opened.length, 'in memory of its own, so that wiping wipes all of it');
  t.strictSame(again.open(context, empty), new Uint8Array(0));
  const within = new Uint8Array(sealed.length + 7);
  within.set(sealed, 7);
  t.strictSame(again.open(context, within.subarray(7) as SealedKey), plain, 'a view into other memory');
});

t.test('open throws when a bit is flipped or the length changed', async (t) => {
  const vault = await openLocalVault({
    roots: [createFileRoot(freshFile())],
    keyrings: memoryKeyrings(),
    ...quick,
  });
  t.teardown(() => vault.close());
  const sealed = vault.seal(context, plain);
  let opened = 0;
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const flipped = Uint8Array.from(sealed) as SealedKey;
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    try {
      vault.open(context, flipped);
      opened += 1;
    } catch (error) {
      if (!(error instanceof SealBrokenError || error instanceof VaultUnavailableError)) throw error;
    }
  }
  t.equal(opened, 0);
  for (const length of [0, 1, 5, 6, 18, 33, 34, sealed.length - 1])
    t.throws(
      () => vault.open(context, sealed.slice(0, length) as SealedKey),
      SealBrokenError,
      `${length} bytes`,
    );
  t.throws(() => vault.open(context, Uint8Array.from([...sealed, 0]) as SealedKey), SealBrokenError);
});

t.test('the root key file', async (t) => {
  await t.test('is created whole, for its owner only, when it does not exist', async (t) => {
    const file = join(directory, 'deep', 'er', 'root.key');
    createRootKey(file);
    t.equal(statSync(file).mode & 0o777, 0o600);
    t.equal(statSync(join(directory, 'deep', 'er')).mode & 0o777, 0o700);
    t.match(readFileSync(file, 'latin1'), /^[0-9a-f]{64}\n$/);
    t.throws(() => createRootKey(file), { code: 'EEXIST' });
    t.strictSame(readdirSync(join(directory, 'deep', 'er')), ['root.key'], 'nothing is left beside it');
  });

  await t.test('is read when it is hex or base64', async (t) => {
    const key = Buffer.from(Array.from({ length: 32 }, (_, at) => 255 - at * 7));
    const keys = memoryKeyrings();
    const forms = [
      key.toString('hex'),
      `${key.toString('hex').toUpperCase()}\r\n`,
      key.toString('base64'),
      ` ${key.toString('base64')}\n\n`,
    ];
    let sealed: SealedKey | undefined;
    for (const form of forms) {
      const rootKeyFile = freshFile();
      writeFileSync(rootKeyFile, form, { mode: 0o600 });
      const vault = await openLocalVault({ roots: [createFileRoot(rootKeyFile)], keyrings: keys, ...quick });
      t.equal(vault.sealedBecause, undefined, JSON.stringify(form));
      sealed ??= vault.seal(context, plain);
      t.strictSame(vault.open(context, sealed), plain);
      await vault.close();
    }
  });

  await t.test('is refused when it is not a key', async (t) => {
    for (const content of [
      '',
      'x',
      '0'.repeat(63),
      '0'.repeat(65),
      `${'0'.repeat(63)}g`,
      `${'A'.repeat(42)}B=`,
      `${'A'.repeat(42)}*=`,
      '0'.repeat(4096),
    ]) {
      const rootKeyFile = freshFile();
      writeFileSync(rootKeyFile, content, { mode: 0o600 });
      const vault = await openLocalVault({
        roots: [createFileRoot(rootKeyFile)],
        keyrings: memoryKeyrings(),
        ...quick,
      });
      t.match(
        vault.sealedBecause,
        /root-\d+\.key is not one line of 32 bytes in hex or base64$/,
        content.slice(0, 50),
      );
      await vault.close();
    }
    const vault = await openLocalVault({
      roots: [createFileRoot(directory)],
      keyrings: memoryKeyrings(),
      ...quick,
    });
    t.equal(vault.unsealed, false, 'a directory');
    await vault.close();
  });

  await t.test('is refused when others can read it', async (t) => {
    for (const mode of [0o640, 0o604, 0o660, 0o644, 0o610]) {
      const rootKeyFile = freshFile();
      createRootKey(rootKeyFile);
      chmodSync(rootKeyFile, mode);
      const vault = await openLocalVault({
        roots: [createFileRoot(rootKeyFile)],
        keyrings: memoryKeyrings(),
        ...quick,
      });
      t.equal(
        vault.sealedBecause,
        `the root key ${rootKeyFile} has mode 0${mode.toString(8)}, others can read it: chmod 600 it`,
      );
      t.throws(() => vault.seal(context, plain), VaultUnavailableError);
      chmodSync(rootKeyFile, 0o400);
      await vault.refresh();
      t.equal(vault.unsealed, true, 'tried again');
      await vault.close();
    }
  });
});

t.test('the vault starts sealed and creates no root key when its root key is missing', async (t) => {
  const [rootKeyFile, keys] = [freshFile(), memoryKeyrings()];
  const first = await openLocalVault({ roots: [createFileRoot(rootKeyFile)], keyrings: keys, ...quick });
  const sealed = first.seal(context, plain);
  await first.close();
  t.throws(() => first.open(context, sealed), {
    name: 'VaultUnavailableError',
    message: 'the vault is closed',
  });
  renameSync(rootKeyFile, `${rootKeyFile}.away`);
  const vault = await openLocalVault({ roots: [createFileRoot(rootKeyFile)], keyrings: keys, ...quick });
  t.teardown(() => vault.close());
  t.equal(vault.unsealed, false);
  t.match(vault.sealedBecause, /is missing.*restore it from its backup$/);
  t.notOk(existsSync(rootKeyFile), 'no new root key');
  t.throws(() => vault.seal(context, plain), VaultUnavailableError);
  t.throws(() => vault.open(context, sealed), VaultUnavailableError);
  await t.rejects(vault.rotate(), VaultUnavailableError);
  createRootKey(rootKeyFile);
  await vault.refresh();
  t.match(
    vault.sealedBecause,
    /cannot decrypt the keyring: the database is encrypted under another root key$/,
  );
  t.throws(() => vault.open(context, sealed), VaultUnavailableError);
  t.equal(keys.stored?.generation, 1);
  renameSync(`${rootKeyFile}.away`, rootKeyFile);
  await vault.refresh();
  t.equal(vault.unsealed, true);
  t.strictSame(vault.open(context, sealed), plain);
});

t.test('processes agree on one keyring when they start at once without one', async (t) => {
  const [rootKeyFile, keys] = [freshFile(), memoryKeyrings()];
  const vaults = await Promise.all(
    Array.from({ length: 8 }, () =>
      openLocalVault({ roots: [createFileRoot(rootKeyFile)], keyrings: keys, ...quick }),
    ),
  );
  t.teardown(() => Promise.all(vaults.map((vault) => vault.close())));
  t.equal(keys.stored?.generation, 1);
  const sealed = vaults.map((vault) => vault.seal(context, plain));
  for (const vault of vaults) for (const one of sealed) t.strictSame(vault.open(context, one), plain);
});

t.test('a node is sealed when its root key is not the one of the database', async (t) => {
  const keys = memoryKeyrings();
  const vaults = await Promise.all(
    [freshFile(), freshFile()].map((rootKeyFile) =>
      openLocalVault({ roots: [createFileRoot(rootKeyFile)], keyrings: keys, ...quick }),
    ),
  );
  t.teardown(() => Promise.all(vaults.map((vault) => vault.close())));
  t.strictSame(vaults.map(({ unsealed }) => unsealed).sort(), [false, true]);
});

t.test('opening rejects when the keyring cannot be read', async (t) => {
  const broken = { ...memoryKeyrings(), read: () => Promise.reject(new Error('away')) };
  await t.rejects(
    openLocalVault({ roots: [createFileRoot(freshFile())], keyrings: broken, ...quick }),
    /away/,
  );
});
