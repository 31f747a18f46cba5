import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { type AttributeName, attributeRow, attributeTable } from '../../../codec/attribute-table.ts';
import { ResponseHeader } from '../../../codec/envelope.ts';
import { attributeList, attributeReferences } from '../../../codec/eras.ts';
import { struct } from '../../../codec/schema.ts';
import { KeyWrappingData } from '../../../codec/structures/key-block.ts';
import { isWithin, type Version, versions } from '../../../codec/version.ts';
import { decodeFromXml, encodeToXml } from './convert.ts';

const list = struct({ It: attributeList });
const names = struct({ It: attributeReferences });

/** Versions in which a response contains the attribute. */
function versionsWith(attribute: Attribute): Version[] {
  return versions.filter(
    (version) => !['', '<Attributes/>'].includes(encodeToXml(list, version, { It: [attribute] })),
  );
}

t.test('every attribute is referred to in its versions and in no other', (t) => {
  for (const name of Object.keys(attributeTable) as AttributeName[]) {
    const { name1x, since, until } = attributeRow(name);
    const expected = versions.filter(
      (version) => isWithin(version, since, until) && (name1x !== null || version.startsWith('2')),
    );
    t.same(
      versions.filter((version) => encodeToXml(names, version, { It: [{ name }] }) !== ''),
      expected,
      name,
    );
  }
  t.end();
});

t.test('attributes are left out when the version does not know their value', (t) => {
  const cases: [label: string, attribute: Attribute, since: Version][] = [
    ['a type of object', { name: 'ObjectType', value: 'PGPKey' }, '1.2'],
    ['an algorithm', { name: 'CryptographicAlgorithm', value: 'ChaCha20' }, '1.4'],
    ['a value that is no number of any table', { name: 'CryptographicAlgorithm', value: 0x7777 }, '2.1'],
    [
      'a link to a certificate in PKCS#12',
      { name: 'Link', value: { LinkType: 'PKCS_12CertificateLink', LinkedObjectIdentifier: 'a' } },
      '1.4',
    ],
    [
      'a link that all know',
      { name: 'Link', value: { LinkType: 'CertificateLink', LinkedObjectIdentifier: 'a' } },
      '1.0',
    ],
    ['a digest that all know', { name: 'Digest', value: { HashingAlgorithm: 'SHA_256' } }, '1.0'],
    ['a digest by a new hash', { name: 'Digest', value: { HashingAlgorithm: 'SHA3_256' } }, '1.4'],
    ['a vendor extension', { name: 'CryptographicAlgorithm', value: 0x80000001 }, '1.0'],
  ];
  for (const [label, attribute, since] of cases) {
    const expected = attribute.value === 0x7777 ? [] : versions.filter((version) => isWithin(version, since));
    t.same(versionsWith(attribute), expected, label);
  }
  t.end();
});

t.test('fields of an attribute are left out when the version does not know them', (t) => {
  const parameters: Attribute = {
    name: 'CryptographicParameters',
    value: { BlockCipherMode: 'AEAD', PaddingMethod: 'PKCS5', RandomIV: true, SaltLength: 20 },
  };
  const fields = (version: Version): string[] =>
    [
      ...encodeToXml(list, version, { It: [parameters] }).matchAll(
        /<(BlockCipherMode|PaddingMethod|RandomIV|SaltLength) /g,
      ),
    ].map((match) => match[1] as string);
  t.same(fields('1.0'), ['PaddingMethod']);
  t.same(fields('1.2'), ['PaddingMethod', 'RandomIV']);
  t.same(fields('1.4'), ['BlockCipherMode', 'PaddingMethod', 'RandomIV', 'SaltLength']);
  t.same(fields('2.1'), ['BlockCipherMode', 'PaddingMethod', 'RandomIV', 'SaltLength']);
  t.end();
});

t.test('the response header has only fields that the version knows', (t) => {
  const header = {
    ProtocolVersion: { ProtocolVersionMajor: 1, ProtocolVersionMinor: 0 },
    TimeStamp: 0,
    AttestationType: ['TPMQuote'],
    ClientCorrelationValue: 'c',
    ServerCorrelationValue: 's',
    ServerHashedPassword: Uint8Array.of(1),
    BatchCount: 1,
  };
  for (const [field, since] of [
    ['AttestationType', '1.2'],
    ['ClientCorrelationValue', '1.4'],
    ['ServerCorrelationValue', '1.4'],
    ['ServerHashedPassword', '2.0'],
    ['BatchCount', '1.0'],
  ] as const) {
    t.same(
      versions.filter((version) => encodeToXml(ResponseHeader, version, header).includes(`<${field} `)),
      versions.filter((version) => isWithin(version, since)),
      field,
    );
  }
  t.end();
});

t.test('a field of a later version is read in earlier versions', (t) => {
  const early =
    '<WrappingMethod type="Enumeration" value="Encrypt"/><EncodingOption type="Enumeration" value="NoEncoding"/>';
  t.same(decodeFromXml(KeyWrappingData, '1.0', early), {
    WrappingMethod: 'Encrypt',
    EncodingOption: 'NoEncoding',
  });
  t.equal(
    encodeToXml(KeyWrappingData, '1.0', { WrappingMethod: 'Encrypt', EncodingOption: 'NoEncoding' }),
    '<WrappingMethod type="Enumeration" value="Encrypt"/>',
  );
  t.end();
});
