import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { synchronise } from '../common/durable-file.ts';

/** One file of a journal; its name has the number of its first entry. */
export interface JournalFile {
  readonly path: string;
  readonly first: number;
}

const pattern = /^journal-(\d{16})\.log$/;
const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

/** The highest number of a first entry that is believed: no counting leads there. */
const maxFirst = 2 ** 52;

/**
 * Returns the files of a journal, the oldest first, and those with such a name that cannot be of one; creates
 * the directory where it is missing.
 */
export function listJournalFiles(directory: string): {
  readonly files: readonly JournalFile[];
  readonly others: readonly string[];
} {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const files: JournalFile[] = [];
  const others: string[] = [];
  for (const name of readdirSync(directory)) {
    const number = pattern.exec(name)?.[1];
    if (number === undefined) continue;
    const [path, first] = [join(directory, name), Number(number)];
    if (first > 0 && first <= maxFirst && lstatSync(path).isFile()) files.push({ path, first });
    else others.push(path);
  }
  return { files: files.toSorted((one, other) => one.first - other.first), others };
}

/** Reads a part of a file; shorter at its end, and nothing of a file that is gone. */
export function readPart(path: string, offset: number, length: number): Buffer {
  const descriptor = openIfAny(path);
  if (descriptor === undefined) return Buffer.alloc(0);
  try {
    const left = Math.max(0, fstatSync(descriptor).size - offset);
    const bytes = Buffer.alloc(Math.min(length, left));
    let read = 0;
    while (read < bytes.length) {
      const count = readSync(descriptor, bytes, read, bytes.length - read, offset + read);
      if (count === 0) break;
      read += count;
    }
    return bytes.subarray(0, read);
  } finally {
    closeSync(descriptor);
  }
}

function openIfAny(path: string): number | undefined {
  try {
    return openSync(path, O_RDONLY | O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Removes a file, durably. */
export function removeJournalFile({ path }: JournalFile, directory: string): void {
  rmSync(path, { force: true });
  synchronise(directory);
}

/** The file of a journal that is written. */
export class JournalWriter {
  readonly file: JournalFile;
  readonly descriptor: number;
  #size: number;

  /** Creates the file of the entries from `first` on. @throws the system's error */
  constructor(directory: string, first: number) {
    const path = join(directory, `journal-${String(first).padStart(16, '0')}.log`);
    this.descriptor = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    this.file = { path, first };
    this.#size = 0;
    synchronise(directory);
  }

  /** Bytes in the file. */
  get size(): number {
    return this.#size;
  }

  /** Appends lines completely, or nothing. @throws the system's error */
  write(lines: string): void {
    const length = Buffer.byteLength(lines);
    let written = 0;
    try {
      written = writeSync(this.descriptor, lines);
      if (written < length) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      this.#size += length;
    } catch (error) {
      // A part of a line would join the next one.
      ftruncateSync(this.descriptor, this.#size);
      throw error;
    }
  }

  /** Gives the space of the file free. @throws the system's error */
  truncate(): void {
    ftruncateSync(this.descriptor, 0);
    this.#size = 0;
  }

  close(): void {
    closeSync(this.descriptor);
  }
}
