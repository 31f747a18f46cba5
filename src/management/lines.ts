import type { Socket } from 'node:net';
import { concatBytes } from '../common/bytes.ts';
import { RequestError } from './errors.ts';

/** The messages of the management socket: JSON in UTF-8, one on each line. */

/** Bytes of a request, without the end of its line. */
export const maxRequestBytes = 256 * 1_024;
/** Bytes of an answer: that of a list of 100,000 clients has half of it. */
export const maxAnswerBytes = 64 * 1_024 * 1_024;

const lineFeed = 10;
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Yields the lines that arrive on a socket; what follows the last line feed is dropped. The socket stays
 * open.
 * @throws {RequestError} when a line is longer than `maxBytes`, or is not UTF-8.
 */
export async function* readLines(socket: Socket, maxBytes: number): AsyncGenerator<string, void> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    let rest: Uint8Array = chunk;
    for (let end = rest.indexOf(lineFeed); end >= 0; end = rest.indexOf(lineFeed)) {
      requireLength(length + end, maxBytes);
      yield decode(concatBytes([...parts, rest.subarray(0, end)]));
      [parts, length, rest] = [[], 0, rest.subarray(end + 1)];
    }
    requireLength(length + rest.length, maxBytes);
    parts.push(rest);
    length += rest.length;
  }
}

function requireLength(bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) throw new RequestError(`a line has more than ${maxBytes} bytes`);
}

function decode(line: Uint8Array): string {
  try {
    return decoder.decode(line);
  } catch {
    throw new RequestError('a line is not UTF-8');
  }
}

/** Writes one line, and resolves once the system has taken all of it. */
export function writeLine(socket: Socket, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(`${line}\n`, (error) => (error ? reject(error) : resolve()));
  });
}

/** Linux keeps the path of a socket in 108 bytes, with a zero byte at its end (unix(7)). */
const maxPathBytes = 107;

/** Whether a socket can have that path. */
export const isSocketPath = (path: string): boolean => Buffer.byteLength(path) <= maxPathBytes;
