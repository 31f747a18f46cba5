import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { AttributeName } from '../../../codec/attribute-table.ts';
import type { AttributeFilter } from '../../../src/object/attribute-filter.ts';
import { ArrangedEntries, evaluateFilter } from '../../../src/object/filter-evaluation.ts';
import { indexEntries } from '../../../src/object/index-entries.ts';
import { type LocateCriteria, locateFilter } from '../../../src/object/locate-filter.ts';
import type { ManagedObject } from '../../../src/object/managed-object.ts';
import { archive } from '../../../src/object/state.ts';
import { aesKey, custom, name, now } from './fixtures.ts';

const key = () =>
  aesKey([
    name('alpha'),
    { name: 'Name', value: { NameValue: 'beta', NameType: 'URI' } },
    { name: 'ObjectGroup', value: '' },
    { name: 'ActivationDate', value: now + 10 },
    { name: 'DeactivationDate', value: now + 20 },
    { name: 'UsageLimits', value: { UsageLimitsTotal: 100n, UsageLimitsUnit: 'Byte' } },
    { name: 'CryptographicParameters', value: { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' } },
    {
      name: 'ApplicationSpecificInformation',
      value: { ApplicationNamespace: 'ssl', ApplicationData: 'x'.repeat(5_000) },
    },
    custom('Five', 5),
    custom('Five', 'five'),
  ]);

type PartialValue = Partial<Record<string, unknown>>;
const some = (attribute: AttributeName, value: unknown): Attribute =>
  ({ name: attribute, value }) as Attribute;
const partly = (attribute: AttributeName, value: PartialValue): Attribute => some(attribute, value);

/** Conditions, and whether the key above matches. */
const rows: [what: string, attributes: Attribute[], found: boolean, rest?: Partial<LocateCriteria>][] = [
  ['nothing: everything', [], true],
  ['its Name', [name('alpha')], true],
  ['a part of its Name', [name('alph')], false],
  ['another case of its Name', [name('Alpha')], false],
  ['its Name without the type', [partly('Name', { NameValue: 'beta' })], true],
  ['only the type', [partly('Name', { NameType: 'URI' })], true],
  ['value and type of two Names', [partly('Name', { NameValue: 'alpha', NameType: 'URI' })], false],
  ['both Names', [name('alpha'), partly('Name', { NameValue: 'beta' })], true],
  ['one Name of the object and another', [name('alpha'), name('gamma')], false],
  ['any Name', [partly('Name', {})], true],
  ['any Link', [partly('Link', {})], false],
  ['its identifier', [some('UniqueIdentifier', 'k1')], true],
  ['another identifier', [some('UniqueIdentifier', 'k2')], false],
  ['a reference into the batch', [some('UniqueIdentifier', { nth: 0 })], false],
  ['its type', [some('ObjectType', 'SymmetricKey')], true],
  ['another type', [some('ObjectType', 'SecretData')], false],
  [
    'its algorithm and length',
    [some('CryptographicAlgorithm', 'AES'), some('CryptographicLength', 256)],
    true,
  ],
  ['an unknown algorithm', [some('CryptographicAlgorithm', 4711)], false],
  ['an empty group', [some('ObjectGroup', '')], true],
  ['a bit of its mask', [some('CryptographicUsageMask', 4)], true],
  ['all bits of its mask', [some('CryptographicUsageMask', 12)], true],
  ['a bit more than its mask', [some('CryptographicUsageMask', 13)], false],
  ['no bits', [some('CryptographicUsageMask', 0)], true],
  ['as many limits', [partly('UsageLimits', { UsageLimitsTotal: 100n, UsageLimitsUnit: 'Byte' })], true],
  ['fewer limits', [partly('UsageLimits', { UsageLimitsCount: 1n })], true],
  ['more limits', [partly('UsageLimits', { UsageLimitsCount: 101n })], false],
  [
    'limits of another unit',
    [partly('UsageLimits', { UsageLimitsTotal: 1n, UsageLimitsUnit: 'Object' })],
    false,
  ],
  ['parameters by one field', [partly('CryptographicParameters', { BlockCipherMode: 'CBC' })], true],
  ['parameters by another value', [partly('CryptographicParameters', { BlockCipherMode: 'ECB' })], false],
  ['long texts', [partly('ApplicationSpecificInformation', { ApplicationData: 'x'.repeat(5_000) })], true],
  [
    'long texts that differ at the end',
    [partly('ApplicationSpecificInformation', { ApplicationData: `${'x'.repeat(4_999)}y` })],
    false,
  ],
  ['a custom number', [custom('Five', 5)], true],
  ['a custom text', [custom('Five', 'five')], true],
  ['the number as text', [custom('Five', '5')], false],
  ["another vendor's", [{ ...custom('Five', 5), vendor: 'Acme' } as Attribute], false],
  [
    'an attribute that no version knows',
    [{ vendor: '', name: 'Five', value: { type: 'Integer', value: 5 } }],
    false,
  ],
  [
    'an unknown attribute with the name of a known one',
    [{ vendor: '', name: 'State', value: { type: 'Integer', value: 1 } }],
    false,
  ],
  ['its date', [some('InitialDate', now)], true],
  ['a second off', [some('InitialDate', now + 1)], false],
  ['a range', [some('InitialDate', now - 1), some('InitialDate', now + 1)], true],
  ['a range backward', [some('InitialDate', now + 1), some('InitialDate', now - 1)], true],
  ['the range from and to it', [some('InitialDate', now), some('InitialDate', now)], true],
  ['a range before it', [some('InitialDate', now - 9), some('InitialDate', now - 1)], false],
  ['an open range', [some('InitialDate', now), some('InitialDate', Number.MAX_SAFE_INTEGER)], true],
  ['three dates', [some('InitialDate', now), some('InitialDate', now), some('InitialDate', now)], false],
  ['a date that is absent', [some('DestroyDate', now - 9), some('DestroyDate', now + 9)], false],
  ['Pre-Active', [some('State', 'PreActive')], true],
  ['Pre-Active, later', [some('State', 'PreActive')], false, { now: now + 10 }],
  ['Active', [some('State', 'Active')], false],
  ['Active, later', [some('State', 'Active')], true, { now: now + 10 }],
  ['Active, too late', [some('State', 'Active')], false, { now: now + 20 }],
  ['Deactivated, later', [some('State', 'Deactivated')], true, { now: now + 20 }],
  ['Compromised', [some('State', 'Compromised')], false],
  ['a state outside the specification', [some('State', 99)], false],
  ['fresh members of a group', [], true, { objectGroupMember: 'GroupMemberFresh' }],
  ['default members of a group', [], true, { objectGroupMember: 'GroupMemberDefault' }],
  ['members of an unknown kind', [], false, { objectGroupMember: 7 }],
  ['archived objects', [], false, { storageStatusMask: 2 }],
  ['destroyed objects', [], false, { storageStatusMask: 4 }],
  ['objects on line', [], true, { storageStatusMask: 1 }],
  ['objects anywhere', [], true, { storageStatusMask: 7 }],
  ['objects nowhere', [], false, { storageStatusMask: 0 }],
  ['the storage mask as attribute', [storageMask(1)], true],
  ['the storage mask as attribute, archived', [storageMask(2)], false],
];

function storageMask(value: number): Attribute {
  return { vendor: '', name: 'Storage Status Mask', value: { type: 'Integer', value } };
}

t.test('a Locate filter matches an object by every attribute', async (t) => {
  const object = key();
  for (const [what, attributes, found, rest] of rows) {
    t.equal(matches(object, locateFilter({ attributes, now, ...rest })), found, what);
  }
});

t.test('a Locate filter matches by storage status and freshness', async (t) => {
  const found = (object: ManagedObject, rest: Partial<LocateCriteria>) =>
    matches(object, locateFilter({ attributes: [], now, ...rest }));
  const archived = key();
  archive(archived.attributes, now);
  t.same(
    [1, 2, 4, 7].map((storageStatusMask) => found(archived, { storageStatusMask })),
    [false, true, false, true],
  );
  t.notOk(found(archived, {}), 'only on-line objects by default');
  const destroyed = key();
  destroyed.destroy(now);
  t.same(
    [1, 2, 4, 7].map((storageStatusMask) => found(destroyed, { storageStatusMask })),
    [false, false, true, true],
  );
  t.notOk(found(destroyed, {}));
  const used = key();
  used.attributes.set('Fresh', false);
  t.notOk(found(used, { objectGroupMember: 'GroupMemberFresh' }));
  t.notOk(
    found(aesKey(), { objectGroupMember: 'GroupMemberFresh' }),
    'an object without a group is not a member',
  );
});

function matches({ attributes }: ManagedObject, filter: AttributeFilter): boolean {
  return evaluateFilter(filter, new ArrangedEntries(indexEntries(attributes.list())));
}
