import {
  openRecordBox,
  type RecordContent,
  type RecordWrite,
  recordKeys,
  removalOf,
  sealRecordBox,
} from '../../store/record-boxes.ts';
import type { Store, StoredRecord } from '../../store/store.ts';
import { SealBrokenError, type Vault } from '../../vault/vault.ts';
import { padContent, unpadContent } from './padded-records.ts';

/**
 * Reads the row of a record. Rows move to newer indexes only, so that one which moves meanwhile is found
 * there, and of two rows the one in the newer index is right: somebody has put the other one back.
 * @throws {VaultUnavailableError} when the vault is sealed
 * @throws {StoreUnavailableError} when the database does not answer
 */
export async function findRecord(
  store: Pick<Store, 'record'>,
  vault: Pick<Vault, 'indexes'>,
  kind: string,
  id: string,
): Promise<StoredRecord | undefined> {
  for (;;) {
    const { indexes } = vault;
    let found: StoredRecord | undefined;
    // Before the first read: the keys of an index are overwritten when another keyring comes.
    for (const key of recordKeys(vault, kind, id)) found = (await store.record(kind, key)) ?? found;
    // Another index may have come meanwhile, with the row in it.
    if (found !== undefined || vault.indexes === indexes) return found;
  }
}

/**
 * Seals a record likewise to `sealRecordBox`, padded where its length is a secret.
 * @throws {VaultUnavailableError} when the vault is sealed
 */
export function sealRecord(
  vault: Vault,
  row: Pick<StoredRecord, 'kind' | 'group' | 'expires'>,
  { id, content }: RecordContent,
  replaced?: StoredRecord,
): RecordWrite {
  const padded = padContent(row.kind, content);
  try {
    return sealRecordBox(vault, row, { id, content: padded }, replaced);
  } finally {
    // The caller overwrites the content, and this is a copy of it.
    if (padded !== content) padded.fill(0);
  }
}

/**
 * Opens the row of a record; the caller owns the content.
 * @throws as `openRecordBox`
 */
export function openRecord(vault: Vault, row: StoredRecord): RecordContent {
  const { id, content } = openRecordBox(vault, row);
  return { id, content: unpadContent(row.kind, content) };
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
 * Returns what is to be written so that a record is sealed under the current epoch, with the same content.
 * @throws {VaultUnavailableError} when the vault is sealed
 * @throws {SealBrokenError} when the row is not as it was written
 */
export function resealRecord(vault: Vault, row: StoredRecord): RecordWrite {
  const opened = openRecord(vault, row);
  try {
    return sealRecord(vault, row, opened, row);
  } finally {
    opened.content.fill(0);
  }
}

/**
 * Removes a record without reading its content, also while others change it; does nothing where there is
 * none.
 * @throws {VaultUnavailableError} when the vault is sealed
 */
export async function deleteRecord(store: Store, vault: Vault, kind: string, id: string): Promise<void> {
  const read = () => findRecord(store, vault, kind, id);
  for (let row = await read(); row !== undefined; row = await read()) {
    const records = { expects: [], puts: [], removals: [removalOf(row)] };
    await store.commit({ expects: [], inserts: [], updates: [], records });
  }
}
