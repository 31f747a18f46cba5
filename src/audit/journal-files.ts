import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { synchronise } from '../common/durable-file.ts';
import { decodeLine } from './journal-lines.ts';

/** One file of a journal; its name has the number of its first entry. */
export interface JournalFile {
  readonly path: string;
  readonly first: number;
}

const pattern = /^journal-(\d{16})\.log$/;
const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

/** Returns the files of a journal, the oldest first; creates the directory where it is missing. */
export function listJournalFiles(directory: string): readonly JournalFile[] {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return readdirSync(directory)
    .flatMap((name) => {
      const first = pattern.exec(name)?.[1];
      return first === undefined ? [] : [{ path: join(directory, name), first: Number(first) }];
    })
    .toSorted((one, other) => one.first - other.first);
}

/** Reads a part of a file; shorter at its end. */
export function readPart(path: string, offset: number, length: number): Buffer {
  const descriptor = openSync(path, O_RDONLY | O_NOFOLLOW);
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

  close(): void {
    closeSync(this.descriptor);
  }
}

/** Returns the number of the last entry of a file that is whole; undefined when there is none. */
export function findLastNumber(path: string): number | undefined {
  const bytes = readPart(path, 0, Number.POSITIVE_INFINITY);
  let last: number | undefined;
  for (let at = 0; ; ) {
    const line = decodeLine(bytes, at);
    if (line === undefined) return last;
    last = line.entry?.number ?? last;
    at += line.bytes;
  }
}
