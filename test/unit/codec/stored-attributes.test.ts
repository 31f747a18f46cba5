import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { decodeAttributes, encodeAttributes } from '../../../codec/stored-attributes.ts';

const all: Attribute[] = [
  { name: 'CryptographicAlgorithm', value: 'AES' },
  { name: 'Name', value: { NameValue: 'a', NameType: 'URI' } },
  { name: 'Name', index: 3, value: { NameValue: 'b', NameType: 'UninterpretedTextString' } },
  { vendor: 'x', name: 'Purpose', value: { type: 'TextString', value: 'demo' } },
  { vendor: 'x', name: 'Purpose', index: 1, value: { type: 'Integer', value: 1 } },
  {
    vendor: 'Acme',
    name: 'State',
    value: { type: 'Structure', value: [{ tag: 0x420020, type: 'Boolean', value: true }] },
  },
  // Of 1.x only, of 2.1 only, of no version at all.
  { name: 'OperationPolicyName', value: 'default' },
  { name: 'RotateGeneration', value: 7 },
  { vendor: '', name: 'Colour', value: { type: 'Boolean', value: true } },
  { name: 'OpaqueDataType', value: 0x80123456 },
];

t.test('stored attributes of every era are decoded as they were encoded', async (t) => {
  t.same(decodeAttributes(encodeAttributes(all)), all);
  t.same(decodeAttributes(encodeAttributes([])), []);
});

t.test('stored attributes have a fixed form', async (t) => {
  // An index of 0 is not stored.
  const encoded = encodeAttributes([
    { name: 'State', value: 'Active' },
    { name: 'ObjectGroup', index: 2, value: 'g' },
  ]);
  t.equal(
    encoded.toHex(),
    [
      '4201250100000030',
      '42008d05000000040000000200000000',
      '42000902000000040000000200000000',
      '42005607000000016700000000000000',
    ].join(''),
  );
});

t.test('decodeAttributes refuses other bytes', async (t) => {
  const wrong = [
    '4201250100000010' + '42007c0100000008' + '0000000000000000',
    '42012501000000104200080100000000',
  ];
  for (const hex of wrong) t.throws(() => decodeAttributes(Uint8Array.fromHex(hex)), hex);
});
