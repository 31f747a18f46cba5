import t from 'tap';
import type { Node } from '../../../codec/wire/node.ts';
import { nodeToXml, xmlToNodes } from '../../../codec/wire/xml.ts';
import { bytes, limits } from './hex.ts';

const RequestMessage = 0x420078;

/** The items of a message with this text inside. */
function items(inner: string): readonly Node[] {
  const [message] = xmlToNodes(`<RequestMessage>${inner}</RequestMessage>`, limits);
  return message?.type === 'Structure' ? message.value : [];
}

t.test('xmlToNodes reads an item of every type', (t) => {
  const cases: [xml: string, node: Node][] = [
    ['<BatchCount type="Integer" value="1"/>', { tag: 0x42000d, type: 'Integer', value: 1 }],
    ['<UsageLimitsTotal type="LongInteger" value="-5"/>', { tag: 0x420097, type: 'LongInteger', value: -5n }],
    [
      '<Modulus type="BigInteger" value="80"/>',
      { tag: 0x420052, type: 'BigInteger', value: bytes('ffffffffffffff80') },
    ],
    ['<Operation type="Enumeration" value="Create"/>', { tag: 0x42005c, type: 'Enumeration', value: 1 }],
    ['<BatchOrderOption type="Boolean" value="true"/>', { tag: 0x420010, type: 'Boolean', value: true }],
    ['<NameValue type="TextString" value="a b"/>', { tag: 0x420055, type: 'TextString', value: 'a b' }],
    [
      '<UniqueBatchItemID type="ByteString" value=""/>',
      { tag: 0x420093, type: 'ByteString', value: bytes('') },
    ],
    [
      '<TimeStamp type="DateTime" value="2008-03-14T11:56:40Z"/>',
      { tag: 0x420092, type: 'DateTime', value: 1205495800 },
    ],
    ['<LeaseTime type="Interval" value="3600"/>', { tag: 0x420049, type: 'Interval', value: 3600 }],
    [
      '<TimeStamp type="DateTimeExtended" value="1970-01-01T00:00:00.000001Z"/>',
      { tag: 0x420092, type: 'DateTimeExtended', value: 1n },
    ],
    ['<RequestPayload/>', { tag: 0x420079, type: 'Structure', value: [] }],
    ['<RequestPayload type="Structure"></RequestPayload>', { tag: 0x420079, type: 'Structure', value: [] }],
    [
      '<TTLV tag="0x54FFFF" name="Anything" type="Integer" value="1"/>',
      { tag: 0x54ffff, type: 'Integer', value: 1 },
    ],
    ['<TTLV tag="0x42000d" type="Integer" value="1"/>', { tag: 0x42000d, type: 'Integer', value: 1 }],
    ['<TTLV tag="BatchCount" type="Integer" value="1"/>', { tag: 0x42000d, type: 'Integer', value: 1 }],
    ['<TTLV tag="0x540001"/>', { tag: 0x540001, type: 'Structure', value: [] }],
    [
      '<CryptographicUsageMask type="Integer" value="Encrypt Decrypt"/>',
      { tag: 0x42002c, type: 'Integer', value: 12 },
    ],
    [
      '<AttributeReference type="Enumeration" value="State"/>',
      { tag: 0x42013b, type: 'Enumeration', value: 0x42008d },
    ],
    [
      '<UniqueIdentifier type="Enumeration" value="Create"/>',
      { tag: 0x420094, type: 'Enumeration', value: 3 },
    ],
    [
      '<LinkedObjectIdentifier type="Enumeration" value="IDPlaceholder"/>',
      { tag: 0x42004c, type: 'Enumeration', value: 1 },
    ],
    [
      '<MaskGeneratorHashingAlgorithm type="Enumeration" value="SHA_1"/>',
      { tag: 0x420102, type: 'Enumeration', value: 4 },
    ],
    [
      '<ExtensionType type="Enumeration" value="TextString"/>',
      { tag: 0x4200a7, type: 'Enumeration', value: 7 },
    ],
  ];
  for (const [xml, node] of cases) {
    t.same(items(xml), [node], xml);
    const written = nodeToXml({ tag: RequestMessage, type: 'Structure', value: [node] });
    t.same(
      xmlToNodes(written, limits),
      [{ tag: RequestMessage, type: 'Structure', value: [node] }],
      `${xml} again`,
    );
  }
  t.end();
});

function attribute1x(name: string, type: string, value: string): string {
  return `<Attribute><AttributeName type="TextString" value="${name}"/><AttributeValue type="${type}" value="${value}"/></Attribute>`;
}

t.test('the value of a 1.x attribute uses the vocabulary of the named attribute', (t) => {
  for (const [name, type, value, number] of [
    ['Cryptographic Algorithm', 'Enumeration', 'AES', 3],
    ['Cryptographic   Algorithm', 'Enumeration', 'AES', 3],
    ['State', 'Enumeration', 'Active', 2],
    ['Cryptographic Usage Mask', 'Integer', 'Encrypt Decrypt', 12],
    ['Cryptographic   Usage   Mask', 'Integer', 'Encrypt|Decrypt', 12],
    ['x-Own', 'Enumeration', '0x00000007', 7],
  ] as const) {
    const [attribute] = items(attribute1x(name, type, value));
    t.match(attribute, { value: [{ value: name }, { type, value: number }] }, name);
    const xml = nodeToXml(attribute as Node);
    t.ok(xml.includes(`value="${value.replace('|', ' ')}"`), `${name} written as ${value}`);
  }
  for (const [name, type, value] of [
    ['x-State', 'Enumeration', 'Active'],
    ['No Such', 'Enumeration', 'Active'],
    ['x-Mask', 'Integer', 'Encrypt'],
  ] as const) {
    t.throws(() => items(attribute1x(name, type, value)), { name: 'WireError' }, name);
  }
  const vendor = '<Attribute><VendorIdentification type="TextString" value="Acme"/>';
  t.throws(() => items(attribute1x('State', 'Enumeration', 'Active').replace('<Attribute>', vendor)), {
    name: 'WireError',
    message: /Attribute\/AttributeValue/,
  });
  t.end();
});

t.test('xmlToNodes accepts a message or a transcript as root, with prefixes and a declaration', (t) => {
  const request = '<RequestMessage><RequestHeader/></RequestMessage>';
  const response = '<ResponseMessage/>';
  for (const [name, xml, count] of [
    ['request', request, 1],
    ['response', response, 1],
    ['declared', `<?xml version="1.0" encoding="UTF-8"?>\n${request}\n`, 1],
    ['byte order mark', `\ufeff${request}`, 1],
    ['namespace', request.replace('>', ' xmlns="urn:oasis:tc:kmip:xmlns">'), 1],
    [
      'prefix',
      '<k:RequestMessage xmlns:k="urn:oasis:tc:kmip:xmlns"><k:RequestHeader/></k:RequestMessage>',
      1,
    ],
    ['undeclared prefix', '<k:RequestMessage><k:RequestHeader/></k:RequestMessage>', 1],
    ['wrapper', `<KMIP>${request}\n# remark\n${response}<!-- c --></KMIP>`, 2],
    ['old wrapper', `<KmipTestCase>${request}${response}${request}</KmipTestCase>`, 3],
    ['empty wrapper', '<KMIP/>', 0],
    ['a wrapper closed twice', `<KMIP>${request}</KMIP>\n\n</KMIP>`, 1],
    ['comments and blanks', `<!-- a --><RequestMessage> <!-- b -->\n</RequestMessage>`, 1],
  ] as const) {
    t.equal(xmlToNodes(xml, limits).length, count, name);
  }
  t.end();
});

t.test('a text with special characters is read as it was written', (t) => {
  for (const text of ['<&>"\'', 'a\tb\nc\r\nd', ' two  blanks ', '€🔑', '\u0085\u2028', '&amp;', ']]>']) {
    const node: Node = {
      tag: RequestMessage,
      type: 'Structure',
      value: [{ tag: 0x420055, type: 'TextString', value: text }],
    };
    t.same(xmlToNodes(nodeToXml(node), limits), [node], encodeURIComponent(text));
  }
  const odd: Node = {
    tag: RequestMessage,
    type: 'Structure',
    value: [{ tag: 0x420055, type: 'TextString', value: 'a\0\u0001\ufffeb' }],
  };
  t.match(
    xmlToNodes(nodeToXml(odd), limits),
    [{ value: [{ value: 'a\ufffd\ufffd\ufffdb' }] }],
    'characters that XML cannot represent are replaced',
  );
  t.end();
});

t.test('nodeToXml writes the canonical name for every accepted alias', (t) => {
  for (const [given, written] of [
    ['<ResultReason type="Enumeration" value="NotAuthorized"/>', 'NotAuthorised'],
    ['<HashingAlgorithm type="Enumeration" value="SHA_3_256"/>', 'SHA3_256'],
    ['<Operation type="Enumeration" value="0x00000001"/>', 'Create'],
    ['<Operation type="Enumeration" value="0x80000001"/>', '0x80000001'],
  ] as const) {
    t.ok(nodeToXml(items(given)[0] as Node).includes(`value="${written}"`), written);
  }
  t.end();
});

t.test('nodeToXml indents by two spaces and closes empty structures at once', (t) => {
  const xml = `<RequestMessage>
  <RequestHeader/>
  <BatchItem>
    <Operation type="Enumeration" value="Query"/>
    <TTLV tag="0x540001" type="ByteString" value="00ff"/>
  </BatchItem>
</RequestMessage>
`;
  t.equal(nodeToXml(xmlToNodes(xml, limits)[0] as Node), xml);
  t.end();
});
