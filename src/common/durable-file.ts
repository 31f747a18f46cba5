import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file atomically and durably: to a temporary name, synchronised, then renamed. The file has exactly
 * `mode`, whatever the umask.
 * @throws the system's error, with `code` and `path`, e.g. for a full disk; the former file is untouched
 *   then.
 */
export function writeFileAtomically(file: string, content: string | Uint8Array, mode: number): void {
  const temporary = `${file}.new`;
  rmSync(temporary, { force: true });
  const descriptor = openSync(temporary, 'wx', mode);
  try {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    chmodSync(temporary, mode);
    fsyncSync(descriptor);
  } catch (error) {
    rmSync(temporary, { force: true });
    // Errors of calls with a descriptor do not say which file it is.
    throw Object.assign(error as Error, { path: file });
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
  synchronise(dirname(file));
}

/**
 * Replaces a file of mode 0600 atomically, off the event loop. Its content is durable then; a power cut may
 * bring the former file back, unless its name is made durable, too.
 * @throws the system's error; the former file is untouched then
 */
export async function replaceFile(
  file: string,
  text: string,
  { isNameDurable }: { readonly isNameDurable: boolean },
): Promise<void> {
  const [temporary, directory] = [`${file}.new`, dirname(file)];
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW, O_RDONLY } = constants;
  await using handle = await open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  await handle.writeFile(text);
  await handle.datasync();
  giveToOwner(temporary, directory);
  await rename(temporary, file);
  if (!isNameDurable) return;
  await using parent = await open(directory, O_RDONLY);
  await parent.sync();
}

/** Makes the content of a file durable, or the creation, renaming and removal of files in a directory. */
export function synchronise(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Gives a file that root has made to the owner of its directory, who needs it as well. */
export function giveToOwner(file: string, directory: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(directory);
  chownSync(file, uid, gid);
}
