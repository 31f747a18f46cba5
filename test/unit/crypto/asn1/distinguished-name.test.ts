import * as asn1 from 'asn1js';
import t from 'tap';
import { InvalidDerError, parseDer } from '../../../../src/crypto/asn1/der.ts';
import { formatName, readNameParts } from '../../../../src/crypto/asn1/distinguished-name.ts';

/** A name of one common name in DER, its value any item. */
function nameOf(value: asn1.AsnType, type = '2.5.4.3'): Uint8Array {
  const pair = new asn1.Sequence({ value: [new asn1.ObjectIdentifier({ value: type }), value] });
  return new Uint8Array(new asn1.Sequence({ value: [new asn1.Set({ value: [pair] })] }).toBER());
}

/** An item of that universal tag, its content in hex. */
const item = (tagNumber: number, hex: string) =>
  new asn1.Primitive({ idBlock: { tagClass: 1, tagNumber }, valueHex: Uint8Array.fromHex(hex) });

t.test('every type of string is read as text', async (t) => {
  const rows: [what: string, tag: number, hex: string, text: string | undefined][] = [
    ['UTF8String', 12, '4bc3a4f09f9491', 'Kä🔑'],
    ['PrintableString', 19, '4b', 'K'],
    ['NumericString', 18, '37', '7'],
    ['T61String, which everybody writes as Latin-1', 20, '4be4', 'Kä'],
    ['IA5String', 22, '6140622e63', 'a@b.c'],
    ['VisibleString', 26, '4b', 'K'],
    ['GeneralString', 27, '4b', 'K'],
    ['BMPString', 30, '004b00e4207a', 'Kä⁺'],
    ['BMPString with a surrogate pair', 30, 'd83ddd11', '🔑'],
    ['UniversalString', 28, '0000004b0001f511', 'K🔑'],
    ['UniversalString that is none', 28, '00110000', undefined],
    ['empty', 12, '', ''],
    ['UTCTime', 23, '3236303130313030303030305a', undefined],
    ['OCTET STRING', 4, '4b', undefined],
  ];
  for (const [what, tag, hex, text] of rows) {
    t.equal(readNameParts(parseDer(nameOf(item(tag, hex))))[0]?.[0]?.text, text, what);
  }
  for (const [what, tag, hex] of [
    ['half a character of a BMPString', 30, '004b00'],
    ['half a character of a UniversalString', 28, '0000'],
  ] as const)
    t.throws(() => parseDer(nameOf(item(tag, hex))), InvalidDerError, what);
});

t.test('names are formatted as RFC 4514', async (t) => {
  const utf8 = (text: string) => item(12, new TextEncoder().encode(text).toHex());
  const rows: [value: asn1.AsnType, text: string, type?: string][] = [
    [utf8('a, b'), 'CN=a\\, b'],
    [utf8(' a '), 'CN=\\ a\\ '],
    [utf8(' '), 'CN=\\ '],
    [utf8('#a#'), 'CN=\\#a#'],
    [utf8('"\\+;<>'), 'CN=\\"\\\\\\+\\;\\<\\>'],
    [utf8('a\0b'), 'CN=a\\00b'],
    [utf8('x'), '1.2.3.4=#0c0178', '1.2.3.4'],
    [item(4, '4b'), '2.5.4.3=#04014b'],
  ];
  for (const [value, text, type] of rows)
    t.equal(formatName(readNameParts(parseDer(nameOf(value, type)))), text, text);
});
