import t from 'tap';
import { TokenRoot } from '../../../src/token/token-root.ts';
import { openLocalVault } from '../../../src/vault/local.ts';
import { watchFiles } from '../../../src/vault/roots/watch-files.ts';
import { memoryKeyrings } from '../../unit/vault/memory-keyrings.ts';
import { context, plain } from '../../unit/vault/vault-fixture.ts';
import { missing, SoftToken } from './soft-token.ts';

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
  process.kill(root.pid ?? 0, 'SIGKILL');
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
      ...['--module', token.faultyModule, '--token-label', 'kmipd', '--login', '--pin', '24681357'],
      ...['--list-objects', '--type', 'secrkey'],
    );
  t.equal(list().match(/Secret Key Object/g)?.length, 1);
  const second = await open();
  t.equal(second.sealedBecause, undefined, 'one that is there serves for another new database');
  await second.close();
  t.equal(list().match(/Secret Key Object/g)?.length, 1);
  token.run(
    'pkcs11-tool',
    ...['--module', token.faultyModule, '--token-label', 'kmipd', '--login', '--pin', '24681357'],
    ...['--delete-object', '--type', 'secrkey', '--label', 'root'],
  );
  const third = await open(keyrings);
  t.match(third.sealedBecause, /^the token kmipd cannot be used: /);
  await third.close();
  t.notMatch(list(), /Secret Key Object/, 'a database that has a keyring gets no other key');
});
