import type { TokenDevice, TokenKeyReference } from '../crypto/token-device.ts';
import { decodeReleased, tokenKeyKind } from '../operations/made-token-keys.ts';
import type { SealedRowList } from '../store/sealed-rows/sealed-row-list.ts';
import type { Store } from '../store/store.ts';
import { SealBrokenError, type Vault } from '../vault/vault.ts';
import { UnitOfWork } from './unit-of-work/unit-of-work.ts';

/** For the operator: which keys of the token belong to an object, and which to none. */

export interface TokenKeyDatabase {
  readonly store: Store;
  readonly vault: Vault;
  readonly sealedRows: Pick<SealedRowList, 'countObjects' | 'objects'>;
}

/** An object whose key is in a token. */
export interface TokenKeyObject {
  readonly object: string;
  readonly group: string;
  readonly reference: TokenKeyReference;
}

export interface TokenKeyPage {
  readonly objects: readonly TokenKeyObject[];
  /** Objects that do not open: one of them may have a key in the token. */
  readonly broken: readonly string[];
  /** Rows of this page. */
  readonly rows: number;
  /** Objects of the database when this page was read; some are hidden when all pages have fewer rows. */
  readonly total: number;
  /** Where the next page begins; null: this was the last one. */
  readonly next: number | null;
}

/** A key in the token. */
export interface ListedTokenKey {
  readonly reference: TokenKeyReference;
  /** POSIX seconds at which it was made. */
  readonly made: number;
  /** Whether it is being made, or will be removed by itself. */
  readonly isReleased: boolean;
}

const maxRecords = 10_000;

/**
 * Lists the objects of one page whose keys are in a token.
 * @param after where the page begins: 0, or `next` of the page before
 * @throws {StoreUnavailableError} when the database does not answer
 * @throws {VaultUnavailableError} when the vault is sealed
 */
export async function listTokenKeyObjects(
  { store, vault, sealedRows }: TokenKeyDatabase,
  after: number,
  now: number,
): Promise<TokenKeyPage> {
  const { all: total } = await sealedRows.countObjects();
  const { rows, isLast } = await sealedRows.objects(after);
  const objects: TokenKeyObject[] = [];
  const broken: string[] = [];
  for (const { id, group } of rows) {
    const unit = new UnitOfWork(store, vault, { uniqueNames: false, now });
    unit.actFor(group);
    try {
      const reference = (await unit.load(id))?.tokenKey;
      if (reference !== undefined) objects.push({ object: id, group, reference });
    } catch (error) {
      if (!(error instanceof SealBrokenError)) throw error;
      broken.push(id);
    }
  }
  const counts = { rows: rows.length, total };
  return { objects, broken, ...counts, next: isLast ? null : (rows.at(-1)?.seq ?? null) };
}

/**
 * Whether an object has a number by which its row is not listed, so that a key of it seems to belong to none:
 * who writes to the database could have the keys removed that clients use.
 * @throws {StoreUnavailableError} when the database does not answer
 */
export async function hasHiddenObjects({
  sealedRows,
}: Pick<TokenKeyDatabase, 'sealedRows'>): Promise<boolean> {
  const { all, listed } = await sealedRows.countObjects();
  return all !== listed;
}

/**
 * Lists the keys that are in the token for this database.
 * @throws as `listTokenKeyObjects`, and as the token
 */
export async function listTokenKeys(
  { store, vault }: Pick<TokenKeyDatabase, 'store' | 'vault'>,
  device: TokenDevice,
  now: number,
): Promise<readonly ListedTokenKey[]> {
  const keys = await device.list();
  const unit = new UnitOfWork(store, vault, { uniqueNames: false, now });
  const records = await unit.everyRecord(tokenKeyKind, maxRecords);
  const released = new Set(records.map(({ content }) => decodeReleased(content).reference.id));
  return keys.map((key) => ({ ...key, isReleased: released.has(key.reference.id) }));
}
