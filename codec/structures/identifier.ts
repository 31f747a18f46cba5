import type { Custom } from '../schema.ts';

export type Identifier = string;

/**
 * A Unique Identifier: text. In 2.x a request may refer to an earlier answer of its batch by an Integer or an Enumeration
 * instead; those have been replaced by the text they mean before a request is read.
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
 * IBM Db2's client counts the padding into the length; trailing NULs are never part of an identifier. A loop, because
 * the regular expression for it takes the square of the length when NULs stand in the middle.
 */
function withoutPadding(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0) end--;
  return text.slice(0, end);
}
