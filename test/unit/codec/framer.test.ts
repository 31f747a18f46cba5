import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { type FrameKind, Framer } from '../../../codec/framer.ts';
import { WireError } from '../../../codec/wire-error.ts';

const limit = 1_024;

/** A message with that many bytes after its header. */
function message(bytes: number, fill = 0, kind: FrameKind = 'RequestMessage'): Buffer {
  const made = Buffer.alloc(8 + bytes, fill);
  made.writeUInt32BE(kind === 'RequestMessage' ? 0x42007801 : 0x42007b01, 0);
  made.writeUInt32BE(bytes, 4);
  return made;
}

/** Messages of a stream in these pieces, as hexadecimal; the error last, if there is one. */
function splitFrames(pieces: readonly Uint8Array[], kind: FrameKind = 'RequestMessage'): string[] {
  const framer = new Framer(kind, limit);
  const found: string[] = [];
  try {
    for (const piece of pieces) {
      for (const frame of framer.push(piece)) found.push(Buffer.from(frame).toString('hex'));
    }
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    found.push(`${error.kind} at ${error.offset}: ${error.message}`);
  }
  return found;
}

t.test('the framer returns whole messages', async (t) => {
  const [small, empty, largest] = [message(24, 1), message(0), message(limit - 8, 2)];
  t.same(splitFrames([]), []);
  t.same(splitFrames([new Uint8Array(0)]), []);
  t.same(splitFrames([small]), [small.toString('hex')]);
  t.same(splitFrames([empty]), [empty.toString('hex')]);
  t.same(splitFrames([largest]), [largest.toString('hex')]);
  t.same(
    splitFrames([Buffer.concat([small, empty, small])]),
    [small, empty, small].map((each) => each.toString('hex')),
  );
  const answer = message(8, 3, 'ResponseMessage');
  t.same(splitFrames([answer], 'ResponseMessage'), [answer.toString('hex')]);
});

t.test('a message within one chunk is a view of it and a message across chunks is a copy', async (t) => {
  const framer = new Framer('RequestMessage', limit);
  const chunk = Buffer.concat([message(8), message(16), message(32).subarray(0, 20)]);
  const within = [...framer.push(chunk)];
  t.same(
    within.map((frame) => frame.buffer === chunk.buffer),
    [true, true],
  );
  t.equal(framer.hasPartialMessage, true);
  const [straddling] = [...framer.push(message(32).subarray(20))];
  t.equal(straddling?.length, 40);
  t.equal(straddling?.buffer.byteLength, 40, 'allocated once, for its length');
  t.equal(framer.hasPartialMessage, false);
});

t.test('the framer refuses a wrong header before the content arrives', async (t) => {
  const cases = [
    ['a response where requests come', '42007b0100000008', 'malformed at 0'],
    ['another tag', '4200770100000008', 'malformed at 0'],
    ['another range of tags', '5400780100000008', 'malformed at 0'],
    ['no structure', '4200780200000008', 'malformed at 0'],
    ['zeros', '0000000000000000', 'malformed at 0'],
    ['HTTP', Buffer.from('GET / HTTP/1.1').toString('hex'), 'malformed at 0'],
    ['8 bytes over the limit', '4200780100000400', 'malformed at 4'],
    ['4 GiB', '42007801ffffffff', 'malformed at 4'],
    ['no multiple of 8', '4200780100000009', 'malformed at 4'],
  ] as const;
  for (const [name, hex, expected] of cases) {
    const bytes = Buffer.from(hex, 'hex');
    const good = message(8, 7);
    for (const pieces of [
      [bytes],
      [...bytes].map((byte) => Buffer.of(byte)),
      [Buffer.concat([good, bytes])],
    ]) {
      const found = splitFrames(pieces);
      t.match(found.at(-1), new RegExp(`^${expected}: `), `${name} in ${pieces.length} pieces`);
      t.equal(
        found.length,
        pieces[0] !== undefined && pieces[0].length > good.length ? 2 : 1,
        'the message before it is returned',
      );
    }
  }
});

t.test('the framer allocates no more than the maximum length while bytes arrive one by one', async (t) => {
  const framer = new Framer('RequestMessage', 1_048_576);
  const before = process.memoryUsage().arrayBuffers;
  const begin = Buffer.from('42007801000ffff8', 'hex');
  t.same([...framer.push(begin)], []);
  const piece = Buffer.alloc(1);
  for (let n = 0; n < 100_000; n++) for (const _ of framer.push(piece)) t.fail('not whole yet');
  t.ok(process.memoryUsage().arrayBuffers - before < 3 * 1_048_576);
});

t.test('any split of a stream gives the same messages', async (t) => {
  const lengths = fc.integer({ min: 0, max: 12 }).map((eighths) => eighths * 8);
  const streams = fc.array(fc.tuple(lengths, fc.integer({ min: 0, max: 255 })), { maxLength: 8 });
  const garbage = fc.oneof(
    { weight: 3, arbitrary: fc.constant(new Uint8Array(0)) },
    fc.uint8Array({ maxLength: 24 }),
  );
  const law = () =>
    fc.assert(
      fc.property(streams, garbage, fc.array(fc.nat(2_000), { maxLength: 40 }), (parts, tail, cuts) => {
        const stream = Buffer.concat([...parts.map(([bytes, fill]) => message(bytes, fill)), tail]);
        const at = [...new Set([0, ...cuts.map((cut) => cut % (stream.length + 1)), stream.length])].sort(
          (a, b) => a - b,
        );
        const pieces = at.slice(1).map((end, n) => stream.subarray(at[n], end));
        assert.deepEqual(splitFrames(pieces), splitFrames([stream]));
        assert.deepEqual(
          splitFrames([stream]).slice(0, parts.length),
          parts.map(([bytes, fill]) => message(bytes, fill).toString('hex')),
        );
      }),
      { numRuns: 300 },
    );
  t.doesNotThrow(law);
});
