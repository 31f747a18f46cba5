import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const pieceBytes = 1 << 20;
/** No pattern is longer. */
const overlap = 1 << 10;

/** A form in which a secret may stand in memory. */
interface Pattern {
  readonly form: string;
  readonly bytes: Buffer;
}

/**
 * Returns the forms in which 32 bytes may stand: themselves, hexadecimal and Base64 in one and in two bytes a
 * character, and the schedule of AES-256 behind the key, which OpenSSL keeps.
 */
export function formsOf(secret: Uint8Array): readonly Pattern[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  const texts = { hex, HEX: hex.toUpperCase(), Base64: bytes.toString('base64').replace(/=+$/, '') };
  return [
    { form: 'bytes', bytes },
    ...Object.entries(texts).flatMap(([form, text]) => [
      { form, bytes: Buffer.from(text, 'latin1') },
      { form: `${form}, UTF-16`, bytes: Buffer.from(text, 'utf16le') },
    ]),
    { form: 'AES key schedule', bytes: nextRoundKeys(bytes) },
    { form: 'AES key schedule, words reversed', bytes: Buffer.from(nextRoundKeys(bytes)).swap32() },
  ];
}

/** Returns the forms that stand in the writable memory of a process, each with the number of its places. */
export function searchMemory(pid: number, patterns: readonly Pattern[]): Record<string, number> {
  const found: Record<string, number> = {};
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const piece = Buffer.alloc(pieceBytes + overlap);
  for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
    if (from === undefined || to === undefined) continue;
    const end = BigInt(`0x${to}`);
    for (let at = BigInt(`0x${from}`); at < end; at += BigInt(pieceBytes)) {
      const read = piece.subarray(0, readAt(memory, piece, at, end));
      for (const { form, bytes } of patterns)
        for (
          let place = read.indexOf(bytes);
          place >= 0 && place < pieceBytes;
          place = read.indexOf(bytes, place + 1)
        )
          found[form] = (found[form] ?? 0) + 1;
    }
  }
  closeSync(memory);
  return found;
}

/** Reads up to the end of the area; 0 for one that cannot be read. */
function readAt(memory: number, piece: Buffer, at: bigint, end: bigint): number {
  const length = end - at < BigInt(piece.length) ? Number(end - at) : piece.length;
  try {
    return readSync(memory, piece, 0, length, at);
  } catch {
    return 0;
  }
}

/** The third and fourth round key of AES-256 (FIPS 197 §5.2). */
export function nextRoundKeys(key: Buffer): Buffer {
  const words = Array.from({ length: 8 }, (_, at) => key.readUInt32BE(4 * at));
  for (let at = 8; at < 16; at += 1) {
    let word = words[at - 1] as number;
    if (at === 8) word = substitute((word << 8) | (word >>> 24)) ^ 0x01000000;
    if (at === 12) word = substitute(word);
    words.push(((words[at - 8] as number) ^ word) >>> 0);
  }
  const bytes = Buffer.alloc(32);
  for (const [at, word] of words.slice(8).entries()) bytes.writeUInt32BE(word, 4 * at);
  return bytes;
}

/** Substitutes the bytes of a word by the S-box, which is computed (FIPS 197 §5.1.1). */
function substitute(word: number): number {
  return [24, 16, 8, 0].reduce((sum, shift) => sum | ((box[(word >>> shift) & 0xff] as number) << shift), 0);
}

const box = Array.from({ length: 256 }, (_, value) => {
  let inverse = 0;
  for (let other = 1; other < 256 && value > 0; other += 1) if (multiply(value, other) === 1) inverse = other;
  const rotate = (by: number) => ((inverse << by) | (inverse >>> (8 - by))) & 0xff;
  return inverse ^ rotate(1) ^ rotate(2) ^ rotate(3) ^ rotate(4) ^ 0x63;
});

function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 0, value = a; bit < 8; bit += 1) {
    if ((b >>> bit) & 1) product ^= value;
    value = value & 0x80 ? ((value << 1) ^ 0x11b) & 0xff : value << 1;
  }
  return product;
}
