import { isatty, type ReadStream } from 'node:tty';
import { readInput } from './command.ts';
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
