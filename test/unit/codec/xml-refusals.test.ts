import t from 'tap';
import { decodeBinary, encodeBinary } from '../../../codec/wire/message.ts';
import type { Node } from '../../../codec/wire/node.ts';
import { xmlToNodes } from '../../../codec/wire/xml.ts';
import { limits } from './hex.ts';

/** The items of a message with this text inside. */
function items(inner: string): readonly Node[] {
  const [message] = xmlToNodes(`<RequestMessage>${inner}</RequestMessage>`, limits);
  return message?.type === 'Structure' ? message.value : [];
}

const laughs = `<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
<!ENTITY lol2 "&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;">]>
<RequestMessage><NameValue type="TextString" value="&lol2;"/></RequestMessage>`;

t.test('xmlToNodes refuses documents that are not messages', (t) => {
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
      'TTLV with a tag outside the ranges',
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
    ['text in a structure', inside('secret'), 'field', /text is not allowed/],
    ['marked text in a structure', inside('<![CDATA[secret]]>'), 'field', /text is not allowed/],
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
        `${name}: repeats nothing of the document`,
      );
    }
  }
  t.end();
});

t.test('a WireError contains the path with items of the same tag counted from 0', (t) => {
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

t.test('xmlToNodes has the limits of the binary encoding', (t) => {
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
    'no stack overflow',
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

t.test('a message within the limits in XML is within them in TTLV', (t) => {
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

t.test('xmlToNodes does not read what follows the end of a transcript', (t) => {
  const ended = '<KMIP><RequestMessage/></KMIP>';
  for (const more of ['<a>', '</a>', '&x;<1 ', '<!DOCTYPE a>', '<KMIP><RequestMessage/></KMIP>']) {
    const started = performance.now();
    t.equal(xmlToNodes(ended + more.repeat(200_000), limits).length, 1, more);
    t.ok(performance.now() - started < 1_000, 'elements that are never closed would cost their square');
  }
  t.end();
});
