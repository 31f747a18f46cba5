import t from 'tap';
import { requireStrictDer } from '../../../../src/crypto/asn1/strict-der.ts';
import type { CertificateContent } from '../../../../src/crypto/certification.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import { requireIssuable } from '../../../../src/crypto/x509/certificate-limits.ts';
import { ca, made } from './chains.ts';

const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const tagged = (tag: number, content: Uint8Array) => Uint8Array.from([tag, content.length, ...content]);

t.test('no certificate has values that none may hold', async (t) => {
  const subject = await nodeCrypto.certification.encodeName({ text: 'CN=x' });
  const named = (text: string) => nodeCrypto.certification.encodeName({ parts: [['CN', text]] });
  const { der } = await made('x', undefined);
  const base: CertificateContent = {
    subject,
    publicKey: (await nodeCrypto.certification.readCertificate(der)).publicKey,
    alternativeNames: [],
    extendedKeyUsage: [],
    authority: true,
  };
  const refused = (change: Partial<CertificateContent>) => {
    try {
      requireIssuable({ ...base, ...change });
      return undefined;
    } catch (error) {
      return (error as Error).name;
    }
  };
  for (const [pathLength, expected] of [
    [undefined, undefined],
    [0, undefined],
    [32, undefined],
    [33, 'InvalidParametersError'],
    [2 ** 40, 'InvalidParametersError'],
    [-1, 'InvalidParametersError'],
    [Number.NaN, 'InvalidParametersError'],
  ] as const)
    t.equal(refused({ pathLength }), expected, `path length ${pathLength}`);
  for (const text of ['a\0b', 'a\nb', 'a\x7fb', 'a\u202eb', 'a\u2066b', 'a\u200fb'])
    t.equal(refused({ subject: await named(text) }), 'InvalidNameError', JSON.stringify(text));
  for (const text of ['Müller & Söhne', 'نامه\u200cای', 'क्\u200dष', '❤\ufe0f'])
    t.equal(refused({ subject: await named(text) }), undefined, JSON.stringify(text));
  const valued = (value: Uint8Array) =>
    tagged(0x30, tagged(0x31, tagged(0x30, Uint8Array.from([6, 3, 0x55, 4, 3, ...value]))));
  for (const [what, value, expected] of [
    ...[12, 19, 20, 22].map(
      (tag) => [`a string of tag ${tag}`, tagged(tag, latin1('x')), undefined] as const,
    ),
    ['UTCTime', tagged(23, latin1('www.bank.example')), 'InvalidNameError'],
    ['UTCTime that is a time', tagged(23, latin1('260101000000Z')), 'InvalidNameError'],
    ['GeneralizedTime', tagged(24, latin1('20260101000000Z')), 'InvalidNameError'],
    ['a BOOLEAN', Uint8Array.of(1, 1, 255), 'InvalidNameError'],
    ['an INTEGER', Uint8Array.of(2, 1, 1), 'InvalidNameError'],
    ['a BIT STRING', Uint8Array.of(3, 2, 0, 0x78), 'InvalidNameError'],
    ['an OCTET STRING', tagged(4, latin1('x')), 'InvalidNameError'],
    ['NULL', Uint8Array.of(5, 0), 'InvalidNameError'],
    ['an object identifier', Uint8Array.of(6, 1, 0x2a), 'InvalidNameError'],
    ['an ENUMERATED', Uint8Array.of(10, 1, 1), 'InvalidNameError'],
    ['a SEQUENCE', tagged(0x30, tagged(12, latin1('x'))), 'InvalidNameError'],
  ] as const) {
    t.equal(refused({ subject: valued(value) }), expected, `${what} in the subject`);
    t.equal(
      refused({ alternativeNames: [tagged(0xa4, valued(value))] }),
      expected,
      `${what} in a directory name`,
    );
  }
  for (const [what, name, expected] of [
    ['a host', tagged(0x82, latin1('a.example')), undefined],
    ['a host with NUL', tagged(0x82, latin1('a.example\0.evil')), 'InvalidNameError'],
    ['an empty host', tagged(0x82, latin1('')), 'InvalidNameError'],
    ['a host with a space', tagged(0x82, latin1('a b')), 'InvalidNameError'],
    ['a host beyond ASCII', tagged(0x82, latin1('ä.example')), 'InvalidNameError'],
    ['an e-mail address with a line feed', tagged(0x81, latin1('a@b\n')), 'InvalidNameError'],
    ['a URI with a control character', tagged(0x86, latin1('http://a/\x01')), 'InvalidNameError'],
    ['IPv4', tagged(0x87, new Uint8Array(4)), undefined],
    ['IPv6', tagged(0x87, new Uint8Array(16)), undefined],
    ['an address of 8 bytes', tagged(0x87, new Uint8Array(8)), 'InvalidNameError'],
    ['a directory name', tagged(0xa4, subject), undefined],
    ['X.400', tagged(0xa3, Uint8Array.of(0x30, 0)), 'InvalidNameError'],
    ['EDI', tagged(0xa5, Uint8Array.of(0xa1, 0)), 'InvalidNameError'],
    ['a registered identifier', tagged(0x88, Uint8Array.of(0x2a, 3)), 'InvalidNameError'],
    ['a directory name with NUL', tagged(0xa4, await named('a\0b')), 'InvalidNameError'],
    ['no DER', Uint8Array.of(0x82, 9), 'InvalidNameError'],
  ] as const)
    t.equal(refused({ alternativeNames: [name] }), expected, what);
});

t.test(
  'DER is demanded: every rule that BER relaxes is refused, in the certificate and by itself',
  async (t) => {
    const { der } = await made('x', undefined, { extensions: [ca(1)] });
    const read = (bytes: Uint8Array) =>
      nodeCrypto.describeCertificate({ CertificateType: 'X_509', CertificateValue: bytes });
    t.doesNotThrow(() => read(der));
    const outer = der.subarray(4);
    const indefinite = Uint8Array.from([0x30, 0x80, ...outer, 0, 0]);
    const longLength = Uint8Array.from([0x30, 0x83, 0, ...der.subarray(2)]);
    for (const [what, bytes] of [
      ['an indefinite length', indefinite],
      ['a length of more bytes than needed', longLength],
      ['bytes behind', Uint8Array.from([...der, 0])],
    ] as const) {
      t.throws(() => read(bytes), { name: 'InvalidCertificateError' }, what);
      await t.rejects(
        nodeCrypto.certification.buildChain([bytes]),
        { name: 'InvalidCertificateError' },
        what,
      );
    }
    for (const [what, hex, isDer] of [
      ['an INTEGER', '020101', true],
      ['an INTEGER with a zero for the sign', '02020080', true],
      ['an INTEGER with a zero too many', '02020001', false],
      ['a negative INTEGER with a byte too many', '0202ff80', false],
      ['an INTEGER of no bytes', '0200', false],
      ['true', '0101ff', true],
      ['another true', '010101', false],
      ['a BOOLEAN of two bytes', '0102ffff', false],
      ['NULL', '0500', true],
      ['NULL with content', '050100', false],
      ['a BIT STRING', '030204f0', true],
      ['a BIT STRING with unused bits that are set', '030204ff', false],
      ['a BIT STRING of no bytes', '0300', false],
      ['a BIT STRING that leaves 8 bits', '030208ff', false],
      ['an OCTET STRING', '0401aa', true],
      ['an OCTET STRING in pieces', '24030401aa', false],
      ['a text in pieces', '2c030c0141', false],
      ['a SEQUENCE', '3003020101', true],
      ['a primitive SEQUENCE', '1003020101', false],
      ['a short length in two bytes', '308103020101', false],
      ['an indefinite SEQUENCE', '30800201010000', false],
      ['an item longer than its SEQUENCE', '300302020101', false],
      ['a high tag', '9f1f00', true],
      ['a low tag in the high form', '9f0100', false],
      ['a high tag with zeros in front', '9f801f00', false],
      ['nothing', '', false],
      ['a tag alone', '30', false],
    ] as const) {
      const check = () => requireStrictDer(Uint8Array.fromHex(hex));
      if (isDer) t.doesNotThrow(check, what);
      else t.throws(check, { name: 'InvalidDerError' }, what);
    }
  },
);
