import { fdatasync } from 'node:fs';
import { promisify } from 'node:util';
import type { ChainEntry } from '../common/audit-chain.ts';
import type { JournalPart } from './audit.ts';
import {
  findLastNumber,
  type JournalFile,
  JournalWriter,
  listJournalFiles,
  readPart,
  removeJournalFile,
} from './journal-files.ts';
import { decodeLine, encodeLine } from './journal-lines.ts';

/** A file gets no more entries beyond that size. */
const maxFileBytes = 16 * 1_024 * 1_024;
/** Bytes, and entries, that are moved into the store by one commit. */
const partBytes = 512 * 1_024;
const partEntries = 1_024;
/** The longest line: an entry of a message with the largest batch. */
const maxLineBytes = 64 * 1_024 * 1_024;
/** How long an entry may be in memory of the operating system alone. */
const synchronisationMilliseconds = 50;

/** Where the next entry to be moved begins. */
interface Cursor {
  readonly file: JournalFile;
  readonly offset: number;
}

/** Entries that are read and not moved yet. */
interface Part extends JournalPart {
  readonly end: Cursor;
}

/** Is told of what is wrong with the files of a journal. */
export interface JournalObserver {
  /** Lines do not have the form or the checksum of an entry, and were passed over. */
  damaged(event: { readonly file: string; readonly lines: number }): void;
  /** Entries could not be made durable. */
  notDurable(error: Error): void;
}

/**
 * Entries of the audit log that wait on the disk of a node until they are in the store: of everything that
 * changes no row, and of what happens while the vault is sealed. Each is written before its caller goes on,
 * so that the end of the process loses none; a power cut loses those of the last 50 ms.
 */
export class AuditJournal {
  readonly #directory: string;
  readonly #observer: JournalObserver;
  #files: JournalFile[] = [];
  #writer: JournalWriter | undefined;
  #cursor: Cursor | undefined;
  #part: Part | undefined;
  /** Number of the last entry that was written, and of the last one that was moved. */
  #last = 0;
  #moved = 0;
  #timer: NodeJS.Timeout | undefined;
  #synchronising: Promise<void> | undefined;
  /** Files with entries that are not durable; those but the one that is written are closed afterwards. */
  readonly #unsynchronised = new Set<JournalWriter>();

  /** Opens the journal of a directory, which is created where it is missing. @throws the system's error */
  constructor(directory: string, observer: JournalObserver) {
    this.#directory = directory;
    this.#observer = observer;
    this.#files = [...listJournalFiles(directory)];
    this.#last = this.#findLast();
    this.#restart();
  }

  /** Returns the number of the last entry; removes a file that has got no whole one. */
  #findLast(): number {
    const file = this.#files.at(-1);
    if (file === undefined) return 0;
    const last = findLastNumber(file.path);
    if (last !== undefined) return last;
    if (readPart(file.path, 0, 1).length > 0) this.#observer.damaged({ file: file.path, lines: 1 });
    removeJournalFile(file, this.#directory);
    this.#files.pop();
    return file.first - 1;
  }

  /** Entries that are not in the store yet. */
  get pending(): number {
    return this.#last - this.#moved;
  }

  /** Says up to which entry the store has them. */
  resume(moved: number): void {
    this.#moved = moved;
    if (this.#last < moved) {
      // The files of later entries are gone: numbers are not used twice.
      this.#last = moved;
      this.#endFile();
    }
    this.#restart();
    this.#removeMoved();
  }

  /** Writes entries, all of them or none. @throws the system's error */
  append(entries: readonly ChainEntry[]): void {
    const first = this.#last + 1;
    if (this.#writer !== undefined && this.#writer.size > maxFileBytes) this.#endFile();
    this.#writer ??= this.#beginFile(first);
    this.#writer.write(entries.map((entry, at) => encodeLine({ number: first + at, entry })).join(''));
    this.#last += entries.length;
    this.#unsynchronised.add(this.#writer);
    this.#synchroniseLater();
  }

  #synchroniseLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.synchronise().catch((error: Error) => this.#observer.notDurable(error));
    }, synchronisationMilliseconds);
  }

  /** Resolves once all entries are durable. Rejects with the system's error. */
  async synchronise(): Promise<void> {
    // One that has begun may have missed the last entry.
    await this.#synchronising?.catch(() => {});
    this.#synchronising ??= this.#synchronise().finally(() => {
      this.#synchronising = undefined;
    });
    await this.#synchronising;
  }

  async #synchronise(): Promise<void> {
    for (const writer of [...this.#unsynchronised]) {
      const { size } = writer;
      await promisify(fdatasync)(writer.descriptor);
      const isEnded = writer !== this.#writer;
      if (isEnded) writer.close();
      if (isEnded || writer.size === size) this.#unsynchronised.delete(writer);
    }
  }

  /** Returns the oldest entries that are not moved; undefined for none. @throws the system's error */
  peek(): JournalPart | undefined {
    if (this.pending === 0) return undefined;
    this.#part ??= this.#readPart();
    if (this.#part === undefined) {
      // Their files are gone: they would be looked for without end.
      this.#observer.damaged({ file: this.#directory, lines: this.pending });
      this.move(this.#last);
    }
    return this.#part;
  }

  /** The entries up to that number are durable in the store. */
  move(last: number): void {
    if (last <= this.#moved) return;
    this.#moved = last;
    if (this.#part?.last === last) this.#cursor = this.#part.end;
    this.#part = undefined;
    this.#removeMoved();
  }

  /** Makes everything durable and closes the file. */
  async close(): Promise<void> {
    this.#endFile();
    clearTimeout(this.#timer);
    await this.synchronise().catch((error: Error) => this.#observer.notDurable(error));
  }

  #beginFile(first: number): JournalWriter {
    const writer = new JournalWriter(this.#directory, first);
    this.#files.push(writer.file);
    return writer;
  }

  /** The next entry begins a file; this one is closed once it is durable. */
  #endFile(): void {
    if (this.#writer === undefined) return;
    this.#unsynchronised.add(this.#writer);
    this.#writer = undefined;
    this.#synchroniseLater();
  }

  /** Begins to read at the first file. */
  #restart(): void {
    const [file] = this.#files;
    this.#cursor = file && { file, offset: 0 };
    this.#part = undefined;
  }

  #readPart(): Part | undefined {
    const entries: ChainEntry[] = [];
    let last = this.#moved;
    this.#cursor ??= this.#firstCursor();
    let cursor = this.#cursor;
    let bytes = 0;
    while (cursor !== undefined && entries.length < partEntries && bytes < partBytes) {
      const read = this.#readFrom(cursor, partEntries - entries.length);
      for (const { number, entry } of read.entries) {
        if (number <= last) continue;
        entries.push(entry);
        last = number;
      }
      bytes += read.end - cursor.offset;
      const next: Cursor = { file: cursor.file, offset: read.end };
      if (read.isAtEnd) {
        const following = this.#files[this.#files.indexOf(cursor.file) + 1];
        if (following === undefined) return toPart(entries, last, next);
        cursor = { file: following, offset: 0 };
      } else cursor = next;
    }
    return cursor && toPart(entries, last, cursor);
  }

  #firstCursor(): Cursor | undefined {
    const [file] = this.#files;
    return file && { file, offset: 0 };
  }

  /** Reads some lines; those that are damaged are passed over and reported. */
  #readFrom({ file, offset }: Cursor, limit: number) {
    let bytes = readPartIfAny(file.path, offset, partBytes);
    // One line may be longer.
    if (bytes.length === partBytes && decodeLine(bytes, 0) === undefined)
      bytes = readPartIfAny(file.path, offset, maxLineBytes);
    const entries = [];
    let [at, damaged] = [0, 0];
    while (entries.length < limit) {
      const line = decodeLine(bytes, at);
      if (line === undefined) break;
      if (line.entry === undefined) damaged += 1;
      else entries.push(line.entry);
      at += line.bytes;
    }
    const isFull = entries.length === limit || bytes.length >= partBytes;
    const isRest = !isFull && at < bytes.length && file !== this.#writer?.file;
    if (damaged > 0 || isRest) this.#observer.damaged({ file: file.path, lines: damaged + (isRest ? 1 : 0) });
    return { entries, end: offset + at, isAtEnd: !isFull };
  }

  /** Removes the files of which all entries were moved; the one that is written stays. */
  #removeMoved(): void {
    for (;;) {
      const [file, next] = this.#files;
      if (file === undefined || file === this.#writer?.file) return;
      const end = next === undefined ? this.#last : next.first - 1;
      if (end > this.#moved) return;
      removeJournalFile(file, this.#directory);
      this.#files.shift();
      if (this.#cursor?.file === file) this.#restart();
    }
  }
}

function toPart(entries: readonly ChainEntry[], last: number, end: Cursor): Part | undefined {
  return entries.length === 0 ? undefined : { entries, last, end };
}

/** Reads nothing of a file that is gone, so that those after it are read. */
function readPartIfAny(path: string, offset: number, length: number): Buffer {
  try {
    return readPart(path, offset, length);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return Buffer.alloc(0);
  }
}
