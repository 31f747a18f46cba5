import { rm } from 'node:fs/promises';
import { replaceFile } from '../../common/durable-file.ts';
import { readTextFile } from '../../common/regular-file.ts';
import {
  type Anchor,
  type AnchorStore,
  AnchorUnreadableError,
  decodeAnchors,
  encodeAnchors,
} from '../../store/lanes/anchor.ts';
import { wayOut } from '../../store/lanes/lane-stop.ts';

/** The most databases of which a file keeps an anchor, those that were used last. */
const maxStores = 16;

/**
 * Keeps anchors in files of a state directory. Each kind of process writes one of its own, because two that
 * write one file could put back what the other has written.
 *
 * @param files all of them, of which each may be missing
 * @param own the one that this process writes, no other process at the same time
 */
export function createAnchorFiles(files: readonly string[], own: string): AnchorStore {
  return {
    async read(stores) {
      return files.flatMap(readAnchors).filter(({ store }) => stores.includes(store));
    },
    async write(anchor, previous) {
      const names = [anchor.store, ...previous];
      const others = readAnchors(own).filter(({ store }) => !names.includes(store));
      await replaceAnchors(own, [...others, anchor].slice(-maxStores));
    },
  };
}

/**
 * Removes the anchors of a database, under any of its names, from files, while no other process writes
 * them. A file that cannot be read goes as a whole, with those of all databases; returns the names of such
 * files.
 */
export async function removeAnchors(
  files: readonly string[],
  stores: readonly string[],
): Promise<readonly string[]> {
  const unreadable: string[] = [];
  for (const file of files) {
    const anchors = readAnchorsOrNone(file);
    if (anchors === undefined) unreadable.push(file);
    const others = anchors?.filter(({ store }) => !stores.includes(store)) ?? [];
    if (others.length === 0) await rm(file, { force: true });
    else if (others.length !== anchors?.length) await replaceAnchors(file, others);
  }
  return unreadable;
}

function readAnchorsOrNone(file: string): readonly Anchor[] | undefined {
  try {
    return readAnchors(file);
  } catch (error) {
    if (error instanceof AnchorUnreadableError) return undefined;
    throw error;
  }
}

function readAnchors(file: string): readonly Anchor[] {
  const anchors = decodeAnchors(readText(file));
  if (anchors !== undefined) return anchors;
  throw new AnchorUnreadableError(`${file} is damaged; ${wayOut}`);
}

function readText(file: string): string {
  try {
    return readTextFile(file, 'anchors');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new AnchorUnreadableError((error as Error).message);
  }
}

/** Happens each second. A former anchor, which a power cut may restore, has states that are followed too. */
const replaceAnchors = (file: string, anchors: readonly Anchor[]) =>
  replaceFile(file, encodeAnchors(anchors), { isNameDurable: false });
