import t from 'tap';
import { readJsonMessage } from '../../../codec/wire/json.ts';
import { readXmlMessages } from '../../../codec/wire/xml.ts';
import { defaultLimits } from '../../../src/common/limits.ts';
import { encodings } from '../../../src/net/https-encodings.ts';

/** A quarter of the largest body that the limits allow; the number of steps is proportional. */
const size = 2 * defaultLimits.requestBytes;
const limits = { ...defaultLimits, bytes: defaultLimits.requestBytes };

/** Repeats `unit` between `start` and `end` until the text has `size` units. */
const fill = (start: string, unit: string, end: string) =>
  start + unit.repeat(Math.floor((size - start.length - end.length) / unit.length)) + end;

const message = '{"tag":"RequestMessage","value":[';
const value = (tag: string, type: string) => `${message}{"tag":"${tag}","type":"${type}","value":"`;
const manyAttributes = Array.from({ length: 100_000 }, (_, at) => `a${at}=""`).join(' ');

/** Texts that cost much, and whether all of them has to be read before they are answered. */
const jsonTexts: readonly (readonly [name: string, text: string, isReadToEnd: boolean])[] = [
  ['small arrays', fill('[', '[],', '[]]'), false],
  ['small arrays as items', fill(message, '[],', '[]]}'), false],
  ['small objects as items', fill(message, '{},', '{}]}'), false],
  ['more items than allowed', fill(message, '{"tag":"BatchItem"},', '{"tag":"BatchItem"}]}'), false],
  ['brackets', '['.repeat(size), false],
  ['objects in each other', '{"a":'.repeat(size / 5), false],
  ['small arrays that are ignored', fill('{"tag":"RequestMessage","x":[', '[],', '[]]}'), true],
  ['small objects that are ignored', fill('{"tag":"RequestMessage","x":[', '{"a":1},', '{}]}'), true],
  ['members that are ignored', fill('{', '"a":1,', '"tag":"RequestMessage"}'), true],
  ['a text', fill(value('NameValue', 'TextString'), 'x', '"}]}'), true],
  ['a text of escapes', fill(value('NameValue', 'TextString'), '\\u0041', '"}]}'), true],
  ['a text with escapes', fill(value('NameValue', 'TextString'), 'a\\n', '"}]}'), true],
  ['a text of surrogates', fill(value('NameValue', 'TextString'), '\u{1f511}', '"}]}'), true],
  ['hex digits', fill(value('Data', 'ByteString'), '00', '"}]}'), true],
  ['words of a mask', fill(value('CryptographicUsageMask', 'Integer'), 'Sign|', '"}]}'), true],
  ['digits', fill(message, '1', ']}'), false],
  ['white space', fill('', ' ', '{}'), false],
  [
    'a value before its tag',
    fill('{"value":[{"value":"', '0', '","type":"ByteString","tag":"Data"}]}'),
    true,
  ],
];

const xmlTexts: readonly (readonly [name: string, text: string, isReadToEnd: boolean])[] = [
  ['more items than allowed', fill('<RequestMessage>', '<BatchItem/>', '</RequestMessage>'), false],
  ['elements in each other', fill('<RequestMessage>', '<BatchItem>', ''), false],
  ['other elements', fill('<RequestMessage>', '<A/>', '</RequestMessage>'), false],
  ['attributes', `<RequestMessage ${manyAttributes}/>`, false],
  ['white space', fill('<RequestMessage>', ' ', '</RequestMessage>'), true],
  ['a comment', fill('<!--', 'x', '--><RequestMessage/>'), true],
  ['comments', fill('<RequestMessage>', '<!---->', '</RequestMessage>'), true],
  ['a name', fill('<', 'a', '/>'), true],
  ['references', fill('<RequestMessage a="', '&#65;', '"/>'), true],
  ['hex digits', fill('<RequestMessage><Data type="ByteString" value="', '00', '"/></RequestMessage>'), true],
];

/** Runs a reader to its end or its error; returns the number of its steps. */
function countSteps(steps: Generator<void, unknown>): number {
  for (let count = 1; ; count++) {
    try {
      if (steps.next().done === true) return count;
    } catch (error) {
      if ((error as Error).name === 'WireError') return count;
      throw error;
    }
  }
}

for (const [form, texts, read] of [
  ['JSON', jsonTexts, readJsonMessage],
  ['XML', xmlTexts, readXmlMessages],
] as const) {
  t.test(`${form} is refused at the limits, or read in steps of 16 Ki units`, (t) => {
    for (const [name, text, isReadToEnd] of texts) {
      const steps = countSteps(read(text, limits));
      // One step reads a part of a text with escapes, at most 24,576 units, besides its 16,384.
      if (isReadToEnd) t.ok(steps >= text.length / 40_960, `${name}: ${steps} steps`);
      else t.ok(steps < 16, `${name}: ${steps} steps`);
    }
    t.end();
  });
}

t.test('JSON.parse gets 24 Ki units at most', (t) => {
  const parse = JSON.parse;
  t.teardown(() => {
    JSON.parse = parse;
  });
  let longest = 0;
  JSON.parse = (text: string) => {
    longest = Math.max(longest, text.length);
    return parse(text);
  };
  for (const [, text] of jsonTexts) countSteps(readJsonMessage(text, limits));
  JSON.parse = parse;
  t.ok(longest > 0);
  t.ok(longest <= 24_576 + 2, String(longest));
  t.end();
});

t.test('other work has a turn of the event loop between the steps of a large body', async (t) => {
  const toBytes = new TextEncoder();
  for (const [mediaType, text] of [
    ['application/json', jsonTexts.find(([name]) => name === 'small arrays that are ignored')?.[1]],
    ['text/xml', xmlTexts.find(([name]) => name === 'white space')?.[1]],
  ] as const) {
    let turns = 0;
    let isDone = false;
    const countTurn = () => {
      turns++;
      if (!isDone) setImmediate(countTurn);
    };
    setImmediate(countTurn);
    await encodings.get(mediaType)?.toTtlv(toBytes.encode(text), defaultLimits);
    isDone = true;
    t.ok(turns >= size / 16_384, `${mediaType}: ${turns} turns`);
  }
});
