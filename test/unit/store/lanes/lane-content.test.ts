import t from 'tap';
import { decodeLane, encodeLane, maxSeenLanes } from '../../../../src/store/lanes/lane-content.ts';
import { SetHash } from '../../../../src/store/lanes/set-hash.ts';

/** The content of a lane as bytes. */

const rows = new SetHash();
rows.add(0, 5n);
rows.remove(31, 1n);
const content = {
  keyring: 4_000_000_000,
  roots: ['0123456789abcdef', 'fedcba9876543210'],
  seals: { epoch: 7, count: 2 ** 40 },
  written: 1_800_000_000,
  rows,
  seen: [
    { name: 'a', seq: 1 },
    { name: 'zürich-command-locked', seq: Number.MAX_SAFE_INTEGER },
  ],
};

t.test('what was encoded is decoded', async (t) => {
  for (const seen of [
    [],
    content.seen,
    Array<(typeof content.seen)[0]>(maxSeenLanes).fill({ name: 'n', seq: 3 }),
  ]) {
    const decoded = decodeLane(encodeLane({ ...content, seen }));
    t.match(decoded, {
      keyring: content.keyring,
      roots: content.roots,
      seals: content.seals,
      written: content.written,
      seen,
    });
    t.strictSame(decoded?.rows.bytes, rows.bytes);
  }
});

t.test('no more lanes are named than fit into a row of PostgreSQL without another table', async (t) => {
  const seen = Array.from({ length: 40 }, (_, at) => ({
    name: `0123456789ab-command-locke${at % 10}`,
    seq: at,
  }));
  const bytes = encodeLane({ ...content, seen });
  t.equal(decodeLane(bytes)?.seen.length, maxSeenLanes);
  t.ok(bytes.length < 1_900, String(bytes.length));
});

t.test('lanes of format 1 are decoded: they have no time, and removed no lane', async (t) => {
  const bytes = encodeLane(content);
  const [head, sums, seen] = [
    bytes.subarray(1, 17),
    bytes.subarray(25, 25 + 1_280),
    bytes.subarray(25 + 1_320, -17),
  ];
  const decoded = decodeLane(new Uint8Array([1, ...head, ...sums, ...seen]));
  t.match(decoded, { ...content, roots: [], written: undefined, rows: Object });
  const timed = decodeLane(new Uint8Array([2, ...bytes.subarray(1, -17)]));
  t.match(timed, { ...content, roots: [], rows: Object }, 'format 2 has the time');
  t.strictSame(decoded?.rows.differences(rows), []);
});

t.test('other bytes are not decoded', async (t) => {
  const bytes = encodeLane(content);
  for (let length = 0; length < bytes.length; length += 1)
    t.equal(decodeLane(bytes.subarray(0, length)), undefined, `${length} bytes`);
  t.equal(decodeLane(new Uint8Array([...bytes, 0])), undefined);
  t.equal(decodeLane(new Uint8Array([4, ...bytes.subarray(1)])), undefined);
});

t.test('a name that is too long is a bug', async (t) => {
  t.throws(() => encodeLane({ ...content, seen: [{ name: 'n'.repeat(101), seq: 1 }] }), TypeError);
});
