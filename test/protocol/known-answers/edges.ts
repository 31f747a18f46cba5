/* Changes of bytes as in forgeries. */

export function concat(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Flips one bit; bit 0 is the most significant one of byte 0. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  return bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (0x80 >> (bit & 7)) : byte));
}

/** Encodes a number in `length` bytes, big-endian; by default in as few as possible. */
export function toBytes(value: bigint, length?: number): Uint8Array {
  const digits = value.toString(16);
  return Uint8Array.fromHex(
    digits.padStart(length === undefined ? digits.length + (digits.length & 1) : length * 2, '0'),
  );
}

export function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${bytes.toHex() || '0'}`);
}

/** Encodes an ASN.1 item in DER. */
export function encodeItem(tag: number, ...content: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const inside = concat(...content);
  return concat([tag], encodeLength(inside.length), inside);
}

export function encodeLength(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const digits = toBytes(BigInt(length));
  return concat([0x80 | digits.length], digits);
}

/** Encodes a non-negative INTEGER in DER. */
export function encodeInteger(value: bigint): Uint8Array {
  const digits = toBytes(value);
  return encodeItem(2, (digits[0] as number) >= 0x80 ? [0] : [], digits);
}

/** Names each value of a list by its number. */
export function nameByNumber<T>(name: string, values: readonly T[]): Record<string, T> {
  return Object.fromEntries(values.map((value, at) => [`${name} ${at + 1}`, value]));
}
