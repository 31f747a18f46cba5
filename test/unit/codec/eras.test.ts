import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import * as eras from '../../../codec/eras.ts';
import { type AnyField, struct } from '../../../codec/schema.ts';
import { type Version, versions } from '../../../codec/version.ts';
import { decodeFromXml, encodeToXml } from './convert.ts';

const versions1x: Version[] = versions.filter((version) => version.startsWith('1.'));
const versions2x: Version[] = versions.filter((version) => version.startsWith('2.'));

const text = (tag: string, value: string): string => `<${tag} type="TextString" value="${value}"/>`;
const named = (value: string): string => text('AttributeName', value);

/** Attribute of 1.x. */
function attribute1x(name: string, value: string, index?: number): string {
  const at = index === undefined ? '' : `<AttributeIndex type="Integer" value="${index}"/>`;
  return `<Attribute>${named(name)}${at}${value}</Attribute>`;
}

const algorithm: Attribute = { name: 'CryptographicAlgorithm', value: 'AES' };
const name: Attribute = { name: 'Name', value: { NameValue: 'key', NameType: 'UninterpretedTextString' } };
const custom: Attribute = { vendor: 'x', name: 'Purpose', value: { type: 'TextString', value: 'demo' } };
const acme: Attribute = { vendor: 'Acme', name: 'Floor', value: { type: 'Integer', value: 3 } };

const algorithm1x = attribute1x(
  'Cryptographic Algorithm',
  '<AttributeValue type="Enumeration" value="AES"/>',
);
const algorithm2x = '<CryptographicAlgorithm type="Enumeration" value="AES"/>';
const nameFields = `${text('NameValue', 'key')}<NameType type="Enumeration" value="UninterpretedTextString"/>`;
const name1x = attribute1x('Name', `<AttributeValue>${nameFields}</AttributeValue>`);
const name2x = `<Name>${nameFields}</Name>`;
const custom1x = attribute1x('x-Purpose', text('AttributeValue', 'demo'));
const custom2x = `<Attribute>${text('VendorIdentification', 'x')}${named('Purpose')}${text('AttributeValue', 'demo')}</Attribute>`;
const acme2x = `<Attribute>${text('VendorIdentification', 'Acme')}${named('Floor')}<AttributeValue type="Integer" value="3"/></Attribute>`;

/** One field, alone in a payload, in both eras and both directions. */
interface Difference {
  field: AnyField;
  /** The value in TypeScript. */
  value: unknown;
  /** The items on the wire. */
  '1.x': string;
  '2.x': string;
}

const cases: Record<string, Difference> = {
  'attributes of an answer': {
    field: eras.attributeList,
    value: [algorithm, name, custom],
    '1.x': `${algorithm1x}${name1x}${custom1x}`,
    '2.x': `<Attributes>${algorithm2x}${name2x}${custom2x}</Attributes>`,
  },
  'no attributes': { field: eras.attributeList, value: [], '1.x': '', '2.x': '<Attributes/>' },
  'attributes of a key value': {
    field: eras.keyValueAttributes,
    value: [algorithm],
    '1.x': algorithm1x,
    '2.x': `<Attributes>${algorithm2x}</Attributes>`,
  },
  'a key value without any': { field: eras.keyValueAttributes, value: [], '1.x': '', '2.x': '' },
  'attributes of a new object': {
    field: eras.creationAttributes('TemplateAttribute', 'Attributes'),
    value: { templates: [], attributes: [algorithm, custom] },
    '1.x': `<TemplateAttribute>${algorithm1x}${custom1x}</TemplateAttribute>`,
    '2.x': `<Attributes>${algorithm2x}${custom2x}</Attributes>`,
  },
  'attributes of a new pair': {
    field: eras.creationAttributes('PrivateKeyTemplateAttribute', 'PrivateKeyAttributes'),
    value: { templates: [], attributes: [algorithm] },
    '1.x': `<PrivateKeyTemplateAttribute>${algorithm1x}</PrivateKeyTemplateAttribute>`,
    '2.x': `<PrivateKeyAttributes>${algorithm2x}</PrivateKeyAttributes>`,
  },
  'what a Locate looks for': {
    field: eras.filterAttributes,
    value: [algorithm, name],
    '1.x': `${algorithm1x}${name1x}`,
    '2.x': `<Attributes>${algorithm2x}${name2x}</Attributes>`,
  },
  'a Locate for anything': { field: eras.filterAttributes, value: [], '1.x': '', '2.x': '<Attributes/>' },
  'the attribute to set': {
    field: eras.newAttribute,
    value: algorithm,
    '1.x': algorithm1x,
    '2.x': `<NewAttribute>${algorithm2x}</NewAttribute>`,
  },
  'names of attributes': {
    field: eras.attributeReferences,
    value: [{ name: 'State' }, { name: 'CryptographicUsageMask' }, { vendor: 'x', name: 'Purpose' }],
    '1.x': `${named('State')}${named('Cryptographic Usage Mask')}${named('x-Purpose')}`,
    '2.x':
      '<AttributeReference type="Enumeration" value="State"/>' +
      '<AttributeReference type="Enumeration" value="CryptographicUsageMask"/>' +
      `<AttributeReference>${text('VendorIdentification', 'x')}${named('Purpose')}</AttributeReference>`,
  },
  'no names': { field: eras.attributeReferences, value: [], '1.x': '', '2.x': '' },
  'the attribute to delete': {
    field: eras.attributeReference,
    value: { name: 'CryptographicAlgorithm' },
    '1.x': named('Cryptographic Algorithm'),
    '2.x': '<AttributeReference type="Enumeration" value="CryptographicAlgorithm"/>',
  },
};

t.test('a value has one form for each era in both directions', (t) => {
  for (const [label, difference] of Object.entries(cases)) {
    const schema = struct({ It: difference.field });
    for (const [era, members] of [
      ['1.x', versions1x],
      ['2.x', versions2x],
    ] as const) {
      for (const version of members) {
        t.equal(
          encodeToXml(schema, version, { It: difference.value }),
          difference[era],
          `${label} written in ${version}`,
        );
        t.same(
          decodeFromXml(schema, version, difference[era]),
          { It: difference.value },
          `${label} read in ${version}`,
        );
      }
    }
  }
  t.end();
});

const list = struct({ It: eras.attributeList });

t.test('a field of one era is absent in the other', (t) => {
  const echoed = struct({ It: eras.echoedAttribute });
  t.equal(encodeToXml(echoed, '1.4', { It: algorithm }), algorithm1x);
  t.equal(encodeToXml(echoed, '2.0', { It: algorithm }), '', '2.x answers with the identifier alone');
  const current = struct({ It: eras.currentAttribute });
  t.equal(encodeToXml(current, '1.4', { It: algorithm }), '');
  t.same(decodeFromXml(current, '2.1', `<CurrentAttribute>${algorithm2x}</CurrentAttribute>`), {
    It: algorithm,
  });
  const index = struct({ It: eras.attributeIndex });
  t.same(decodeFromXml(index, '1.0', '<AttributeIndex type="Integer" value="2"/>'), { It: 2 });
  t.throws(() => decodeFromXml(index, '2.0', '<AttributeIndex type="Integer" value="2"/>'), {
    name: 'WireError',
  });
  t.end();
});

t.test('an index other than 0 is written in 1.x and left out in 2.x', (t) => {
  const value = '<AttributeValue type="Enumeration" value="AES"/>';
  t.same(decodeFromXml(list, '1.2', attribute1x('Cryptographic Algorithm', value, 2)), {
    It: [{ ...algorithm, index: 2 }],
  });
  t.equal(
    encodeToXml(list, '1.2', { It: [{ ...algorithm, index: 2 }] }),
    attribute1x('Cryptographic Algorithm', value, 2),
  );
  t.equal(
    encodeToXml(list, '1.2', { It: [{ ...algorithm, index: 0 }] }),
    algorithm1x,
    'PyKMIP expects 0 left out',
  );
  t.equal(
    encodeToXml(list, '2.0', { It: [{ ...algorithm, index: 2 }] }),
    `<Attributes>${algorithm2x}</Attributes>`,
  );
  t.end();
});

t.test('names outside the tables are kept for the operation to refuse', (t) => {
  const value = text('AttributeValue', 'v');
  const typed = { type: 'TextString', value: 'v' };
  for (const [given, expected] of [
    ['Colour', { vendor: '', name: 'Colour' }],
    ['Key Format Type', { vendor: '', name: 'Key Format Type' }],
    ['CryptographicAlgorithm', { vendor: '', name: 'CryptographicAlgorithm' }],
    ['x-Foo', { vendor: 'x', name: 'Foo' }],
    ['y-Foo', { vendor: 'y', name: 'Foo' }],
    ['x-', { vendor: 'x', name: '' }],
    ['z-Foo', { vendor: '', name: 'z-Foo' }],
    ['constructor', { vendor: '', name: 'constructor' }],
  ] as const) {
    t.same(
      decodeFromXml(list, '1.4', attribute1x(given, value)),
      { It: [{ ...expected, value: typed }] },
      given,
    );
    t.same(
      decodeFromXml(struct({ It: eras.attributeReferences }), '1.4', named(given)),
      { It: [expected] },
      `${given} by name`,
    );
  }
  t.same(decodeFromXml(list, '2.1', `<Attributes>${text('Username', 'v')}</Attributes>`), {
    It: [{ vendor: '', name: 'Username', value: typed }],
  });
  t.same(
    decodeFromXml(list, '2.1', '<Attributes><TTLV tag="0x540001" type="TextString" value="v"/></Attributes>'),
    {
      It: [{ vendor: '', name: '0x540001', value: typed }],
    },
  );
  t.same(
    decodeFromXml(
      struct({ It: eras.attributeReferences }),
      '2.1',
      '<AttributeReference type="Enumeration" value="0x00540001"/>',
    ),
    { It: [{ vendor: '', name: '0x540001' }] },
  );
  t.end();
});

t.test('attributes without a form in an era are left out of its messages', (t) => {
  const nameless: Attribute = { vendor: '', name: 'Colour', value: { type: 'Integer', value: 1 } };
  t.equal(
    encodeToXml(list, '1.4', { It: [acme, nameless, custom] }),
    custom1x,
    'vendors but x and y have no name in 1.x',
  );
  t.equal(
    encodeToXml(list, '2.1', { It: [acme, nameless, custom] }),
    `<Attributes>${acme2x}${custom2x}</Attributes>`,
  );
  const references = struct({ It: eras.attributeReferences });
  const names = [{ vendor: 'Acme', name: 'Floor' }, { name: 'RotateName' }, { name: 'State' }];
  t.equal(encodeToXml(references, '1.4', { It: names }), named('State'));
  t.equal(
    encodeToXml(references, '2.0', { It: names }),
    `<AttributeReference>${text('VendorIdentification', 'Acme')}${named('Floor')}</AttributeReference>` +
      '<AttributeReference type="Enumeration" value="State"/>',
  );
  t.end();
});

t.test('a Locate filter may have a Template-Attribute and partial structures', (t) => {
  const filter = struct({ It: eras.filterAttributes });
  const part = `<AttributeValue>${text('NameValue', 'key')}</AttributeValue>`;
  t.same(decodeFromXml(filter, '1.0', `<TemplateAttribute>${algorithm1x}</TemplateAttribute>${name1x}`), {
    It: [algorithm, name],
  });
  t.same(decodeFromXml(filter, '1.0', `<TemplateAttribute>${name2x}</TemplateAttribute>`), { It: [name] });
  t.same(decodeFromXml(filter, '1.4', attribute1x('Name', part)), {
    It: [{ name: 'Name', value: { NameValue: 'key' } }],
  });
  t.same(decodeFromXml(filter, '2.1', `<Attributes><Name>${text('NameValue', 'key')}</Name></Attributes>`), {
    It: [{ name: 'Name', value: { NameValue: 'key' } }],
  });
  t.throws(
    () => decodeFromXml(list, '1.4', attribute1x('Name', part)),
    { message: /NameType is missing/ },
    'but not elsewhere',
  );
  t.end();
});

t.test('Templates are referred to by name in 1.x', (t) => {
  const creation = struct({ It: eras.creationAttributes('TemplateAttribute', 'Attributes') });
  const template = { NameValue: 'key', NameType: 'UninterpretedTextString' };
  const wrapped = `<TemplateAttribute>${name2x}${algorithm1x}</TemplateAttribute>`;
  t.same(decodeFromXml(creation, '1.2', wrapped), { It: { templates: [template], attributes: [algorithm] } });
  t.equal(encodeToXml(creation, '1.2', { It: { templates: [template], attributes: [algorithm] } }), wrapped);
  t.same(decodeFromXml(creation, '1.2', ''), { It: { templates: [], attributes: [] } }, 'none at all');
  t.same(decodeFromXml(creation, '2.0', `<Attributes>${name2x}</Attributes>`), {
    It: { templates: [], attributes: [name] },
  });
  t.end();
});

t.test('a Template-Attribute is read in 2.0 and never written', (t) => {
  const creation = struct({ It: eras.creationAttributes('TemplateAttribute', 'Attributes') });
  const both = `<TemplateAttribute>${algorithm1x}</TemplateAttribute><Attributes>${name2x}</Attributes>`;
  t.same(decodeFromXml(creation, '2.0', '<TemplateAttribute/>'), { It: { templates: [], attributes: [] } });
  t.same(decodeFromXml(creation, '2.0', both), { It: { templates: [], attributes: [algorithm, name] } });
  t.equal(
    encodeToXml(creation, '2.0', { It: { templates: [], attributes: [algorithm] } }),
    `<Attributes>${algorithm2x}</Attributes>`,
  );
  t.end();
});

t.test('an Attribute with fields in the wrong order is refused', (t) => {
  const index = '<AttributeIndex type="Integer" value="0"/>';
  const name = named('State');
  const active = '<AttributeValue type="Enumeration" value="Active"/>';
  for (const [label, fields, message] of [
    ['value before name', `${text('AttributeValue', 'a')}${name}`, /AttributeValue is out of place/],
    ['two names', `${name}${name}${active}`, /AttributeName is out of place/],
    ['two values', `${name}${active}${active}`, /AttributeValue is out of place/],
    ['two indices', `${name}${index}${index}`, /AttributeIndex is out of place/],
    ['no name', index, /AttributeName is missing/],
    ['no value', `${name}${index}`, /AttributeValue is missing/],
    ['a field of something else', `${name}${text('Username', 'a')}`, /Username is out of place/],
    [
      'another type than the attribute has',
      `${name}${text('AttributeValue', 'a')}`,
      /AttributeValue is TextString, must be Enumeration/,
    ],
  ] as const) {
    t.throws(
      () => decodeFromXml(list, '1.4', `<Attribute>${fields}</Attribute>`),
      { name: 'WireError', message },
      label,
    );
  }
  const single = struct({ It: eras.newAttribute });
  t.throws(() => decodeFromXml(single, '2.1', '<NewAttribute/>'), { message: /exactly one attribute/ });
  t.throws(() => decodeFromXml(single, '2.1', `<NewAttribute>${algorithm2x}${name2x}</NewAttribute>`), {
    message: /exactly one attribute/,
  });
  t.throws(() => decodeFromXml(single, '2.1', ''), { message: /NewAttribute is missing/ });
  t.throws(() => decodeFromXml(single, '1.4', ''), { message: /Attribute is missing/ });
  t.end();
});
