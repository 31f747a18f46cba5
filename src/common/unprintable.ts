/**
 * Characters that move a cursor, command a terminal or change the direction of a text: control characters
 * (Unicode category Cc), line and paragraph separators, and those of the bidirectional algorithm (UAX #9).
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters must not reach a terminal
const unprintable = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const notations = {
  /** Of JSON, and of text for people. */
  json: (code: string) => `\\u${code.padStart(4, '0')}`,
  xml: (code: string) => `&#x${code};`,
} as const;

/** How an unprintable character is written. */
export type EscapeNotation = keyof typeof notations;

/** Whether a text has an unprintable character. */
export function hasUnprintable(text: string): boolean {
  return text.search(unprintable) >= 0;
}

/** Replaces every unprintable character by an escape, line feeds too. */
export function escapeUnprintable(text: string, notation: EscapeNotation = 'json'): string {
  return text.replace(unprintable, (character) => notations[notation](character.charCodeAt(0).toString(16)));
}

/** As `escapeUnprintable`, for a text of several lines. */
export function escapeLines(text: string, notation: EscapeNotation = 'json'): string {
  return text
    .split('\n')
    .map((line) => escapeUnprintable(line, notation))
    .join('\n');
}
