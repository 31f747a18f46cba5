import { UniqueIdentifier as Placeholder } from '../enums.ts';
import type { Custom } from '../schema.ts';
import { Type } from '../wire/types.ts';
import { WireError } from '../wire-error.ts';

/**
 * A Unique Identifier that names an earlier answer of the same batch (KMIP 2.1 §2, "Unique Identifier"): the n-th one
 * so far (negative: counted back from here), or that of the latest operation of a kind.
 */
export type IdentifierReference = { readonly nth: number } | { readonly latest: Placeholder };

/** Text in every version; in 2.x also an Integer or an Enumeration, references inside a batch. */
export type Identifier = string | IdentifierReference;

export const identifier: Custom<Identifier> = {
  kind: 'custom',
  examples: () => ['a', '42', 'b8c5e2d0-0d4f-4a62-8a8f-6c1f6f0f4c55'],
  compile: () => ({
    read(reader) {
      switch (reader.type()) {
        case Type.Integer:
          return { nth: reader.integer() };
        case Type.Enumeration:
          return { latest: Placeholder.fromNumber(reader.enumeration()) };
        default:
          return withoutPadding(reader.text());
      }
    },
    write(writer, tag, value) {
      if (typeof value === 'string') writer.text(tag, value);
      else if ('nth' in value) writer.integer(tag, value.nth);
      else writer.enumeration(tag, Placeholder.toNumber(value.latest));
    },
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

/** The text of an identifier that stands where no reference is allowed. */
export function plainIdentifier(value: Identifier): string {
  if (typeof value === 'string') return value;
  throw new WireError('field', 'an identifier reference is not allowed here');
}
