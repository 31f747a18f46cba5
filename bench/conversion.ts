/**
 * Measures the conversion of a SQLite database of the first design: `node bench/conversion.ts [OBJECTS]
 * [DIRECTORY]`. The objects are copies of one of the tests' with identifiers and Names of their own.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type OldSealingKey, openOldBox, unwrapSealingKey } from '../src/first-design/old-boxes.ts';
import { encryptGcm } from '../src/vault/aead.ts';
import { lengthAndText } from '../src/vault/keyed-hash.ts';
import { copyOldDatabase, expected, OldHome } from '../test/first-design/fixture.ts';

const variable = 'Köln';
const group = 'default';
const objectType = 'SymmetricKey';

const [first = '50000', place = tmpdir()] = process.argv.slice(2);
if (first === '--convert') await convert(place);
else measure(Number(first), mkdtempSync(join(place, 'kmipd-bench-')));

/** Converts the database in a directory, in a process of its own, of which the memory is measured. */
async function convert(directory: string): Promise<void> {
  const started = performance.now();
  await new OldHome(directory).convert((line) => console.log(`  ${line}`));
  const seconds = Math.round((performance.now() - started) / 1_000);
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const busy = Math.round((userCPUTime + systemCPUTime) / 1_000_000);
  const memory = Math.round(maxRSS / 1_024);
  console.log(
    `${seconds} s with copy and vacuum, ${busy} s of the processor, ${memory} MiB of memory at most`,
  );
}

function measure(objects: number, directory: string): void {
  const file = join(directory, 'kmipd.db');
  const mebibytes = () => Math.round(statSync(file).size / 1_048_576);
  try {
    fillDatabase(directory, objects);
    console.log(`${objects} objects more: ${mebibytes()} MiB`);
    spawnSync(process.execPath, [import.meta.filename, '--convert', directory], { stdio: 'inherit' });
    console.log(`converted: ${mebibytes()} MiB`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function fillDatabase(directory: string, objects: number): void {
  copyOldDatabase(directory);
  const database = new DatabaseSync(join(directory, 'kmipd.db'));
  database.exec('pragma journal_mode = wal; pragma synchronous = off; pragma cache_size = -500000; begin');
  const [wrapped] = database.prepare('select wrapped from sealing_key where id = 1').all();
  const rootKey = Uint8Array.fromHex(readFileSync(join(directory, 'root.key'), 'utf8').trim());
  insertCopies(database, unwrapSealingKey(rootKey, 1, wrapped?.wrapped as Uint8Array)!, objects);
  database.exec('commit; pragma wal_checkpoint(truncate)');
  database.close();
}

function insertCopies(database: DatabaseSync, key: OldSealingKey, objects: number): void {
  const { active } = expected.ids;
  const template = database.prepare('select * from object where id = ?').get(active)!;
  const index = database.prepare('select * from object_index where object = ?').all(template.seq!);
  const attributes = Buffer.from(template.attributes as Uint8Array);
  const context = { kind: 'value', id: active, group, objectType } as const;
  const plain = openOldBox(key, context, template.sealed as Uint8Array)!;
  const insertObject = database.prepare(
    `insert into object (id, grp, object_type, version, attributes, sealed) values (?, '${group}', '${objectType}', 1, ?, ?)`,
  );
  const insertIndex = database.prepare('insert into object_index values (?, ?, ?, ?, ?)');
  for (let made = 0; made < objects; made += 1) {
    const id = randomUUID();
    const name = made.toString(36).padStart(Buffer.byteLength(variable), '0');
    const own = Buffer.from(attributes);
    own.write(id, attributes.indexOf(active));
    own.write(name, attributes.indexOf(variable));
    const aad = lengthAndText('value', id, group, objectType);
    const box = encryptGcm(key.value, Uint8Array.of(2, 1, 0, 0, 0, 1), randomBytes(12), aad, plain);
    const object = insertObject.run(id, own, box).lastInsertRowid;
    for (const { term, instance, text, number } of index) {
      const value = text === active ? id : ((text as string | null)?.replace(variable, name) ?? null);
      insertIndex.run(object, term!, instance!, value, number!);
    }
  }
}
