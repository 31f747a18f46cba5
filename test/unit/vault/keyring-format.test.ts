import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Secret } from '../../../src/common/secret.ts';
import { keyedHash } from '../../../src/vault/keyed-hash.ts';
import {
  addRoot,
  addSealEpoch,
  createKeyring,
  describeRoot,
  type Keyring,
  removeRoot,
  retireSealEpochs,
} from '../../../src/vault/keyring.ts';
import { decodeKeyring, encodeKeyring } from '../../../src/vault/keyring-format.ts';
import { checkPin } from '../../../src/vault/keyring-pin.ts';
import { openLocalVault } from '../../../src/vault/local.ts';
import { ByteRoot } from '../../../src/vault/roots/byte-root.ts';
import { createFileRoot } from '../../../src/vault/roots/file-root.ts';
import type { NamedRoot } from '../../../src/vault/roots/root.ts';
import type { StoredKeyring } from '../../../src/vault/vault.ts';
import { change, type Json } from './change-keyring.ts';
import { memoryKeyrings } from './memory-keyrings.ts';
import { quick } from './vault-fixture.ts';

const directory = mkdtempSync(join(tmpdir(), 'kmipd-keyring-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

const rootKey = Uint8Array.from({ length: 32 }, (_, at) => at + 1);

type Random = (buffer: Uint8Array) => void;

/** The root of 32 bytes as a keyring names it. */
function rootOf(storeId: Uint8Array, key = rootKey, random?: Random): NamedRoot {
  return { uri: 'file:/keys/root.key', root: new ByteRoot(Secret.copyOf(key), storeId, random) };
}

/** A new keyring with its root. */
function createRooted(createdAt = 1_700_000_000): { keyring: Keyring; root: NamedRoot } {
  const empty = createKeyring(createdAt);
  const root = rootOf(empty.storeId);
  return { keyring: { ...empty, roots: [describeRoot(root, createdAt)] }, root };
}

const secretsOf = ({ secrets }: Keyring) => secrets.map(({ value }) => value.bytes.toHex());
const setSecretsOf = ({ secrets }: Keyring) =>
  secrets.filter(({ kind }) => kind === 'set').map(({ value }) => value.bytes);
const jsonOf = (stored: StoredKeyring): Json =>
  JSON.parse(Buffer.from(stored.content.subarray(32)).toString());

/** Returns a keyring as older kmipds have stored it: one wrap of each secret, and no list of roots. */
function toOldForm(keyring: Keyring, stored: StoredKeyring): StoredKeyring {
  const { roots, secrets, ...rest } = jsonOf(stored);
  const wrapped = secrets.map(({ wraps, ...secret }: Json) => ({
    ...secret,
    wrapped: wraps[roots[0].id],
  }));
  const text = new TextEncoder().encode(JSON.stringify({ ...rest, secrets: wrapped }));
  const mac = keyedHash(keyring.secrets[2]?.value.bytes ?? new Uint8Array(), 'kmipd/2 keyring', text);
  return { generation: stored.generation, content: Buffer.concat([Uint8Array.fromHex(mac), text]) };
}

t.test('a keyring opens as it was stored', async (t) => {
  const { keyring: first, root } = createRooted();
  const keyring = addSealEpoch(first, 1_700_000_100);
  const stored = await encodeKeyring(keyring, [root]);
  const opened = (await decodeKeyring(stored, [root])) as Keyring;
  t.strictSame(secretsOf(opened), secretsOf(keyring));
  const { secrets, ...rest } = opened;
  t.match(keyring, rest);
  t.strictSame(
    secrets.map(({ value, ...secret }) => secret),
    keyring.secrets.map(({ value, ...secret }) => secret),
  );
  t.strictSame(opened.roots, [
    { id: root.root.id, kind: 'file', uri: 'file:/keys/root.key', createdAt: 1_700_000_000 },
  ]);
  t.equal(stored.generation, 2);
  const text = Buffer.from(stored.content).toString('latin1');
  for (const { value } of keyring.secrets) {
    t.notOk(text.includes(Buffer.from(value.bytes).toString('latin1')));
    t.notOk(text.includes(value.bytes.toHex()));
  }
  t.equal(await decodeKeyring(stored, [rootOf(keyring.storeId, rootKey.with(0, 9))]), 'foreign');
  t.equal(await decodeKeyring(stored, []), 'foreign');
});

t.test('a random source that repeats wraps no two secrets under one nonce', async (t) => {
  const stuck = (buffer: Uint8Array) => void buffer.fill(5);
  const { keyring: first } = createRooted();
  const second = addSealEpoch(first, 1_700_000_100);
  const wrapsOf = async (keyring: typeof first, random?: Random): Promise<string[]> => {
    const stored = await encodeKeyring(keyring, [rootOf(keyring.storeId, rootKey, random)]);
    return jsonOf(stored).secrets.flatMap(({ wraps }: Json) => Object.values(wraps));
  };
  const nonces = (await wrapsOf(second, stuck)).map((wrapped) => wrapped.slice(2, 26));
  t.equal(new Set(nonces).size, 4);
  t.strictSame(
    await wrapsOf(first, stuck),
    (await wrapsOf(second, stuck)).slice(0, 3),
    'equal secrets, equal wraps',
  );
  t.not((await wrapsOf(first))[0], (await wrapsOf(first))[0], 'random otherwise');
});

t.test('no byte of a keyring can be changed', async (t) => {
  const { keyring, root } = createRooted();
  const stored = await encodeKeyring(keyring, [root]);
  const opened: number[] = [];
  for (let bit = 0; bit < stored.content.length * 8; bit += 1) {
    const changed = stored.content.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    if (typeof (await decodeKeyring({ ...stored, content: changed }, [root])) !== 'string') opened.push(bit);
  }
  t.strictSame(opened, []);
  for (const length of [0, 1, 31, 32, 33, stored.content.length - 1])
    t.equal(await decodeKeyring({ ...stored, content: stored.content.slice(0, length) }, [root]), 'altered');
});

t.test('nobody without a root changes what a keyring says', async (t) => {
  const { keyring, root } = createRooted(1);
  const two = await encodeKeyring(addSealEpoch(keyring, 2), [root]);
  const stranger = createRooted(1);
  const otherSecrets = jsonOf(await encodeKeyring(stranger.keyring, [stranger.root])).secrets;
  const { id } = root.root;
  const edits: Record<string, (json: Json) => unknown> = {
    'a secret less': (json) => json.secrets.pop(),
    'no secret': (json) => (json.secrets = []),
    'another order of epochs': (json) => {
      json.secrets[0].epoch = 2;
      json.secrets[3].epoch = 1;
    },
    'another kind': (json) => (json.secrets[1].kind = 'set'),
    'kinds exchanged': (json) => {
      [json.secrets[1].wraps, json.secrets[2].wraps] = [json.secrets[2].wraps, json.secrets[1].wraps];
    },
    'a later date': (json) => (json.secrets[0].createdAt = 9_999_999_999),
    'a generation more': (json) => (json.generation += 1),
    'another store': (json) => (json.store = '00'.repeat(16)),
    'a secret of another database': (json) => (json.secrets[0] = otherSecrets[0]),
    'no list': (json) => (json.secrets = 5),
    'a huge epoch': (json) => (json.secrets[0].epoch = 2 ** 40),
    'a wrap less': (json) => delete json.secrets[0].wraps[id],
    'a wrap for another root': (json) => (json.secrets[0].wraps['00'.repeat(8)] = 'aa'),
    'no roots': (json) => (json.roots = []),
    'no list of roots': (json) => delete json.roots,
    'the old form beside the list': (json) => (json.secrets[0].wrapped = json.secrets[0].wraps[id]),
    'another root': (json) => (json.roots[0].id = '00'.repeat(8)),
    'another place of the root': (json) => (json.roots[0].uri = 'file:/elsewhere'),
    'a root more': (json) => json.roots.push({ ...json.roots[0], id: '11'.repeat(8) }),
    'a line feed in a place': (json) => (json.roots[0].uri = 'file:/a\nb'),
    'a wrap of a megabyte': (json) => (json.secrets[0].wraps[id] = 'aa'.repeat(1_048_576)),
  };
  for (const [name, edit] of Object.entries(edits))
    t.match(await decodeKeyring(change(two, edit), [root]), /^(altered|foreign)$/, name);
  t.equal(await decodeKeyring({ ...two, generation: 3 }, [root]), 'altered', 'the number beside it');
  t.equal(
    await decodeKeyring(
      change(two, (json) => json.secrets.pop()),
      [root],
    ),
    'altered',
  );
});

t.test('a keyring in the old form opens, and is written with its root', async (t) => {
  const { keyring, root } = createRooted();
  const old = toOldForm(keyring, await encodeKeyring(keyring, [root]));
  t.notOk('roots' in jsonOf(old));
  const opened = (await decodeKeyring(old, [root])) as Keyring;
  t.strictSame(secretsOf(opened), secretsOf(keyring));
  t.strictSame(opened.roots, keyring.roots);
  const again = await encodeKeyring(addSealEpoch(opened, 1_700_000_200), [root]);
  t.strictSame(Object.keys(jsonOf(again).secrets[0].wraps), [root.root.id]);
  t.equal(((await decodeKeyring(again, [root])) as Keyring).generation, 2);
  t.equal(await decodeKeyring(old, [rootOf(keyring.storeId, rootKey.with(0, 9))]), 'foreign');
  const worse = (edit: (json: Json) => unknown) => decodeKeyring(change(old, edit), [root]);
  t.equal(await worse((json) => json.secrets.pop()), 'altered');
  t.equal(await worse((json) => (json.roots = keyring.roots)), 'altered');

  const rootKeyFile = join(directory, 'old.key');
  writeFileSync(rootKeyFile, rootKey.toHex(), { mode: 0o600 });
  const keyrings = memoryKeyrings(old);
  const vault = await openLocalVault({ roots: [createFileRoot(rootKeyFile)], keyrings, ...quick });
  t.teardown(() => vault.close());
  t.equal(vault.sealedBecause, undefined);
  await vault.rotate();
  t.match(jsonOf(keyrings.stored as StoredKeyring).roots, [
    { id: root.root.id, kind: 'file', uri: `file:${rootKeyFile}`, createdAt: 1_700_000_000 },
  ]);
});

t.test('each live root opens a keyring alone, and both are needed to change it', async (t) => {
  const { keyring, root } = createRooted();
  const other = { ...rootOf(keyring.storeId, rootKey.toReversed()), uri: 'credential:root' };
  t.not(other.root.id, root.root.id);
  const moving = addRoot(keyring, other, 1_700_000_300);
  const stored = await encodeKeyring(moving, [other, root]);
  for (const each of [root, other])
    t.strictSame(secretsOf((await decodeKeyring(stored, [each])) as Keyring), secretsOf(keyring), each.uri);
  t.match(moving.roots[1], { kind: 'credential', uri: 'credential:root', createdAt: 1_700_000_300 });
  t.equal(moving.generation, 2);
  await t.rejects(encodeKeyring(addSealEpoch(moving, 1), [root]), {
    code: 'VAULT_UNAVAILABLE',
    message: /^the keyring is not changed: its root credential:root \([0-9a-f]{16}\) is not at hand/,
  });
  const moved = await encodeKeyring(removeRoot(moving, root.root.id), [other]);
  t.equal(await decodeKeyring(moved, [root]), 'foreign');
  t.equal(typeof (await decodeKeyring(moved, [root, other])), 'object', 'with the old one beside it');
  t.strictSame(Object.keys(jsonOf(moved).secrets[0].wraps), [other.root.id]);
  t.throws(() => addRoot(moving, root, 1), /is live/);
  t.throws(() => removeRoot(keyring, root.root.id), /is the only one/);
  t.throws(() => removeRoot(keyring, other.root.id), /is not live/);
  await root.root.close();
  await t.rejects(root.root.wrap(rootKey), /the root is closed/);
});

t.test('who knows a set secret that was replaced makes no keyring', async (t) => {
  const { keyring, root } = createRooted();
  const renewed = addSealEpoch(keyring, 2, { renewsHashes: true });
  t.strictSame(
    renewed.secrets.map(({ kind, epoch }) => `${kind} ${epoch}`),
    ['seal 1', 'index 1', 'set 1', 'seal 2', 'index 2', 'set 2'],
  );
  const place = { file: join(directory, 'pins'), database: 'a database' };
  checkPin(place, keyring);
  checkPin(place, renewed);
  checkPin(place, (await decodeKeyring(await encodeKeyring(renewed, [root]), [root])) as Keyring);

  const known = keyring.secrets[2]?.value.bytes as Uint8Array;
  /** Returns a keyring with a MAC under these set secrets only. Anyone wraps by a public key. */
  const forge = async (forged: Keyring, ...secrets: readonly Uint8Array[]) => {
    const { generation, content } = await encodeKeyring(forged, [root]);
    let mac = content.subarray(32);
    for (const secret of secrets) mac = Uint8Array.fromHex(keyedHash(secret, 'kmipd/2 keyring', mac));
    return { generation, content: Buffer.concat([mac, content.subarray(32)]) };
  };
  const own = addSealEpoch(renewed, 3, { renewsHashes: true });
  const ownSecret = own.secrets.at(-1)?.value.bytes as Uint8Array;
  t.type(await decodeKeyring(await forge(own, ...setSecretsOf(own)), [root]), 'object');
  for (const secrets of [[known], [ownSecret], [known, ownSecret], [ownSecret, known]])
    t.equal(await decodeKeyring(await forge(own, ...secrets), [root]), 'altered');

  // Without the secret that he lacks, it is not the keyring of this home.
  const without = { ...own, secrets: own.secrets.filter(({ kind, epoch }) => kind !== 'set' || epoch !== 2) };
  const opened = (await decodeKeyring(await forge(without, known, ownSecret), [root])) as Keyring;
  t.equal(opened.generation, 3);
  t.throws(() => checkPin(place, opened), { code: 'VAULT_UNAVAILABLE', message: /another database/ });

  const retired = retireSealEpochs(own, 3);
  t.strictSame(
    retired.secrets.map(({ kind, epoch }) => `${kind} ${epoch}`),
    ['seal 3', 'index 3', 'set 3'],
  );
  t.throws(() => checkPin(place, retired), { code: 'VAULT_UNAVAILABLE' }, 'a home that missed the renewal');
  checkPin(place, own);
  checkPin(place, retired);
  t.strictSame(
    retireSealEpochs(addSealEpoch(renewed, 4), 3).secrets.map(({ kind, epoch }) => `${kind} ${epoch}`),
    ['index 2', 'set 2', 'seal 3'],
    'epochs of a plain rotation have the hashes of before',
  );
});
