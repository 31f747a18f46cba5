import { isatty, type ReadStream } from 'node:tty';
import { isSameBytes } from '../common/bytes.ts';
import { Secret } from '../common/secret.ts';
import { readInput, readSecretFrom } from './command.ts';
import { CommandError } from './failure.ts';

const standardInput = 0;
const maxBytes = 1_024;

/**
 * Reads a password from a file, from a pipe on standard input, or from the terminal, where it is typed twice.
 * No option contains it, because every user of the machine can read command lines. `what` is the prompt.
 * @throws {CommandError} when there is no password, or more than one line.
 */
export async function readPassword(what: string, file: string | undefined): Promise<string> {
  // The decoder removes a byte order mark, which PowerShell puts before what it pipes.
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (file !== undefined) return requireOneLine(decode(readInput(file, 'password')), file);
  // The use of process.stdin would make a pipe non-blocking, and a read fail before the writer has written.
  if (!isatty(standardInput))
    return requireOneLine(decode(readInput(standardInput, 'password')), 'the standard input');
  const password = await readFromTerminal(`${what}: `);
  if ((await readFromTerminal('once more: ')) !== password)
    throw new CommandError('the two passwords differ');
  return requireOneLine(password, 'the input');
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
  throw new CommandError('the two passphrases differ');
}

/** Returns a text of one line without its end; `where` names its source in messages. */
function requireOneLine(text: string, where: string): string {
  const line = text.replace(/\r?\n$/, '');
  if (line === '') throw new CommandError(`${where} holds no password; give it as one line`);
  if (/[\r\n]/.test(line)) throw new CommandError(`${where} holds more than one line; a password is one`);
  if (Buffer.byteLength(line) > maxBytes)
    throw new CommandError(`${where} holds more than ${maxBytes} bytes; that is no password`);
  return line;
}

/** Reads a line from the terminal without echo. */
async function readFromTerminal(prompt: string): Promise<string> {
  const terminal = process.stdin as ReadStream;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let line = '';
  const read = (keys: string) => {
    for (const key of keys) {
      if (key === '\r' || key === '\n') return resolve(line);
      if (key === '\u0003' || (key === '\u0004' && line === ''))
        return reject(new CommandError('nothing was changed'));
      line = key === '\u007f' || key === '\b' ? line.slice(0, -1) : line + key;
    }
  };
  process.stderr.write(prompt);
  terminal.setRawMode(true);
  terminal.setEncoding('utf8').on('data', read).resume();
  try {
    return await promise;
  } finally {
    terminal.off('data', read).pause();
    terminal.setRawMode(false);
    process.stderr.write('\n');
  }
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
