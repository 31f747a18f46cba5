import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { type AttributeName, attributeTable } from '../../../codec/attribute-table.ts';
import type { AnySchema } from '../../../codec/schema.ts';
import { indexEntries } from '../../../src/object/index-entries.ts';
import { aesKey, custom, name } from './fixtures.ts';

t.test('indexEntries returns the searchable form of each type', async (t) => {
  const entry = (attribute: Attribute) =>
    indexEntries([attribute]).map(({ attribute: key, instance, ...rest }) => rest);
  t.same(indexEntries([{ ...name('a'), index: 3 }]), [
    { attribute: 'Name', field: 'NameValue', instance: 3, text: 'a', number: null },
    { attribute: 'Name', field: 'NameType', instance: 3, text: null, number: 1 },
    { attribute: 'Name', field: 'ComparableText', instance: 3, text: 'a', number: null },
  ]);
  t.same(entry({ name: 'State', value: 'Active' }), [{ field: '', text: null, number: 2 }]);
  t.same(entry({ name: 'Fresh', value: true }), [{ field: '', text: null, number: 1 }]);
  t.same(entry({ name: 'CryptographicUsageMask', value: -1 }), [
    { field: '', text: null, number: 0xffffffff },
  ]);
  t.same(entry({ name: 'ShortUniqueIdentifier', value: Uint8Array.of(0, 255) }), [
    { field: '', text: '00ff', number: null },
  ]);
  t.same(entry({ name: 'UsageLimits', value: { UsageLimitsTotal: 2n ** 60n, UsageLimitsUnit: 'Byte' } }), [
    { field: 'UsageLimitsTotal', text: '1152921504606846976', number: Number.MAX_SAFE_INTEGER },
    { field: 'UsageLimitsUnit', text: null, number: 1 },
  ]);
  t.same(entry({ name: 'CertificateSubject', value: { CertificateSubjectAlternativeName: ['a', 'b'] } }), [
    { field: 'CertificateSubjectAlternativeName', text: '["a","b"]', number: null },
  ]);
  t.same(entry(custom('A', 5)), [{ field: 'Integer', text: null, number: 5 }]);
  t.same(entry(custom('A', '5')), [{ field: 'TextString', text: '5', number: null }]);
});

t.test('indexEntries returns one entry for each field of an instance, with safe integers', async (t) => {
  const entries = indexEntries(
    aesKey([name('a'), name('b'), custom('A', 1), custom('A', 2)]).attributes.list(),
  );
  const keys = entries.map(({ attribute, field, instance }) => `${attribute}|${field}|${instance}`);
  t.equal(new Set(keys).size, keys.length);
  t.ok(entries.every(({ number, text }) => (number === null ? text !== null : Number.isSafeInteger(number))));
});

/** A value of each form that attributes have. */
function sample(schema: AnySchema): unknown {
  switch (schema.kind) {
    case 'struct':
      return Object.fromEntries(
        Object.entries(schema.fields).flatMap(([field, inner]) => {
          if (inner.kind !== 'field') return [];
          const value = sample(inner.schema);
          return [[field, inner.quantity === 'many' ? [value] : value]];
        }),
      );
    case 'enumeration':
      return schema.members[0] ?? 0x80000001;
    case 'boolean':
      return true;
    case 'text':
    case 'custom':
      return 'a';
    case 'bytes':
      return Uint8Array.of(1);
    case 'long':
      return 1n;
    default:
      return 1;
  }
}

t.test('every attribute has an entry for each of its fields', async (t) => {
  for (const [attribute, { schema }] of Object.entries(attributeTable) as [
    AttributeName,
    { schema: AnySchema },
  ][]) {
    const entries = indexEntries([{ name: attribute, value: sample(schema) } as Attribute]);
    const fields = schema.kind === 'struct' ? Object.keys(schema.fields) : [''];
    if (attribute === 'Name') fields.push('ComparableText');
    t.same(
      entries.map(({ field }) => field),
      fields,
      attribute,
    );
  }
});
