import { fdatasync } from 'node:fs';
import { promisify } from 'node:util';
import type { ChainEntry } from '../common/audit-chain.ts';
import type { JournalPart } from './audit.ts';
import {
  type JournalFile,
  JournalWriter,
  listJournalFiles,
  readPart,
  removeJournalFile,
} from './journal-files.ts';
import { encodeLine } from './journal-lines.ts';
import { type JournalPlace, type JournalRead, readJournal } from './journal-reader.ts';

/** A file gets no more entries beyond that size, and is removed once all of its entries were moved. */
const maxFileBytes = 16 * 1_024 * 1_024;
/** A file of that size ends when nothing waits, so that its space is free again. */
const idleFileBytes = 1_024 * 1_024;
/** How long an entry may be in memory of the operating system alone. */
const synchronisationMilliseconds = 50;

/** Entries that were read and are not moved yet. */
interface Part extends JournalPart {
  readonly end: JournalPlace;
  readonly isFull: boolean;
}

/** Is told of what is wrong with the files of a journal. */
export interface JournalObserver {
  /** Lines are damaged, missing or not of kmipd, and were passed over. */
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
  /** Where the next read begins; undefined for the first file. */
  #place: JournalPlace | undefined;
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
    const { files, others } = listJournalFiles(directory);
    for (const file of others) observer.damaged({ file, lines: 1 });
    this.#files = [...files];
    this.#last = this.#findLast();
  }

  /** Returns the number of the last entry; removes a last file that has got none. */
  #findLast(): number {
    const file = this.#files.at(-1);
    if (file === undefined) return 0;
    let place: JournalPlace = { file, offset: 0, next: file.first };
    let hasEntries = false;
    for (;;) {
      const read = readJournal([file], place, 0, () => true);
      hasEntries ||= read.entries.length > 0;
      place = read.end;
      if (!read.isFull) break;
    }
    if (hasEntries) return place.next - 1;
    if (readPart(file.path, 0, 1).length > 0) this.#observer.damaged({ file: file.path, lines: 1 });
    removeJournalFile(file, this.#directory);
    this.#files.pop();
    return file.first - 1;
  }

  /** Entries that are not in the store yet. */
  get pending(): number {
    return this.#last - this.#moved;
  }

  /** Number of the last entry that is in the store. */
  get moved(): number {
    return this.#moved;
  }

  /** Whether more waits behind the part that `peek` has returned. */
  get hasMore(): boolean {
    return this.#part?.isFull ?? false;
  }

  /** Says up to which entry the store has them. */
  resume(moved: number): void {
    this.#part = undefined;
    this.#place = undefined;
    // Files are gone whose numbers were used: what was written since has some of them again.
    if (this.#last < moved) this.#renumber(moved);
    else this.#moved = moved;
    this.#removeMoved();
  }

  /** Writes all entries anew, with the numbers after `moved`. @throws the system's error, with no change */
  #renumber(moved: number): void {
    this.#endFile();
    const [previous, last, movedBefore] = [this.#files, this.#last, this.#moved];
    [this.#files, this.#last, this.#moved] = [[], moved, moved];
    try {
      this.#copy(previous);
    } catch (error) {
      this.#endFile();
      for (const each of this.#files) removeJournalFile(each, this.#directory);
      [this.#files, this.#last, this.#moved] = [previous, last, movedBefore];
      throw error;
    }
    for (const each of previous) removeJournalFile(each, this.#directory);
  }

  #copy(previous: readonly JournalFile[]): void {
    const [file] = previous;
    let place = file && { file, offset: 0, next: file.first };
    while (place !== undefined) {
      const read: JournalRead = readJournal(previous, place, 0, () => false);
      this.#report(read);
      if (read.entries.length > 0) this.append(read.entries);
      place = read.isFull ? read.end : undefined;
    }
  }

  /** Writes entries, all of them or none. @throws the system's error */
  append(entries: readonly ChainEntry[]): void {
    try {
      this.#write(entries);
    } catch (error) {
      // The space of what was moved may be all that is missing.
      const moved = this.#writer;
      if (this.pending > 0 || moved === undefined || moved.size === 0) throw error;
      this.#endFile();
      this.#removeMoved();
      // The file has no name any more, but is open until it is synchronised.
      moved.truncate();
      this.#write(entries);
    }
  }

  #write(entries: readonly ChainEntry[]): void {
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
    if (this.#part !== undefined || this.pending === 0) return this.#part;
    const [file] = this.#files;
    const start = this.#place ?? (file && { file, offset: 0, next: file.first });
    const read = start && readJournal(this.#files, start, this.#moved, (each) => each === this.#writer?.file);
    if (read !== undefined) this.#report(read);
    if (read === undefined || read.entries.length === 0) {
      // Otherwise they would be looked for without end.
      const missing = this.#last + 1 - (read?.end.next ?? this.#moved + 1);
      if (missing > 0) this.#observer.damaged({ file: this.#directory, lines: missing });
      this.#place = read?.end;
      this.move(this.#last);
      return undefined;
    }
    const { entries, end, isFull } = read;
    this.#part = { entries, last: end.next - 1, end, isFull };
    return this.#part;
  }

  #report({ damaged }: JournalRead): void {
    for (const [file, lines] of damaged) this.#observer.damaged({ file, lines });
  }

  /** The entries up to that number are durable in the store. */
  move(last: number): void {
    if (last <= this.#moved) return;
    this.#moved = last;
    if (this.#part?.last === last) this.#place = this.#part.end;
    this.#part = undefined;
    if (this.pending === 0 && (this.#writer?.size ?? 0) > idleFileBytes) this.#endFile();
    this.#removeMoved();
  }

  /** Makes everything durable and closes the file. */
  async close(): Promise<void> {
    this.#endFile();
    clearTimeout(this.#timer);
    this.#timer = undefined;
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

  /** Removes the files of which all entries were moved; the one that is written stays. */
  #removeMoved(): void {
    for (;;) {
      const [file, next] = this.#files;
      if (file === undefined || file === this.#writer?.file) return;
      const end = next === undefined ? this.#last : next.first - 1;
      if (end > this.#moved) return;
      removeJournalFile(file, this.#directory);
      this.#files.shift();
      if (this.#place?.file === file) this.#place = undefined;
    }
  }
}
