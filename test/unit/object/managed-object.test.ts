import t from 'tap';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { ManagedObject } from '../../../src/object/managed-object.ts';
import { attributesAt } from '../../../src/object/state.ts';
import type { LoadedObject } from '../../../src/store/store.ts';
import { boxTag, SealBrokenError } from '../../../src/vault/vault.ts';
import { PlainVault } from '../../plain-vault.ts';
import { aesKey, name, now, reload, symmetricKey } from './fixtures.ts';

const options = { uniqueNames: false };

/** A value of that size, in bytes. */
const opaque = (bytes: number): ManagedObjectValue => ({
  type: 'OpaqueObject',
  value: { OpaqueDataType: 0x80000001, OpaqueDataValue: new Uint8Array(bytes).fill(5) },
});

const opaqueObject = (bytes: number) =>
  ManagedObject.create({ id: 'o1', type: 'OpaqueObject', group: 'storage', value: opaque(bytes) });

t.test('an object is stored and loaded without a change', async (t) => {
  const vault = new PlainVault();
  const key = aesKey([name('a')]);
  t.equal(key.version, 0);
  t.ok(key.changed, 'a new object is changed');
  const row = key.toStored(vault, options);
  t.equal(row.version, 1);
  t.same([row.id, row.group, row.objectType], ['k1', 'storage', 'SymmetricKey']);
  t.equal(row.replacedTag, null);
  t.same([vault.seals, row.value], [1, null], 'one box');

  const back = ManagedObject.fromStored(row, vault);
  t.notOk(back.changed);
  t.same(back.attributes.list(), key.attributes.list());
  t.same(back.value, symmetricKey());
  t.equal(vault.opens, 1, 'opened once');
});

t.test('the maker of an object is stored with it, with or without a value, and outlives its value', (t) => {
  const vault = new PlainVault();
  const identity = { id: 'k1', type: 'SymmetricKey', group: 'storage' } as const;
  for (const client of ['c', 'Ünïcode 鍵', 'x'.repeat(300)]) {
    for (const enrolledAt of [0, 1_764_000_000, 2 ** 40]) {
      for (const value of [symmetricKey(), undefined]) {
        const maker = { client, enrolledAt };
        const before = reload(ManagedObject.create({ ...identity, value, maker }), vault);
        t.same(before.maker, maker);
        t.same(before.value, value);
        const back = before.clone();
        t.same(back.maker, maker);
        back.attributes.add(name('a'));
        back.destroy(now);
        const destroyed = reload(back, vault, before);
        t.same(destroyed.maker, maker);
        t.same(destroyed.attributes.list(), back.attributes.list());
      }
    }
  }
  const unknown = reload(ManagedObject.create({ ...identity, value: symmetricKey() }), vault);
  t.equal(unknown.maker, undefined, 'as an older kmipd has stored it');
  t.same(unknown.value, symmetricKey());
  t.end();
});

t.test('each version is sealed anew and names the box that it replaces', async (t) => {
  const vault = new PlainVault();
  const row = aesKey().toStored(vault, options);
  const before = ManagedObject.fromStored(row, vault);
  const changed = before.clone();
  changed.activate(now);
  const updated = changed.toStored(vault, options, before);
  t.equal(updated.version, 2);
  t.same(updated.replacedTag, boxTag(row.box));
  t.notSame(updated.box, row.box);
  t.same(ManagedObject.fromStored(updated, vault).value, symmetricKey(), 'with the value as it was');
  t.throws(() => changed.toStored(vault, options), TypeError, 'not without what it replaces');
  t.throws(() => aesKey().toStored(vault, options, before), TypeError, 'nor in place of another one');
});

t.test('a large value has a box of its own, which is sealed and opened only when it is used', async (t) => {
  for (const [bytes, isApart] of [
    [4_000, false],
    [4_097, true],
    [100_000, true],
  ] as const) {
    const vault = new PlainVault();
    const row = opaqueObject(bytes).toStored(vault, options);
    t.equal(row.value !== null, isApart, `${bytes} bytes`);
    t.equal(vault.seals, isApart ? 2 : 1);
    const before = ManagedObject.fromStored(row, vault);
    const changed = before.clone();
    changed.attributes.add(name('a'));
    const updated = changed.toStored(vault, options, before);
    t.equal(updated.value, row.value, 'the same bytes');
    t.equal(vault.opens, 1, 'the value was not opened');
    const back = ManagedObject.fromStored(updated, vault);
    t.same([back.value, back.clone().value], [opaque(bytes), opaque(bytes)]);
    t.equal(vault.opens, isApart ? 3 : 2, 'once for an object and its clones');

    const smaller = back.clone();
    smaller.setValue(opaque(10));
    const shrunk = smaller.toStored(vault, options, back);
    t.equal(shrunk.value, null, 'it moves into the box');
    const last = ManagedObject.fromStored(shrunk, vault);
    t.same(last.value, opaque(10));
    const grown = last.clone();
    grown.setValue(opaque(bytes));
    t.equal(grown.toStored(vault, options, last).value !== null, isApart, 'and out of it again');
    t.same(reload(grown, vault, last).value, opaque(bytes));
  }
});

t.test('a destroyed object has no value in the store', async (t) => {
  for (const bytes of [10, 5_000]) {
    const vault = new PlainVault();
    const before = reload(opaqueObject(bytes), vault);
    const destroyed = before.clone();
    destroyed.destroy(now);
    const row = destroyed.toStored(vault, options, before);
    t.equal(row.value, null);
    t.notOk(Buffer.from(row.box).includes(new Uint8Array(10).fill(5)));
    t.equal(ManagedObject.fromStored(row, vault).value, undefined);
    t.ok(ManagedObject.fromStored(row, vault).destroyed);
  }
});

t.test('a row of which anything was changed is refused', async (t) => {
  const vault = new PlainVault();
  const rows = ['o1', 'o2'].map((id) => {
    const value = opaque(5_000);
    return ManagedObject.create({ id, type: 'OpaqueObject', group: 'storage', value }).toStored(
      vault,
      options,
    );
  });
  const [row, other] = rows as unknown as [LoadedObject, LoadedObject];
  const small = opaqueObject(10).toStored(vault, options);
  const changes: Record<string, LoadedObject> = {
    'another identifier': { ...row, id: 'o2' },
    'another group': { ...row, group: 'other' },
    'another type': { ...row, objectType: 'SecretData' },
    'another version': { ...row, version: 2 },
    'the box of another object': { ...row, box: other.box },
    'no value': { ...row, value: null },
    'the value of another object': { ...row, value: other.value },
    'a value beside that in the box': { ...small, value: row.value },
  };
  for (const [what, changed] of Object.entries(changes))
    t.throws(() => ManagedObject.fromStored(changed, vault), SealBrokenError, what);
  const altered = row.value?.slice() as NonNullable<LoadedObject['value']>;
  altered[100] = (altered[100] as number) ^ 1;
  const loaded = ManagedObject.fromStored({ ...row, value: altered }, vault);
  t.throws(() => loaded.value, SealBrokenError, 'a value with another byte');
});

t.test('a clone changes independently of the original', async (t) => {
  const back = reload(aesKey(), new PlainVault());
  const copy = back.clone();
  copy.activate(now);
  t.equal(back.state(now), 'PreActive');
  t.notOk(back.changed);
  t.ok(copy.changed);
  t.same(copy.value, symmetricKey(), 'the clone has the value');
  copy.setValue(undefined);
  t.same(back.value, symmetricKey(), 'the original keeps its value');
});

t.test(
  'toStored takes the keys of all Names when they are unique, and always gives up lost ones',
  async (t) => {
    const vault = new PlainVault();
    const keys = (...texts: string[]) => texts.map((text) => vault.key('name', 'storage', text));
    const rename = (key: ManagedObject) =>
      void key.attributes.replace('Name', 0, { NameValue: 'c', NameType: 'URI' });
    const rows: [what: string, change: (key: ManagedObject) => void, add: string[], remove: string[]][] = [
      ['nothing', () => undefined, keys('a', 'b'), []],
      ['another Name', rename, keys('c', 'b'), keys('a')],
      ['destroyed', (key) => key.destroy(now), [], keys('a', 'b')],
    ];
    for (const uniqueNames of [true, false]) {
      const key = aesKey([name('a'), name('b')]);
      const row = key.toStored(vault, { uniqueNames });
      t.same(row.uniqueNames, { add: uniqueNames ? keys('a', 'b') : [], remove: [] }, 'new');
      const before = ManagedObject.fromStored(row, vault);
      for (const [what, change, add, remove] of rows) {
        const changed = before.clone();
        change(changed);
        const { uniqueNames: found, previousNames } = changed.toStored(vault, { uniqueNames }, before);
        t.same(found, { add: uniqueNames ? add : [], remove }, what);
        t.same(previousNames.toSorted(), uniqueNames ? keys('a', 'b').toSorted() : [], what);
      }
    }
  },
);

t.test('attributesAt shows the state that dates have brought about', async (t) => {
  const key = aesKey([{ name: 'ActivationDate', value: now + 10 }]);
  const shown = (at: number) =>
    attributesAt(key.attributes, at).find((attribute) => attribute.name === 'State')?.value;
  t.equal(shown(now), 'PreActive');
  t.equal(shown(now + 10), 'Active');
  t.equal(key.attributes.get('State'), 'PreActive', 'reading changes nothing');
});
