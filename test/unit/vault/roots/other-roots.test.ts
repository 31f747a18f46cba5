import { mkdirSync, renameSync, rmSync } from 'node:fs';
import t from 'tap';
import { Secret } from '../../../../src/common/secret.ts';
import { ByteRoot } from '../../../../src/vault/roots/byte-root.ts';
import { context, plain } from '../vault-fixture.ts';
import { RootFixture } from './root-fixture.ts';

const key = Uint8Array.from({ length: 32 }, (_, at) => at + 1);

t.test('a credential is 32 bytes, or the line of a root key', async (t) => {
  const fixture = new RootFixture(t);
  const open = () => fixture.open('credential:root');
  t.match((await open()).sealedBecause, /^the credential \S+\/root is missing: give it in the unit/);
  t.equal(fixture.keyrings.stored, undefined, 'a credential is not made here');
  let sealed: ReturnType<Awaited<ReturnType<typeof open>>['seal']> | undefined;
  for (const content of [key, `${key.toHex()}\n`, key.toBase64()]) {
    fixture.write('root', content, 0o400);
    const vault = await open();
    t.equal(vault.sealedBecause, undefined);
    sealed ??= vault.seal(context, plain);
    t.strictSame(vault.open(context, sealed), plain);
    rmSync(fixture.path('root'));
  }
  for (const content of ['', 'x', key.slice(1), `${key.toHex()}0`, new Uint8Array(33), 'y'.repeat(4_096)]) {
    fixture.write('root', content);
    t.match((await open()).sealedBecause, /^the credential \S+\/root is not 32 bytes, or one line/);
  }
  fixture.write('root', key.toReversed());
  t.match((await open()).sealedBecause, /^the root credential:root cannot decrypt the keyring/);
  const without = await fixture.open('credential:root', { credentialsDirectory: '' });
  t.match(without.sealedBecause, /CREDENTIALS_DIRECTORY is not set/);
});

t.test('a root that comes later unseals the vault at once', async (t) => {
  const fixture = new RootFixture(t);
  mkdirSync(fixture.path('mounted'));
  const uri = `file:${fixture.path('mounted/root.key')}`;
  const first = await fixture.open(uri);
  const sealed = first.seal(context, plain);
  renameSync(fixture.path('mounted'), fixture.path('away'));
  const arrived = Promise.withResolvers<void>();
  const reasons: string[] = [];
  const sealing = { sealed: (reason: string) => void reasons.push(reason), unsealed: arrived.resolve };
  const vault = await fixture.open(uri, {}, { sealing, refreshSeconds: 3_600 });
  t.match(reasons, [/root\.key is missing/]);
  t.same(vault.status(), {
    ...{
      sealedBecause: reasons[0],
      configured: [uri],
      generation: null,
      roots: [],
      epochs: [],
      indexEpochs: [],
      atHand: [],
      rootProblems: [],
      prepared: null,
      values: 'envelope',
    },
  });
  const waiting = setInterval(() => {}, 1_000);
  renameSync(fixture.path('away'), fixture.path('mounted'));
  await arrived.promise;
  clearInterval(waiting);
  t.strictSame(vault.open(context, sealed), plain);
  t.equal(reasons.length, 1);
});

t.test('a token is opened by what the program gives for it', async (t) => {
  const fixture = new RootFixture(t);
  const uri = 'pkcs11:token=t;object=o';
  t.match((await fixture.open(uri)).sealedBecause, /^the root is in a token, and this kmipd has no support/);
  const opened: string[] = [];
  const openers = {
    pkcs11: (text: string) => ({
      uri: text,
      async open(storeId: Uint8Array) {
        opened.push(text);
        return new ByteRoot(Secret.copyOf(key), storeId);
      },
    }),
  };
  const vault = await fixture.open(uri, { openers });
  t.equal(vault.sealedBecause, undefined);
  t.ok(opened.length > 0 && opened.every((each) => each === uri));
});

t.test('the status of a vault names roots and epochs', async (t) => {
  const fixture = new RootFixture(t);
  const uri = `file:${fixture.path('root.key')}`;
  let now = 1_000_000_000;
  const vault = await fixture.open(uri, {}, { now: () => now, activationDelaySeconds: 120 });
  now += 200_000;
  vault.seal(context, plain);
  await vault.rotate();
  t.match(vault.status(), {
    ...{ sealedBecause: null, configured: [uri], generation: 2 },
    roots: [{ id: /^[0-9a-f]{16}$/, kind: 'file', uri, createdAt: 1_000_000 }],
    epochs: [
      { epoch: 1, state: 'active', createdAt: 1_000_000, seals: 1 },
      { epoch: 2, state: 'pending', createdAt: 1_000_200, seals: null },
    ],
  });
  now += 200_000;
  vault.seal(context, plain);
  t.match(vault.status().epochs, [
    { epoch: 1, state: 'opening', seals: null },
    { epoch: 2, state: 'active', seals: 1 },
  ]);
});
