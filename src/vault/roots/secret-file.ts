import { closeSync, fstatSync, readSync } from 'node:fs';
import { describeExposure, describeFileError, openRegularFile } from '../../common/regular-file.ts';
import { Secret } from '../../common/secret.ts';
import { VaultUnavailableError } from '../vault.ts';

export interface SecretFileOptions {
  /** What it contains, for messages: `the passphrase`. */
  readonly what: string;
  readonly maxBytes: number;
  /** What a file is not that is longer, for messages. */
  readonly form: string;
  /** Whether others may be able to read it, because somebody else sets its mode. */
  readonly mayBeShared?: boolean;
}

/**
 * Reads a file with a secret into memory of its own; undefined when it does not exist.
 * @throws {VaultUnavailableError} when others can read it, it is too long, or cannot be read.
 */
export function readSecretFile(
  file: string,
  { what, maxBytes, form, mayBeShared = false }: SecretFileOptions,
): Secret | undefined {
  let handle: number;
  try {
    handle = openRegularFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(file, what, error);
  }
  const buffer = new Uint8Array(maxBytes + 1);
  try {
    const exposure = describeExposure(fstatSync(handle));
    if (!mayBeShared && exposure !== undefined)
      throw new VaultUnavailableError(`${what} ${file} has ${exposure}`);
    let length = 0;
    for (let count = -1; count !== 0 && length < buffer.length; length += count)
      count = readSync(handle, buffer, length, buffer.length - length, null);
    if (length > maxBytes) throw new VaultUnavailableError(`${what} ${file} is not ${form}`);
    return Secret.copyOf(buffer.subarray(0, length));
  } catch (error) {
    throw error instanceof VaultUnavailableError ? error : unreadable(file, what, error);
  } finally {
    buffer.fill(0);
    closeSync(handle);
  }
}

function unreadable(file: string, what: string, error: unknown): VaultUnavailableError {
  const reason = describeFileError(error) ?? (error as Error).message;
  return new VaultUnavailableError(`cannot read ${what} ${file}: ${reason}`);
}
