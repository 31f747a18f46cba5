import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { concatBytes } from '../../../src/common/bytes.ts';
import { createKeyring, describeRoot } from '../../../src/vault/keyring.ts';
import { encodeKeyring, readStoreId } from '../../../src/vault/keyring-format.ts';
import type { StoredKeyring } from '../../../src/vault/vault.ts';
import { missing, pin, SoftToken } from './soft-token.ts';
import { makeKeys, readKeys, TokenHome } from './token-home.ts';

/** What a home with its root in a token accepts, and what it refuses of those who write to its database. */

t.setTimeout(600_000);

t.test('a root that joins a token and a credential needs both', { skip: missing }, async (t) => {
  const token = new SoftToken(t);
  const credentials = token.path('credentials');
  mkdirSync(credentials);
  const credential = `${credentials}/share`;
  writeFileSync(credential, crypto.getRandomValues(new Uint8Array(32)), { mode: 0o400 });
  const home = new TokenHome(t, token, { CREDENTIALS_DIRECTORY: credentials });
  const made = await home.initialise(`all-of:${token.uriText()}+credential:share`);
  t.equal(made.code, 0, made.output);
  await home.start();
  const client = await home.connect();
  const ids = await makeKeys(client, 3);
  const before = await readKeys(client, ids);
  await client.close();
  await home.end();

  for (const [what, remove, putBack, reason] of [
    ['token', () => token.remove(), () => token.putBack(), /^sealed: the token kmipd cannot be used/m],
    [
      'credential',
      () => renameSync(credential, `${credential}.away`),
      () => renameSync(`${credential}.away`, credential),
      /^sealed: the credential \S+share is missing/m,
    ],
  ] as const)
    await t.test(`without the ${what} it is sealed until that is back`, async (t) => {
      remove();
      const daemon = home.serve();
      const { port } = await daemon.sealed();
      t.match(daemon.output, reason);
      putBack();
      await daemon.ready();
      const reader = await home.connect(port);
      t.strictSame(await readKeys(reader, ids), before);
      await reader.close();
      await home.end();
    });
});

const rsaUri = ';object=pair;type=private';

for (const [name, uri] of [
  ['an AES key', ';object=root'],
  ['an RSA pair', rsaUri],
] as const)
  t.test(`a keyring that a database writer has wrapped is refused: ${name}`, { skip: missing }, async (t) => {
    const token = new SoftToken(t);
    if (uri === rsaUri) makePair(token);
    const home = new TokenHome(t, token);
    const made = await home.initialise(token.uriText(uri));
    t.equal(made.code, 0, made.output);
    await home.start();
    const client = await home.connect();
    const ids = await makeKeys(client, 3);
    const before = await readKeys(client, ids);
    const own = readKeyring(home);
    const json = JSON.parse(new TextDecoder().decode(own.content.subarray(32)));
    const [{ id }] = json.roots;

    // Of a generation that this home does not know, wrapped by a key of his own.
    const wrap =
      uri === rsaUri ? wrapperOf(publicKeyOf(token)) : async () => crypto.getRandomValues(new Uint8Array(73));
    const foreign = await forge(id, token.uriText(uri), wrap, readStoreId(own));
    await client.close();
    await home.end();
    writeKeyring(home, foreign);
    const daemon = home.serve();
    await daemon.sealed();
    t.match(
      daemon.output,
      uri === rsaUri
        ? /^sealed: the keyring in \S+ is not the one that this home used before: another database is in its place/m
        : /^sealed: the root pkcs11:\S+ cannot decrypt the keyring/m,
    );
    t.match(await home.kmipd('client', 'list'), { code: 1, output: /the vault is sealed/ });
    await home.end();

    writeKeyring(home, own);
    await home.start();
    const reader = await home.connect();
    t.strictSame(await readKeys(reader, ids), before, 'the own keyring opens everything again');
    // A daemon that serves has its keys in memory, and takes no others.
    writeKeyring(home, foreign);
    t.match(await home.kmipd('vault', 'rotate'), { code: 1, output: /^kmipd: the / });
    t.strictSame(await readKeys(reader, ids), before);
    await reader.close();
    await home.end();
    if (uri !== rsaUri) return;
    // Without the file by which the home recognises its keyring the forged one opens, and no row under it.
    rmSync(`${home.directory}/keyring.pin`);
    t.match(await home.kmipd('client', 'list'), { code: 1, output: /of table lane does not open/ });
  });

function makePair(token: SoftToken): void {
  token.run(
    'pkcs11-tool',
    ...['--module', token.faultyModule, '--token-label', 'kmipd', '--login', '--pin', pin],
    ...['--keypairgen', '--key-type', 'rsa:2048', '--label', 'pair', '--id', '07'],
  );
}

/** Everybody may read it. */
function publicKeyOf(token: SoftToken) {
  const file = token.path('public.der');
  token.run(
    'pkcs11-tool',
    ...['--module', token.faultyModule, '--token-label', 'kmipd', '--read-object'],
    ...['--type', 'pubkey', '--label', 'pair', '--output-file', file],
  );
  return createPublicKey({ key: readFileSync(file), format: 'der', type: 'spki' });
}

/** Wraps as kmipd does where OAEP has SHA-1 only, which is format 6. */
function wrapperOf(key: ReturnType<typeof createPublicKey>) {
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  return async (secret: Uint8Array) =>
    concatBytes([Uint8Array.of(6), publicEncrypt({ key, padding, oaepHash: 'sha1' }, secret)]);
}

/** Returns a whole keyring of new secrets for a store, whose MAC is right. */
async function forge(
  id: string,
  uri: string,
  wrap: (secret: Uint8Array) => Promise<Uint8Array>,
  storeId: Uint8Array = new Uint8Array(16),
): Promise<StoredKeyring> {
  const root = { id, wrap, unwrap: async () => undefined, close: async () => {} };
  const keyring = { ...createKeyring(1), storeId, roots: [describeRoot({ uri, root }, 1)] };
  return encodeKeyring({ ...keyring, generation: 9 }, [{ uri, root }]);
}

function readKeyring(home: TokenHome): StoredKeyring {
  using database = new DatabaseSync(`${home.directory}/kmipd.db`);
  return database.prepare('select generation, content from keyring').get() as unknown as StoredKeyring;
}

function writeKeyring(home: TokenHome, { generation, content }: StoredKeyring): void {
  using database = new DatabaseSync(`${home.directory}/kmipd.db`);
  database.prepare('update keyring set generation = ?, content = ?').run(generation, content);
}
