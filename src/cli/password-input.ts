import { readFileSync } from 'node:fs';
import type { ReadStream } from 'node:tty';
import { readInput } from './command.ts';
import { CommandError } from './failure.ts';

const standardInput = 0;
const maxBytes = 1_024;

/**
 * A password that never stands on a command line, where every user of the machine could read it: from a file, from a
 * pipe, or typed twice. Throws CommandError.
 */
export async function readPassword(what: string, file: string | undefined): Promise<string> {
  if (file !== undefined) return requireOneLine(new TextDecoder().decode(readInput(file)), file);
  if (!process.stdin.isTTY) return requireOneLine(readFileSync(standardInput, 'utf8'), 'the standard input');
  const password = await readFromTerminal(`${what}: `);
  if ((await readFromTerminal('once more: ')) !== password)
    throw new CommandError('the two are not the same');
  return requireOneLine(password, 'what was typed');
}

/** One line, its end left out. */
function requireOneLine(text: string, where: string): string {
  const line = text.replace(/\r?\n$/, '');
  if (line === '') throw new CommandError(`${where} holds no password; give it as one line`);
  if (/[\r\n]/.test(line)) throw new CommandError(`${where} holds more than one line; a password is one`);
  if (Buffer.byteLength(line) > maxBytes)
    throw new CommandError(`${where} holds more than ${maxBytes} bytes; that is no password`);
  return line;
}

/** A line typed at a terminal, which does not show it. */
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
