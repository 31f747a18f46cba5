import { fail } from '../../common/errors.ts';
import type { Records } from '../../operations/work.ts';
import { type RecordChange, recordName, replaceChange, type UnitRecords } from './unit-records.ts';

/** The records of one group as one batch item sees them. */
export class LayerRecords implements Records {
  readonly #unit: UnitRecords;
  readonly #group: string;
  /** By the names of their records. */
  readonly #changes = new Map<string, RecordChange>();
  readonly #lasting: (reapply: () => void) => void;

  /** `lasting` receives the function that applies a lasting change again when the item is dropped. */
  constructor(unit: UnitRecords, group: string, lasting: (reapply: () => void) => void) {
    this.#unit = unit;
    this.#group = group;
    this.#lasting = lasting;
  }

  async load(kind: string, id: string): Promise<Uint8Array | undefined> {
    const record = await this.#unit.load(kind, id, this.#changes, this.#group);
    return record?.group === this.#group ? record.content : undefined;
  }

  list(kind: string, limit: number): Promise<readonly { id: string; content: Uint8Array }[]> {
    return this.#unit.list(kind, this.#group, limit, this.#changes);
  }

  put(kind: string, id: string, content: Uint8Array, expires?: number): void {
    if (this.#unit.isForeign(kind, id, this.#group))
      fail('ObjectAlreadyExists', 'a record of that name exists already');
    const change = { kind, id, group: this.#group, content: content.slice(), expires };
    replaceChange(this.#changes, recordName(kind, id), change);
  }

  putLasting(
    kind: string,
    id: string,
    change: (content: Uint8Array | undefined) => Uint8Array,
    expires?: number,
  ): void {
    const lasting = { kind, id, group: this.#group, change, expires };
    const { content } = this.#unit.changeBy(lasting, this.#changes);
    if (content !== undefined) this.put(kind, id, content, expires);
    this.#lasting(() => this.#unit.apply(lasting));
  }

  remove(kind: string, id: string): void {
    if (this.#unit.isForeign(kind, id, this.#group)) return;
    const change = { kind, id, group: this.#group, content: undefined, expires: undefined };
    replaceChange(this.#changes, recordName(kind, id), change);
  }

  keep(): void {
    this.#unit.merge(this.#changes);
  }
}
