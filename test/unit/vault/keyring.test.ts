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
import type { PinPlace } from '../../../src/vault/keyring-pin.ts';
import { openLocalVault } from '../../../src/vault/local.ts';
import { createFileRoot } from '../../../src/vault/roots/file-root.ts';
import type { SealedKey, StoredKeyring } from '../../../src/vault/vault.ts';
import { currentIndex } from '../../row-index.ts';
import { change } from './change-keyring.ts';
import { memoryKeyrings } from './memory-keyrings.ts';
import { quick } from './vault-fixture.ts';

const directory = mkdtempSync(join(tmpdir(), 'kmipd-keyring-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

const rootKey = Uint8Array.from({ length: 32 }, (_, at) => at + 1);

const context = { kind: 'value', id: 'a', group: 'g', objectType: 'SymmetricKey' } as const;
const content = Uint8Array.of(1, 2, 3);

t.test('a state directory recognises the keyring of its database', async (t) => {
  const rootKeyFile = join(directory, 'pinned.key');
  writeFileSync(rootKeyFile, rootKey.toHex(), { mode: 0o600 });
  const pin = { file: join(directory, 'keyring.pin'), database: 'sqlite:a' };
  const open = async (keyrings = memoryKeyrings(), place: PinPlace = pin) => {
    const vault = await openLocalVault({
      roots: [createFileRoot(rootKeyFile)],
      keyrings,
      pin: place,
      ...quick,
    });
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
    const vault = await openLocalVault({
      roots: [createFileRoot(rootKeyFile)],
      keyrings: memoryKeyrings(),
      pin,
      ...quick,
    });
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
  const vault = await openLocalVault({
    roots: [createFileRoot(rootKeyFile)],
    keyrings,
    forged,
    ...quick,
    now: () => now,
  });
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
      openLocalVault({
        roots: [createFileRoot(join(directory, name))],
        keyrings: memoryKeyrings(),
        ...quick,
      }),
    ),
  );
  t.teardown(() => Promise.all(vaults.map((vault) => vault.close())));
  const [vault, other] = vaults as [(typeof vaults)[0], (typeof vaults)[0]];
  const terms = [
    currentIndex(vault).term('g', 'Name', 'NameValue', '5'),
    currentIndex(vault).term('g', 'Name', 'NameValue', 5),
    currentIndex(vault).term('g', 'Name', 'NameType', '5'),
    currentIndex(vault).term('g', 'NameName', 'Value', '5'),
    currentIndex(vault).term('g', 'x-Name', 'NameValue', '5'),
    currentIndex(vault).term('h', 'Name', 'NameValue', '5'),
    currentIndex(vault).term('g', 'Name', '', '5'),
    currentIndex(vault).term('g', 'Name', 'NameValue', '55'),
    currentIndex(other).term('g', 'Name', 'NameValue', '5'),
  ];
  t.equal(new Set(terms).size, terms.length);
  for (const term of terms) t.ok(Number.isSafeInteger(term) && term >= 0);
  t.equal(currentIndex(vault).term('g', 'Name', 'NameValue', '5'), terms[0]);
  const keys = [
    currentIndex(vault).key('record', 'ticket', 'a'),
    currentIndex(vault).key('name', 'ticket', 'a'),
    currentIndex(vault).key('record', 'ticke', 'ta'),
    currentIndex(vault).key('record', 'ticket', 'b'),
    currentIndex(other).key('record', 'ticket', 'a'),
  ];
  t.equal(new Set(keys).size, keys.length);
  for (const key of keys) t.match(key, /^[0-9a-f]{32}$/);
  const tag = new Uint8Array(20);
  const elements = [
    vault.element('managed_object', 'a', 1, tag),
    vault.element('sealed_record', 'a', 1, tag),
    vault.element('managed_object', 'b', 1, tag),
    vault.element('managed_object', 'a', 2, tag),
    vault.element('managed_object', 'a', 1, tag.with(19, 1)),
    other.element('managed_object', 'a', 1, tag),
  ];
  t.equal(new Set(elements).size, elements.length);
  for (const element of elements) t.ok(element >= 0n && element < 2n ** 256n);
  await other.close();
  for (const use of [
    () => currentIndex(other).term('g', 'a', '', 1),
    () => currentIndex(other).key('record', 'a', 'b'),
    () => other.element('t', 'a', 1, tag),
    () => other.open(context, tag as SealedKey),
  ])
    t.throws(use, { code: 'VAULT_UNAVAILABLE' });
});
