import type { KeyringStore, StoredKeyring } from '../vault/vault.ts';
import { exactInteger } from './cells.ts';
import type { SqlDriver } from './sql-driver.ts';

/** Selects the row of `toStoredKeyring`. */
export const selectKeyring = `select ${exactInteger('generation')} as generation, content from keyring where id = 1`;
const replace = 'update keyring set generation = $1, content = $2 where id = 1 and generation = $1 - 1';

/** Returns the keyring in a row. */
export function toStoredKeyring({ generation, content }: Readonly<Record<string, unknown>>): StoredKeyring {
  return { generation: Number(generation), content: content as Uint8Array };
}

/**
 * Creates the store of the vault's keyring in the database of the objects, so that one backup contains both.
 */
export function createSqlKeyrings(driver: SqlDriver): KeyringStore {
  const { integer, blob } = driver.dialect;
  // What other rows were sealed under is lost with their keyring: a new one would hide that.
  const isEmpty = ['managed_object', 'sealed_record', 'lane', 'audit_block']
    .map((table) => `not exists (select 1 from ${table})`)
    .join(' and ');
  const insert =
    `insert into keyring (id, generation, content) select 1, cast($1 as ${integer}), cast($2 as ${blob})` +
    ` where ${isEmpty} on conflict (id) do nothing`;
  return {
    async read() {
      const [row] = await driver.read(selectKeyring, []);
      return row && toStoredKeyring(row);
    },
    async write({ generation, content }) {
      const step = {
        sql: generation === 1 ? insert : replace,
        parameters: [generation, content],
        rows: 1,
        otherwise: 'conflict',
      } as const;
      return (await driver.commit({ objects: [], changes: [], steps: [step] })) === 'committed';
    },
  };
}
