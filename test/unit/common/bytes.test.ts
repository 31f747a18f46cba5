import t from 'tap';
import { ByteCollector, copyPlainData, joinBytes, splitBytes } from '../../../src/common/bytes.ts';

t.test('ByteCollector returns what was added, in its own memory', async (t) => {
  const sizes = [[], [0], [1], [0, 0, 3], [4_095, 2], [4_096], [5_000, 1, 4_095], Array(9_000).fill(1)];
  for (const lengths of sizes) {
    const collector = new ByteCollector();
    const pieces = lengths.map((length, at) => new Uint8Array(length).fill(at));
    const expected = Buffer.concat(pieces);
    for (const piece of pieces) {
      collector.add(piece);
      piece.fill(255);
    }
    t.ok(expected.equals(collector.takeAll()), `${lengths.length} pieces`);
  }
});

t.test('ByteCollector uses little more memory than it holds bytes, however small the pieces', async (t) => {
  const made: number[] = [];
  const original = globalThis.Uint8Array;
  t.teardown(() => {
    globalThis.Uint8Array = original;
  });
  const piece = new Uint8Array(1);
  const empty = new Uint8Array();
  const collector = new ByteCollector();
  globalThis.Uint8Array = class extends original<ArrayBuffer> {
    constructor(size: number) {
      super(size as never);
      made.push(size);
    }
  } as never;
  for (let n = 0; n < 10_000; n += 1) collector.add(piece);
  for (let n = 0; n < 10_000; n += 1) collector.add(empty);
  t.same(made, [4_096, 4_096, 4_096]);
});

t.test('copyPlainData copies every byte string, and counts them', async (t) => {
  const message = new Uint8Array(1_000).map((_, at) => at);
  const part = (length: number) => message.subarray(5, 5 + length);
  const value = { a: part(3), b: { c: [part(4), 'text', 7n, undefined, true], d: undefined }, e: null };
  const { copy, bytes } = copyPlainData(value);
  t.same(copy, value);
  t.equal(bytes, 7);
  for (const each of [copy.a, copy.b.c[0] as Uint8Array]) {
    t.not(each.buffer, message.buffer);
    t.equal(each.buffer.byteLength, each.length, 'not part of a larger buffer');
  }
  t.equal(copyPlainData(undefined).bytes, 0);
});

t.test('splitBytes takes apart what joinBytes has joined, wherever it lies in memory', (t) => {
  const bytes = (length: number) => new Uint8Array(length).fill(length);
  for (const [first, rest] of [
    [0, 0],
    [0, 3],
    [3, 0],
    [300, 70_000],
  ] as const) {
    const joined = joinBytes(bytes(first), bytes(rest));
    const shifted = new Uint8Array(joined.length + 5);
    shifted.set(joined, 5);
    t.strictSame(splitBytes(shifted.subarray(5)), [bytes(first), bytes(rest)]);
    t.throws(() => splitBytes(shifted.subarray(5, 5 + first + 3)), RangeError, 'cut');
  }
  t.end();
});
