import fc from 'fast-check';
import type { Attribute } from '../../../codec/attribute.ts';
import { type AttributeName, attributeRow } from '../../../codec/attribute-table.ts';
import type { TypedValue } from '../../../codec/wire/node.ts';
import { AttributeSet } from '../../../src/object/attribute-set.ts';
import type { LocateCriteria } from '../../../src/object/locate-filter.ts';
import { now } from './fixtures.ts';

/**
 * Random objects and Locate criteria. There are few values for each attribute, so that criteria match often.
 */

const some = (attribute: AttributeName, value: unknown): Attribute =>
  ({ name: attribute, value }) as Attribute;

const text = fc.constantFrom('', 'a', 'b', 'ab');
const time = fc.integer({ min: now - 2, max: now + 2 });
const bytes = fc.uint8Array({ maxLength: 2 });
const long = fc.constantFrom(0n, 1n, 2n, 2n ** 52n);
const typed: fc.Arbitrary<TypedValue> = fc.oneof(
  fc.record({ type: fc.constant('TextString' as const), value: fc.constantFrom('1', '01') }),
  fc.record({ type: fc.constantFrom('Integer' as const, 'Interval' as const), value: fc.constantFrom(0, 1) }),
  fc.record({
    type: fc.constantFrom('LongInteger' as const),
    value: fc.constantFrom(1n, 2n ** 60n, 2n ** 60n + 1n),
  }),
  fc.record({ type: fc.constant('Boolean' as const), value: fc.boolean() }),
  fc.record({
    type: fc.constantFrom('ByteString' as const, 'BigInteger' as const),
    value: fc.constantFrom(Uint8Array.of(1), Uint8Array.of(0, 1)),
  }),
  fc.record({
    type: fc.constant('Structure' as const),
    value: fc.array(
      fc.record({
        tag: fc.constantFrom(1, 2),
        type: fc.constant('Integer' as const),
        value: fc.constantFrom(1, 2),
      }),
      { maxLength: 2 },
    ),
  }),
);

const values: Partial<Record<AttributeName, fc.Arbitrary<unknown>>> = {
  Name: fc.record({ NameValue: text, NameType: fc.constantFrom('URI', 'UninterpretedTextString') }),
  ObjectType: fc.constantFrom('SymmetricKey', 'SecretData'),
  ObjectGroup: text,
  CryptographicLength: fc.constantFrom(128, 256),
  CryptographicAlgorithm: fc.constantFrom('AES', 'DES3', 99),
  CryptographicUsageMask: fc.constantFrom(0, 1, 3, -1, -0x80000000),
  ProtectionStorageMask: fc.constantFrom(1, 3),
  Fresh: fc.boolean(),
  State: fc.constantFrom('PreActive', 'Active', 'Deactivated', 'Compromised', 'Destroyed'),
  ActivationDate: time,
  DeactivationDate: time,
  DestroyDate: time,
  ArchiveDate: time,
  LeaseTime: fc.constantFrom(0, 60),
  UsageLimits: fc.record({
    UsageLimitsTotal: long,
    UsageLimitsCount: long,
    UsageLimitsUnit: fc.constantFrom('Byte', 'Object'),
  }),
  CryptographicParameters: fc.record(
    { BlockCipherMode: fc.constantFrom('CBC', 'ECB'), RandomIV: fc.boolean(), PSource: bytes },
    { requiredKeys: [] },
  ),
  X_509CertificateSubject: fc.record(
    { SubjectDistinguishedName: bytes, SubjectAlternativeName: fc.array(bytes, { maxLength: 2 }) },
    { requiredKeys: ['SubjectAlternativeName'] },
  ),
  Link: fc.record({ LinkType: fc.constantFrom('ParentLink', 'ChildLink'), LinkedObjectIdentifier: text }),
  ShortUniqueIdentifier: bytes,
};

const standard = fc
  .constantFrom(...(Object.keys(values) as AttributeName[]))
  .chain((each) => (values[each] as fc.Arbitrary<unknown>).map((value) => some(each, value)));
const vendors = fc.record({
  vendor: fc.constantFrom('x', 'y', 'Acme'),
  name: text,
  value: typed,
}) as fc.Arbitrary<Attribute>;
const attribute = fc.oneof({ weight: 4, arbitrary: standard }, { weight: 1, arbitrary: vendors });

/** An attribute without some fields of its structure, as in a Locate filter. */
const partialAttribute = fc.tuple(attribute, fc.nat()).map(([given, seed]) => {
  if (given.vendor !== undefined || attributeRow(given.name).schema.kind !== 'struct') return given;
  const fields = Object.entries(given.value as object).filter(
    ([, value], at) => Array.isArray(value) || (seed >> at) & 1,
  );
  return some(given.name, Object.fromEntries(fields));
});

/** Attributes of one object. */
export const attributeSet = fc.array(attribute, { maxLength: 12 }).map((given) => {
  const set = new AttributeSet();
  const multiple: string[] = ['Name', 'ObjectGroup', 'CryptographicParameters', 'Link'];
  for (const each of given) {
    if (each.vendor !== undefined || multiple.includes(each.name) || !set.has(each.name)) set.add(each);
  }
  return set;
});

/** Criteria with up to two attributes of the object and one random attribute. */
export function criteria(set: AttributeSet): fc.Arbitrary<LocateCriteria> {
  const own = fc.shuffledSubarray([...set.list()], { maxLength: Math.min(2, set.list().length) });
  const maybe = fc.array(partialAttribute, { maxLength: 1 });
  return fc.record(
    {
      attributes: fc.tuple(own, maybe).map(([had, other]) => [...had, ...other]),
      storageStatusMask: fc.integer({ min: 0, max: 7 }),
      objectGroupMember: fc.constantFrom('GroupMemberFresh' as const, 'GroupMemberDefault' as const),
      now: fc.constant(now),
    },
    { requiredKeys: ['attributes', 'now'] },
  );
}
