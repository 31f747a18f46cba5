import { randomBytes } from 'node:crypto';
import t from 'tap';
import { administratorKind, administratorListKind } from '../../../../src/identity/administrator.ts';
import { clientCertificateKind, clientKind } from '../../../../src/identity/client-entry.ts';
import { authorityCertificateKinds } from '../../../../src/operations/authority-certificates.ts';
import { authorityKinds } from '../../../../src/operations/authority-records.ts';
import { issuerNameKind } from '../../../../src/operations/certificates/issuer-choice.ts';
import { issuerOrderKind } from '../../../../src/operations/certificates/issuer-order.ts';
import { granteeKind, grantKind } from '../../../../src/operations/grants.ts';
import { groupPolicyKind } from '../../../../src/operations/group-policy-record.ts';
import { recipientKind } from '../../../../src/operations/recipients.ts';
import { quotaKind } from '../../../../src/protocol/unit-of-work/quotas.ts';
import {
  anchoredRecordKinds,
  anchoredSegment,
  foldedLaneKind,
  foldedSegment,
  SetHash,
  segmentCount,
  segmentOf,
  setHashBytes,
} from '../../../../src/store/lanes/set-hash.ts';

/** The set hash: addition modulo 2^256 in segments, whatever the order. */

const modulus = 1n << 256n;
const element = () => BigInt(`0x${randomBytes(32).toString('hex')}`);

/** The sum of a segment, read from the encoded form. */
function sumOf(set: SetHash, segment: number): bigint {
  const at = segment * (setHashBytes / segmentCount) + 8;
  return BigInt(`0x${Buffer.from(set.bytes.subarray(at, at + 32)).toString('hex')}`);
}

t.test('a segment has the number of its rows and their sum modulo 2^256', async (t) => {
  const set = new SetHash();
  const all = Array.from({ length: 100 }, element);
  for (const each of all) set.add(7, each);
  t.equal(set.rows(7), 100);
  t.equal(
    sumOf(set, 7),
    all.reduce((sum, each) => (sum + each) % modulus, 0n),
  );
  for (let segment = 0; segment < segmentCount; segment += 1)
    if (segment !== 7) t.strictSame([set.rows(segment), sumOf(set, segment)], [0, 0n]);
});

t.test('rows removed in any order leave the empty set', async (t) => {
  const set = new SetHash();
  const all = Array.from({ length: 20 }, element);
  for (const each of all.toReversed()) set.remove(3, each);
  t.equal(set.rows(3), -20);
  for (const each of all) set.add(3, each);
  t.strictSame(set.differences(new SetHash()), []);
});

t.test('the sum of differences is the hash of all rows', async (t) => {
  const [whole, first, second] = [new SetHash(), new SetHash(), new SetHash()];
  for (let at = 0; at < 200; at += 1) {
    const [segment, one] = [at % segmentCount, element()];
    (at % 3 === 0 ? first : second).add(segment, one);
    if (at % 5 === 0) second.remove(segment, one);
    else whole.add(segment, one);
  }
  first.addAll(second);
  t.strictSame(first.differences(whole), []);
});

t.test('a difference names the segments', async (t) => {
  const [set, other] = [new SetHash(), new SetHash()];
  const same = element();
  for (const each of [set, other]) each.add(0, same);
  other.add(5, element());
  // Same number of rows, other sum; other number of rows, same sum.
  set.add(9, element());
  other.add(9, element());
  other.add(31, 0n);
  t.strictSame(set.differences(other), [5, 9, 31]);
});

t.test('a copy is independent of the bytes that it came from', async (t) => {
  const set = new SetHash();
  const copy = new SetHash(set.bytes);
  copy.add(1, 1n);
  t.equal(set.rows(1), 0);
  t.throws(() => new SetHash(new Uint8Array(setHashBytes - 1)), TypeError);
});

t.test('the kinds of anchored records are those that others write', async (t) => {
  const written = [clientKind, clientCertificateKind, groupPolicyKind, recipientKind, issuerNameKind];
  const others = [
    administratorKind,
    administratorListKind,
    issuerOrderKind,
    grantKind,
    granteeKind,
    quotaKind,
    ...authorityKinds,
    ...authorityCertificateKinds,
  ];
  t.same([...anchoredRecordKinds].sort(), [...written, ...others].sort());
});

t.test(
  'anchored records and those of removed lanes have segments of their own, all others share the rest',
  async (t) => {
    for (const kind of anchoredRecordKinds) t.equal(segmentOf('any', kind), anchoredSegment);
    t.equal(segmentOf('any', foldedLaneKind), foldedSegment);
    t.equal(segmentOf('any', 'ticket'), segmentOf('any'));
    const counts = Array<number>(segmentCount).fill(0);
    for (let at = 0; at < 31_000; at += 1) {
      const segment = segmentOf(randomBytes(16).toString('hex'));
      counts[segment] = (counts[segment] ?? 0) + 1;
    }
    t.strictSame([counts[anchoredSegment], counts[foldedSegment]], [0, 0]);
    t.ok(
      counts.slice(0, anchoredSegment).every((count) => count > 800 && count < 1_200),
      String(counts),
    );
  },
);
