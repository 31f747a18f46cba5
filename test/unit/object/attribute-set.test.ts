import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { attributeKey } from '../../../codec/attribute.ts';
import { AttributeSet } from '../../../src/object/attribute-set.ts';
import { custom, name } from './fixtures.ts';

t.test('get and values return the values of standard attributes', async (t) => {
  const set = new AttributeSet([{ name: 'State', value: 'Active' }, name('a'), { ...name('b'), index: 1 }]);
  t.equal(set.get('State'), 'Active');
  t.equal(set.get('Name')?.NameValue, 'a', 'the first of several');
  t.same(
    set.values('Name').map(({ NameValue }) => NameValue),
    ['a', 'b'],
  );
  t.equal(set.get('Digest'), undefined);
  t.notOk(set.changed, 'reading changes nothing');
});

t.test('an attribute of a vendor differs from the standard attribute with its name', async (t) => {
  const set = new AttributeSet();
  set.add({ vendor: 'x', name: 'State', value: { type: 'TextString', value: 'mine' } });
  t.equal(set.get('State'), undefined);
  t.notOk(set.has('State'));
  t.ok(set.has('x-State'));
  set.add({ vendor: 'Acme', name: 'Site', value: { type: 'Integer', value: 1 } });
  t.same(set.keys(), ['x-State', 'Acme:Site']);
});

t.test('an index never changes and a gap is never filled', async (t) => {
  const set = new AttributeSet();
  t.equal(set.add(name('a')).index, undefined, '0 is left out');
  t.equal(set.add({ ...name('b'), index: 7 }).index, 1, 'its own index is ignored');
  t.equal(set.add(name('c')).index, 2);
  t.equal(set.remove('Name', 1).length, 1);
  t.equal(set.add(name('d')).index, 3);
  t.equal(set.instance('Name', 2)?.value, set.values('Name')[1], 'the others keep their index');
  t.equal(set.instance('Name', 1), undefined);
  set.remove('Name');
  t.equal(set.add(name('e')).index, undefined, 'starts at 0 when none is left');
});

t.test('set replaces all instances by one value', async (t) => {
  const set = new AttributeSet([name('a'), { ...name('b'), index: 1 }, { name: 'LeaseTime', value: 60 }]);
  set.set('LeaseTime', 60);
  t.notOk(set.changed, 'an equal value is no change');
  set.set('LeaseTime', 61);
  t.ok(set.changed);
  set.set('Name', { NameValue: 'c', NameType: 'URI' });
  t.equal(set.all('Name').length, 1, 'replaces all instances');
  t.same(set.keys(), ['Name', 'LeaseTime'], 'at the position of the first');
});

t.test('replace keeps the index of the instance', async (t) => {
  const set = new AttributeSet([custom('A', 'one'), { ...custom('A', 'two'), index: 1 }]);
  t.equal(set.replace('x-A', 1, { type: 'Integer', value: 3 }).index, 1);
  t.same(
    set.all('x-A').map(({ value }) => value),
    [
      { type: 'TextString', value: 'one' },
      { type: 'Integer', value: 3 },
    ],
  );
  t.throws(() => set.replace('x-A', 5, { type: 'Integer', value: 3 }));
});

t.test('a clone changes independently', async (t) => {
  const set = new AttributeSet([name('a')]);
  const copy = set.clone();
  copy.add(name('b'));
  t.equal(set.all('Name').length, 1);
  t.notOk(set.changed);
  t.ok(copy.changed);
  t.ok(copy.clone().changed);
});

t.test('a long set keeps its instances by every change', async () => {
  const change = fc.tuple(
    fc.constantFrom('add', 'set', 'replace', 'remove', 'clone'),
    fc.constantFrom('a', 'b', 'c'),
    fc.nat(60),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      let set = new AttributeSet();
      for (let at = 0; at < 100; at++) set.add(custom(`${'ab'[at % 2]}`, `${at}`));
      for (const [what, key, at] of changes) {
        const index = set.all(`x-${key}`)[at]?.index ?? 0;
        if (what === 'add') set.add(custom(key, `${at}`));
        else if (what === 'set') set.set('State', at % 2 === 0 ? 'Active' : 'PreActive');
        else if (what === 'clone') set = set.clone();
        else if (what === 'remove') set.remove(`x-${key}`, index);
        else if (set.instance(`x-${key}`, index) !== undefined)
          set.replace(`x-${key}`, index, { type: 'TextString', value: `new ${at}` });
        for (const each of ['x-a', 'x-b', 'x-c', 'State']) {
          const expected = set.list().filter((attribute) => attributeKey(attribute) === each);
          const indexes = expected.map((attribute) => attribute.index ?? 0);
          if (!isDeepStrictEqual(set.all(each), expected)) return false;
          if (indexes.some((one, place) => place > 0 && one <= (indexes[place - 1] as number))) return false;
        }
      }
      return true;
    }),
  );
});
