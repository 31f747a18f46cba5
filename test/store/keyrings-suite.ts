import type { Test } from 'tap';
import type { SqlDriver } from '../../src/store/sql-driver.ts';
import { createSqlKeyrings } from '../../src/store/sql-keyrings.ts';
import type { StoredKeyring } from '../../src/vault/vault.ts';

/** Tests of where the vault stores its keyring, for every engine. */
export async function keyringSuite(
  t: Test,
  open: (t: Test) => Promise<{ readonly driver: SqlDriver }>,
): Promise<void> {
  const keyring = (generation: number, ...bytes: number[]): StoredKeyring => ({
    ...{ generation, content: Uint8Array.from(bytes) },
  });

  await t.test('a keyring takes the place of the generation before it', async (t) => {
    const keyrings = createSqlKeyrings((await open(t)).driver);
    t.equal(await keyrings.read(), undefined);
    const cases: readonly [string, StoredKeyring, boolean][] = [
      ['the second of none', keyring(2), false],
      ['the first', keyring(1, 1), true],
      ['the first again', keyring(1, 2), false],
      ['one that skips a generation', keyring(3, 3), false],
      ['the second', keyring(2, 4), true],
      ['the second again', keyring(2, 5), false],
      ['the first once more', keyring(1, 6), false],
      ['the third', keyring(3, ...Array(5000).keys()), true],
    ];
    let present: StoredKeyring | undefined;
    for (const [name, next, isStored] of cases) {
      t.equal(await keyrings.write(next), isStored, name);
      if (isStored) present = next;
      t.strictSame(await keyrings.read(), present, name);
    }
  });

  await t.test('no keyring is made beside rows of another one', async (t) => {
    for (const sql of [
      "insert into lane (name, seq, era, box) values ('n', 1, 1, '')",
      "insert into sealed_record (key, kind, grp, version, box) values ('k', 'client', 'g', 1, '')",
      "insert into managed_object (id, grp, object_type, version, box) values ('i', 'g', 'SymmetricKey', 1, '')",
    ]) {
      const { driver } = await open(t);
      const row = sql.replace("'')", driver.dialect.blob === 'bytea' ? "'')" : "x'')");
      const steps = [{ sql: row, parameters: [] }];
      t.equal(await driver.commit({ objects: [], changes: [], steps }), 'committed');
      const keyrings = createSqlKeyrings(driver);
      t.equal(await keyrings.write(keyring(1, 1)), false, sql);
      t.equal(await keyrings.read(), undefined);
    }
  });

  await t.test('one process wins when several store a keyring of one generation', async (t) => {
    const keyrings = createSqlKeyrings((await open(t)).driver);
    for (const generation of [1, 2]) {
      const stored = await Promise.all(
        Array.from({ length: 16 }, (_, at) => keyrings.write(keyring(generation, at))),
      );
      t.equal(stored.filter(Boolean).length, 1);
      t.strictSame(await keyrings.read(), keyring(generation, stored.indexOf(true)));
    }
  });
}
