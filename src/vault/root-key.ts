import { randomFillSync, randomUUID } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { synchronise } from '../common/durable-file.ts';
import { describeFileError, openRegularFile } from '../common/regular-file.ts';
import { VaultUnavailableError } from './vault.ts';

/**
 * The root key in a file: one line, 32 bytes in hex or base64, readable by its owner only. The bytes are
 * never in a string or a pooled buffer, because neither can be wiped.
 */

const rootKeyBytes = 32;
/** Bytes read from the file: the line and white space around it; a longer file is invalid. */
const maxFileBytes = 128;

/**
 * Creates `file` (mode 0600, its directory 0700) with a new random key, durably.
 *
 * @throws {Error} a system error, with code EEXIST when the file exists.
 */
export function createRootKey(file: string): void {
  const directory = dirname(file);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const key = randomFillSync(new Uint8Array(rootKeyBytes));
  const line = encodeHexLine(key);
  // Written to another name, then linked: the name always refers to the whole key, and a link never replaces
  // a file.
  const unfinished = `${file}.${randomUUID()}`;
  const handle = openSync(unfinished, 'wx', 0o600);
  try {
    try {
      fchmodSync(handle, 0o600);
      if (writeSync(handle, line) !== line.length)
        throw new Error(`${file}: only a part of the root key was written`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
      key.fill(0);
      line.fill(0);
    }
    linkSync(unfinished, file);
  } finally {
    unlinkSync(unfinished);
  }
  synchronise(directory);
}

/**
 * Removes the other names of the key that `createRootKey` leaves when its process is killed. No other process
 * may create the key at the same time.
 */
export function removeUnfinishedRootKeys(file: string): void {
  for (const name of readdirSync(dirname(file))) {
    const [, id = ''] = name.split(`${basename(file)}.`, 2);
    if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) unlinkSync(join(dirname(file), name));
  }
}

/**
 * Reads the root key, 32 bytes that the caller wipes; undefined when the file does not exist.
 *
 * @throws {VaultUnavailableError} with a one-line message when others may read the file or it is not a key.
 */
export function readRootKey(file: string): Uint8Array | undefined {
  let handle: number;
  try {
    handle = openRegularFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(file, error);
  }
  const line = new Uint8Array(maxFileBytes);
  try {
    const { mode, size } = fstatSync(handle);
    if ((mode & 0o077) !== 0)
      throw new VaultUnavailableError(
        `the root key ${file} has mode ${(mode & 0o777).toString(8).padStart(4, '0')}, others can read it: chmod 600 it`,
      );
    const count = readSync(handle, line);
    const key = size > maxFileBytes ? undefined : decodeLine(line.subarray(0, count));
    if (key === undefined)
      throw new VaultUnavailableError(
        `the root key ${file} is not one line of ${rootKeyBytes} bytes in hex or base64`,
      );
    return key;
  } catch (error) {
    throw error instanceof VaultUnavailableError ? error : unreadable(file, error);
  } finally {
    line.fill(0);
    closeSync(handle);
  }
}

/**
 * Creates the root key, or reads the one that another process has created meanwhile.
 *
 * @throws {VaultUnavailableError} when it cannot be created, or as `readRootKey`.
 */
export function createOrReadRootKey(file: string): Uint8Array | undefined {
  try {
    createRootKey(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new VaultUnavailableError(`cannot create the root key ${file}: ${(error as Error).message}`);
  }
  return readRootKey(file);
}

function unreadable(file: string, error: unknown): VaultUnavailableError {
  const reason = describeFileError(error) ?? (error as Error).message;
  return new VaultUnavailableError(`cannot read the root key ${file}: ${reason}`);
}

const ascii = (text: string) => new TextEncoder().encode(text);
const hexDigits = ascii('0123456789abcdef');
const base64Digits = ascii('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const padding = '='.charCodeAt(0);

function encodeHexLine(key: Uint8Array): Uint8Array {
  const line = new Uint8Array(key.length * 2 + 1).fill('\n'.charCodeAt(0));
  for (const [at, byte] of key.entries()) {
    line[at * 2] = hexDigits[byte >> 4] ?? 0;
    line[at * 2 + 1] = hexDigits[byte & 15] ?? 0;
  }
  return line;
}

function decodeLine(line: Uint8Array): Uint8Array | undefined {
  const isSpace = (byte: number) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
  let [from, to] = [0, line.length];
  while (from < to && isSpace(line[from] ?? 0)) from += 1;
  while (to > from && isSpace(line[to - 1] ?? 0)) to -= 1;
  const digitsOnly = line.subarray(from, to);
  if (digitsOnly.length === 64)
    return decodeDigits(digitsOnly, 4, (byte) =>
      hexDigits.indexOf(byte >= 0x41 && byte <= 0x46 ? byte | 0x20 : byte),
    );
  if (digitsOnly.length === 44 && digitsOnly[43] === padding)
    return decodeDigits(digitsOnly.subarray(0, 43), 6, (byte) => base64Digits.indexOf(byte));
  return undefined;
}

/**
 * Concatenates `bits` of each character to the 32 bytes of the key; the two spare bits of base64 must be
 * zero.
 */
function decodeDigits(
  digitsOnly: Uint8Array,
  bits: number,
  value: (byte: number) => number,
): Uint8Array | undefined {
  const key = new Uint8Array(rootKeyBytes);
  let [held, holding, at, valid] = [0, 0, 0, true];
  for (const byte of digitsOnly) {
    const digit = value(byte);
    valid &&= digit >= 0;
    held = ((held << bits) | (digit & ((1 << bits) - 1))) & 0xffff;
    holding += bits;
    if (holding >= 8) {
      holding -= 8;
      key[at] = held >> holding;
      at += 1;
    }
  }
  if (valid && (held & ((1 << holding) - 1)) === 0) return key;
  key.fill(0);
  return undefined;
}
