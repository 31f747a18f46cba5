import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { CryptographyFailedError } from '../../src/crypto/errors.ts';
import { nodeCrypto } from '../../src/crypto/node/node.ts';
import { createField8, createField16 } from '../../src/crypto/secret-sharing/galois-fields.ts';
import type { SecretSharingScheme, Share, SharingPolynomial } from '../../src/crypto/secret-sharing.ts';

const polynomials: readonly SharingPolynomial[] = [283, 285];
const methods = [
  'XOR',
  'PolynomialSharingGF2_8',
  'PolynomialSharingGF2_16',
  'PolynomialSharingPrimeField',
] as const;

/** A secret with leading zeros, a sharing scheme, and the parts in some order. */
const shared = fc
  .record({
    method: fc.constantFrom(...methods),
    polynomial: fc.constantFrom(...polynomials),
    secret: fc.tuple(fc.nat({ max: 3 }), fc.uint8Array({ minLength: 1, maxLength: 40 })),
    parts: fc.integer({ min: 2, max: 12 }),
    threshold: fc.integer({ min: 2, max: 12 }),
    order: fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], { minLength: 12 }),
  })
  .map(({ secret: [zeros, rest], method, polynomial, parts, threshold, order }) => {
    const secret = new Uint8Array([...new Uint8Array(zeros), ...rest]);
    const required = method === 'XOR' ? parts : Math.min(threshold, parts);
    const sharing: SecretSharingScheme = { method, polynomial, parts, threshold: required };
    return { secret, sharing, order: order.filter((each) => each <= parts) };
  });

async function split(
  secret: Uint8Array,
  sharing: SecretSharingScheme,
): Promise<{ shares: Share[]; sharing: SecretSharingScheme }> {
  const { shares, prime } = await nodeCrypto.splitSecret(secret, sharing);
  return {
    shares: shares.map((bytes, index) => ({ identifier: index + 1, bytes })),
    sharing: { ...sharing, prime },
  };
}

t.test('any parts from the threshold on give the secret back, and fewer are refused', async (t) => {
  const property = fc.asyncProperty(shared, async ({ secret, sharing: asked, order }) => {
    const { shares, sharing } = await split(secret, asked);
    const ordered = order.map((identifier) => shares[identifier - 1] as Share);
    for (let count = 1; count <= ordered.length; count += 1) {
      const join = () => nodeCrypto.joinShares(ordered.slice(0, count), sharing, secret.length).toHex();
      if (count < sharing.threshold) assert.throws(join, CryptographyFailedError);
      else assert.equal(join(), secret.toHex());
    }
  });
  await t.resolves(fc.assert(property, { numRuns: 200 }));
});

t.test('a changed part is detected when there are more parts than needed', async (t) => {
  const property = fc.asyncProperty(shared, fc.nat(), async ({ secret, sharing: asked }, at) => {
    const { shares, sharing } = await split(secret, asked);
    fc.pre(sharing.threshold < sharing.parts);
    const [first, ...others] = shares as [Share, ...Share[]];
    const changed = first.bytes.map((byte, index) => (index === at % first.bytes.length ? byte ^ 1 : byte));
    assert.throws(
      () => nodeCrypto.joinShares([{ ...first, bytes: changed }, ...others], sharing, secret.length),
      CryptographyFailedError,
    );
  });
  await t.resolves(fc.assert(property, { numRuns: 100 }));
});

t.test('parts below the threshold do not depend on the secret', async (t) => {
  // When one byte is shared 2 of 2, each part alone takes all 256 values for every secret.
  for (const method of ['XOR', 'PolynomialSharingGF2_8'] as const) {
    for (const byte of [0, 255]) {
      const seen = [new Set<number>(), new Set<number>()];
      for (let run = 0; run < 4_000; run += 1) {
        const sharing = { method, polynomial: 285, parts: 2, threshold: 2 } as const;
        const { shares } = await split(Uint8Array.of(byte), sharing);
        for (const [index, share] of shares.entries()) seen[index]?.add(share.bytes[0] as number);
      }
      t.ok(
        seen.every(({ size }) => size === 256),
        `${method}: ${byte}`,
      );
    }
  }
});

t.test('the Galois fields follow the field axioms', async (t) => {
  t.equal(createField8(283).multiply(0x57, 0x83), 0xc1, 'FIPS 197 §4.2');
  for (const polynomial of polynomials) {
    const small = createField8(polynomial);
    const large = createField16(polynomial);
    for (let a = 1; a < 256; a += 1) assert.equal(small.multiply(a, small.inverse(a)), 1);
    for (let a = 1; a < 65_536; a += 1) assert.equal(large.multiply(a, large.inverse(a)), 1, String(a));
    const element = fc.nat({ max: 0xffff });
    const laws = fc.property(element, element, element, (a, b, c) => {
      const { multiply } = large;
      assert.equal(multiply(a, 1), a);
      assert.equal(multiply(a, b), multiply(b, a));
      assert.equal(multiply(a, multiply(b, c)), multiply(multiply(a, b), c));
      assert.equal(multiply(a, b ^ c), multiply(a, b) ^ multiply(a, c));
    });
    t.doesNotThrow(() => fc.assert(laws, { numRuns: 500 }), String(polynomial));
  }
});
