import t from 'tap';
import { decodeAttributes } from '../../../codec/stored-attributes.ts';
import { ManagedObject } from '../../../src/object/managed-object.ts';
import { SealBrokenError } from '../../../src/vault/vault.ts';
import { aesKey, name, now, PaperVault, symmetricKey } from './fixtures.ts';

const options = { uniqueNames: false };

t.test('to the store and back', async (t) => {
  const vault = new PaperVault();
  const key = aesKey([name('a')]);
  t.equal(key.version, 0);
  t.ok(key.changed, 'a new object is news');
  const row = key.toStored(vault, options);
  t.equal(row.version, 1);
  t.same([row.id, row.group, row.objectType], ['k1', 'storage', 'SymmetricKey']);
  t.same(decodeAttributes(row.attributes), key.attributes.list());
  t.ok(row.index.some(({ attribute, text }) => attribute === 'Name' && text === 'a'));
  t.same(row.uniqueKeys, []);

  const back = ManagedObject.fromStored(row, vault);
  t.equal(vault.opens, 0, 'nobody asked for the value');
  t.notOk(back.changed);
  t.same(back.attributes.list(), key.attributes.list());
  t.same(back.value, symmetricKey());
  t.same(back.value, symmetricKey());
  t.equal(vault.opens, 1, 'opened once');
});

t.test('the seal is made anew only for a new value', async (t) => {
  const vault = new PaperVault();
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

t.test('a destroyed object has no value in the store', async (t) => {
  const vault = new PaperVault();
  const back = ManagedObject.fromStored(aesKey().toStored(vault, options), vault);
  back.destroy(now);
  const row = back.toStored(vault, options);
  t.equal(row.sealed, null);
  t.equal(ManagedObject.fromStored(row, vault).value, undefined);
  t.ok(ManagedObject.fromStored(row, vault).destroyed);
});

t.test('a seal belongs to its object', async (t) => {
  const vault = new PaperVault();
  const row = aesKey().toStored(vault, options);
  const stolen = ManagedObject.fromStored({ ...row, id: 'k2' }, vault);
  t.throws(() => stolen.value, SealBrokenError);
});

t.test('clones', async (t) => {
  const vault = new PaperVault();
  const back = ManagedObject.fromStored(aesKey().toStored(vault, options), vault);
  const copy = back.clone();
  copy.activate(now);
  t.equal(back.state(now), 'PreActive');
  t.notOk(back.changed);
  t.ok(copy.changed);
  t.same(copy.value, symmetricKey(), 'opens its own seal');
  copy.setValue(undefined);
  t.same(back.value, symmetricKey(), 'and loses only its own value');
});

t.test('unique Names, as an option', async (t) => {
  const vault = new PaperVault();
  const key = aesKey([name('a'), name('b')]);
  t.same(key.toStored(vault, { uniqueNames: true }).uniqueKeys, ['Name:a', 'Name:b']);
  key.destroy(now);
  t.same(key.toStored(vault, { uniqueNames: true }).uniqueKeys, [], 'a destroyed object gives them free');
});

t.test('an answer shows the state that dates have brought about', async (t) => {
  const key = aesKey([{ name: 'ActivationDate', value: now + 10 }]);
  const shown = (at: number) => key.attributesAt(at).find((attribute) => attribute.name === 'State')?.value;
  t.equal(shown(now), 'PreActive');
  t.equal(shown(now + 10), 'Active');
  t.equal(key.attributes.get('State'), 'PreActive', 'reading changes nothing');
});
