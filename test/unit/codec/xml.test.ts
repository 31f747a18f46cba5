import t from 'tap';
import { decodeBinary, encodeBinary } from '../../../codec/wire/message.ts';
import type { Node } from '../../../codec/wire/node.ts';
import { nodeToXml, xmlToNodes } from '../../../codec/wire/xml.ts';
import { bytes, limits } from './hex.ts';

const RequestMessage = 0x420078;

/** The items of a message with this text inside. */
function items(inner: string): readonly Node[] {
  const [message] = xmlToNodes(`<RequestMessage>${inner}</RequestMessage>`, limits);
  return message?.type === 'Structure' ? message.value : [];
}

t.test('one item of every type', (t) => {
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

t.test('values of 1.x attributes use the words of the attribute that is named', (t) => {
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

t.test('roots: a message, several in a wrapper, prefixes, a declaration', (t) => {
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

const laughs = `<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
<!ENTITY lol2 "&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;">]>
<RequestMessage><NameValue type="TextString" value="&lol2;"/></RequestMessage>`;

t.test('documents that are refused', (t) => {
  const inside = (inner: string): string => `<RequestMessage>${inner}</RequestMessage>`;
  const cases: [name: string, xml: string, kind: string, message: RegExp][] = [
    ['nothing', '', 'malformed', /well-formed/],
    ['no XML', 'RequestMessage', 'malformed', /well-formed/],
    ['an end missing', '<RequestMessage>', 'malformed', /well-formed/],
    [
      'ends crossed',
      '<RequestMessage><RequestHeader></RequestMessage></RequestHeader>',
      'malformed',
      /well-formed/,
    ],
    ['two roots', '<RequestMessage/><RequestMessage/>', 'malformed', /well-formed/],
    ['text behind the root', '<RequestMessage/>more', 'malformed', /well-formed/],
    [
      'an attribute twice',
      inside('<BatchCount type="Integer" type="Integer" value="1"/>'),
      'malformed',
      /well-formed/,
    ],
    ['a bare attribute', inside('<BatchCount type=Integer value="1"/>'), 'malformed', /well-formed/],
    ['entities', laughs, 'malformed', /document type/],
    [
      'an external entity',
      '<!DOCTYPE a SYSTEM "file:///etc/passwd"><RequestMessage/>',
      'malformed',
      /document type/,
    ],
    [
      'an entity undeclared',
      inside('<NameValue type="TextString" value="&lol;"/>'),
      'malformed',
      /well-formed/,
    ],
    ['a NUL', inside('<NameValue type="TextString" value="&#0;"/>'), 'malformed', /well-formed/],
    ['another root', '<html/>', 'malformed', /neither a Request Message/],
    [
      'an item as the root',
      '<BatchCount type="Integer" value="1"/>',
      'malformed',
      /neither a Request Message/,
    ],
    [
      'a message that is no structure',
      '<RequestMessage type="Integer" value="1"/>',
      'malformed',
      /must be a structure/,
    ],
    ['a wrapper in a wrapper', '<KMIP><KMIP/></KMIP>', 'malformed', /neither a Request Message/],
    ['a stray item in a wrapper', '<KMIP><RequestHeader/></KMIP>', 'malformed', /neither a Request Message/],
    ['an unknown element', inside('<NoSuchThing/>'), 'field', /^RequestMessage: an item inside/],
    [
      'TTLV without a tag',
      inside('<TTLV type="Integer" value="1"/>'),
      'field',
      /^RequestMessage: an item inside/,
    ],
    [
      'TTLV with a tag of nobody',
      inside('<TTLV tag="0x123456"/>'),
      'field',
      /^RequestMessage: an item inside/,
    ],
    [
      'an unknown type',
      inside('<BatchCount type="Number" value="1"/>'),
      'field',
      /^RequestMessage\/BatchCount: /,
    ],
    ['a prototype as the type', inside('<BatchCount type="constructor" value="1"/>'), 'field', /BatchCount/],
    [
      'no value',
      inside('<BatchCount type="Integer"/>'),
      'field',
      /^RequestMessage\/BatchCount: has no value/,
    ],
    [
      'items in a value',
      inside('<BatchCount type="Integer" value="1"><D/></BatchCount>'),
      'field',
      /no items inside/,
    ],
    ['text in a structure', inside('secret'), 'field', /text may not stand/],
    ['marked text in a structure', inside('<![CDATA[secret]]>'), 'field', /text may not stand/],
    [
      'a wrong value',
      inside('<BatchCount type="Integer" value="secret"/>'),
      'field',
      /^RequestMessage\/BatchCount: must be/,
    ],
  ];
  for (const [name, xml, kind, message] of cases) {
    t.throws(() => xmlToNodes(xml, limits), { name: 'WireError', kind, message }, name);
    try {
      xmlToNodes(xml, limits);
    } catch (error) {
      t.notMatch(
        String(error),
        /secret|lol|passwd|NoSuchThing|html|Number/,
        `${name}: nothing of the peer's repeated`,
      );
    }
  }
  t.end();
});

t.test('an error tells the path, counting items of the same tag from 0', (t) => {
  const item = '<BatchItem><RequestPayload/></BatchItem>';
  const bad = '<BatchItem><RequestPayload><Data type="Boolean" value="x"/></RequestPayload></BatchItem>';
  for (const [xml, path] of [
    [bad, 'RequestMessage/BatchItem/RequestPayload/Data: '],
    [`${item}${item}${bad}`, 'RequestMessage/BatchItem[2]/RequestPayload/Data: '],
    [
      bad.replace('<Data', '<Data type="Integer" value="1"/><Data'),
      'RequestMessage/BatchItem/RequestPayload/Data[1]: ',
    ],
  ] as const) {
    t.throws(() => items(xml), { message: new RegExp(`^${path.replaceAll(/[[\]/]/g, '\\$&')}`) }, path);
  }
  t.end();
});

function nested(depth: number): string {
  return `<RequestMessage>${'<RequestPayload>'.repeat(depth - 1)}${'</RequestPayload>'.repeat(depth - 1)}</RequestMessage>`;
}

t.test('the limits are those of the binary encoding', (t) => {
  const small = { depth: 3, structureItems: 4, bytes: 8 + 4 * 16 };
  const count = (n: number): string =>
    `<RequestMessage>${'<BatchCount type="Integer" value="1"/>'.repeat(n)}</RequestMessage>`;
  t.doesNotThrow(() => xmlToNodes(nested(3), small));
  t.throws(() => xmlToNodes(nested(4), small), { kind: 'malformed', message: /nested deeper than 3/ });
  t.doesNotThrow(() => xmlToNodes(count(4), small));
  t.throws(() => xmlToNodes(count(5), small), { kind: 'malformed', message: /more than 4 items/ });
  t.throws(() => xmlToNodes(count(4), { ...small, bytes: small.bytes - 1 }), {
    kind: 'malformed',
    message: /larger than 71 bytes/,
  });
  t.throws(
    () => xmlToNodes(nested(100_000), limits),
    { kind: 'malformed', message: /nested deeper/ },
    'no stack runs over',
  );
  t.equal(
    xmlToNodes(`<KMIP>${count(4)}${count(4)}</KMIP>`, small).length,
    2,
    'each message has the whole limit',
  );
  const text = '<RequestMessage><NameValue type="TextString" value="€€€"/></RequestMessage>';
  t.doesNotThrow(
    () => xmlToNodes(text, { ...small, bytes: 8 + 8 + 16 }),
    'text counts its bytes in UTF-8, padded',
  );
  t.throws(() => xmlToNodes(text, { ...small, bytes: 8 + 8 + 15 }), { kind: 'malformed', message: /larger/ });
  t.end();
});

t.test('the same limits in both encodings', (t) => {
  for (let depth = 1; depth < 6; depth++) {
    const [node] = xmlToNodes(nested(depth), limits);
    const message = encodeBinary(node as Node);
    for (let allowed = 0; allowed < 6; allowed++) {
      const bound = { depth: allowed, structureItems: 10, bytes: message.length };
      const binary = refuses(() => decodeBinary(message, bound));
      t.equal(
        refuses(() => xmlToNodes(nested(depth), bound)),
        binary,
        `depth ${depth}, allowed ${allowed}`,
      );
      t.equal(binary, depth > allowed);
    }
  }
  t.end();
});

function refuses(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch {
    return true;
  }
}

t.test('what is special in XML survives in a text', (t) => {
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
    'what XML cannot say is replaced',
  );
  t.end();
});

t.test('canonical names are written for every accepted alias', (t) => {
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

t.test('the layout: two spaces a level, empty structures closed at once', (t) => {
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
