import { readFileSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { Inventory } from '../../src/first-design/inventory.ts';
import type { OldRow } from '../../src/first-design/old-rows.ts';
import { clearTexts, OldHome } from './fixture.ts';
import { testInventory } from './inventory-suite.ts';

t.setTimeout(300_000);

async function newHome(): Promise<OldHome> {
  const home = new OldHome();
  t.teardown(() => home.remove());
  return home;
}

async function change({ file }: OldHome, sql: string): Promise<void> {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}

testInventory(t, { newHome, change, overriding: '' }, false);

t.test('a row that is changed while others are converted stops the conversion', async (t) => {
  const home = await newHome();
  const converting = home.convert((line) => {
    if (line.startsWith('the inventory has'))
      home.change("update first_design_client set role = 'full' where name = 'auditor'");
  });
  await t.rejects(converting, { message: /first_design_client, name "auditor": it was altered/ });
  t.equal(statSync(home.inventoryFile).mode & 0o777, 0o600);
  const sealed = readFileSync(home.inventoryFile);
  for (const text of [...clearTexts, 'auditor']) t.notOk(sealed.includes(text), text);
});

t.test('rows without a usable number are found before anything is converted', async (t) => {
  const home = await newHome();
  home.change('update record set seq = -seq where seq = 3');
  await t.rejects(home.convert(), {
    message:
      'the conversion of the database stopped: first_design_record has 11 rows, and 10 with a name and number of their own',
  });
});

const key = new Uint8Array(32).fill(7);
const row = (place: number, ...texts: readonly string[]): OldRow => ({
  table: 'object',
  place,
  name: `row ${place}`,
  content: [{ seq: place }, ...texts.map((text) => ({ text }))],
});

async function inventoryOf(...rows: readonly OldRow[]): Promise<Inventory> {
  const pages = (async function* () {
    yield rows;
  })();
  const made = await Inventory.of(pages, 'database', { record: 0, client: 0, object: rows.length }, key);
  return Inventory.open(made.seal(), key)!;
}

t.test('each row of an inventory is taken once and in order', async (t) => {
  const rows = [row(1, 'a'), row(2, 'b'), row(5, 'c')] as const;
  const doubled = await inventoryOf(...rows);
  doubled.compare(rows[0]);
  t.throws(() => doubled.compare(rows[0]), { message: /row 1: it was added/ });
  const moved = await inventoryOf(...rows);
  moved.compare(rows[0]);
  t.throws(() => moved.compare(row(2, 'a')), { message: /row 2: it was altered/ });
  t.throws(() => moved.compare(row(2, 'b', '')), { message: /row 2: it was altered/ });
  t.throws(() => moved.compare(rows[2]), { message: /seq 2: it was removed/ });
  t.throws(() => moved.compareEnd('object'), { message: /seq 2: it was removed/ });
  moved.compare(rows[1]);
  moved.compare(rows[2]);
  moved.compareEnd('object');
  t.throws(() => moved.compare(row(6)), { message: /row 6: it was added/ });
});

t.test('a sealed inventory opens under its key and as it was sealed only', async (t) => {
  const inventory = await inventoryOf(row(1));
  const sealed = inventory.seal();
  t.equal(Inventory.open(sealed, new Uint8Array(32)), undefined);
  t.equal(Inventory.open(new Uint8Array(), key), undefined);
  sealed[40]! ^= 1;
  t.equal(Inventory.open(sealed, key), undefined);
});

t.test('a random source that repeats repeats no nonce for another inventory', async (t) => {
  const nonceOf = async (...rows: readonly OldRow[]) =>
    (await inventoryOf(...rows))
      .seal((buffer) => void buffer.fill(5))
      .slice(1, 13)
      .toHex();
  const [one, other] = [await nonceOf(row(1)), await nonceOf(row(1, 'a'))];
  t.not(one, other);
  t.equal(one, await nonceOf(row(1)), 'equal contents');
  const inventory = await inventoryOf(row(1));
  t.not(inventory.seal().toHex(), inventory.seal().toHex(), 'random otherwise');
});
