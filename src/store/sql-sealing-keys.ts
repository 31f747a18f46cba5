import type { WrappedKeyStore, WrappedSealingKey } from '../vault/vault.ts';
import type { SqlDriver } from './sql-driver.ts';

/** Selects the rows of `toWrappedKey`. */
export const selectSealingKeys = 'select id, wrapped, created_at from sealing_key order by id';
const insert =
  'insert into sealing_key (id, wrapped, created_at) values ($1, $2, $3) on conflict (id) do nothing';

/** Returns the wrapped key in a row. */
export function toWrappedKey(row: Readonly<Record<string, unknown>>): WrappedSealingKey {
  return {
    id: row.id as number,
    wrapped: row.wrapped as Uint8Array,
    createdAt: Number(row.created_at),
  };
}

/**
 * Creates the store of wrapped sealing keys in the database of the objects, so that one backup contains both.
 */
export function createSqlWrappedKeyStore(driver: SqlDriver): WrappedKeyStore {
  return {
    async list() {
      return (await driver.read(selectSealingKeys, [])).map(toWrappedKey);
    },
    async add({ id, wrapped, createdAt }) {
      const step = {
        sql: insert,
        parameters: [id, wrapped, createdAt],
        rows: 1,
        otherwise: 'conflict',
      } as const;
      return (await driver.commit({ objects: [], steps: [step] })) === 'committed';
    },
  };
}
