import t from 'tap';
import { RowMemory, type SeenRow } from '../../../../src/store/lanes/row-memory.ts';
import type { WrittenRow } from '../../../../src/store/sql-driver.ts';
import { boxTag, type SealContext, type SealedKey } from '../../../../src/vault/vault.ts';

/** Which versions of a row count as earlier ones. */

/** A box of epoch 0 that ends with a text. */
const boxOf = (text: string) =>
  Uint8Array.from([...new Uint8Array(18), ...new TextEncoder().encode(text.padEnd(16))]) as SealedKey;
/** The box with that tag. */
const boxWith = (tag: Uint8Array) => Uint8Array.from([...new Uint8Array(14), ...tag]) as SealedKey;
const object = (version: number, box: string): SeenRow => ({
  ...{ table: 'managed_object', id: 'a', version, tag: boxTag(boxOf(box)) },
});
const record = (version: number, tag: string): SeenRow => ({
  ...object(version, tag),
  table: 'sealed_record',
});

/** A memory that has opened these rows. */
function memoryOf(...rows: SeenRow[]): RowMemory {
  const memory = new RowMemory();
  for (const { table, id, version, tag } of rows) {
    const context =
      table === 'managed_object' ? { kind: 'object', id, version } : { kind: 'record', key: id, version };
    memory.learnOpened(context as unknown as SealContext, boxWith(tag));
  }
  return memory;
}

const cases: readonly [string, seen: readonly SeenRow[], row: SeenRow, isOld: boolean][] = [
  ['an unknown object', [], object(1, 'a1'), false],
  ['the same version', [object(2, 'a2')], object(2, 'a2'), false],
  ['a later version', [object(2, 'a2')], object(3, 'a3'), false],
  ['an earlier version that was never seen', [object(2, 'a2')], object(1, 'a1'), true],
  ['an earlier version that was seen', [object(1, 'a1'), object(2, 'a2')], object(1, 'a1'), true],
  ['another box of the same version', [object(2, 'a2')], object(2, 'x2'), true],
  [
    'a box of an earlier version under a later number',
    [object(1, 'a1'), object(2, 'a2')],
    object(3, 'a1'),
    true,
  ],
  ['another row', [object(2, 'a2')], { ...object(1, 'b1'), id: 'b' }, false],
  ['a record of the same key', [object(2, 'a2')], record(1, 'r1'), false],
  ['an earlier version of a record that was seen', [record(1, 'r1'), record(2, 'r2')], record(1, 'r1'), true],
  ['a record that was written again from version 1', [record(2, 'r2')], record(1, 'n1'), false],
  ['a late read of an earlier version', [record(2, 'r2'), record(1, 'r1')], record(2, 'r2'), false],
];
for (const [what, seen, row, isOld] of cases)
  t.test(`${what} is ${isOld ? 'old' : 'served'}`, async (t) => {
    t.equal(memoryOf(...seen).isOld(row), isOld);
  });

t.test('an object is known to its group, once it was opened there', async (t) => {
  const memory = new RowMemory();
  const open = (id: string, group: string, version: number) =>
    memory.learnOpened(
      { kind: 'object', id, group, objectType: 'SecretData', version, valueBinding: null },
      boxOf(`${id}${version}`),
    );
  memory.learnCommitted({ table: 'managed_object', id: 'a', before: null, after: object(1, 'a1') });
  t.equal(memory.isKnown('blue', 'a'), false, 'whose group is not known');
  memory.learnGroup('blue', 'a');
  t.equal(memory.isKnown('blue', 'a'), true);
  memory.learnCommitted({
    ...{ table: 'managed_object', id: 'a', before: object(1, 'a1'), after: object(2, 'a2') },
  });
  t.equal(memory.isKnown('blue', 'a'), true, 'after an update');
  t.equal(memory.isKnown('red', 'a'), false);
  open('b', 'red', 1);
  t.strictSame([memory.isKnown('red', 'b'), memory.isKnown('red', 'c')], [true, false]);
});

t.test('a row that this process has removed is old, and may be written again', async (t) => {
  const memory = new RowMemory();
  const change = (before: SeenRow | null, after: SeenRow | null): WrittenRow => ({
    ...{ table: 'sealed_record', id: 'a', before, after },
  });
  memory.learnCommitted(change(null, record(1, 'r1')));
  t.equal(memory.isOld(record(1, 'r1')), false);
  memory.learnCommitted(change(record(1, 'r1'), record(2, 'r2')));
  t.equal(memory.isOld(record(1, 'r1')), true);
  memory.learnCommitted(change(record(2, 'r2'), null));
  t.equal(memory.isOld(record(2, 'r2')), true);
  memory.learnCommitted(change(null, record(1, 'n1')));
  t.equal(memory.isOld(record(1, 'n1')), false);
});

t.test('rows beyond the bound are forgotten, those first that were seen first', async (t) => {
  const memory = new RowMemory();
  const count = 65_536;
  const learn = (at: number) =>
    memory.learnOpened({ kind: 'object', id: `${at}`, version: 2 } as SealContext, boxOf(`${at}`));
  const isFound = (at: number) => memory.isOld({ ...object(1, 'old'), id: `${at}` });
  for (let at = 0; at < 3 * count; at += 1) {
    learn(at);
    if (at === count - 1) t.ok(isFound(0), 'the first one, within the bound');
  }
  const found = Array.from({ length: 3 * count }, (_, at) => isFound(at));
  const first = found.indexOf(true);
  t.ok(first >= count && first <= 2 * count, `${first} are forgotten`);
  t.equal(found.indexOf(false, first), -1, 'and none that was seen after one that is remembered');
});
