import type { Test } from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import { GetAttributes } from '../../src/operations/attributes/get-attributes.ts';
import { Locate } from '../../src/operations/locate.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { openGenuineRecord } from '../../src/protocol/unit-of-work/record-boxes.ts';
import { UnitOfWork } from '../../src/protocol/unit-of-work/unit-of-work.ts';
import { objectColumns } from '../../src/store/columns.ts';
import { SealBrokenError } from '../../src/vault/vault.ts';
import { recordKey } from '../row-index.ts';
import { having, named, outcome, succeed } from './operations/ask.ts';
import type { TestService } from './service.ts';

/** Whoever writes to the database makes the server serve no key and no record elsewhere, or for longer. */

/** A service, and its database as another program changes it. */
export interface AlterableDatabase {
  readonly service: TestService;
  /** Runs SQL with parameters ?1 and ?2; EMPTY and ZERO are bytes, none and one. */
  alter(sql: string, ...parameters: readonly string[]): Promise<void>;
  columnsOf(table: string): Promise<string[]>;
}

/** Begins a case, in a group of its own. */
function beginCase(service: TestService): string {
  const group = `g${crypto.randomUUID()}`;
  service.sender = { group };
  return group;
}

const register = async (service: TestService, bytes: number, text: string) =>
  (
    await succeed(service, '2.1', Register, {
      ObjectType: 'OpaqueObject',
      Attributes: having(named(text)),
      Object: {
        type: 'OpaqueObject',
        value: { OpaqueDataType: 0x80000001, OpaqueDataValue: new Uint8Array(bytes).fill(7) },
      },
    })
  ).UniqueIdentifier;

const locate = async (service: TestService, attribute: Attribute): Promise<readonly string[]> =>
  (await succeed(service, '2.1', Locate, { Attributes: [attribute] })).UniqueIdentifier ?? [];

/** Sizes of values in the box of the attributes, and in a box of their own. */
const sizes = [100, 10_000];

/** What becomes of the row of an object, `?1`, beside another one, `?2`; by the column that changes. */
const objectChanges: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  id: { renamed: "update managed_object set id = 'x' || id where id = ?1" },
  grp: { 'moved to another group': "update managed_object set grp = 'other' where id = ?1" },
  object_type: { 'of another type': "update managed_object set object_type = 'SecretData' where id = ?1" },
  version: { 'of another version': 'update managed_object set version = version + 1 where id = ?1' },
  box: {
    'with the box of another object':
      'update managed_object set box = (select box from managed_object where id = ?2) where id = ?1',
    'with a cut box': 'update managed_object set box = substr(box, 1, 40) where id = ?1',
    'with an empty box': 'update managed_object set box = EMPTY where id = ?1',
    'with another byte in its box':
      'update managed_object set box = substr(box, 1, 60) || ZERO || substr(box, 62) where id = ?1',
  },
  value: {
    'with the value of another object':
      'update managed_object set value = (select value from managed_object where id = ?2) where id = ?1',
    'without its value': 'update managed_object set value = null where id = ?1',
    'with an empty value': 'update managed_object set value = EMPTY where id = ?1',
  },
};

/** What becomes of the record `?1`, beside another one, `?2`; by the column that changes. */
const recordChanges: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  kind: { 'of another kind': "update sealed_record set kind = 'other' where key = ?1" },
  key: { renamed: 'update sealed_record set key = ?2 where key = ?1' },
  grp: { 'moved to another group': "update sealed_record set grp = 'other' where key = ?1" },
  version: {
    'of a later version': 'update sealed_record set version = version + 1 where key = ?1',
    'of an earlier version': 'update sealed_record set version = 1 where key = ?1',
  },
  expires: {
    'that ends later': 'update sealed_record set expires = expires + 1000 where key = ?1',
    'that has ended': 'update sealed_record set expires = 1 where key = ?1',
    'that never ends': 'update sealed_record set expires = null where key = ?1',
  },
  box: {
    'with the content of another':
      'update sealed_record set box = (select box from sealed_record where key = ?2) where key = ?1',
    'with a cut box': 'update sealed_record set box = substr(box, 1, 40) where key = ?1',
  },
};

/** Columns that are not bound to their row: they order and find objects, and substitute none. */
const searchedColumns = ['seq', ...Object.values(objectColumns)];

/** Tests on an engine. */
export async function alteredRowsSuite(t: Test, database: AlterableDatabase): Promise<void> {
  await testColumns(t, database);
  await testObjects(t, database);
  await testSearched(t, database);
  await testRecords(t, database);
  await testEnded(t, database);
}

async function testColumns(t: Test, { columnsOf }: AlterableDatabase): Promise<void> {
  await t.test('every column of an object is known to be bound or to serve searches only', async (t) => {
    t.same(
      (await columnsOf('managed_object')).sort(),
      [...Object.keys(objectChanges), ...searchedColumns].sort(),
    );
    t.same((await columnsOf('sealed_record')).sort(), [...Object.keys(recordChanges), 'seq'].sort());
  });
}

async function testObjects(t: Test, { service, alter }: AlterableDatabase): Promise<void> {
  for (const [column, changes] of Object.entries(objectChanges))
    for (const [what, sql] of Object.entries(changes))
      for (const size of column === 'value' ? [10_000] : sizes)
        await t.test(`an object of ${size} bytes ${what} is not served`, async (t) => {
          const own = beginCase(service);
          const [key, other] = [await register(service, size, 'a'), await register(service, size, 'b')];
          await alter(sql, key, ...(sql.includes('?2') ? [other] : []));
          for (const group of [own, 'other']) {
            service.sender = { group };
            for (const UniqueIdentifier of [key, `x${key}`])
              for (const operation of [Get, GetAttributes])
                t.not(await outcome(service, '2.1', operation, { UniqueIdentifier }), 'Success', group);
            t.same(await locate(service, named('a')), [], `found in ${group}`);
          }
          service.sender = { group: own };
          t.equal(
            await outcome(service, '2.1', Get, { UniqueIdentifier: other }),
            'Success',
            'the other one is',
          );
          t.same(await locate(service, named('b')), [other]);
        });
}

async function testSearched(t: Test, { service, alter }: AlterableDatabase): Promise<void> {
  await t.test('an altered search column or term hides an object and substitutes none', async (t) => {
    for (const column of searchedColumns.slice(1)) {
      beginCase(service);
      const [one, other] = [await register(service, 100, 'a'), await register(service, 100, 'b')];
      await alter(`update managed_object set ${column} = coalesce(${column}, 0) + 1 where id = ?1`, one);
      t.same(await locate(service, named('b')), [other], column);
      const found = await locate(service, { name: 'State', value: 'Active' });
      t.same(found, [], `${column}: both are Pre-Active`);
      t.equal(await outcome(service, '2.1', Get, { UniqueIdentifier: one }), 'Success');
    }
    beginCase(service);
    const [one, other] = [await register(service, 100, 'a'), await register(service, 100, 'b')];
    await alter(
      `insert into object_term select term, (select seq from managed_object where id = ?1), instance
       from object_term where object = (select seq from managed_object where id = ?2) on conflict do nothing`,
      one,
      other,
    );
    t.same(await locate(service, named('b')), [other], 'a forged term');
    await alter('delete from object_term where object = (select seq from managed_object where id = ?1)', one);
    t.same(await locate(service, named('a')), [], 'a missing term');
  });
}

async function testRecords(t: Test, { service, alter }: AlterableDatabase): Promise<void> {
  for (const [what, sql] of Object.values(recordChanges).flatMap((changes) => Object.entries(changes)))
    await t.test(`a record ${what} is not served`, async (t) => {
      const own = beginCase(service);
      const begin = (group: string) => {
        const unit = new UnitOfWork(service.store, service.vault, { uniqueNames: false, now: 1_000 });
        unit.actFor(group);
        return { unit, layer: unit.layer() };
      };
      for (const content of ['first', 'second'])
        for (const id of ['a', 'b']) {
          const { unit, layer } = begin(own);
          await layer.records.load(own, id);
          layer.records.put(own, id, new TextEncoder().encode(content + id), 2_000);
          layer.keep();
          t.equal(await unit.commit(), 'committed');
        }
      const key = (id: string) => recordKey(service.vault, own, id);
      const second = sql.includes('set key') ? key('stolen') : key('b');
      await alter(sql, key('a'), ...(sql.includes('?2') ? [second] : []));
      for (const group of [own, 'other'])
        for (const kind of [own, 'other'])
          for (const id of ['a', 'stolen']) {
            const found = begin(group).layer.records.load(kind, id);
            const served = await found.catch((error: unknown) => {
              t.ok(error instanceof SealBrokenError, 'refused');
              return undefined;
            });
            t.equal(served, undefined, `${group}, ${kind}, ${id}`);
          }
      t.ok(await begin(own).layer.records.load(own, 'b'), 'the other one is');
    });
}

async function testEnded(t: Test, { service, alter }: AlterableDatabase): Promise<void> {
  await t.test('a record that somebody else has ended is neither deleted nor replaced', async (t) => {
    const own = beginCase(service);
    const begin = (group: string) => {
      const unit = new UnitOfWork(service.store, service.vault, { uniqueNames: false, now: 1_000 });
      unit.actFor(group);
      return { unit, records: unit.layer().records };
    };
    const key = recordKey(service.vault, 'note', own);
    const { unit } = begin(own);
    unit.putRecord('note', own, own, new TextEncoder().encode('a'), 2_000);
    t.equal(await unit.commit(), 'committed');
    await alter('update sealed_record set expires = 1 where key = ?1', key);
    const { records } = begin('other');
    await records.load('note', own);
    t.throws(() => records.put('note', own, new Uint8Array(1)), /exists already/, 'by another group');
    await t.rejects(begin(own).records.load('note', own), SealBrokenError);
    await service.store.deleteExpired(3_000, (row) => openGenuineRecord(service.vault, row) !== undefined);
    t.ok(await service.store.record('note', key), 'it is there');
    await alter('update sealed_record set expires = 2000 where key = ?1', key);
    await service.store.deleteExpired(3_000, (row) => openGenuineRecord(service.vault, row) !== undefined);
    t.equal(await service.store.record('note', key), undefined, 'its own date ends it');
  });
}
