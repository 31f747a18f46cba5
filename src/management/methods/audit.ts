import type { AuditEntry, ChainedEntry } from '../../audit/audit.ts';
import { type EntryFilter, matchesEntry } from '../../audit/entry-filter.ts';
import type { MethodsOf } from '../api.ts';
import type { AuditPage, ReadBlock } from '../managed-audit.ts';

/** Blocks that one call opens, and characters of its answer: callers wait for it. */
const maxBlocks = 256;
const maxCharacters = 1_048_576;

/** The methods about the audit log. */
export const auditMethods: MethodsOf<'audit'> = {
  async 'audit.list'({ audit }, { from, isBackward, filter }) {
    const page = new Page(filter, isBackward);
    let place = from;
    for (;;) {
      const rows = await audit.read(place, isBackward);
      if (rows.length === 0) return page.end(place, true);
      for (const block of rows) {
        // Blocks before it were written earlier than what is looked for.
        if (isBackward && block.time < (filter.since ?? 0)) return page.end(block.row, true);
        page.add(block);
        place = block.row;
        if (page.isFull) return page.end(place, false);
      }
    }
  },
};

class Page {
  readonly #filter: EntryFilter;
  readonly #isBackward: boolean;
  readonly #entries: ChainedEntry[] = [];
  #unreadable = 0;
  #blocks = 0;
  #characters = 0;

  constructor(filter: EntryFilter, isBackward: boolean) {
    this.#filter = filter;
    this.#isBackward = isBackward;
  }

  get isFull(): boolean {
    return this.#blocks >= maxBlocks || this.#characters >= maxCharacters;
  }

  add({ chain, first, entries }: ReadBlock): void {
    this.#blocks += 1;
    if (entries === undefined) this.#unreadable += 1;
    const found = (entries ?? []).flatMap(({ text }, at) => {
      if (!matchesEntry(JSON.parse(text) as AuditEntry, this.#filter)) return [];
      this.#characters += text.length;
      return [{ chain, number: first + at, text }];
    });
    this.#entries.push(...(this.#isBackward ? found.reverse() : found));
  }

  end(next: number, isLast: boolean): AuditPage {
    return { entries: this.#entries, unreadable: this.#unreadable, next, isLast };
  }
}
