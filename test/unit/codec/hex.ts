/** Converts hex digits to bytes; ignores everything else in the text (blanks, bars, line ends). */
export function bytes(text: string): Uint8Array {
  return Uint8Array.fromHex(text.replace(/[^0-9a-f]/gi, ''));
}

/**
 * Converts an item to hex digits with bars between tag, type, length and value: `420020 | 02 | 00000004 |
 * 0000000800000000`.
 */
export function toBarredHex(item: Uint8Array): string {
  const hex = item.toHex();
  return `${hex.slice(0, 6)} | ${hex.slice(6, 8)} | ${hex.slice(8, 16)} | ${hex.slice(16)}`;
}

/** Limits that only the tests of limits reach. */
export const limits = { depth: 32, structureItems: 4096, bytes: 1 << 20 };
