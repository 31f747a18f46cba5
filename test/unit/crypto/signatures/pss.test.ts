import t from 'tap';
import { digest } from '../../../../src/crypto/hashes/hashes.ts';
import { applyMask } from '../../../../src/crypto/hashes/mask-generation.ts';
import { encodePss, type Pss, verifyPss } from '../../../../src/crypto/signatures/pss.ts';

const message = digest('SHA_256', new Uint8Array(3));
const pss: Pss = { hash: 'SHA_256', maskHash: 'SHA_256' };
const hashBytes = 32;

/** The block with its mask off, changed, and its mask on again. */
function changedUnderMask(block: Uint8Array, change: (plain: Uint8Array) => void): Uint8Array {
  const changed = new Uint8Array(block);
  const masked = changed.subarray(0, changed.length - hashBytes - 1);
  const seed = changed.subarray(masked.length, masked.length + hashBytes);
  applyMask(masked, seed, pss.maskHash);
  change(masked);
  applyMask(masked, seed, pss.maskHash);
  return changed;
}

t.test('a block verifies with its digest only, for moduli of any size', async (t) => {
  for (const bits of [1024, 1025, 1026, 1031, 1032, 2048, 2049]) {
    const block = encodePss(bits, pss, message);
    t.equal(block.length, Math.ceil(bits / 8));
    t.ok(verifyPss(block, bits, pss, message), `${bits} bits`);
    t.notOk(verifyPss(block, bits, pss, digest('SHA_256', message)), `${bits} bits: another digest`);
  }
});

t.test('every part of a block is checked', async (t) => {
  // 1,025 bits: the encoded block fills whole bytes, so the mask can be taken off and put on again as it is.
  const bits = 1025;
  const block = encodePss(bits, pss, message);
  const encoded = block.subarray(1);
  const whole = (part: Uint8Array) => Uint8Array.from([0, ...part]);
  t.ok(verifyPss(whole(changedUnderMask(encoded, () => {})), bits, pss, message), 'nothing changed');
  const separator = encoded.length - hashBytes - 1 - 32 - 1;
  const cases: [string, Uint8Array][] = [
    ['the zero byte in front', Uint8Array.from([1, ...encoded])],
    ['the last byte', whole(encoded.map((byte, at) => (at === encoded.length - 1 ? byte ^ 1 : byte)))],
    ['the digest', whole(encoded.map((byte, at) => (at === encoded.length - 2 ? byte ^ 1 : byte)))],
    ['a byte before the separator', whole(changedUnderMask(encoded, (plain) => plain.fill(2, 0, 1)))],
    [
      'the separator',
      whole(
        changedUnderMask(encoded, (plain) => {
          plain[separator] = 2;
        }),
      ),
    ],
    ['the salt', whole(changedUnderMask(encoded, (plain) => plain.fill(0, -1)))],
    ['nothing but zeros', whole(changedUnderMask(encoded, (plain) => plain.fill(0)))],
  ];
  for (const [name, changed] of cases) t.notOk(verifyPss(changed, bits, pss, message), name);
  const topBit = encodePss(1026, pss, message);
  topBit[0] = (topBit[0] as number) | 0x80;
  t.notOk(verifyPss(topBit, 1026, pss, message), 'a bit above the modulus');
  t.notOk(verifyPss(new Uint8Array(16), 128, pss, message), 'a key shorter than the digest');
});
