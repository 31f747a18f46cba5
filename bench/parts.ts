/**
 * What each part of a row's protection costs, in microseconds on one thread: `node bench/parts.ts`. Sizes are
 * those of an AES key with the attributes that a Create sets.
 */
import { randomBytes, randomUUIDv7 } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LaneWriter } from '../src/store/lanes/lane-writer.ts';
import type { WrittenRow } from '../src/store/sql-driver.ts';
import { openLocalVault } from '../src/vault/local.ts';
import { createFileRoot } from '../src/vault/roots/file-root.ts';
import { boxTag, type SealContext, type StoredKeyring } from '../src/vault/vault.ts';

const directory = mkdtempSync(join(tmpdir(), 'kmipd-bench-'));
let stored: StoredKeyring | undefined;
const vault = await openLocalVault({
  roots: [createFileRoot(join(directory, 'root.key'))],
  keyrings: {
    read: async () => stored,
    write: async (keyring) => {
      stored = keyring;
      return true;
    },
  },
  refreshSeconds: 0,
});

const id = randomUUIDv7();
const context: SealContext = {
  ...{ kind: 'object', id, group: 'default', objectType: 'SymmetricKey', version: 1, valueBinding: null },
};
const plain = new Uint8Array(randomBytes(360));
const box = vault.seal(context, plain);
const tag = boxTag(box);
const lane = new LaneWriter('node');
const process = { vault, era: 1, keyring: 1, now: 1, seen: [], policy: undefined };
const rows = (count: number): WrittenRow[] =>
  Array.from({ length: count }, () => ({
    ...{ table: 'managed_object', id: randomUUIDv7(), kind: '', before: null, after: { version: 1, tag } },
  }));
const [one, sixteen] = [[{ changes: rows(1) }], [{ changes: rows(16) }]];

const index = vault.indexOf(vault.currentEpoch);
const parts: readonly (readonly [string, () => unknown])[] = [
  ['seal a row of 360 bytes', () => vault.seal(context, plain)],
  ['open it', () => vault.open(context, box)],
  ['term of the index', () => index.term('default', 'Name', 'NameValue', 'a name of a key')],
  ['key of a record', () => index.key('record', 'client', 'a name of a client')],
  ['element of the set hash', () => vault.element('managed_object', id, 1, tag)],
  ['lane of a commit of 1 row', () => lane.createEnd(one, process)],
  ['lane of a commit of 16 rows', () => lane.createEnd(sixteen, process)],
];

/** Returns the shortest of some runs, so that other work of the machine counts little. */
function measure(run: () => unknown): number {
  const times: number[] = [];
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const started = performance.now();
    for (let at = 0; at < 1_000; at += 1) run();
    times.push(performance.now() - started);
  }
  return Math.min(...times);
}

for (const [name, run] of parts) console.log(`${name.padEnd(30)} ${measure(run).toFixed(1).padStart(7)} µs`);
await vault.close();
rmSync(directory, { recursive: true });
