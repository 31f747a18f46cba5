import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { addSealEpoch, createKeyring, decodeKeyring, encodeKeyring } from '../../../src/vault/keyring.ts';
import type { PinPlace } from '../../../src/vault/keyring-pin.ts';
import { openLocalVault } from '../../../src/vault/local.ts';
import type { SealedKey, StoredKeyring } from '../../../src/vault/vault.ts';
import { memoryKeyrings } from './memory-keyrings.ts';
import { quick } from './vault-fixture.ts';

const directory = mkdtempSync(join(tmpdir(), 'kmipd-keyring-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

const rootKey = Uint8Array.from({ length: 32 }, (_, at) => at + 1);
const context = { kind: 'value', id: 'a', group: 'g', objectType: 'SymmetricKey' } as const;
const content = Uint8Array.of(1, 2, 3);

type Json = ReturnType<typeof JSON.parse>;

/** Returns the keyring with its JSON changed, as somebody without the root key can change it. */
function change(stored: StoredKeyring, edit: (json: Json) => unknown): StoredKeyring {
  const json = JSON.parse(Buffer.from(stored.content.subarray(32)).toString());
  edit(json);
  const text = Buffer.from(JSON.stringify(json));
  return { generation: json.generation, content: Buffer.concat([stored.content.subarray(0, 32), text]) };
}

t.test('a keyring opens as it was stored', (t) => {
  const keyring = addSealEpoch(createKeyring(1_700_000_000), 1_700_000_100);
  const stored = encodeKeyring(keyring, rootKey);
  t.strictSame(decodeKeyring(stored, rootKey), keyring);
  t.equal(stored.generation, 2);
  const text = Buffer.from(stored.content).toString('latin1');
  for (const { bytes } of keyring.secrets) {
    t.notOk(text.includes(Buffer.from(bytes).toString('latin1')));
    t.notOk(text.includes(bytes.toHex()));
  }
  t.equal(decodeKeyring(stored, rootKey.with(0, 9)), 'foreign');
  t.end();
});

t.test('a random source that repeats wraps no two secrets under one nonce', (t) => {
  const stuck = (buffer: Uint8Array) => void buffer.fill(5);
  const first = createKeyring(1_700_000_000);
  const second = addSealEpoch(first, 1_700_000_100);
  const wrapsOf = (keyring: typeof first, random?: (buffer: Uint8Array) => void): string[] => {
    const { content } = encodeKeyring(keyring, rootKey, random);
    const json: Json = JSON.parse(Buffer.from(content.subarray(32)).toString());
    return json.secrets.map(({ wrapped }: { wrapped: string }) => wrapped);
  };
  const nonces = wrapsOf(second, stuck).map((wrapped) => wrapped.slice(2, 26));
  t.equal(new Set(nonces).size, 4);
  t.strictSame(wrapsOf(first, stuck), wrapsOf(second, stuck).slice(0, 3), 'equal secrets, equal wraps');
  t.not(wrapsOf(first)[0], wrapsOf(first)[0], 'random otherwise');
  t.end();
});

t.test('no byte of a keyring can be changed', (t) => {
  const stored = encodeKeyring(createKeyring(1_700_000_000), rootKey);
  const opened: number[] = [];
  for (let bit = 0; bit < stored.content.length * 8; bit += 1) {
    const changed = stored.content.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    if (typeof decodeKeyring({ ...stored, content: changed }, rootKey) !== 'string') opened.push(bit);
  }
  t.strictSame(opened, []);
  for (const length of [0, 1, 31, 32, 33, stored.content.length - 1])
    t.equal(decodeKeyring({ ...stored, content: stored.content.slice(0, length) }, rootKey), 'altered');
  t.end();
});

t.test('nobody without the root key changes what a keyring says', (t) => {
  const two = encodeKeyring(addSealEpoch(createKeyring(1), 2), rootKey);
  const other = encodeKeyring(createKeyring(1), rootKey);
  const otherSecrets = JSON.parse(Buffer.from(other.content.subarray(32)).toString()).secrets;
  const edits: Record<string, (json: Json) => unknown> = {
    'a secret less': (json) => json.secrets.pop(),
    'no secret': (json) => (json.secrets = []),
    'another order of epochs': (json) => {
      json.secrets[0].epoch = 2;
      json.secrets[3].epoch = 1;
    },
    'another kind': (json) => (json.secrets[1].kind = 'set'),
    'kinds exchanged': (json) => {
      [json.secrets[1].wrapped, json.secrets[2].wrapped] = [json.secrets[2].wrapped, json.secrets[1].wrapped];
    },
    'a later date': (json) => (json.secrets[0].createdAt = 9_999_999_999),
    'a generation more': (json) => (json.generation += 1),
    'another store': (json) => (json.store = '00'.repeat(16)),
    'a secret of another database': (json) => (json.secrets[0] = otherSecrets[0]),
    'no list': (json) => (json.secrets = 5),
    'a huge epoch': (json) => (json.secrets[0].epoch = 2 ** 40),
  };
  for (const [name, edit] of Object.entries(edits))
    t.match(decodeKeyring(change(two, edit), rootKey), /^(altered|foreign)$/, name);
  t.equal(decodeKeyring({ ...two, generation: 3 }, rootKey), 'altered', 'the number beside it');
  t.end();
});

t.test('a state directory recognises the keyring of its database', async (t) => {
  const rootKeyFile = join(directory, 'pinned.key');
  writeFileSync(rootKeyFile, rootKey.toHex(), { mode: 0o600 });
  const pin = { file: join(directory, 'keyring.pin'), database: 'sqlite:a' };
  const open = async (keyrings = memoryKeyrings(), place: PinPlace = pin) => {
    const vault = await openLocalVault({ rootKeyFile, keyrings, pin: place, ...quick });
    t.teardown(() => vault.close());
    return vault;
  };
  const own = memoryKeyrings();
  const vault = await open(own);
  t.equal(vault.sealedBecause, undefined, 'the first one is its own');
  t.equal(statSync(pin.file).mode & 0o777, 0o600);
  const old = own.stored;
  await vault.rotate();
  t.equal(JSON.parse(readFileSync(pin.file, 'utf8'))['sqlite:a'].generation, 2);
  t.equal((await open(own)).sealedBecause, undefined, 'a restart');
  t.match((await open(memoryKeyrings(old))).sealedBecause, /older than .* the database was put back/);
  t.match(
    (await open(memoryKeyrings())).sealedBecause,
    /has no keyring, and it had one: .*keyring\.pin if it/,
  );
  const foreign = memoryKeyrings();
  t.equal(
    (await open(foreign, { ...pin, database: 'sqlite:b' })).sealedBecause,
    undefined,
    'another database',
  );
  t.match((await open(foreign)).sealedBecause, /not the one that this home used before/);
  const empty = memoryKeyrings();
  rmSync(pin.file);
  t.equal((await open(foreign, { ...pin, isReadOnly: true })).sealedBecause, undefined);
  t.notOk(existsSync(pin.file), 'who only reads remembers nothing');
  t.equal((await open(empty)).sealedBecause, undefined, 'as the operator says');
  t.equal((await open(empty)).sealedBecause, undefined, 'which is its own from then on');
  writeFileSync(pin.file, '{');
  t.match((await open(empty)).sealedBecause, /keyring\.pin is damaged/);
});

const isRoot = process.getuid?.() === 0;

t.test(
  'what root writes belongs to the owner of the directory',
  { skip: !isRoot && 'not root' },
  async (t) => {
    const home = join(directory, 'of-nobody');
    mkdirSync(home);
    chownSync(home, 65_534, 65_534);
    const pin = { file: join(home, 'keyring.pin'), database: 'sqlite:a' };
    const rootKeyFile = join(directory, 'owned.key');
    const vault = await openLocalVault({ rootKeyFile, keyrings: memoryKeyrings(), pin, ...quick });
    t.teardown(() => vault.close());
    t.match(statSync(pin.file), { uid: 65_534, gid: 65_534 });
  },
);

t.test('the operator is told of every box that does not open, and of an altered keyring', async (t) => {
  const rootKeyFile = join(directory, 'told.key');
  const keyrings = memoryKeyrings();
  const told: string[] = [];
  const forged = ({ table, id }: { table: string; id: string }) => told.push(`${table} ${id}`);
  let now = Date.now();
  const vault = await openLocalVault({ rootKeyFile, keyrings, forged, ...quick, now: () => now });
  t.teardown(() => vault.close());
  const contexts = {
    'managed_object a': { ...context, kind: 'object', version: 1, valueBinding: null },
    'managed_object b': { ...context, id: 'b' },
    'sealed_record ticket k': {
      kind: 'record',
      recordKind: 'ticket',
      key: 'k',
      group: 'g',
      version: 1,
      expires: null,
    },
    'lane n': { kind: 'lane', name: 'n', seq: 1, era: 1 },
  } as const;
  for (const [row, own] of Object.entries(contexts)) {
    const sealed = vault.seal(own, content);
    t.strictSame(vault.open(own, sealed), content);
    sealed[sealed.length - 1]! ^= 1;
    t.throws(() => vault.open(own, sealed), { code: 'SEAL_BROKEN' });
    t.equal(told.pop(), row);
  }
  t.strictSame(told, []);
  const ahead = vault.seal(context, content);
  ahead[5]! += 1;
  t.throws(() => vault.open(context, ahead), { code: 'SEAL_BROKEN' }, 'an epoch that nobody has');
  now += 61_000;
  t.throws(() => vault.open(context, ahead), { code: 'VAULT_UNAVAILABLE' }, 'which may be new elsewhere');
  await vault.refresh();
  t.throws(() => vault.open(context, ahead), { code: 'SEAL_BROKEN' }, 'and is not');
  told.length = 0;
  keyrings.stored = change(keyrings.stored as StoredKeyring, (json) => {
    json.generation += 1;
  });
  await vault.refresh();
  t.strictSame(told, ['keyring generation 2']);
  t.equal(vault.unsealed, true, 'the keys at hand stay good');
});

t.test('keyed hashes tell values, fields, attributes, groups and databases apart', async (t) => {
  const vaults = await Promise.all(
    ['one.key', 'two.key'].map((name) =>
      openLocalVault({ rootKeyFile: join(directory, name), keyrings: memoryKeyrings(), ...quick }),
    ),
  );
  t.teardown(() => Promise.all(vaults.map((vault) => vault.close())));
  const [vault, other] = vaults as [(typeof vaults)[0], (typeof vaults)[0]];
  const terms = [
    vault.term('g', 'Name', 'NameValue', '5'),
    vault.term('g', 'Name', 'NameValue', 5),
    vault.term('g', 'Name', 'NameType', '5'),
    vault.term('g', 'NameName', 'Value', '5'),
    vault.term('g', 'x-Name', 'NameValue', '5'),
    vault.term('h', 'Name', 'NameValue', '5'),
    vault.term('g', 'Name', '', '5'),
    vault.term('g', 'Name', 'NameValue', '55'),
    other.term('g', 'Name', 'NameValue', '5'),
  ];
  t.equal(new Set(terms).size, terms.length);
  for (const term of terms) t.ok(Number.isSafeInteger(term) && term >= 0);
  t.equal(vault.term('g', 'Name', 'NameValue', '5'), terms[0]);
  const keys = [
    vault.key('record', 'ticket', 'a'),
    vault.key('name', 'ticket', 'a'),
    vault.key('record', 'ticke', 'ta'),
    vault.key('record', 'ticket', 'b'),
    other.key('record', 'ticket', 'a'),
  ];
  t.equal(new Set(keys).size, keys.length);
  for (const key of keys) t.match(key, /^[0-9a-f]{32}$/);
  const tag = new Uint8Array(16);
  const elements = [
    vault.element('managed_object', 'a', 1, tag),
    vault.element('sealed_record', 'a', 1, tag),
    vault.element('managed_object', 'b', 1, tag),
    vault.element('managed_object', 'a', 2, tag),
    vault.element('managed_object', 'a', 1, tag.with(15, 1)),
    other.element('managed_object', 'a', 1, tag),
  ];
  t.equal(new Set(elements).size, elements.length);
  for (const element of elements) t.ok(element >= 0n && element < 2n ** 256n);
  await other.close();
  for (const use of [
    () => other.term('g', 'a', '', 1),
    () => other.key('record', 'a', 'b'),
    () => other.element('t', 'a', 1, tag),
    () => other.open(context, tag as SealedKey),
  ])
    t.throws(use, { code: 'VAULT_UNAVAILABLE' });
});
