/**
 * What a key costs to seal and to open, in one run: with its root in a file, with its root in a token that
 * wraps the keyring alone (envelope), and under a data key that the token wraps (direct).
 * `node bench/vault-costs.ts [SECONDS]`, where SECONDS (default 2) is how long each cell is measured. Without
 * SoftHSM2 only the file is measured.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes, randomUUIDv7 } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManagedObject } from '../src/object/managed-object.ts';
import type { LoadedObject } from '../src/store/store.ts';
import { TokenRoot } from '../src/token/token-root.ts';
import { parseTokenUri } from '../src/token/token-uri.ts';
import { openLocalVault } from '../src/vault/local.ts';
import type { LocalVault } from '../src/vault/local-vault.ts';
import { createFileRoot } from '../src/vault/roots/file-root.ts';
import type { RootSource } from '../src/vault/roots/root.ts';
import type { StoredKeyring, ValueMode } from '../src/vault/vault.ts';

const milliseconds = 1_000 * Number(process.argv[2] ?? 2);
const library = '/usr/lib/softhsm/libsofthsm2.so';
const pin = '24681357';
const directory = mkdtempSync(join(tmpdir(), 'kmipd-bench-'));

interface Way {
  readonly name: string;
  readonly mode: ValueMode;
  /** Creates the source of the root. */
  root(): RootSource;
}

function keyringsOf() {
  let stored: StoredKeyring | undefined;
  return {
    read: async () => stored,
    write: async (keyring: StoredKeyring) => {
      stored = keyring;
      return true;
    },
  };
}

function makeToken(): string {
  mkdirSync(join(directory, 'tokens'));
  const configuration = join(directory, 'softhsm2.conf');
  writeFileSync(configuration, `directories.tokendir = ${join(directory, 'tokens')}\n`);
  process.env.SOFTHSM2_CONF = configuration;
  writeFileSync(join(directory, 'pin'), `${pin}\n`, { mode: 0o600 });
  execFileSync('softhsm2-util', [
    ...['--init-token', '--free', '--label', 'bench', '--pin', pin, '--so-pin', pin],
  ]);
  return `pkcs11:token=bench;object=root?module-path=${library}&pin-source=file:${directory}/pin&kmipd-environment=SOFTHSM2_CONF`;
}

const uri = existsSync(library) ? makeToken() : undefined;
const openToken = (processes: number) => (): RootSource =>
  new TokenRoot(parseTokenUri(uri ?? '', directory), {
    ...{ watchFiles: () => () => {}, valueProcesses: processes },
  });
const ways: readonly Way[] = [
  { name: 'file', mode: 'envelope', root: () => createFileRoot(join(directory, 'root.key')) },
  ...(uri === undefined
    ? []
    : ([
        { name: 'envelope', mode: 'envelope', root: openToken(1) },
        { name: 'direct, 1 process', mode: 'direct', root: openToken(1) },
        { name: 'direct, 2 processes', mode: 'direct', root: openToken(2) },
      ] as const)),
];

function makeObject(): ManagedObject {
  const object = ManagedObject.create({
    ...{ id: randomUUIDv7(), type: 'SymmetricKey', group: 'default' },
    value: {
      type: 'SymmetricKey',
      value: {
        KeyBlock: {
          KeyFormatType: 'Raw',
          KeyValue: { KeyMaterial: new Uint8Array(randomBytes(32)), Attributes: [] },
          CryptographicAlgorithm: 'AES',
          CryptographicLength: 256,
        },
      },
    },
  });
  object.attributes.set('CryptographicAlgorithm', 'AES');
  object.attributes.set('CryptographicLength', 256);
  return object;
}

async function seal(vault: LocalVault): Promise<LoadedObject> {
  const object = makeObject();
  await object.sealValue(vault);
  return object.toStored(vault, { uniqueNames: false });
}

async function open(vault: LocalVault, row: LoadedObject): Promise<void> {
  const object = ManagedObject.fromStored(row, vault);
  await object.openValue();
  if (object.value === undefined) throw new Error('the key has no value');
}

/** Returns the microseconds of one run, while `atOnce` are made at once. */
async function measure(run: () => Promise<unknown>, atOnce: number): Promise<number> {
  for (let at = 0; at < 20; at += 1) await run();
  const started = performance.now();
  let count = 0;
  const loop = async () => {
    while (performance.now() - started < milliseconds) {
      await run();
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, loop));
  return (1_000 * (performance.now() - started)) / count;
}

const cells = ['seal', 'open', 'seal ×16', 'open ×16'] as const;
console.log(`| ${['µs for one key', 'unseal', ...cells].join(' | ')} |`);
console.log(`| ${['---', '---', ...cells.map(() => '---')].join(' | ')} |`);
const first: number[] = [];
for (const { name, mode, root } of ways) {
  const place = { keyrings: keyringsOf(), values: mode, refreshSeconds: 0 };
  await (await openLocalVault({ ...place, roots: [root()] })).close();
  const started = performance.now();
  const vault = await openLocalVault({ ...place, roots: [root()] });
  const unsealed = performance.now() - started;
  if (vault.sealedBecause !== undefined) throw new Error(vault.sealedBecause);
  const row = await seal(vault);
  const times = [
    await measure(() => seal(vault), 1),
    await measure(() => open(vault, row), 1),
    await measure(() => seal(vault), 16),
    await measure(() => open(vault, row), 16),
  ];
  if (first.length === 0) first.push(...times);
  const texts = times.map((time, at) => `${time.toFixed(0)} (${(time / (first[at] ?? time)).toFixed(1)})`);
  console.log(`| ${[name, `${unsealed.toFixed(0)} ms`, ...texts].join(' | ')} |`);
  await vault.close();
}
rmSync(directory, { recursive: true });
