import t from 'tap';
import { decodeAttributes } from '../../../codec/stored-attributes.ts';
import { ManagedObject } from '../../../src/object/managed-object.ts';
import { SealBrokenError } from '../../../src/vault/vault.ts';
import { aesKey, name, now, PlainVault, symmetricKey } from './fixtures.ts';

const options = { uniqueNames: false };

t.test('an object is stored and loaded without a change', async (t) => {
  const vault = new PlainVault();
  const key = aesKey([name('a')]);
  t.equal(key.version, 0);
  t.ok(key.changed, 'a new object is changed');
  const row = key.toStored(vault, options);
  t.equal(row.version, 1);
  t.same([row.id, row.group, row.objectType], ['k1', 'storage', 'SymmetricKey']);
  t.same(decodeAttributes(row.attributes), key.attributes.list());
  t.ok(row.index.some(({ attribute, text }) => attribute === 'Name' && text === 'a'));
  t.same(row.uniqueKeys, []);

  const back = ManagedObject.fromStored(row, vault);
  t.equal(vault.opens, 0, 'the value is not opened before it is read');
  t.notOk(back.changed);
  t.same(back.attributes.list(), key.attributes.list());
  t.same(back.value, symmetricKey());
  t.same(back.value, symmetricKey());
  t.equal(vault.opens, 1, 'opened once');
});

t.test('the maker of an object is stored with it, with or without a value, and outlives its value', (t) => {
  const vault = new PlainVault();
  const identity = { id: 'k1', type: 'SymmetricKey', group: 'storage' } as const;
  const load = (object: ManagedObject) => ManagedObject.fromStored(object.toStored(vault, options), vault);
  for (const client of ['c', 'Ünïcode 鍵', 'x'.repeat(300)]) {
    for (const enrolledAt of [0, 1_764_000_000, 2 ** 40]) {
      for (const value of [symmetricKey(), undefined]) {
        const maker = { client, enrolledAt };
        const back = load(ManagedObject.create({ ...identity, value, maker }));
        t.same(back.maker, maker);
        t.same(back.clone().maker, maker);
        back.attributes.add(name('a'));
        back.destroy(now);
        const destroyed = load(back);
        t.same(destroyed.maker, maker);
        t.same(destroyed.attributes.list(), back.attributes.list());
      }
    }
  }
  const unknown = load(ManagedObject.create({ ...identity, value: symmetricKey() }));
  t.equal(unknown.maker, undefined, 'as an older kmipd has stored it');
  t.same(unknown.value, symmetricKey());
  t.end();
});

t.test('a value is sealed again only when it changes', async (t) => {
  const vault = new PlainVault();
  const row = aesKey().toStored(vault, options);
  const back = ManagedObject.fromStored(row, vault);
  back.activate(now);
  t.ok(back.changed);
  const updated = back.toStored(vault, options);
  t.equal(updated.version, 2);
  t.equal(updated.sealed, row.sealed, 'the same bytes');
  t.equal(vault.seals, 1);
  back.setValue(symmetricKey(16));
  t.not(back.toStored(vault, options).sealed, row.sealed);
  t.equal(vault.seals, 2);
});

t.test('a value of a former format is sealed again with any change', async (t) => {
  const vault = new PlainVault(false);
  const row = aesKey().toStored(vault, options);
  const back = ManagedObject.fromStored(row, vault);
  t.notOk(back.changed, 'the format alone is no change');
  back.activate(now);
  t.not(back.toStored(vault, options).sealed, row.sealed, 'other bytes');
  t.equal(vault.seals, 2);
  t.same(ManagedObject.fromStored(back.toStored(vault, options), vault).value, symmetricKey());
});

t.test('a destroyed object has no value in the store', async (t) => {
  const vault = new PlainVault();
  const back = ManagedObject.fromStored(aesKey().toStored(vault, options), vault);
  back.destroy(now);
  const row = back.toStored(vault, options);
  t.equal(row.sealed, null);
  t.equal(ManagedObject.fromStored(row, vault).value, undefined);
  t.ok(ManagedObject.fromStored(row, vault).destroyed);
});

t.test('a sealed value of another object is refused', async (t) => {
  const vault = new PlainVault();
  const row = aesKey().toStored(vault, options);
  const stolen = ManagedObject.fromStored({ ...row, id: 'k2' }, vault);
  t.throws(() => stolen.value, SealBrokenError);
});

t.test('a clone changes independently of the original', async (t) => {
  const vault = new PlainVault();
  const back = ManagedObject.fromStored(aesKey().toStored(vault, options), vault);
  const copy = back.clone();
  copy.activate(now);
  t.equal(back.state(now), 'PreActive');
  t.notOk(back.changed);
  t.ok(copy.changed);
  t.same(copy.value, symmetricKey(), 'the clone opens the sealed value');
  copy.setValue(undefined);
  t.same(back.value, symmetricKey(), 'the original keeps its value');
});

t.test('toStored returns unique keys of Names when the option is set', async (t) => {
  const vault = new PlainVault();
  const key = aesKey([name('a'), name('b')]);
  t.same(key.toStored(vault, { uniqueNames: true }).uniqueKeys, ['Name:a', 'Name:b']);
  key.destroy(now);
  t.same(key.toStored(vault, { uniqueNames: true }).uniqueKeys, [], 'a destroyed object has none');
});

t.test('attributesAt shows the state that dates have brought about', async (t) => {
  const key = aesKey([{ name: 'ActivationDate', value: now + 10 }]);
  const shown = (at: number) => key.attributesAt(at).find((attribute) => attribute.name === 'State')?.value;
  t.equal(shown(now), 'PreActive');
  t.equal(shown(now + 10), 'Active');
  t.equal(key.attributes.get('State'), 'PreActive', 'reading changes nothing');
});
