import type { ChainedEntry } from '../../audit/audit.ts';
import { type EntryFilter, matchesEntry } from '../../audit/entry-filter.ts';
import { readEntry } from '../../audit/entry-text.ts';
import type { MethodsOf } from '../api.ts';
import type { AuditPage, ReadBlock } from '../managed-audit.ts';

/** Blocks that one call opens, and characters of its answer: callers wait for it. */
const maxBlocks = 256;
const maxCharacters = 1_048_576;

/** The methods about the audit log. */
export const auditMethods: MethodsOf<'audit'> = {
  async 'audit.list'({ audit }, { from, isBackward, filter }) {
    const page = new Page(from, isBackward, filter);
    for (;;) {
      const blocks = await audit.read(page.place, isBackward);
      if (blocks.length === 0) return page.end(true);
      for (const block of blocks) {
        page.add(block);
        if (page.isFull) return page.end(page.isOlder);
      }
    }
  },
};

/** What one call has found. */
class Page {
  readonly #isBackward: boolean;
  readonly #filter: EntryFilter;
  readonly #entries: ChainedEntry[] = [];
  #start: number | undefined;
  #place: number;
  #unreadable = 0;
  #blocks = 0;
  #characters = 0;
  /** Blocks that open and were written before what is looked for. */
  #older = 0;

  constructor(from: number, isBackward: boolean, filter: EntryFilter) {
    this.#place = from;
    this.#isBackward = isBackward;
    this.#filter = filter;
  }

  /** Row of the block that was read last. */
  get place(): number {
    return this.#place;
  }

  get isFull(): boolean {
    return this.#blocks >= maxBlocks || this.#characters >= maxCharacters;
  }

  /**
   * Whether there is no need to look further back. One older block says nothing of those before it: nodes
   * have clocks of their own, and the time of a block that does not open is whatever somebody has written.
   */
  get isOlder(): boolean {
    return this.#isBackward && this.#older > 0 && this.#older === this.#blocks;
  }

  add({ row, time, chain, first, ...block }: ReadBlock): void {
    const entries = block.open();
    this.#start ??= row;
    this.#place = row;
    this.#blocks += 1;
    if (entries === undefined) this.#unreadable += 1;
    else if (time < (this.#filter.since ?? 0)) this.#older += 1;
    const found = (entries ?? []).flatMap(({ text }, at) => {
      const entry = readEntry(text);
      if (entry === undefined) this.#unreadable += 1;
      if (entry === undefined || !matchesEntry(entry, this.#filter)) return [];
      this.#characters += text.length;
      return [{ chain, number: first + at, text }];
    });
    this.#entries.push(...(this.#isBackward ? found.reverse() : found));
  }

  end(isLast: boolean): AuditPage {
    const start = this.#start ?? this.#place;
    return { entries: this.#entries, unreadable: this.#unreadable, start, next: this.#place, isLast };
  }
}
