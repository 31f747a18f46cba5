import { jsonToNode, nodeToJson } from '../../codec/wire/json.ts';
import { decodeBinary } from '../../codec/wire/message.ts';
import type { Node } from '../../codec/wire/node.ts';
import { nodeToXml, xmlToNodes } from '../../codec/wire/xml.ts';
import type { Random } from './random.ts';

/** Messages as XML and JSON text, and mutations of that text. */

export type TextForm = 'xml' | 'json';
export const textForms: readonly TextForm[] = ['xml', 'json'];
export const mediaTypes = { ttlv: 'application/octet-stream', xml: 'text/xml', json: 'application/json' };

const limits = { depth: 64, structureItems: Number.MAX_SAFE_INTEGER, bytes: 64 * 1024 * 1024 };
const utf8 = new TextDecoder('utf-8', { fatal: true });
const toUtf8 = new TextEncoder();

/** Text of a binary message; undefined when it cannot be read. */
export function toText(message: Uint8Array, form: TextForm, random: Random): string | undefined {
  let node: Node;
  try {
    node = decodeBinary(message, limits);
  } catch {
    return undefined;
  }
  return form === 'xml' ? nodeToXml(node) : nodeToJson(node, random.chance(70) ? 2 : 0);
}

/** Reads a body as the client of it would; throws when it is none of the form. */
export function readText(body: Uint8Array, form: TextForm): Node {
  const text = utf8.decode(body);
  if (form === 'json') return jsonToNode(text, limits);
  const [node, ...more] = xmlToNodes(text, limits);
  if (node === undefined || more.length > 0) throw new Error('not exactly one message');
  return node;
}

const numbers = [
  ...['0', '-1', '1e3', '1e400', '-0', '1.5', '4294967295', '4294967296', '-2147483649', '9007199254740993'],
  ...[
    '18446744073709551616',
    '0x',
    '0xffffffff',
    '0x1ffffffff',
    '-0x1',
    '+1',
    '１',
    '1 ',
    '0x00000000000000001',
  ],
  '9'.repeat(400),
];
const words = [
  ...['', ' ', 'true', 'TRUE', 'null', 'constructor', '__proto__', 'toString', 'hasOwnProperty', 'Structure'],
  ...[
    'NaN',
    'Infinity',
    'abc',
    'a',
    '0g',
    'ABCDEFG',
    '\ud800',
    '\u0000',
    '\ufeff',
    '\u2028',
    '%s%n',
    '..\\..',
  ],
  ...['2026-02-30T00:00:00Z', '2026-01-01T24:00:00Z', '0000-00-00T00:00:00Z', '9999-12-31T23:59:59-14:00'],
  ...[
    '2026-01-01T00:00:00.9999999999999Z',
    '1969-12-31T23:59:59.999999Z',
    'Sign Verify',
    'Sign|Verify',
    '| |',
  ],
];
const value = (random: Random): string => random.pick(random.chance(50) ? numbers : words);
const types = [
  ...[
    'Structure',
    'Integer',
    'LongInteger',
    'BigInteger',
    'Enumeration',
    'Boolean',
    'TextString',
    'ByteString',
  ],
  ...['DateTime', 'Interval', 'DateTimeExtended', 'constructor', '__proto__', 'structure', ''],
];
const tags = ['UniqueIdentifier', 'RequestPayload', 'AttributeValue', '0x420094', '0x540001', '0x000000'];
const strangeTags = ['constructor', '__proto__', 'toString', 'TTLV', 'KMIP', '0x42', '', 'x:y:z'];
const tag = (random: Random): string => random.pick(random.chance(60) ? tags : strangeTags);
const small = (random: Random, max: number): number => 1 + random.below(random.chance(90) ? 40 : max);

type Change = (text: string, random: Random) => string;

/** Lines are elements in XML, and keys and brackets in JSON. */
const lines = (change: (all: string[], at: number, random: Random) => void): Change => {
  return (text, random) => {
    const all = text.split('\n');
    // The header is in the first lines; the server refuses a broken one before it reads the rest.
    const from = random.chance(90) ? Math.floor(all.length / 4) : 0;
    change(all, from + random.below(all.length - from), random);
    return all.join('\n');
  };
};

/** One occurrence of a pattern, replaced. */
const occurrence = (pattern: RegExp, by: (found: RegExpMatchArray, random: Random) => string): Change => {
  return (text, random) => {
    const all = [...text.matchAll(pattern)];
    if (all.length === 0) return text;
    const found = random.pick(all);
    return text.slice(0, found.index) + by(found, random) + text.slice(found.index + found[0].length);
  };
};

const common: readonly Change[] = [
  lines((all, at) => all.splice(at, 1)),
  lines((all, at, random) => all.splice(at, 1 + random.below(4))),
  lines((all, at) => all.splice(at, 0, all[at] ?? '')),
  lines((all, at, random) => {
    const other = random.below(all.length);
    [all[at], all[other]] = [all[other] ?? '', all[at] ?? ''];
  }),
  lines((all, at, random) => all.splice(at, 1, ...Array<string>(small(random, 6_000)).fill(all[at] ?? ''))),
  (text, random) => text.slice(0, random.below(text.length + 1)),
  (text, random) => {
    const at = random.below(text.length + 1);
    return (
      text.slice(0, at) + random.pick([...words, ...numbers, '<', '>', '"', '{', ']', ',']) + text.slice(at)
    );
  },
  (text, random) => {
    const at = random.below(text.length + 1);
    return text.slice(0, at) + text.slice(at + 1 + random.below(3));
  },
  (text) => `\ufeff${text}`,
  (text) => text + text,
  (text, random) => text + random.pick([' ', '\n\n', '\0', 'x', '<!-- -->', '{}', '\u00a0']),
];

const xmlValue = / value="([^"]*)"/g;
const bomb = Array.from({ length: 9 }, (_, at) => `<!ENTITY e${at + 1} "${`&e${at};`.repeat(10)}">`).join('');
const xmlChanges: readonly Change[] = [
  ...common,
  occurrence(xmlValue, (_, random) => ` value="${value(random).replace(/[<&"\0]/g, '')}"`),
  occurrence(xmlValue, (_, random) => ` value="${value(random)}"`),
  occurrence(xmlValue, ([, old = '']) => ` value="${old.slice(0, -1)}"`),
  occurrence(xmlValue, ([, old = ''], random) => ` value="${(old || 'a').repeat(small(random, 3_000))}"`),
  occurrence(xmlValue, (_, random) => random.pick(['', ' value=""', ' value', ' value=1', ' VALUE="1"'])),
  occurrence(xmlValue, ([all]) => `${all}${all}`),
  occurrence(xmlValue, (_, random) =>
    random
      .pick(['&#0;', '&#x110000;', '&#xD800;', '&lol;', '&amp;amp;', '&#x41;', '&#10;', '&e9;'])
      .replace(/.*/, ' value="$&"'),
  ),
  occurrence(/ type="([^"]*)"/g, (_, random) => ` type="${random.pick(types)}"`),
  occurrence(/ type="[^"]*"/g, () => ''),
  occurrence(/<\/?([A-Za-z]+)/g, ([all, old = ''], random) => all.replace(old, tag(random))),
  occurrence(
    /<([A-Za-z]+)([^>]*)\/>/g,
    (_, random) => `<TTLV tag="${tag(random)}" type="${random.pick(types)}" value="${value(random)}"/>`,
  ),
  occurrence(/<([A-Za-z]+)([^>]*)\/>/g, ([, name, more]) => `<${name}${more}><${name}${more}/></${name}>`),
  occurrence(/>\n/g, (_, random) =>
    random.pick([
      '>text\n',
      '><![CDATA[x]]>\n',
      '><!-- a -- b -->\n',
      '><?php x?>\n',
      '>]]>\n',
      '>&lt;\n',
      '><!---->\n',
    ]),
  ),
  occurrence(/>\n/g, (_, random) => {
    const depth = small(random, 20_000);
    return `>${'<Attribute>'.repeat(depth)}${random.chance(50) ? '</Attribute>'.repeat(depth) : ''}\n`;
  }),
  (text) => `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY e0 "lol">${bomb}]>${text}`,
  (text) => `<!DOCTYPE x SYSTEM "file:///etc/passwd">${text}`,
  (text, random) =>
    `<?xml version="${random.pick(['1.0', '1.1', '2.0'])}" encoding="${random.pick(['UTF-8', 'UTF-16', 'x'])}"?>${text}`,
  (text, random) =>
    `<KMIP>${text.repeat(random.below(3))}</KMIP>${random.pick(['', '<x>', text, '<a/>'.repeat(99)])}`,
  (text) =>
    text.replace('<RequestMessage', '<RequestMessage xmlns="urn:oasis:tc:kmip:xmlns" xmlns:x="y" x:x="1"'),
  (text) => text.replaceAll('<', '<k:').replaceAll('<k:/', '</k:'),
  (text, random) => {
    const many = Array.from({ length: small(random, 4_000) }, (_, at) => `a${at}="${at}"`).join(' ');
    return text.replace('<RequestHeader', `<RequestHeader ${many}`);
  },
];

const jsonValue = /"value": ?("(?:[^"\\]|\\.)*"|[-0-9.e]+|true|false)/g;
const nested = (depth: number, random: Random): string => {
  const open = random.pick(['[', '{"tag":"Attribute","value":[', '{"a":']);
  const close = open === '[' ? ']' : open.endsWith('[') ? ']}' : '}';
  const inside = open.endsWith(':') ? '1' : '';
  return open.repeat(depth) + inside + (random.chance(70) ? close.repeat(depth) : '');
};
const jsonChanges: readonly Change[] = [
  ...common,
  occurrence(jsonValue, (_, random) => `"value":${JSON.stringify(value(random))}`),
  occurrence(jsonValue, (_, random) => `"value":${value(random) || '0'}`),
  occurrence(jsonValue, (_, random) =>
    random
      .pick([
        'null',
        '[]',
        '{}',
        '[1]',
        '{"tag":"Data"}',
        '1e400',
        '-0',
        '1E+2',
        '01',
        '.5',
        '"\\ud800"',
        '"\\u0000"',
      ])
      .replace(/.*/, '"value":$&'),
  ),
  occurrence(
    jsonValue,
    ([, old = '']) => `"value":${old.endsWith('"') ? `${old.slice(0, -2)}"` : `"${old}"`}`,
  ),
  occurrence(
    jsonValue,
    ([, old = ''], random) => `"value":"${old.replaceAll('"', '').repeat(small(random, 3_000))}"`,
  ),
  occurrence(jsonValue, ([all], random) => `${all},"value":${JSON.stringify(value(random))}`),
  occurrence(
    /"tag": ?"[^"]*"/g,
    (_, random) => `"tag":${random.chance(80) ? JSON.stringify(tag(random)) : '4325396'}`,
  ),
  occurrence(/"type": ?"[^"]*"/g, (_, random) => `"type":${JSON.stringify(random.pick(types))}`),
  occurrence(
    /"(tag|type|value)"/g,
    (_, random) => `"${random.pick(['tag', 'type', 'value', '__proto__', 'constructor', 'Tag'])}"`,
  ),
  occurrence(/\{/g, (_, random) =>
    random.pick([
      '{"__proto__":{"type":"Integer","value":1},',
      '{"constructor":{"prototype":{"tag":"x"}},',
      '{"toString":1,',
      '{"a":{},',
    ]),
  ),
  occurrence(/\[/g, (_, random) => `[${random.pick(['null,', '1,', '"x",', '[],', '{},', ',', '[[[]]],'])}`),
  occurrence(/\[/g, (_, random) => `[${nested(small(random, 20_000), random)},`),
  occurrence(/\[/g, (_, random) => `[${'{},'.repeat(small(random, 20_000))}`),
  (_, random) => nested(small(random, 200_000), random),
  (text) => `[${text}]`,
  (text) => text.replaceAll('"', "'"),
  (text) => `// remark\n${text}`,
  (_, random) => random.pick(['null', '1', '"x"', '{}', '[]', 'true', '1e999', '"\\ud800"']),
];

/** Bytes that are not UTF-8, or that decode ambiguously. */
const recoded: readonly ((text: string, random: Random) => Uint8Array)[] = [
  (text) => new Uint8Array(Buffer.from(`\ufeff${text}`, 'utf16le')),
  (text) => new Uint8Array(Buffer.from(text, 'utf16le').swap16()),
  (text) => new Uint8Array(Buffer.from(`é${text}`, 'latin1')),
  (text, random) => {
    const bytes = toUtf8.encode(`${text}    `);
    const wrong = random.pick([
      [0xff],
      [0xc0, 0x80],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0x80],
      [0],
    ]);
    bytes.set(wrong, random.below(bytes.length - wrong.length));
    return bytes;
  },
  (_, random) => random.bytes(random.below(400)),
];

/** A body made from a message that is spelled in one of the forms; one in six is left as it was. */
export function mutateText(text: string, form: TextForm, random: Random): Uint8Array {
  let changed = text;
  if (!random.chance(16)) {
    for (let n = 1 + random.below(random.chance(20) ? 5 : 2); n > 0 && changed.length < 1_000_000; n--)
      changed = random.pick(form === 'xml' ? xmlChanges : jsonChanges)(changed, random);
  }
  return random.chance(3) ? random.pick(recoded)(changed, random) : toUtf8.encode(changed);
}
