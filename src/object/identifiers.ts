import type { AttributeSet } from './attribute-set.ts';

/** Characters of an identifier that a client may choose: the buffers of libkmip hold no more. */
export const maxIdentifierLength = 127;

/** Whether an object can have that identifier; a Link may name others, which lead nowhere. */
export function isIdentifier(text: string): boolean {
  return text.length > 0 && text.length <= maxIdentifierLength;
}

/** Returns the identifier in the first Next Link of an object, if it can be one. */
export function findNextKey(attributes: Pick<AttributeSet, 'values'>): string | undefined {
  const link = attributes.values('Link').find(({ LinkType }) => LinkType === 'NextLink');
  const next = link?.LinkedObjectIdentifier;
  return next !== undefined && isIdentifier(next) ? next : undefined;
}
