import { randomFillSync, randomUUID } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { synchronise } from '../common/durable-file.ts';
import { allocateSecretBytes, Secret } from '../common/secret.ts';
import { readSecretFile } from './roots/secret-file.ts';
import { decodeKeyText, writeHex } from './secret-text.ts';
import { VaultUnavailableError } from './vault.ts';

/**
 * The root key in a file: one line, 32 bytes in hex or base64, readable by its owner only. The bytes are
 * never in a string or a pooled buffer, because neither can be wiped.
 */

const rootKeyBytes = 32;
/** The line and white space around it; a longer file is invalid. */
const maxFileBytes = 128;

/**
 * Creates `file` (mode 0600, its directory 0700) with a new random key, durably.
 *
 * @throws {Error} a system error, with code EEXIST when the file exists.
 */
export function createRootKey(file: string): void {
  writeRootKey(file, randomFillSync(allocateSecretBytes(rootKeyBytes)));
}

/** Creates `file` likewise with these 32 bytes, which it overwrites in memory. */
export function writeRootKey(file: string, key: Uint8Array): void {
  const line = new Uint8Array(rootKeyBytes * 2 + 1).fill('\n'.charCodeAt(0));
  writeHex(line, 0, key);
  try {
    writeLine(file, line);
  } finally {
    for (const bytes of [key, line]) bytes.fill(0);
  }
}

function writeLine(file: string, line: Uint8Array): void {
  const directory = dirname(file);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
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
 * Reads the root key, 32 bytes; undefined when the file does not exist.
 *
 * @throws {VaultUnavailableError} with a one-line message when others may read the file or it is not a key.
 */
export function readRootKey(file: string): Secret | undefined {
  const form = `one line of ${rootKeyBytes} bytes in hex or base64`;
  using text = readSecretFile(file, { what: 'the root key', maxBytes: maxFileBytes, form });
  if (text === undefined) return undefined;
  const key = decodeKeyText(text.bytes);
  if (key !== undefined) return new Secret(key);
  throw new VaultUnavailableError(`the root key ${file} is not ${form}`);
}

/**
 * Creates the root key, or reads the one that another process has created meanwhile.
 *
 * @throws {VaultUnavailableError} when it cannot be created, or as `readRootKey`.
 */
export function createOrReadRootKey(file: string): Secret | undefined {
  try {
    createRootKey(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new VaultUnavailableError(`cannot create the root key ${file}: ${(error as Error).message}`);
  }
  return readRootKey(file);
}
