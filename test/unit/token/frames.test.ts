import fc from 'fast-check';
import t from 'tap';
import {
  decodeHeader,
  encodeFrame,
  FrameError,
  FrameReader,
  headerBytes,
  maxBodyBytes,
  type VerbName,
  verbs,
} from '../../../src/token/frames.ts';

const anyFrame = fc.record({
  verb: fc.constantFrom(...(Object.keys(verbs) as VerbName[])),
  request: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  body: fc.uint8Array({ maxLength: 300 }),
});

/** Cuts bytes into pieces at the places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const edges = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((edge, at) => bytes.slice(edges[at], edge));
}

t.test('a frame has length, verb, request and body, big-endian', async (t) => {
  const bytes = encodeFrame({ verb: 'wrap', request: 0x0102_0304_0506, body: Uint8Array.of(9, 8) });
  t.same([...bytes], [0, 0, 0, 11, verbs.wrap, 0, 0, 1, 2, 3, 4, 5, 6, 9, 8]);
});

t.test('a reader returns the frames of a stream, whatever pieces it comes in, and wipes them', async (t) => {
  fc.assert(
    fc.property(
      fc.array(anyFrame, { maxLength: 4 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      (frames, places) => {
        const reader = new FrameReader();
        const stream = Uint8Array.from(frames.flatMap((frame) => [...encodeFrame(frame)]));
        const pieces = cut(stream, places);
        const read = pieces.flatMap((piece) => reader.push(piece));
        t.same(read, frames);
        return pieces.every((piece) => piece.every((byte) => byte === 0));
      },
    ),
    { numRuns: 200 },
  );
});

t.test('a body of 4 KiB fits, a longer one does not', async (t) => {
  const frame = { verb: 'ping', request: 1, body: new Uint8Array(maxBodyBytes) } as const;
  t.same(new FrameReader().push(encodeFrame(frame)), [frame]);
  t.throws(() => encodeFrame({ ...frame, body: new Uint8Array(maxBodyBytes + 1) }), FrameError);
});

t.test('a header that is not possible is refused before a body is allocated', async (t) => {
  const header = encodeFrame({ verb: 'ping', request: 1, body: new Uint8Array() });
  const altered: readonly [string, number, number][] = [
    ['a length of 2 GiB', 0, 0x80],
    ['a length beyond 4 KiB', 2, 0x11],
    ['a length below verb and request', 3, 8],
    ['an unknown verb', 4, 200],
    ['a request beyond safe integers', 5, 0xff],
  ];
  for (const [what, at, byte] of altered)
    t.throws(() => new FrameReader().push(header.with(at, byte)), FrameError, what);
  t.equal(header.length, headerBytes);
  t.equal(decodeHeader(header).body.length, 0);
});

t.test('a reader wipes what has come of an unfinished frame', async (t) => {
  const reader = new FrameReader();
  reader.push(encodeFrame({ verb: 'wrap', request: 1, body: Uint8Array.of(1, 2, 3) }).subarray(0, -1));
  reader.wipe();
  const [frame] = reader.push(Uint8Array.of(3));
  t.same(frame?.body, Uint8Array.of(0, 0, 3));
});
