import { CommandError } from '../failure.ts';

/** Bytes of a dump whose rows begin with their offsets: hexdump -C, xxd, od -t x1, tcpdump -X, Wireshark. */

interface Row {
  /** Number of the line in the text, from 1. */
  readonly line: number;
  /** Digits of the offset, without 0x and colon. */
  readonly offset: string;
  /** The rest of the line: hexadecimal digits, often a column of characters after them. */
  readonly rest: string;
}

const rowPattern = /^\s*(?:0x)?([0-9a-f]{4,16}):?(?:\s+(.*))?$/i;
/** hexdump and od write this line for rows that are equal to the one before. */
const repeated = '*';

/** Bases in which programs write offsets: hexadecimal (hexdump -C, xxd), octal (od), decimal (od -A d). */
const radices = [16, 8, 10] as const;

/** Bytes that the last row of a dump may have, where no later offset tells. */
const maxLastRow = 64;

/**
 * Returns the bytes of a dump; undefined when the text is none.
 * @throws {CommandError} for a dump with a row that its offset contradicts.
 */
export function readDump(text: string): Uint8Array | undefined {
  const lines = text.split('\n').map((line) => line.trimEnd());
  const rows: (Row | typeof repeated)[] = [];
  for (const [index, line] of lines.entries()) {
    if (line === '') continue;
    const [, offset, rest = ''] = rowPattern.exec(line) ?? [];
    if (offset !== undefined) rows.push({ line: index + 1, offset, rest });
    else if (line === repeated && rows.length > 0) rows.push(repeated);
    else return undefined;
  }
  const [first] = rows;
  if (first === undefined || first === repeated || !/^0+$/.test(first.offset)) return undefined;
  const attempts = radices.map((radix) => readRows(rows, radix));
  const read = attempts.find((attempt) => attempt instanceof Uint8Array);
  if (read === undefined) throw new CommandError(String(attempts[0]));
  return read;
}

/**
 * Where the bytes of a row end: at a column of characters in bars, after three blanks or after two, at the
 * end of the line. Two blanks may also stand between the bytes.
 */
const layouts: readonly ((rest: string) => string)[] = [
  (rest) => rest.replace(/\s+\|.*$/, ''),
  (rest) => rest.replace(/\s{3,}.*$/, ''),
  (rest) => rest.replace(/\s{2,}.*$/, ''),
];

/** Returns the bytes of the rows, or what is wrong with them when their offsets are of that base. */
function readRows(rows: readonly (Row | typeof repeated)[], radix: number): Uint8Array | string {
  const bytes: number[] = [];
  let last: readonly number[] = [];
  let layout = layouts;
  for (const [index, row] of rows.entries()) {
    if (row === repeated) continue;
    const at = Number.parseInt(row.offset, radix);
    // Rows that `*` stands for are equal to the one before them.
    const isAfterRepetition = rows[index - 1] === repeated && last.length > 0;
    while (isAfterRepetition && bytes.length + last.length <= at) bytes.push(...last);
    if (bytes.length !== at)
      return `line ${row.line} of the dump begins at offset ${row.offset}, but ${bytes.length} bytes stand before it`;
    const next = rows[index + 1];
    if (next === undefined && row.rest === '') break;
    const count =
      next === undefined || next === repeated ? undefined : Number.parseInt(next.offset, radix) - at;
    // All rows have the layout of the first: the characters of the last one may look like digits.
    const found = layout.map((bytesOf) => ({ bytesOf, digits: bytesOf(row.rest).replaceAll(/\s/g, '') }));
    const read = found.find(({ digits }) => isRow(digits, count));
    if (read === undefined)
      return `line ${row.line} of the dump does not hold ${count ?? 'its'} bytes in hexadecimal`;
    layout = [read.bytesOf];
    last = [...Uint8Array.fromHex(read.digits)];
    bytes.push(...last);
  }
  return Uint8Array.from(bytes);
}

function isRow(digits: string, count: number | undefined): boolean {
  const bytes = digits.length / 2;
  return /^(?:[0-9a-f]{2})+$/i.test(digits) && (count === undefined ? bytes <= maxLastRow : bytes === count);
}
