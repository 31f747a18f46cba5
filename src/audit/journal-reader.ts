import type { ChainEntry } from '../common/audit-chain.ts';
import { type JournalFile, readPart } from './journal-files.ts';
import { decodeLine } from './journal-lines.ts';

/** Bytes, and entries, that are moved into the store by one commit. */
const partBytes = 512 * 1_024;
const partEntries = 1_024;
/** The longest line that is read: entries are far shorter. */
const maxLineBytes = 32 * 1_024 * 1_024;
/** Numbers that may be missing between two lines; a larger gap is no gap, and its line is forged. */
const maxGap = 2 ** 32;

/** A place in a journal. */
export interface JournalPlace {
  readonly file: JournalFile;
  readonly offset: number;
  /** Number of the entry that is expected there. */
  readonly next: number;
}

/** What was read from a place on. */
export interface JournalRead {
  readonly entries: readonly ChainEntry[];
  readonly end: JournalPlace;
  /** By the paths of files: lines that are damaged, missing, or not in their order. */
  readonly damaged: ReadonlyMap<string, number>;
  /** Whether more follows. */
  readonly isFull: boolean;
}

/**
 * Reads the entries from a place on that have a number above `moved`; each call gets further, or to the end.
 * A line has the number that follows the one before it: others were put there by somebody else.
 *
 * @param isWritten whether a file still grows, so that what follows its last line end is no damage
 */
export function readJournal(
  files: readonly JournalFile[],
  start: JournalPlace,
  moved: number,
  isWritten: (file: JournalFile) => boolean,
): JournalRead {
  const reader = new PartReader(moved);
  let place: JournalPlace = start;
  for (;;) {
    const lines = readLines(place);
    place = reader.take(place, lines);
    if (reader.isFull) return reader.end(place, true);
    if (lines.isMore) continue;
    if (lines.hasRest && !isWritten(place.file)) reader.damage(place.file, 1);
    const following = files[files.indexOf(place.file) + 1];
    if (following === undefined) return reader.end(place, false);
    if (following.first > place.next) reader.damage(place.file, following.first - place.next);
    place = { file: following, offset: 0, next: Math.max(place.next, following.first) };
  }
}

/** Whole lines, and what follows them. */
interface Lines {
  readonly bytes: Buffer;
  /** Bytes of a line that is too long to be one; it is passed over. */
  readonly skipped: number;
  /** Whether the file goes on. */
  readonly isMore: boolean;
  /** Whether the file ends in the middle of a line. */
  readonly hasRest: boolean;
}

function readLines({ file: { path }, offset }: JournalPlace): Lines {
  for (let length = partBytes; ; length *= 4) {
    const bytes = readPart(path, offset, length);
    const end = bytes.lastIndexOf(10) + 1;
    const isMore = bytes.length === length;
    if (end > 0 || !isMore) {
      const hasRest = !isMore && end < bytes.length;
      return { bytes: bytes.subarray(0, end), skipped: 0, isMore, hasRest };
    }
    if (length >= maxLineBytes)
      return { bytes: bytes.subarray(0, 0), skipped: length, isMore, hasRest: false };
  }
}

/** Collects one part. */
class PartReader {
  readonly #entries: ChainEntry[] = [];
  readonly #damaged = new Map<string, number>();
  readonly #moved: number;
  #bytes = 0;

  constructor(moved: number) {
    this.#moved = moved;
  }

  get isFull(): boolean {
    return this.#entries.length >= partEntries || this.#bytes >= partBytes;
  }

  damage({ path }: JournalFile, lines: number): void {
    this.#damaged.set(path, (this.#damaged.get(path) ?? 0) + lines);
  }

  /** Takes lines, at most until the part is full; returns the place behind them. */
  take({ file, offset, next: expected }: JournalPlace, { bytes, skipped }: Lines): JournalPlace {
    let [at, next, passed] = [0, expected, 0];
    if (skipped > 0) {
      // What is left of the line counts as damaged, too.
      this.damage(file, 1);
      return { file, offset: offset + skipped, next };
    }
    while (!this.isFull) {
      const line = decodeLine(bytes, at);
      if (line === undefined) break;
      at += line.bytes;
      const { entry } = line;
      if (entry === undefined || entry.number < next || entry.number > next + maxGap) {
        this.damage(file, 1);
        passed += 1;
        continue;
      }
      // A damaged line may be what is left of an entry that is missing.
      const missing = entry.number - next - passed;
      if (missing > 0) this.damage(file, missing);
      [next, passed] = [entry.number + 1, 0];
      if (entry.number <= this.#moved) continue;
      this.#entries.push(entry.entry);
      this.#bytes += line.bytes;
    }
    return { file, offset: offset + at, next };
  }

  end(end: JournalPlace, isFull: boolean): JournalRead {
    return { entries: this.#entries, end, damaged: this.#damaged, isFull };
  }
}
