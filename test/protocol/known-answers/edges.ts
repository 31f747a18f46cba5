/** Bytes changed in the ways that forgers change them. */

export function concat(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** With one bit turned; bit 0 is the first of byte 0 as it is written. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  return bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (0x80 >> (bit & 7)) : byte));
}

/** A number in `length` bytes, big-endian; as few as it needs where `length` is left out. */
export function toBytes(value: bigint, length?: number): Uint8Array {
  const digits = value.toString(16);
  return Uint8Array.fromHex(
    digits.padStart(length === undefined ? digits.length + (digits.length & 1) : length * 2, '0'),
  );
}

export function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${bytes.toHex() || '0'}`);
}

/** An ASN.1 item in DER. */
export function encodeItem(tag: number, ...content: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const inside = concat(...content);
  return concat([tag], encodeLength(inside.length), inside);
}

export function encodeLength(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const digits = toBytes(BigInt(length));
  return concat([0x80 | digits.length], digits);
}

/** A non-negative INTEGER in DER. */
export function encodeInteger(value: bigint): Uint8Array {
  const digits = toBytes(value);
  return encodeItem(2, (digits[0] as number) >= 0x80 ? [0] : [], digits);
}

/** A name for each value of a list. */
export function nameByNumber<T>(name: string, values: readonly T[]): Record<string, T> {
  return Object.fromEntries(values.map((value, at) => [`${name} ${at + 1}`, value]));
}
