import { joinBytes, splitBytes } from '../common/bytes.ts';
import { boxEpoch, boxTag, type RecordContext, type RowIndex, type Vault } from '../vault/vault.ts';
import type { Aliases, RecordChanges, RemovedRecord, StoredRecord, WrittenRecord } from './store.ts';

/** Rows of records, sealed: their keys, and what their boxes contain. */

/** What a box of a record contains, the id first. */
export interface RecordContent {
  readonly id: string;
  readonly content: Uint8Array;
}

/** A row of a record to write, and what it needs. */
export interface RecordWrite {
  readonly put: WrittenRecord;
  /** The row that it replaces, where that is in another index. */
  readonly removals: readonly RemovedRecord[];
  /** Its keys in all indexes, of a row that is inserted. */
  readonly aliases: Aliases;
}

/** Returns the key of a record in an index. */
export function recordKey(index: RowIndex, kind: string, id: string): string {
  return index.key('record', kind, id);
}

/**
 * Returns the keys by which the store may find a record, that of the oldest index first.
 * @throws {VaultUnavailableError} when the vault is sealed
 */
export function recordKeys(vault: Pick<Vault, 'indexes'>, kind: string, id: string): readonly string[] {
  return vault.indexes.map((index) => recordKey(index, kind, id));
}

/**
 * Seals a record with its id, in place of the row `replaced` of the same id. Its key is of the index that
 * belongs to the epoch of the box.
 * @throws {VaultUnavailableError} when the vault is sealed
 */
export function sealRecordBox(
  vault: Vault,
  { kind, group, expires }: Pick<StoredRecord, 'kind' | 'group' | 'expires'>,
  { id, content }: RecordContent,
  replaced?: StoredRecord,
): RecordWrite {
  const plain = joinBytes(new TextEncoder().encode(id), content);
  try {
    for (;;) {
      const index = vault.indexOf(vault.currentEpoch);
      const key = recordKey(index, kind, id);
      const renewed = replaced?.key === key ? replaced : undefined;
      const row = { kind, key, group, version: (renewed?.version ?? 0) + 1, expires };
      const box = vault.seal(contextOf(row), plain);
      // Another epoch may have begun between, and with it another index.
      if (vault.indexOf(boxEpoch(box)).epoch !== index.epoch) continue;
      const replacedTag = renewed === undefined ? null : boxTag(renewed.box);
      const keys = renewed === undefined ? recordKeys(vault, kind, id) : [];
      return {
        put: { ...row, box, replacedTag },
        removals: replaced === undefined || renewed !== undefined ? [] : [removalOf(replaced)],
        aliases: new Map(keys.length > 1 ? [[key, keys]] : []),
      };
    }
  } finally {
    plain.fill(0);
  }
}

/**
 * Opens the row of a record; the caller owns the content.
 * @throws {VaultUnavailableError} when the vault is sealed
 * @throws {SealBrokenError} when the row is not as it was written
 * @throws {RangeError} when the box contains no id
 */
export function openRecordBox(vault: Vault, row: StoredRecord): RecordContent {
  const [id, content] = splitBytes(vault.open(contextOf(row), row.box));
  return { id: new TextDecoder().decode(id), content };
}

/** Returns what a unit needs to remove a record. */
export function removalOf({ kind, key, version, box }: StoredRecord): RemovedRecord {
  return { kind, key, version, tag: boxTag(box) };
}

/** Joins what is written of records of one unit. */
export function joinSealed(sealed: readonly RecordWrite[]): Omit<RecordChanges, 'expects'> {
  return {
    puts: sealed.map(({ put }) => put),
    removals: sealed.flatMap(({ removals }) => removals),
    aliases: new Map(sealed.flatMap(({ aliases }) => [...aliases])),
  };
}

function contextOf(row: Omit<StoredRecord, 'box'>): RecordContext {
  const { kind: recordKind, key, group, version, expires } = row;
  return { kind: 'record', recordKind, key, group, version, expires };
}
