import t from 'tap';
import { tagNumber } from '../../../codec/tags.ts';
import { escapeLines, escapeUnprintable } from '../../../codec/unprintable.ts';
import { nodeToText } from '../../../codec/wire/text.ts';
import { comparableText } from '../../../src/object/names.ts';
import { createLog } from '../../../src/watch/log.ts';

/** Every code point is shown as it is, or as an escape that stands for it alone. */

/** Unicode 16: categories Cc, Cf, Cs, Zl, Zp, Default_Ignorable_Code_Point, and blank glyphs. */
const invisible: readonly (readonly [first: number, last?: number])[] = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0xad], // SOFT HYPHEN
  [0x34f], // COMBINING GRAPHEME JOINER
  [0x600, 0x605],
  [0x61c], // ARABIC LETTER MARK
  [0x6dd],
  [0x70f],
  [0x890, 0x891],
  [0x8e2],
  [0x115f, 0x1160], // HANGUL CHOSEONG FILLER and kin
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200f], // ZERO WIDTH SPACE to RIGHT-TO-LEFT MARK
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x2800], // BRAILLE PATTERN BLANK
  [0x3164], // HANGUL FILLER
  [0xd800, 0xdfff],
  [0xfe00, 0xfe0f],
  [0xfeff], // ZERO WIDTH NO-BREAK SPACE, the byte order mark
  [0xffa0], // HALFWIDTH HANGUL FILLER
  [0xfff0, 0xfffb],
  [0x110bd],
  [0x110cd],
  [0x13430, 0x1343f],
  [0x13441, 0x13442], // EGYPTIAN HIEROGLYPH FULL BLANK, HALF BLANK
  [0x16fe4], // KHITAN SMALL SCRIPT FILLER
  [0x1bca0, 0x1bca3],
  [0x1d159], // MUSICAL SYMBOL NULL NOTEHEAD
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff], // tags
];
const isInvisible = (code: number) =>
  invisible.some(([first, last = first]) => code >= first && code <= last);
/** Code points that a later version of Unicode may make format characters. */
const unassigned = /\p{Cn}/u;
const everyCodePoint = Array.from({ length: 0x110000 }, (_, code) => code);

t.test('exactly the characters that show nothing or command a terminal are escaped', async (t) => {
  const wrong = everyCodePoint.filter((code) => {
    const text = String.fromCodePoint(code);
    if (!isInvisible(code)) return escapeUnprintable(text) !== text && !unassigned.test(text);
    const asJson = escapeUnprintable(text);
    const asXml = escapeUnprintable(text, 'xml');
    return (
      !/^(\\u[0-9a-f]{4}){1,2}$/.test(asJson) ||
      JSON.parse(`"${asJson}"`) !== text ||
      asXml !== `&#x${code.toString(16)};`
    );
  });
  t.same(
    wrong.map((code) => code.toString(16)),
    [],
  );
});

t.test('exactly these characters do not tell Names apart, and comparing again changes nothing', async (t) => {
  const wrong = everyCodePoint.filter((code) => {
    const text = `a${String.fromCodePoint(code)}b`;
    const comparable = comparableText(text);
    const isSpace = /\p{White_Space}/u.test(text);
    const isIgnored = comparable === 'ab';
    const isWrong = isInvisible(code) !== isIgnored && !isSpace && !unassigned.test(text);
    return isWrong || comparableText(comparable) !== comparable;
  });
  t.same(
    wrong.map((code) => code.toString(16)),
    [],
  );
});

t.test('the lines of a text stay lines', async (t) => {
  t.equal(escapeLines('a\u200bb\nc\u{e0041}d\n'), 'a\\u200bb\nc\\udb40\\udc41d\n');
});

t.test('decoded text and the log show no invisible character of a peer', async (t) => {
  const tag = tagNumber('NameValue');
  let logged = '';
  const log = createLog('info', { write: (line: string) => (logged += line) });
  const leaking = everyCodePoint.filter(isInvisible).filter((code) => {
    const value = `a${String.fromCodePoint(code)}b`;
    logged = '';
    const error = new Error(value, { cause: new Error(value) });
    log.info({ client: value, keys: [value], error }, value);
    const shown = [nodeToText({ tag, type: 'TextString', value }), logged].map((each) => each.trimEnd());
    return shown.some((each) => each.includes(String.fromCodePoint(code)));
  });
  t.same(leaking, []);
});
