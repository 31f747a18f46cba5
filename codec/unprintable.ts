/**
 * Characters that move a cursor, command a terminal, change the direction of a text or show nothing, by their
 * Unicode properties: controls (Cc), format characters (Cf), line and paragraph separators (Zl, Zp), those
 * that renderers ignore, such as fillers and variation selectors, and halves of surrogate pairs (Cs). No
 * property tells the rest, whose glyphs are blank: BRAILLE PATTERN BLANK, EGYPTIAN HIEROGLYPH FULL and HALF
 * BLANK, KHITAN SMALL SCRIPT FILLER, MUSICAL SYMBOL NULL NOTEHEAD.
 */
const unprintable =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\u{13441}\u{13442}\u{16fe4}\u{1d159}]/gu;

const notations = {
  /** Of JSON, and of text for people: one escape for each UTF-16 unit. */
  json: (character: string) =>
    Array.from({ length: character.length }, (_, at) => escapeUnit(character.charCodeAt(at))).join(''),
  xml: (character: string) => `&#x${character.codePointAt(0)?.toString(16)};`,
} as const;

const escapeUnit = (unit: number) => `\\u${unit.toString(16).padStart(4, '0')}`;

/** How an unprintable character is written. */
export type EscapeNotation = keyof typeof notations;

/** Replaces every unprintable character by an escape, line feeds too. */
export function escapeUnprintable(text: string, notation: EscapeNotation = 'json'): string {
  return text.replace(unprintable, notations[notation]);
}

/** Removes every unprintable character, line feeds too. */
export function removeUnprintable(text: string): string {
  return text.replace(unprintable, '');
}

/** As `escapeUnprintable`, for a text of several lines. */
export function escapeLines(text: string, notation: EscapeNotation = 'json'): string {
  return text
    .split('\n')
    .map((line) => escapeUnprintable(line, notation))
    .join('\n');
}
