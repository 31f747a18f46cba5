import { setImmediate } from 'node:timers/promises';
import type { Test } from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import { verifyRows } from '../../src/cli/verification/verify-rows.ts';
import { ModifyAttribute } from '../../src/operations/attributes/modify-attribute.ts';
import { Create } from '../../src/operations/creation/create.ts';
import { Destroy } from '../../src/operations/lifecycle/destroy.ts';
import { Locate } from '../../src/operations/locate.ts';
import { type RewrappedPage, rewrapPage } from '../../src/protocol/rewrap.ts';
import { UnitOfWork } from '../../src/protocol/unit-of-work/unit-of-work.ts';
import { type NumberedTable, numberedTables } from '../../src/store/row-numbers.ts';
import { aes, ask, having, named, outcome, storedKey, succeed } from './operations/ask.ts';
import { TestService } from './service.ts';

/** Reads rows of the database beside kmipd. */
export type Query = (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/** Everything by which rows are found, as the database has it. */
async function readHashes(query: Query): Promise<ReadonlySet<unknown>> {
  const rows = await query(
    'select cast(term as text) as hash from object_term union select name from unique_name union select key from sealed_record',
  );
  return new Set(rows.map(({ hash }) => hash));
}

/** Index and set secret are replaced, while clients use the rows in the database of that URL. */
export async function renewalSuite(t: Test, store: string, query: Query): Promise<void> {
  const service = await TestService.open({ activationDelaySeconds: 0, store, uniqueNames: true });
  t.teardown(() => service.close());
  const { database, vault } = service;
  const seconds = () => Math.floor(service.now / 1000);
  const page = (table: NumberedTable, after: number, epoch: number) => {
    const rewrapped = { store: service.store, vault, sealedRows: database.sealedRows };
    return rewrapPage(rewrapped, table, after, { epoch, now: seconds(), dryRun: false });
  };
  /** Seals rows anew; resolves to their number. */
  async function rewrap(): Promise<number> {
    let rewrapped = 0;
    for (const table of numberedTables)
      for (let after: number | null = 0; after !== null; ) {
        const done: RewrappedPage = await page(table, after, vault.currentEpoch);
        t.strictSame(done.broken, []);
        rewrapped += done.rewrapped;
        after = done.next;
      }
    return rewrapped;
  }
  const problems = async () =>
    (await service.snapshot((rows) => verifyRows(rows, vault, async () => {}))).problems;
  const find = async (...Attributes: readonly Attribute[]) =>
    (await succeed(service, '2.1', Locate, { Attributes })).UniqueIdentifier;
  const inGroup = { name: 'ObjectGroup', value: 'blue' } as const;
  const create = (text: string) =>
    outcome(service, '2.1', Create, { ObjectType: 'SymmetricKey', Attributes: having(named(text), ...aes) });
  const rename = (id: string, text: string) =>
    outcome(service, '2.1', ModifyAttribute, { UniqueIdentifier: id, NewAttribute: named(text) });
  const taken = 'NonUniqueNameAttribute';

  const unit = () => new UnitOfWork(service.store, vault, { uniqueNames: true, now: seconds() });
  const put = async (id: string, value: number, reads = true) => {
    const work = unit();
    if (reads) await work.record('note', id);
    work.putRecord('note', id, 'g', Uint8Array.of(value));
    return work.commit();
  };
  const note = async (id: string) => (await unit().record('note', id))?.content[0];
  const notes = async () => (await unit().everyRecord('note', 1_000)).map(({ id }) => id).toSorted();

  const ids = new Map<string, string>();
  for (let at = 0; at < 70; at += 1) {
    const attributes = at % 7 === 0 ? [inGroup] : [];
    ids.set(`key ${at}`, await storedKey(service, named(`key ${at}`), ...attributes));
  }
  const noteIds = Array.from({ length: 40 }, (_, at) => `note ${at}`).toSorted();
  for (const [at, id] of noteIds.entries()) t.equal(await put(id, at), 'committed');
  const idOf = (text: string) => ids.get(text) ?? '';

  /** What clients and the server find, whichever rows were moved. */
  async function findsAll(t: Test): Promise<void> {
    for (const [text, id] of ids) t.strictSame(await find(named(text)), [id], text);
    t.equal((await find(inGroup)).length, 10);
    t.equal((await find(named('nobody'))).length, 0);
    for (const [text] of ids) t.equal(await create(text), taken, text);
    for (const id of noteIds) t.type(await note(id), 'number');
    t.strictSame(await notes(), noteIds);
    t.equal(await note('another'), undefined);
    t.strictSame(await problems(), []);
  }

  let [before, epoch] = [await readHashes(query), 0];
  await t.test('another epoch has other hashes, and rows of the first are found', async (t) => {
    epoch = await vault.renewSecrets();
    t.strictSame(
      vault.indexes.map((index) => index.epoch),
      [1, epoch],
    );
    await findsAll(t);
  });

  await t.test('what is written moves', async (t) => {
    const [first = '', second = ''] = [idOf('key 1'), idOf('key 2')];
    t.equal(await rename(first, 'key 2'), taken);
    t.equal(await rename(first, 'renamed'), 'Success');
    t.strictSame([await find(named('key 1')), await find(named('renamed'))], [[], [first]]);
    t.equal(await rename(second, 'renamed'), taken, 'one that has moved');
    t.equal(await rename(second, 'key 1'), 'Success', 'one that was given up');
    ids.delete('key 2');
    ids.set('key 1', second).set('renamed', first);
    const destroyed = await storedKey(service, named('short'));
    await succeed(service, '2.1', Destroy, { UniqueIdentifier: destroyed });
    t.equal(
      (
        await ask(service, '2.1', Create, {
          ObjectType: 'SymmetricKey',
          Attributes: having(named('short'), ...aes),
        })
      ).status,
      'Success',
    );
    ids.set('short', (await find(named('short')))[0] ?? '');
    t.equal(await put('note 3', 103), 'committed');
    t.equal(await note('note 3'), 103);
    t.equal(await put('note 3', 104), 'committed');
    t.equal(await note('note 3'), 104);
    t.equal(await put('note 4', 1, false), 'conflict', 'a key in the first index is taken');
    t.equal(await put('note 3', 1, false), 'conflict', 'and one in the second');
    await findsAll(t);
  });

  await t.test('nothing is missed while rows are sealed anew and changed', async (t) => {
    let ends = false;
    let found = 0;
    const missed = new Set<string>();
    const look = async () => {
      while (!ends)
        for (const [text, id] of ids) {
          if ((await find(named(text)))[0] !== id) missed.add(text);
          found += 1;
        }
    };
    const watch = async () => {
      for (; !ends; await setImmediate())
        for (const id of noteIds) if ((await note(id)) === undefined) missed.add(id);
    };
    const change = async () => {
      for (const id of noteIds) while ((await put(id, 7)) !== 'committed');
    };
    const looking = [look(), watch()];
    const [rewrapped] = await Promise.all([rewrap(), change()]);
    ends = true;
    await Promise.all(looking);
    t.strictSame([...missed], []);
    t.ok(rewrapped > 60 && found > 0, `${rewrapped} rows, ${found} searches`);
    await rewrap();
    await findsAll(t);
  });

  await t.test('nothing is left of the first index, and it ends with its epoch', async (t) => {
    const after = await readHashes(query);
    t.strictSame([...before.intersection(after)], []);
    t.ok(after.size > 150, `${after.size} hashes`);
    await vault.retire(epoch);
    t.equal(vault.indexes.length, 1);
    t.equal(vault.storeNames.length, 1);
    await findsAll(t);
  });

  await t.test('several renewals before one end', async (t) => {
    before = await readHashes(query);
    await vault.renewSecrets();
    for (const id of noteIds.slice(0, 20)) t.equal(await put(id, 8), 'committed');
    const last = await vault.renewSecrets();
    for (const id of noteIds.slice(10, 30)) t.equal(await put(id, 9), 'committed');
    t.equal(await rename(idOf('renamed'), 'renamed again'), 'Success');
    ids.set('renamed again', idOf('renamed'));
    ids.delete('renamed');
    t.equal(vault.indexes.length, 3);
    await findsAll(t);
    await rewrap();
    t.strictSame([...before.intersection(await readHashes(query))], []);
    await vault.retire(last);
    await findsAll(t);
  });

  await t.test('a keyring has so many secrets only', async (t) => {
    for (let at = 1; at < 8; at += 1) await vault.renewSecrets();
    await t.rejects(vault.renewSecrets(), { message: /vault rewrap and retire$/ });
    await findsAll(t);
  });
}
