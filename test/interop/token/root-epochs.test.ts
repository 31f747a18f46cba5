import { writeFileSync } from 'node:fs';
import t from 'tap';
import { TokenRoot } from '../../../src/token/token-root.ts';
import { parseTokenUri } from '../../../src/token/token-uri.ts';
import { openLocalVault } from '../../../src/vault/local.ts';
import { watchFiles } from '../../../src/vault/roots/watch-files.ts';
import { memoryKeyrings } from '../../unit/vault/memory-keyrings.ts';
import { context, plain } from '../../unit/vault/vault-fixture.ts';
import { missing, pin, SoftToken } from './soft-token.ts';
import { findTokenProcesses } from './token-home.ts';

/** Epochs of a vault whose root is in a token that comes and goes. */

t.setTimeout(300_000);

t.test('an epoch that is full is replaced once the token is back', { skip: missing }, async (t) => {
  const token = new SoftToken(t);
  let now = Date.now();
  const root = new TokenRoot(token.uri(), {
    client: { environment: token.environment, pingMilliseconds: 0 },
    watchFiles,
  });
  const keyrings = memoryKeyrings();
  const stored = Promise.withResolvers<void>();
  const write = keyrings.write.bind(keyrings);
  keyrings.write = async (keyring) => {
    const isStored = await write(keyring);
    if (keyring.generation === 2) stored.resolve();
    return isStored;
  };
  const vault = await openLocalVault({
    ...{ roots: [root], keyrings, sealsBeforeRotation: 3, activationDelaySeconds: 0, refreshSeconds: 0 },
    now: () => now,
  });
  t.teardown(() => vault.close());
  t.equal(vault.sealedBecause, undefined);
  token.remove();
  for (const pid of findTokenProcesses(process.pid)) process.kill(pid, 'SIGKILL');
  for (let seals = 0; seals < 10; seals += 1) vault.seal(context, plain);
  await t.rejects(vault.rotate(), { message: /^the token kmipd cannot be used: / });
  t.equal(vault.currentEpoch, 1);
  const last = vault.seal(context, plain);
  t.strictSame(vault.open(context, last), plain, 'everything goes on meanwhile');
  token.putBack();
  now += 10_000;
  vault.seal(context, plain);
  await stored.promise;
  await vault.refresh();
  t.equal(vault.currentEpoch, 2, 'the next attempt succeeds, and nobody has asked for it');
  t.strictSame(vault.open(context, last), plain);
  t.equal(root.status.state, 'up');
});

t.test('a key is made for a new database alone', { skip: missing }, async (t) => {
  const token = new SoftToken(t);
  const open = (keyrings = memoryKeyrings()) => {
    const root = new TokenRoot(token.uri(), { client: { environment: token.environment }, watchFiles });
    return openLocalVault({ roots: [root], keyrings, refreshSeconds: 0 });
  };
  const keyrings = memoryKeyrings();
  const first = await open(keyrings);
  t.equal(first.sealedBecause, undefined);
  await first.close();
  const list = () =>
    token.run(
      'pkcs11-tool',
      ...['--module', token.faultyModule, '--token-label', 'kmipd', '--login', '--pin', pin],
      ...['--list-objects', '--type', 'secrkey'],
    );
  t.equal(list().match(/Secret Key Object/g)?.length, 1);
  const second = await open();
  t.equal(second.sealedBecause, undefined, 'one that is there serves for another new database');
  await second.close();
  t.equal(list().match(/Secret Key Object/g)?.length, 1);
  token.run(
    'pkcs11-tool',
    ...['--module', token.faultyModule, '--token-label', 'kmipd', '--login', '--pin', pin],
    ...['--delete-object', '--type', 'secrkey', '--label', 'root'],
  );
  const third = await open(keyrings);
  t.match(third.sealedBecause, /^the token kmipd cannot be used: /);
  await third.close();
  t.notMatch(list(), /Secret Key Object/, 'a database that has a keyring gets no other key');
});

t.test('a backup of the key in another token is the same root', { skip: missing }, async (t) => {
  const token = new SoftToken(t);
  token.addToken('backup');
  const key = token.path('key');
  writeFileSync(key, crypto.getRandomValues(new Uint8Array(32)));
  for (const label of ['kmipd', 'backup'])
    token.run(
      'pkcs11-tool',
      ...['--module', token.faultyModule, '--token-label', label, '--login', '--pin', pin],
      ...['--write-object', key, '--type', 'secrkey', '--key-type', 'AES:32', '--usage-wrap', '--sensitive'],
      ...['--label', 'root', '--id', '00112233445566778899aabbccddeeff'],
    );
  const keyrings = memoryKeyrings();
  const open = (text: string) => {
    const options = { client: { environment: token.environment }, watchFiles };
    const root = new TokenRoot(parseTokenUri(text, '/'), options);
    return openLocalVault({ roots: [root], keyrings, activationDelaySeconds: 0, refreshSeconds: 0 });
  };
  const first = await open(token.uriText());
  t.equal(first.sealedBecause, undefined);
  const sealed = first.seal(context, plain);
  await first.close();
  token.run('softhsm2-util', '--delete-token', '--token', 'kmipd');
  t.match((await open(token.uriText())).sealedBecause, /^the token kmipd cannot be used: /);
  const second = await open(token.uriText().replace('token=kmipd', 'token=backup'));
  t.equal(second.sealedBecause, undefined);
  t.strictSame(second.open(context, sealed), plain);
  t.equal(await second.rotate(), 2, 'and it wraps what is new');
  await second.close();
});
