import type { SqlRow, SqlValue } from '../../src/store/sql-driver.ts';

/** What somebody does to the rows of the audit log who can write to the database. */

/** A row of `audit_block`. */
export interface StoredBlock extends SqlRow {
  readonly seq: number;
  readonly chain: string;
  readonly first: number;
  readonly count: number;
  readonly time: number;
  readonly box: Uint8Array;
}

/** A mutation: rows that go, by their number, and rows that come. */
export interface Mutation {
  readonly what: string;
  readonly remove: readonly number[];
  readonly put: readonly SqlRow[];
}

/** Every n-th element, the first and the last among them. */
export function sample<T>(all: readonly T[], count: number): readonly T[] {
  const step = Math.max(1, (all.length - 1) / (count - 1));
  const places = new Set(
    Array.from({ length: count }, (_, at) => Math.min(all.length - 1, Math.round(at * step))),
  );
  return [...places].map((at) => all[at] as T);
}

const replace = (row: StoredBlock, change: SqlRow, what: string): Mutation => ({
  ...{ what: `row ${row.seq}: ${what}`, remove: [row.seq], put: [{ ...row, ...change }] },
});

function deletions(rows: readonly StoredBlock[]): readonly Mutation[] {
  const remove = (some: readonly StoredBlock[], what: string): Mutation => ({
    ...{ what, remove: some.map(({ seq }) => seq), put: [] },
  });
  const chains = Map.groupBy(rows, ({ chain }) => chain);
  return [
    ...sample(rows, 24).map((row) => remove([row], `row ${row.seq} deleted`)),
    ...[...chains].flatMap(([chain, blocks]) => [
      remove(blocks.slice(0, 1), `the first block of ${chain} deleted`),
      remove(blocks.slice(-1), `the last block of ${chain} deleted`),
      remove(blocks, `all blocks of ${chain} deleted`),
    ]),
    remove(rows.slice(10, 13), 'three blocks in a row deleted'),
    remove(rows, 'the table emptied'),
    // What is left begins later, or ends earlier, in every chain.
    ...sample(rows, 8).flatMap(({ seq }) => [
      remove(
        rows.filter((row) => row.seq <= seq),
        `all rows up to ${seq} deleted`,
      ),
      remove(
        rows.filter((row) => row.seq >= seq),
        `all rows from ${seq} deleted`,
      ),
    ]),
  ];
}

/** Exchanges of two rows of one chain, or of the content of any two. */
function exchanges(rows: readonly StoredBlock[]): readonly Mutation[] {
  const exchange = (one: StoredBlock, other: StoredBlock, columns: readonly string[]): Mutation => {
    const take = (row: StoredBlock, from: StoredBlock) => ({
      ...row,
      ...Object.fromEntries(columns.map((column) => [column, from[column] as SqlValue])),
    });
    return {
      what: `rows ${one.seq} and ${other.seq} with ${columns.join(', ')} exchanged`,
      remove: [one.seq, other.seq],
      put: [take(one, other), take(other, one)],
    };
  };
  const everything = ['chain', 'first', 'count', 'time', 'box'];
  const within = [...Map.groupBy(rows, ({ chain }) => chain).values()].flatMap((blocks) =>
    blocks.length < 2
      ? []
      : sample(blocks.slice(0, -1), 6).flatMap((block) => {
          const at = blocks.indexOf(block);
          return [
            exchange(block, blocks[at + 1] as StoredBlock, everything),
            exchange(block, blocks[at === 0 ? blocks.length - 1 : 0] as StoredBlock, everything),
          ];
        }),
  );
  const across = sample(rows.slice(1), 8).map((row) => exchange(row, rows[0] as StoredBlock, ['box']));
  return [...within, ...across];
}

function duplications(rows: readonly StoredBlock[]): readonly Mutation[] {
  const last = Math.max(...rows.map(({ seq }) => seq));
  return sample(rows, 12).flatMap((row) => [
    { what: `row ${row.seq} again at the end`, remove: [], put: [{ ...row, seq: last + 1 }] },
    { what: `row ${row.seq} again with a negative number`, remove: [], put: [{ ...row, seq: -row.seq }] },
    // The last block of a chain stays behind the others of it.
    ...(rows.findLast(({ chain }) => chain === row.chain) === row
      ? []
      : [{ what: `row ${row.seq} at the end instead`, remove: [row.seq], put: [{ ...row, seq: last + 1 }] }]),
    { what: `row ${row.seq} with the number 0 instead`, remove: [row.seq], put: [{ ...row, seq: 0 }] },
  ]);
}

function alterations(rows: readonly StoredBlock[]): readonly Mutation[] {
  const other = rows.find(({ chain }) => chain !== rows[0]?.chain)?.chain ?? '';
  return sample(rows, 5).flatMap((row) => {
    const { chain, first, count, time, box } = row;
    const flip = (at: number) => box.with(at, (box[at] ?? 0) ^ 1);
    return [
      ...[chain === other ? (rows[0]?.chain ?? '') : other, 'x', '', chain.toUpperCase(), `${chain} `]
        .filter((text) => text !== chain)
        .map((text) => replace(row, { chain: text }, `chain ${JSON.stringify(text)}`)),
      ...[first + 1, first + 256, -1, 2 ** 52].map((n) => replace(row, { first: n }, `first ${n}`)),
      ...[count + 1, count - 1, -1, 2 ** 52].map((n) => replace(row, { count: n }, `count ${n}`)),
      ...[time + 1, time - 1, 0, -1].map((n) => replace(row, { time: n }, `time ${n}`)),
      ...[0, 1, 2, 5, 6, 17, 18, 40, box.length - 17, box.length - 16, box.length - 1].map((at) =>
        replace(row, { box: flip(at) }, `byte ${at} of the box`),
      ),
      replace(row, { box: box.subarray(0, -1) }, 'a shorter box'),
      replace(row, { box: new Uint8Array([...box, 0]) }, 'a longer box'),
      replace(row, { box: new Uint8Array() }, 'no box'),
    ];
  });
}

/** Single mutations of all kinds, sampled over the whole log. */
export function mutationsOf(rows: readonly StoredBlock[]): readonly Mutation[] {
  return [...deletions(rows), ...exchanges(rows), ...duplications(rows), ...alterations(rows)];
}
