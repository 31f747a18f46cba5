import type { Custom } from '../schema.ts';

/** Value of a Unique Identifier. */
export type Identifier = string;

/**
 * Schema of a Unique Identifier: text. A 2.x request may refer to an earlier item of its batch by an Integer
 * or an Enumeration instead; the server replaces these by text before it reads a payload
 * (docs/decisions/15-references-inside-a-batch.md).
 */
export const identifier: Custom<Identifier> = {
  kind: 'custom',
  examples: () => ['a', '42', 'b8c5e2d0-0d4f-4a62-8a8f-6c1f6f0f4c55'],
  compile: () => ({
    read: (reader) => withoutPadding(reader.text()),
    write: (writer, tag, value) => writer.text(tag, value),
  }),
};

/**
 * Removes trailing NULs, which are never part of an identifier: the client of IBM Db2 includes the padding in
 * the length. A loop, because a regular expression takes quadratic time for NULs in the middle.
 */
function withoutPadding(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0) end--;
  return text.slice(0, end);
}
