import { SealBrokenError, type Vault } from '../../vault/vault.ts';
import { isCount } from '../cells.ts';
import { openRecordBox } from '../record-boxes.ts';
import type { StoredRecord } from '../store.ts';

/** Records of cuts: of each chain whose oldest blocks were removed, where it begins since. */

/** Kind of the record; its id is that of the chain. */
export const chainCutKind = 'audit-cut';

/** Where a chain begins that was cut. */
export interface StoredCut {
  readonly chain: string;
  /** Number of the first entry that was kept. */
  readonly first: number;
  /** Head before it, 32 bytes. */
  readonly head: Uint8Array;
}

/**
 * Opens the record of a cut; undefined when it is not as it was written.
 * @throws {VaultUnavailableError} when the vault is sealed
 */
export function openCut(row: StoredRecord, vault: Vault): StoredCut | undefined {
  try {
    const { id: chain, content } = openRecordBox(vault, row);
    const { first, head } = JSON.parse(new TextDecoder().decode(content));
    const isTyped = isCount(first) && typeof head === 'string' && /^[0-9a-f]{64}$/.test(head);
    return isTyped ? { chain, first, head: Uint8Array.fromHex(head) } : undefined;
  } catch (error) {
    if (error instanceof SealBrokenError || error instanceof RangeError || error instanceof SyntaxError)
      return undefined;
    throw error;
  }
}
