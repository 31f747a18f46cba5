import type { ChainEntry } from '../common/audit-chain.ts';
import type { JournalPlace } from './journal-reader.ts';

/** Characters of the entries that are kept; beyond them all are read from the files again. */
const maxCharacters = 2 * 1_024 * 1_024;
/** Entries that are moved into the store by one commit. */
const maxPartEntries = 1_024;

/** Entries that were written at once. */
interface Written {
  readonly first: number;
  readonly entries: readonly ChainEntry[];
  /** The place behind them. */
  readonly end: JournalPlace;
}

/** Some entries in their order, and where they end. */
export interface RememberedPart {
  readonly entries: readonly ChainEntry[];
  readonly end: JournalPlace;
  readonly isFull: boolean;
}

/**
 * The entries that this process has written and that are not moved yet, as far as they are few: to read them
 * from the file again costs as much as to write them.
 */
export class JournalMemory {
  #written: Written[] = [];
  #characters = 0;

  /** Takes entries that are in the file, from the number `first` up to a place. */
  add(first: number, entries: readonly ChainEntry[], end: JournalPlace): void {
    const characters = entries.reduce((sum, { text }) => sum + text.length, 0);
    if (this.#characters + characters > maxCharacters) this.clear();
    if (characters > maxCharacters) return;
    this.#written.push({ first, entries, end });
    this.#characters += characters;
  }

  /** Returns entries from that number on, of one commit; undefined when the next one is not known here. */
  peek(first: number): RememberedPart | undefined {
    if (this.#written[0]?.first !== first) return undefined;
    const entries: ChainEntry[] = [];
    let count = 0;
    for (const written of this.#written) {
      if (entries.length > 0 && entries.length + written.entries.length > maxPartEntries) break;
      entries.push(...written.entries);
      count += 1;
    }
    const end = this.#written[count - 1]?.end as JournalPlace;
    return { entries, end, isFull: count < this.#written.length };
  }

  /** Forgets what was moved. What was moved in part is read from the file. */
  forget(last: number): void {
    while ((this.#written[0]?.first ?? Number.POSITIVE_INFINITY) <= last) {
      const { entries = [] } = this.#written.shift() ?? {};
      for (const { text } of entries) this.#characters -= text.length;
    }
  }

  clear(): void {
    this.#written = [];
    this.#characters = 0;
  }
}
