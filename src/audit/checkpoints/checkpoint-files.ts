import { constants, existsSync, renameSync } from 'node:fs';
import { open, rename, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { giveToOwner, synchronise } from '../../common/durable-file.ts';
import { type Checkpoint, decodeCheckpoint } from './checkpoint.ts';
import { readCheckpointTexts } from './checkpoint-texts.ts';

/** A file gets no more checkpoints beyond that size; the one before it is kept. */
const maxFileBytes = 16 * 1_024 * 1_024;
/** Checkpoints of other databases that may follow the newest one of this. */
const maxOthers = 64;
const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;

/** Returns the files with the checkpoints of a node, the older one first; each may be missing. */
export function checkpointFilesIn(directory: string): readonly [older: string, newer: string] {
  const file = join(directory, 'checkpoints');
  return [`${file}.1`, file];
}

/**
 * Gives the files other names, so that nothing is compared with them unless an operator gives them. Returns
 * these names.
 * @throws the system's error, with `code` and `path`
 */
export function setCheckpointsAside(directory: string): readonly string[] {
  return checkpointFilesIn(directory)
    .filter((file) => existsSync(file))
    .map((file) => {
      const aside = `${file}.before-accept`;
      renameSync(file, aside);
      return aside;
    });
}

/** The checkpoints that a node has signed, in two files of bounded size. */
export class CheckpointFiles {
  readonly #directory: string;
  readonly #maxBytes: number;
  #size: number | undefined;

  constructor(directory: string, maxBytes = maxFileBytes) {
    this.#directory = directory;
    this.#maxBytes = maxBytes;
  }

  /**
   * Reads the newest checkpoint of a database, and the text of the last one of all. Cuts off one that was not
   * written to its end.
   * @param stores `Vault.storeNames`
   * @throws {UnusableFileError} or the system's error, with `code` and `path`
   */
  async open(
    stores: readonly string[],
  ): Promise<{ readonly newest: Checkpoint | undefined; readonly last: string | undefined }> {
    const texts: string[] = [];
    for (const file of checkpointFilesIn(this.#directory)) {
      if ((await sizeOf(file)) === 0) continue;
      for (const found of readCheckpointTexts(file)) {
        if (found.kind === 'checkpoint') texts.push(found.text);
        else if (found.kind === 'torn') await truncate(file, found.offset);
        if (texts.length > maxOthers) texts.shift();
      }
    }
    const isOfStore = (text: string) => stores.includes(decodeCheckpoint(text)?.store ?? '');
    const newest = texts.findLast(isOfStore);
    return { newest: newest === undefined ? undefined : decodeCheckpoint(newest), last: texts.at(-1) };
  }

  /** Appends a checkpoint; it is durable when the promise resolves. Rejects with the system's error. */
  async append(text: string): Promise<void> {
    const [older, newer] = checkpointFilesIn(this.#directory);
    const bytes = new TextEncoder().encode(`${text}\n`);
    this.#size ??= await sizeOf(newer);
    if (this.#size > 0 && this.#size + bytes.length > this.#maxBytes) {
      await rename(newer, older);
      this.#size = 0;
    }
    const isNew = this.#size === 0;
    const handle = await open(newer, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
    try {
      const { size } = await handle.stat();
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } catch (error) {
        // A part of a checkpoint would spoil the next one.
        await handle.truncate(size).catch(() => {});
        throw Object.assign(error as Error, { path: newer });
      }
      this.#size = size + bytes.length;
    } finally {
      await handle.close();
    }
    if (!isNew) return;
    giveToOwner(newer, this.#directory);
    synchronise(this.#directory);
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
