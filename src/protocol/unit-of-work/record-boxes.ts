import { concatBytes } from '../../common/bytes.ts';
import { removalOf, type Store, type StoredRecord } from '../../store/store.ts';
import { type RecordContext, SealBrokenError, type Vault } from '../../vault/vault.ts';

/** A record as it is named in the code; `group`, `version` and `expires` as in `StoredRecord`. */
type NamedRecord = Omit<StoredRecord, 'key' | 'box'> & { readonly id: string };

/** What a box of a record contains. */
export interface RecordContent {
  readonly id: string;
  readonly content: Uint8Array;
}

/** The id precedes the content, with its length as u32. */
const lengthBytes = 4;

/**
 * Returns the key by which the store finds a record.
 * @throws {VaultUnavailableError} when the vault is sealed
 */
export function recordKey(vault: Vault, kind: string, id: string): string {
  return vault.key('record', kind, id);
}

/**
 * Returns the row of a record, sealed with its id.
 * @throws {VaultUnavailableError} when the vault is sealed
 */
export function sealRecord(vault: Vault, record: NamedRecord, content: Uint8Array): StoredRecord {
  const { id, ...rest } = record;
  const row = { ...rest, key: recordKey(vault, record.kind, id) };
  const name = new TextEncoder().encode(id);
  const length = new Uint8Array(lengthBytes);
  new DataView(length.buffer).setUint32(0, name.length);
  const plain = concatBytes([length, name, content]);
  const box = vault.seal(contextOf(row), plain);
  plain.fill(0);
  return { ...row, box };
}

/**
 * Opens the row of a record; the caller owns the content.
 * @throws {VaultUnavailableError} when the vault is sealed
 * @throws {SealBrokenError} when the row is not as it was written
 */
export function openRecord(vault: Vault, row: StoredRecord): RecordContent {
  const plain = vault.open(contextOf(row), row.box);
  const { buffer, byteOffset } = plain;
  const end = lengthBytes + new DataView(buffer, byteOffset).getUint32(0);
  return { id: new TextDecoder().decode(plain.subarray(lengthBytes, end)), content: plain.subarray(end) };
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
