import { joinBytes, splitBytes } from '../../common/bytes.ts';
import { removalOf, type Store, type StoredRecord, type WrittenRecord } from '../../store/store.ts';
import { boxTag, type RecordContext, SealBrokenError, type Vault } from '../../vault/vault.ts';
import { padContent, unpadContent } from './padded-records.ts';

/** What a box of a record contains, the id first. */
export interface RecordContent {
  readonly id: string;
  readonly content: Uint8Array;
}

/**
 * Returns the key by which the store finds a record.
 * @throws {VaultUnavailableError} when the vault is sealed
 */
export function recordKey(vault: Vault, kind: string, id: string): string {
  return vault.key('record', kind, id);
}

/**
 * Returns the row of a record, sealed with its id, whose key it has.
 * @throws {VaultUnavailableError} when the vault is sealed
 */
export function sealRecord(
  vault: Vault,
  row: Omit<StoredRecord, 'box'>,
  { id, content }: RecordContent,
): StoredRecord {
  const padded = padContent(row.kind, content);
  const plain = joinBytes(new TextEncoder().encode(id), padded);
  const box = vault.seal(contextOf(row), plain);
  plain.fill(0);
  // The caller overwrites the content, and this is a copy of it.
  if (padded !== content) padded.fill(0);
  return { ...row, box };
}

/**
 * Opens the row of a record; the caller owns the content.
 * @throws {VaultUnavailableError} when the vault is sealed
 * @throws {SealBrokenError} when the row is not as it was written
 */
export function openRecord(vault: Vault, row: StoredRecord): RecordContent {
  const [id, content] = splitBytes(vault.open(contextOf(row), row.box));
  return { id: new TextDecoder().decode(id), content: unpadContent(row.kind, content) };
}

/**
 * As `openRecord`; undefined when the row is not as it was written, for lists that one forged row must not
 * hide.
 * @throws {VaultUnavailableError} when the vault is sealed
 */
export function openGenuineRecord(vault: Vault, row: StoredRecord): RecordContent | undefined {
  try {
    return openRecord(vault, row);
  } catch (error) {
    if (error instanceof SealBrokenError) return undefined;
    throw error;
  }
}

/**
 * Whether the row of a record is as it was written.
 * @throws {VaultUnavailableError} when the vault is sealed
 */
export function isGenuineRecord(vault: Vault, row: StoredRecord): boolean {
  const opened = openGenuineRecord(vault, row);
  opened?.content.fill(0);
  return opened !== undefined;
}

/**
 * Returns the next version of a record with the same content, sealed under the current epoch.
 * @throws {VaultUnavailableError} when the vault is sealed
 * @throws {SealBrokenError} when the row is not as it was written
 */
export function resealRecord(vault: Vault, row: StoredRecord): WrittenRecord {
  const plain = vault.open(contextOf(row), row.box);
  const next = { ...row, version: row.version + 1 };
  try {
    return { ...next, box: vault.seal(contextOf(next), plain), replacedTag: boxTag(row.box) };
  } finally {
    plain.fill(0);
  }
}

/**
 * Removes a record without reading its content, also while others change it; does nothing where there is
 * none.
 * @throws {VaultUnavailableError} when the vault is sealed
 */
export async function deleteRecord(store: Store, vault: Vault, kind: string, id: string): Promise<void> {
  const key = recordKey(vault, kind, id);
  for (let row = await store.record(kind, key); row !== undefined; row = await store.record(kind, key)) {
    const records = { expects: [], puts: [], removals: [removalOf(row)] };
    await store.commit({ expects: [], inserts: [], updates: [], records });
  }
}

function contextOf({ kind: recordKind, ...row }: Omit<StoredRecord, 'box'>): RecordContext {
  const { key, group, version, expires } = row;
  return { kind: 'record', recordKind, key, group, version, expires };
}
