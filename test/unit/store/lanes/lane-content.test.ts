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
  audit: { id: '0f'.repeat(16), count: 2 ** 40, head: new Uint8Array(32).fill(9), journal: 12 },
  policy: '0123456789abcdef',
};
/** Bytes at the end that formats before 4, and before 3, do not have. */
const [auditBytes, rootsBytes] = [65 + 9, 17];

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
      audit: content.audit,
      policy: content.policy,
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
    bytes.subarray(25 + 1_320, -auditBytes - rootsBytes),
  ];
  const decoded = decodeLane(new Uint8Array([1, ...head, ...sums, ...seen]));
  const older = { ...content, roots: [], rows: Object, audit: undefined, policy: undefined };
  t.match(decoded, { ...older, written: undefined });
  const timed = decodeLane(new Uint8Array([2, ...bytes.subarray(1, -auditBytes - rootsBytes)]));
  t.match(timed, older, 'format 2 has the time');
  const rooted = decodeLane(new Uint8Array([3, ...bytes.subarray(1, -auditBytes)]));
  t.match(rooted, { ...older, roots: content.roots }, 'format 3 has the roots');
  t.strictSame(decoded?.rows.differences(rows), []);
});

t.test('other bytes are not decoded', async (t) => {
  const bytes = encodeLane(content);
  for (let length = 0; length < bytes.length; length += 1)
    t.equal(decodeLane(bytes.subarray(0, length)), undefined, `${length} bytes`);
  t.equal(decodeLane(new Uint8Array([...bytes, 0])), undefined);
  t.equal(decodeLane(new Uint8Array([5, ...bytes.subarray(1)])), undefined);
});

t.test('a lane need not have a chain of the audit log, nor a policy', async (t) => {
  const { audit, policy } = content;
  for (const part of [
    { audit, policy: undefined },
    { audit: undefined, policy },
  ]) {
    const bytes = encodeLane({ ...content, ...part });
    t.match(decodeLane(bytes), { ...content, rows: Object, ...part });
    for (let length = 0; length < bytes.length; length += 1)
      t.equal(decodeLane(bytes.subarray(0, length)), undefined, `${length} bytes`);
  }
  const none = encodeLane({ ...content, audit: undefined, policy: undefined });
  t.match(decodeLane(none), { ...content, rows: Object, audit: undefined, policy: undefined });
  for (const end of [
    [2, 0],
    [0, 2],
    [1, 0],
    [0, 1],
  ])
    t.equal(decodeLane(new Uint8Array([...none.subarray(0, -2), ...end])), undefined);
});

t.test('a name that is too long is a bug', async (t) => {
  t.throws(() => encodeLane({ ...content, seen: [{ name: 'n'.repeat(101), seq: 1 }] }), TypeError);
});
