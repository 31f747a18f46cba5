import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { deriveFromRoot } from '../../src/vault/roots/root-derivation.ts';
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

t.test('neither the root nor the keys that wrap by it stay in memory', async (t) => {
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
  // New epochs use the root again.
  for (let epoch = 2; epoch < 5; epoch += 1)
    t.equal(await (await runKmipd('.', 'vault', 'rotate', '--home', daemon.home)).exited(), 0);

  const root = Uint8Array.fromHex(readFileSync(join(daemon.home, 'root.key'), 'latin1').trim());
  const [row] = readSqlite(daemon.database, 'select content from keyring');
  const { store } = JSON.parse(
    Buffer.from(row?.content as Uint8Array)
      .subarray(32)
      .toString(),
  );
  const wrapKey = deriveFromRoot(root, Uint8Array.fromHex(store), 'kmipd/2 root wrap');
  const { bytes = 0 } = searchMemory(daemon.pid, formsOf(canary));
  t.ok(bytes > 0, 'the search finds what is there');
  t.strictSame(searchMemory(daemon.pid, formsOf(root)), {}, 'the root');
  t.strictSame(searchMemory(daemon.pid, formsOf(wrapKey)), {}, 'the key that wraps');
});
