/** Characters of an identifier that a client may choose: the buffers of libkmip hold no more. */
export const maxIdentifierLength = 127;

/** Whether an object can have that identifier; a Link may name others, which lead nowhere. */
export function isIdentifier(text: string): boolean {
  return text.length > 0 && text.length <= maxIdentifierLength;
}
