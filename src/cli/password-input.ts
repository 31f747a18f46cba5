import { isatty, type ReadStream } from 'node:tty';
import { isSameBytes } from '../common/bytes.ts';
import { Secret } from '../common/secret.ts';
import { readSecretFrom } from './command.ts';
import { CommandError } from './failure.ts';

const standardInput = 0;
const maxBytes = 1_024;

/**
 * Reads a password from a file, from a pipe on standard input, or from the terminal, where it is typed twice.
 * No option contains it, because every user of the machine can read command lines. `what` is the prompt.
 * @throws {CommandError} when there is no password, or more than one line.
 */
export async function readPassword(what: string, file: string | undefined): Promise<string> {
  const isTyped = file === undefined && isatty(standardInput);
  using given = isTyped ? await readNewSecretInput(what) : await readSecretInput(what, file);
  const where = file ?? (isTyped ? 'the input' : 'the standard input');
  return new TextDecoder().decode(requireOneLine(given.bytes, where));
}

/**
 * Reads a secret line from the terminal, or from a file or pipe where `file` names one or there is no
 * terminal. It is never in a string, which could not be overwritten. `what` is the prompt.
 * @throws {CommandError} when the operator gives up, or there is more than 1,024 bytes.
 */
export async function readSecretInput(what: string, file?: string): Promise<Secret> {
  if (file !== undefined) return readSecretFrom(file);
  if (!isatty(standardInput)) return readSecretFrom(standardInput);
  return readSecretFromTerminal(`${what}: `);
}

/**
 * Reads a new secret from the terminal, twice.
 * @throws {CommandError} when the two differ; otherwise as `readSecretInput`
 */
export async function readNewSecretInput(what: string): Promise<Secret> {
  const secret = await readSecretFromTerminal(`${what}: `);
  using again = await readSecretFromTerminal('once more: ');
  if (isSameBytes(secret.bytes, again.bytes)) return secret;
  secret.wipe();
  throw new CommandError('what was typed the second time differs');
}

/** The byte order mark in UTF-8, which PowerShell puts before what it pipes. */
const byteOrderMark = [0xef, 0xbb, 0xbf];

/**
 * Returns a view of the password in bytes of one line, without the line's end; `where` names its source.
 * @throws {CommandError} when there is none, more than one line, or more than 1,024 bytes.
 */
export function requireOneLine(bytes: Uint8Array, where: string): Uint8Array {
  const start = byteOrderMark.every((byte, at) => bytes[at] === byte) ? byteOrderMark.length : 0;
  let end = bytes.length;
  if (bytes[end - 1] === 0x0a) end -= bytes[end - 2] === 0x0d ? 2 : 1;
  const line = bytes.subarray(start, Math.max(start, end));
  if (line.length === 0) throw new CommandError(`${where} holds no password; give it as one line`);
  if (line.includes(0x0a) || line.includes(0x0d))
    throw new CommandError(`${where} holds more than one line; a password is one`);
  if (line.length > maxBytes)
    throw new CommandError(`${where} holds more than ${maxBytes} bytes; that is no password`);
  return line;
}

/** Reads a line from the terminal without echo into memory of its own. */
async function readSecretFromTerminal(prompt: string): Promise<Secret> {
  const terminal = process.stdin as ReadStream;
  const { promise, resolve, reject } = Promise.withResolvers<Secret>();
  const line = new Uint8Array(maxBytes);
  let length = 0;
  const readByte = (byte: number) => {
    if (byte === 0x0d || byte === 0x0a) return resolve(Secret.copyOf(line.subarray(0, length)));
    if (byte === 0x03 || (byte === 0x04 && length === 0))
      return reject(new CommandError('nothing was changed'));
    if (byte === 0x7f || byte === 0x08) {
      // One character of UTF-8: its first byte, and those that begin with the bits 10.
      do length = Math.max(0, length - 1);
      while (length > 0 && ((line[length] ?? 0) & 0xc0) === 0x80);
    } else if (length === maxBytes) reject(new CommandError(`no more than ${maxBytes} bytes can be given`));
    else {
      line[length] = byte;
      length += 1;
    }
  };
  const read = (keys: Uint8Array) => {
    for (const byte of keys) readByte(byte);
    keys.fill(0);
  };
  process.stderr.write(prompt);
  terminal.setRawMode(true);
  terminal.on('data', read).resume();
  try {
    return await promise;
  } finally {
    terminal.off('data', read).pause();
    terminal.setRawMode(false);
    line.fill(0);
    process.stderr.write('\n');
  }
}
