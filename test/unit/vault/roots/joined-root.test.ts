import { copyFileSync, mkdirSync } from 'node:fs';
import t from 'tap';
import { Secret } from '../../../../src/common/secret.ts';
import { ByteRoot } from '../../../../src/vault/roots/byte-root.ts';
import { createJoinedRoot } from '../../../../src/vault/roots/joined-root.ts';
import type { OpenRoot, RootSource } from '../../../../src/vault/roots/root.ts';
import { context, plain } from '../vault-fixture.ts';
import { cheapPassphrase, RootFixture, secretOf } from './root-fixture.ts';

const storeId = new Uint8Array(16).fill(7);
const byteRoot = (fill: number) => new ByteRoot(new Secret(new Uint8Array(32).fill(fill)), storeId);

/** A source that records what is wrapped by it. */
function recordingSource(root: OpenRoot): RootSource & { readonly parts: Uint8Array[] } {
  const parts: Uint8Array[] = [];
  const open = async (): Promise<OpenRoot> => ({
    id: root.id,
    wrap(secret) {
      parts.push(secret.slice());
      return root.wrap(secret);
    },
    unwrap: (wrapped) => root.unwrap(wrapped),
    close: () => root.close(),
  });
  return { uri: root.id, open, parts };
}

t.test('every root of a joined one is needed, and none alone tells anything', async (t) => {
  const sources = [1, 2, 3].map((fill) => recordingSource(byteRoot(fill)));
  const joined = await createJoinedRoot('all-of:x', sources).open(storeId);
  t.match(joined.id, /^[0-9a-f]{16}$/);
  const secret = Uint8Array.from({ length: 59 }, (_, at) => at);
  const wrapped = await joined.wrap(secret);
  t.strictSame(await joined.unwrap(wrapped), secret);
  const parts = sources.map((source) => source.parts[0] as Uint8Array);
  t.strictSame(
    secret,
    secret.map((_, at) => parts.reduce((sum, part) => sum ^ (part[at] ?? 0), 0)),
    'the exclusive or of what each has wrapped',
  );
  for (const part of parts) t.not(part.toHex(), secret.toHex());
  await joined.wrap(secret);
  for (const { parts } of sources) t.not(parts[0]?.toHex(), parts[1]?.toHex(), 'other parts each time');

  for (let at = 0; at < 3; at += 1) {
    const fills = [1, 2, 3].with(at, 9);
    const other = createJoinedRoot(
      'all-of:x',
      fills.map((fill) => recordingSource(byteRoot(fill))),
    );
    t.equal(await (await other.open(storeId)).unwrap(wrapped), undefined, `root ${at} is another one`);
  }
  for (let length = 0; length < wrapped.length; length += 1)
    t.equal(await joined.unwrap(wrapped.slice(0, length)), undefined, `${length} bytes`);
  for (let bit = 0; bit < wrapped.length * 8; bit += 5) {
    const changed = wrapped.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    t.equal(await joined.unwrap(changed), undefined, `bit ${bit}`);
  }
  t.equal(await joined.unwrap(Uint8Array.of(...wrapped, 0)), undefined);
  await joined.close();
  await t.rejects(joined.unwrap(wrapped), /is closed/);
});

t.test('a database under two roots needs both', async (t) => {
  const fixture = new RootFixture(t);
  fixture.write('cred', new Uint8Array(32).fill(5), 0o400);
  const uri = `all-of:file:${fixture.path('root.key')}+credential:cred`;
  const vault = await fixture.open(uri);
  t.equal(vault.sealedBecause, undefined);
  t.match(vault.status().roots, [{ kind: 'all-of', uri }]);
  const sealed = vault.seal(context, plain);
  t.strictSame((await fixture.open(uri)).open(context, sealed), plain);
  for (const single of [`file:${fixture.path('root.key')}`, 'credential:cred'])
    t.match((await fixture.open(single)).sealedBecause, /cannot decrypt the keyring/, single);
  const swapped = `all-of:credential:cred+file:${fixture.path('root.key')}`;
  t.match((await fixture.open(swapped)).sealedBecause, /cannot decrypt the keyring/, 'in another order');
  fixture.write('other', new Uint8Array(32).fill(6), 0o400);
  const other = `all-of:file:${fixture.path('root.key')}+credential:other`;
  t.match((await fixture.open(other)).sealedBecause, /cannot decrypt the keyring/);
  const gone = await fixture.open(uri, { credentialsDirectory: fixture.path('none') });
  t.match(gone.sealedBecause, /^the credential \S+ is missing/);
});

t.test('what people have given waits for the other root', async (t) => {
  const fixture = new RootFixture(t);
  fixture.write('root-settings.json', JSON.stringify({ passphrase: cheapPassphrase }));
  fixture.write('cred', new Uint8Array(32).fill(5), 0o400);
  const uri = 'all-of:passphrase:+shares:2/2+credential:cred';
  const passphrase = 'a passphrase of some length';
  const made = await fixture.open(uri, { askPassphrase: async () => secretOf(passphrase) });
  t.equal(made.sealedBecause, undefined);
  const sealed = made.seal(context, plain);
  const [first = '', second = ''] = fixture.shares;

  const credentialsDirectory = fixture.path('later');
  const vault = await fixture.open(uri, { deliverShares: undefined, credentialsDirectory });
  t.match(vault.sealedBecause, /passphrase has not been given/);
  t.same(await vault.unseal(secretOf(passphrase)), { given: 1, needed: 1 });
  t.match(vault.sealedBecause, /0 of the 2 shares/);
  await vault.unseal(secretOf(first));
  await t.rejects(vault.unseal(secretOf(second)), /credential \S+later\/cred is missing/);
  mkdirSync(credentialsDirectory);
  copyFileSync(fixture.path('cred'), `${credentialsDirectory}/cred`);
  await vault.refresh();
  t.equal(vault.sealedBecause, undefined, 'nobody had to come again');
  t.strictSame(vault.open(context, sealed), plain);
});
