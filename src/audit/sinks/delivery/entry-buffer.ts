import type { ChainedEntry } from '../../audit.ts';

/** Entries of a chain without a hole between them. */
interface Run {
  readonly chain: string;
  readonly first: number;
  readonly entries: ChainedEntry[];
  characters: number;
}

/** Entries in one run; whole runs are dropped. */
const maxRunEntries = 256;

/** Bounds of all entries together, where nothing else is said. */
const defaultBounds = { entries: 8_192, characters: 4_194_304 };

/**
 * Keeps the entries of the log that came last, for all sinks together. A sink that falls further behind reads
 * the log, so the memory does not grow with the backlog or the number of sinks.
 */
export class EntryBuffer {
  readonly #bounds: { readonly entries: number; readonly characters: number };
  #runs: Run[] = [];
  #entries = 0;
  #characters = 0;

  /** `bounds`: entries, and characters of their texts. */
  constructor(bounds = defaultBounds) {
    this.#bounds = bounds;
  }

  /** Entries that are kept. */
  get size(): number {
    return this.#entries;
  }

  /** Keeps an entry; the oldest ones are dropped beyond the bounds. */
  add(entry: ChainedEntry): void {
    let run = this.#runs.at(-1);
    const continues =
      run !== undefined &&
      run.chain === entry.chain &&
      run.first + run.entries.length === entry.number &&
      run.entries.length < maxRunEntries;
    if (run === undefined || !continues) {
      run = { chain: entry.chain, first: entry.number, entries: [], characters: 0 };
      this.#runs.push(run);
    }
    run.entries.push(entry);
    run.characters += entry.text.length;
    this.#entries += 1;
    this.#characters += entry.text.length;
    while (this.#entries > this.#bounds.entries || this.#characters > this.#bounds.characters) this.#drop();
  }

  /** Returns up to `limit` entries of a chain from a number on; none when that one is not kept. */
  read(chain: string, number: number, limit: number): readonly ChainedEntry[] {
    const found: ChainedEntry[] = [];
    for (const run of this.#runs) {
      const at = number + found.length - run.first;
      if (run.chain !== chain || at < 0 || at >= run.entries.length) continue;
      found.push(...run.entries.slice(at, at + limit - found.length));
      if (found.length === limit) break;
    }
    return found;
  }

  #drop(): void {
    const run = this.#runs.shift();
    this.#entries -= run?.entries.length ?? 0;
    this.#characters -= run?.characters ?? 0;
  }
}
