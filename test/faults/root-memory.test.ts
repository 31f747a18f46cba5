import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Secret } from '../../src/common/secret.ts';
import { readStoreId } from '../../src/vault/keyring-format.ts';
import { stretch } from '../../src/vault/roots/passphrase-root.ts';
import { deriveFromRoot } from '../../src/vault/roots/root-derivation.ts';
import { readRootSettings } from '../../src/vault/roots/root-settings.ts';
import { Daemon } from '../fixture/daemon.ts';
import { runKmipd } from '../fixture/kmipd.ts';
import { readSqlite } from './database.ts';
import { formsOf, nextRoundKeys, searchMemory } from './memory-search.ts';
import { ask, create } from './messages.ts';

/** What the memory of a daemon has of its root once the keyring is open. */

t.setTimeout(300_000);

t.test('the key schedule that is searched is that of FIPS 197, appendix A.3', async (t) => {
  const key = Buffer.from('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4', 'hex');
  const words = '9ba354118e6925afa51a8b5f2067fcdea8b09c1a93d194cdbe49846eb75d5b9a';
  t.equal(nextRoundKeys(key).toString('hex'), words);
});

/** Starts a daemon with a key, in whose memory a search must find the canary. */
async function startDaemon(t: Pick<Test, 'teardown'>) {
  const canary = randomBytes(32);
  process.env.KMIPD_CANARY = canary.map((byte) => byte ^ 0xff).toHex();
  const daemon = await Daemon.prepare({
    config: 'vault.activationSeconds = 0\n',
    preload: join(import.meta.dirname, 'plant-canary.ts'),
  });
  t.teardown(() => daemon.remove());
  await daemon.start();
  const client = await daemon.connect();
  await ask(client, [create('a key')]);
  await client.close();
  const [row] = readSqlite(daemon.database, 'select content from keyring');
  const storeId = readStoreId({ generation: 1, content: row?.content as Uint8Array }) as Uint8Array;
  return {
    daemon,
    vault: async (...args: readonly string[]) => {
      const command = await runKmipd(daemon.home, 'vault', ...args, '--home', daemon.home);
      return { code: await command.exited(), output: command.combinedOutput };
    },
    readRoot: (name: string) => Uint8Array.fromHex(readFileSync(join(daemon.home, name), 'latin1').trim()),
    wrapKeyOf: (root: Uint8Array) => deriveFromRoot(root, storeId, 'kmipd/2 root wrap'),
    search: (secret: Uint8Array) => searchMemory(daemon.pid, formsOf(secret)),
    isCanaryFound: () => (searchMemory(daemon.pid, formsOf(canary)).bytes ?? 0) > 0,
  };
}

t.test('neither the root nor the keys that wrap by it stay in memory', async (t) => {
  const { vault, readRoot, wrapKeyOf, search, isCanaryFound } = await startDaemon(t);
  // New epochs use the root again.
  for (let epoch = 2; epoch < 5; epoch += 1) t.match(await vault('rotate'), { code: 0 });
  const root = readRoot('root.key');
  t.ok(isCanaryFound(), 'the search finds what is there');
  t.strictSame(search(root), {}, 'the root');
  t.strictSame(search(wrapKeyOf(root)), {}, 'the key that wraps');
});

t.test('roots that the database has left are not in memory', async (t) => {
  const { daemon, vault, readRoot, wrapKeyOf, search, isCanaryFound } = await startDaemon(t);
  const passphrase = randomBytes(16).toHex();
  writeFileSync(join(daemon.home, 'passphrase'), `${passphrase}\n`, { mode: 0o600 });
  const change = async (...args: readonly string[]) => {
    const changed = await vault('change-root', ...args);
    t.match(changed, { code: 0 }, changed.output);
  };
  const left = new Map<string, Uint8Array>([['the file', readRoot('root.key')]]);
  const requireGone = () => {
    t.ok(isCanaryFound(), 'the search finds what is there');
    for (const [name, root] of left) {
      t.strictSame(search(root), {}, name);
      t.strictSame(search(wrapKeyOf(root)), {}, `the key that wraps by ${name}`);
    }
  };

  await change('passphrase:', '--passphrase-file', 'passphrase');
  requireGone();
  const { passphrase: settings } = readRootSettings(join(daemon.home, 'root-settings.json'));
  if (settings === undefined) throw new Error('the passphrase has no settings');
  using typed = await stretch(Secret.copyOf(Buffer.from(passphrase)), settings);
  left.set('the passphrase', typed.bytes);
  // People have opened it, so that the daemon keeps it as long as it is live.
  t.ok(search(wrapKeyOf(typed.bytes)).bytes, 'the search finds the key of a root that is kept');

  await change('--compromised', 'file:next.key');
  requireGone();
  t.strictSame(search(Buffer.from(passphrase)), {}, 'what was typed');
  left.set('the root in use', readRoot('next.key'));
  requireGone();
});
