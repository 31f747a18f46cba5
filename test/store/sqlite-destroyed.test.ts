import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { Destroy } from '../../src/operations/lifecycle/destroy.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { having, named, succeed } from '../protocol/operations/ask.ts';
import { TestService } from '../protocol/service.ts';

/** The boxes of a destroyed object leave the files with the next checkpoint: SQLite overwrites them. */

const directory = await mkdtemp(join(tmpdir(), 'kmipd-destroyed-'));
const file = join(directory, 'kmipd.db');
const service = await TestService.open({ store: `sqlite:${file}` });
const other = new DatabaseSync(file);
t.teardown(async () => {
  other.close();
  await service.close();
  await rm(directory, { recursive: true, force: true });
});

const checkpoint = () => {
  const row = other.prepare('pragma wal_checkpoint(truncate)').get();
  if (row?.busy !== 0) throw new Error('the checkpoint did not come to its end');
};

/** Some parts of boxes, each long enough to be nowhere by chance. */
function partsOf(id: string): Buffer[] {
  const row = other.prepare('select box, value from managed_object where id = ?').get(id);
  return [row?.box, row?.value].flatMap((box) => {
    if (!(box instanceof Uint8Array)) return [];
    // The beginning names the key, which other boxes have as well.
    const step = Math.max(48, Math.floor(box.length / 20));
    return Array.from({ length: Math.floor((box.length - 32) / step) }, (_, at) =>
      Buffer.from(box.subarray(32 + at * step, 48 + at * step)),
    );
  });
}

/** The number of parts that the files contain. */
function countIn(parts: readonly Buffer[]): number {
  const files = [file, `${file}-wal`].filter((each) => existsSync(each)).map((each) => readFileSync(each));
  return parts.filter((part) => files.some((bytes) => bytes.includes(part))).length;
}

/** Sizes of values: in the box of the attributes, on pages of their own, in a box of their own. */
for (const size of [16, 4_000, 20_000])
  t.test(`nothing is left of destroyed objects of ${size} bytes`, async (t) => {
    const ids: string[] = [];
    for (let at = 0; at < 40; at += 1) {
      const value = { OpaqueDataType: 0x80000001, OpaqueDataValue: new Uint8Array(size).fill(at) };
      const { UniqueIdentifier } = await succeed(service, '2.1', Register, {
        ObjectType: 'OpaqueObject',
        Attributes: having(named(`${size}-${at}`)),
        Object: { type: 'OpaqueObject', value },
      } as never);
      ids.push(UniqueIdentifier);
    }
    checkpoint();
    // Rows beside them stay, so that pages are not only freed as a whole.
    const destroyed = ids.filter((_, at) => at % 3 !== 0);
    const parts = destroyed.flatMap(partsOf);
    const kept = ids.filter((_, at) => at % 3 === 0).flatMap(partsOf);
    // Parts that SQLite has on two pages are not found.
    const requireNearlyAll = (all: readonly Buffer[]) =>
      t.ok(countIn(all) > 0.9 * all.length, `of ${all.length} parts`);
    requireNearlyAll(parts);
    for (const UniqueIdentifier of destroyed) await succeed(service, '2.1', Destroy, { UniqueIdentifier });
    checkpoint();
    t.equal(countIn(parts), 0);
    requireNearlyAll(kept);
  });
