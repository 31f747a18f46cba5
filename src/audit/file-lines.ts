import { closeSync, readSync } from 'node:fs';
import { openRegularFile, UnusableFileError } from '../common/regular-file.ts';

/** Bytes of one read. */
const readBytes = 65_536;
const lineFeed = 10;

/** A line of a file. */
export interface FileLine {
  /** Without its end. */
  readonly bytes: Buffer;
  /** 1 for the first. */
  readonly number: number;
  /** Bytes in front of it. */
  readonly offset: number;
  /** Whether it has an end. */
  readonly isWhole: boolean;
}

/**
 * Reads a file line by line, of which it holds one in memory.
 * @throws {UnusableFileError} for a path that is no regular file, or a longer line; the system's error, with
 *   `code` and `path`
 */
export function* readFileLines(path: string, maxLineBytes: number): Generator<FileLine> {
  const descriptor = openRegularFile(path);
  try {
    /** Of a line that has not ended. */
    let pieces: Buffer[] = [];
    let [pending, number, offset] = [0, 1, 0];
    for (;;) {
      const buffer = Buffer.alloc(readBytes);
      const count = readSync(descriptor, buffer, 0, readBytes, null);
      if (count === 0) break;
      let start = 0;
      for (
        let end = buffer.indexOf(lineFeed);
        end !== -1 && end < count;
        end = buffer.indexOf(lineFeed, start)
      ) {
        const bytes = Buffer.concat([...pieces, buffer.subarray(start, end)]);
        yield { bytes, number, offset, isWhole: true };
        [number, offset, start] = [number + 1, offset + bytes.length + 1, end + 1];
        [pieces, pending] = [[], 0];
      }
      if (start === count) continue;
      pieces.push(buffer.subarray(start, count));
      pending += count - start;
      if (pending > maxLineBytes)
        throw new UnusableFileError(path, `line ${number} has more than ${maxLineBytes} bytes`);
    }
    if (pending > 0) yield { bytes: Buffer.concat(pieces), number, offset, isWhole: false };
  } finally {
    closeSync(descriptor);
  }
}
