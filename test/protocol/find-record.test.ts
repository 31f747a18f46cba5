import t from 'tap';
import { findRecord } from '../../src/protocol/unit-of-work/record-boxes.ts';
import type { StoredRecord } from '../../src/store/store.ts';
import type { RowIndex, SealedKey } from '../../src/vault/vault.ts';

/** Look-ups of records while there are several indexes. */

const indexAt = (epoch: number): RowIndex => ({
  epoch,
  term: () => 0,
  key: (_, ...parts) => `${parts.join(' ')} in ${epoch}`,
});

/** A vault with these indexes, and a store in which `change` happens after so many reads. */
function open(epochs: readonly number[], keys: readonly string[], changes: readonly (() => void)[] = []) {
  const rows = new Set(keys);
  const state = { indexes: epochs.map(indexAt) };
  let reads = 0;
  const store = {
    async record(kind: string, key: string): Promise<StoredRecord | undefined> {
      const found = rows.has(key);
      changes[reads]?.();
      reads += 1;
      const row = { kind, key, group: 'g', version: 1, expires: null, box: new Uint8Array() as SealedKey };
      return found ? row : undefined;
    },
  };
  const vault = {
    get indexes() {
      return state.indexes;
    },
  };
  const find = async () => (await findRecord(store, vault, 'note', 'a'))?.key;
  return { rows, state, find };
}

t.test('a row is found in whichever index it is', async (t) => {
  for (const epoch of [1, 4, 7])
    t.equal(await open([1, 4, 7], [`note a in ${epoch}`]).find(), `note a in ${epoch}`);
  t.equal(await open([1, 4, 7], ['note b in 1']).find(), undefined);
});

t.test('of two rows that in the newer index is right', async (t) => {
  t.equal(await open([1, 4], ['note a in 4', 'note a in 1']).find(), 'note a in 4');
});

t.test('a row that moves between two reads is found', async (t) => {
  const opened = open([1, 4], ['note a in 1'], [() => opened.rows.add('note a in 4').delete('note a in 1')]);
  t.equal(await opened.find(), 'note a in 4');
});

t.test('a row that moves to an index which was not known at the first read is found', async (t) => {
  const opened = open(
    [1],
    [],
    [
      () => {
        opened.state.indexes = [1, 4].map(indexAt);
        opened.rows.add('note a in 4');
      },
    ],
  );
  t.equal(await opened.find(), 'note a in 4');
});
