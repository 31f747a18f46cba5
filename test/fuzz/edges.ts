import { Type } from '../../codec/wire/types.ts';
import type { Random } from './random.ts';

/** Values at the edges of their types. */

const encoder = new TextEncoder();

export const integers = [0, 1, -1, 2, 7, 8, 255, 256, 4096, 65_536, 0x7fffffff, -0x80000000, 0x40000000];
export const longs = [
  0n,
  1n,
  -1n,
  2n ** 31n,
  2n ** 53n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  253_402_300_800n,
  -62_135_596_801n,
];

export const texts = (random: Random): Uint8Array =>
  random.pick<() => Uint8Array>([
    () => new Uint8Array(0),
    () => encoder.encode('a\0b'),
    () => encoder.encode('\0\0\0\0'),
    () => Uint8Array.of(0xff, 0xfe, 0x80),
    () => Uint8Array.of(0xc3, 0x28, 0xed, 0xa0, 0x80),
    () => encoder.encode('x'.repeat(1 << random.below(17))),
    () => encoder.encode("'; drop table objects; --"),
    () => encoder.encode('%s%n$(id)\u202e\ufeff\u0000\r\n{"level":60}'),
    () => encoder.encode('__proto__'),
    () => encoder.encode('constructor'),
    () => encoder.encode('x-\u{1f511}'.repeat(1 + random.below(40))),
    () => encoder.encode(String(random.next())),
  ])();

export function number32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value | 0);
  return bytes;
}

export function number64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, value);
  return bytes;
}

/**
 * A value of the item's own type, at the edges of its range: passes the decoder and reaches the rules behind
 * it.
 */
export function edgeValue(type: number, random: Random): Uint8Array | undefined {
  switch (type) {
    case Type.Integer:
      return number32(random.chance(70) ? random.pick(integers) : random.next());
    case Type.Enumeration:
      return number32(
        random.chance(60) ? random.below(64) : random.pick([0, 0x80000000, 0xffffffff, 0x42, random.next()]),
      );
    case Type.Interval:
      return number32(random.pick([0, 1, 0x7fffffff, 0x80000000, 0xffffffff, random.next()]));
    case Type.LongInteger:
    case Type.DateTime:
    case Type.DateTimeExtended:
      return number64(
        random.chance(80) ? random.pick(longs) : BigInt.asIntN(64, BigInt(random.next()) << 20n),
      );
    case Type.Boolean:
      return number64(random.pick([0n, 1n, 2n, -1n, 256n]));
    case Type.TextString:
      return texts(random);
    case Type.ByteString:
      return random.bytes(random.pick([0, 1, 7, 8, 15, 16, 32, 33, 255, 4096]));
    case Type.BigInteger:
      return random.bytes(8 * random.below(40));
    default:
      return undefined;
  }
}
