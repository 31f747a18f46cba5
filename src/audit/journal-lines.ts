import { crc32 } from 'node:zlib';
import { type ChainEntry, saltBytes } from '../common/audit-chain.ts';

/**
 * The lines of a journal, one for each entry:
 *
 *     number SP salt (32 hexadecimal digits) SP checksum (8) SP text LF
 *
 * The text is JSON on one line. The checksum is the CRC-32 of everything before it and of the text: it finds
 * a line of which a power cut has left a part, nothing else.
 */

/** An entry in the journal. */
export interface JournalEntry {
  readonly number: number;
  readonly entry: ChainEntry;
}

/** Where a line ends, and what it says; undefined for one that is damaged. */
export interface JournalLine {
  readonly entry: JournalEntry | undefined;
  /** Bytes of the line with its end. */
  readonly bytes: number;
}

const lineFeed = 10;
const pattern = new RegExp(`^(\\d{1,16}) ([0-9a-f]{${2 * saltBytes}}) ([0-9a-f]{8}) (.*)$`, 's');

/** Encodes an entry as a line. */
export function encodeLine({ number, entry: { salt, text } }: JournalEntry): string {
  const head = `${number} ${Buffer.from(salt.buffer, salt.byteOffset, salt.length).toString('hex')} `;
  return `${head}${checksumOf(head, text)} ${text}\n`;
}

function checksumOf(head: string, text: string): string {
  return crc32(text, crc32(head)).toString(16).padStart(8, '0');
}

/** Decodes the line that begins at an offset; undefined when it has no end yet. */
export function decodeLine(bytes: Buffer, offset: number): JournalLine | undefined {
  const end = bytes.indexOf(lineFeed, offset);
  if (end === -1) return undefined;
  return { entry: readEntry(bytes.toString('utf8', offset, end)), bytes: end + 1 - offset };
}

function readEntry(line: string): JournalEntry | undefined {
  const [, number, salt, checksum, text] = pattern.exec(line) ?? [];
  if (number === undefined || salt === undefined || text === undefined) return undefined;
  if (checksumOf(`${number} ${salt} `, text) !== checksum) return undefined;
  return { number: Number(number), entry: { salt: Uint8Array.fromHex(salt), text } };
}
