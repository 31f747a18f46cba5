import { RecentEntries } from '../../common/recent-entries.ts';
import { boxTag, type SealContext, type SealedKey } from '../../vault/vault.ts';
import type { RowVersion, WrittenRow } from '../sql-driver.ts';

/** A version of a row that was read. */
export interface SeenRow extends RowVersion {
  readonly table: WrittenRow['table'];
  /** Identifier of an object, key of a record. */
  readonly id: string;
}

interface KnownRow {
  readonly version: number;
  readonly tag: string;
  /** Of an object; undefined until it was opened, or inserted by this process. */
  readonly group: string | undefined;
}

/** Rows, and replaced versions, that are remembered at the least. */
const minRows = 65_536;

/**
 * The versions of rows that this process has seen or written last, so that one that was put back is
 * recognised. The version of an object only grows. A record may be removed and written again, from version 1
 * on, so of records only a version that this process knows to be replaced is an earlier one.
 */
export class RowMemory {
  readonly #rows = new RecentEntries<KnownRow>(minRows);
  /** Tags of versions that others have replaced. */
  readonly #replaced = new RecentEntries<true>(minRows);

  /** Whether a row is an earlier version than this process has seen. */
  isOld(row: SeenRow): boolean {
    const tag = row.tag.toHex();
    if (this.#replaced.get(tag)) return true;
    const known = this.#rows.get(nameOf(row));
    if (known === undefined || row.table !== 'managed_object') return false;
    return row.version < known.version || (row.version === known.version && tag !== known.tag);
  }

  /** Whether a group has an object with that identifier. */
  isKnown(group: string, id: string): boolean {
    return this.#rows.get(nameOf({ table: 'managed_object', id }))?.group === group;
  }

  /** Remembers the group of an object that this process has committed. */
  learnGroup(group: string, id: string): void {
    const name = nameOf({ table: 'managed_object', id });
    const known = this.#rows.get(name);
    if (known !== undefined) this.#rows.set(name, { ...known, group });
  }

  /** Remembers the row of a box that was opened: only authentic versions count. */
  learnOpened(context: SealContext, sealed: SealedKey): void {
    const tag = boxTag(sealed);
    if (context.kind === 'object')
      this.#learn({ table: 'managed_object', id: context.id, version: context.version, tag }, context.group);
    if (context.kind === 'record')
      this.#learn({ table: 'sealed_record', id: context.key, version: context.version, tag });
  }

  #learn(row: SeenRow, group?: string): void {
    const name = nameOf(row);
    const tag = row.tag.toHex();
    const known = this.#rows.get(name);
    if (known !== undefined && row.version <= known.version) {
      if (known.tag === tag && known.group === undefined) this.#rows.set(name, { ...known, group });
      return;
    }
    if (known !== undefined) this.#replaced.set(known.tag, true);
    this.#rows.set(name, { version: row.version, tag, group: group ?? known?.group });
  }

  /** Remembers what this process has committed. */
  learnCommitted({ table, id, before, after }: WrittenRow): void {
    if (before !== null) this.#replaced.set(before.tag.toHex(), true);
    if (after !== null) this.#learn({ table, id, ...after });
    else this.#rows.delete(nameOf({ table, id }));
  }
}

function nameOf({ table, id }: Pick<SeenRow, 'table' | 'id'>): string {
  return `${table === 'managed_object' ? 'o' : 'r'}${id}`;
}
