import { type DerNode, InvalidDerError, parseDer, readExplicit, readPrimitive } from '../asn1/der.ts';
import { readNameParts } from '../asn1/distinguished-name.ts';
import type { CertificateContent } from '../certification.ts';
import { InvalidNameError, InvalidParametersError } from '../errors.ts';

/* Values that no certificate of this server has, wherever its content comes from. */

/** Authorities one below the other; chains in use have two or three. */
const maxPathLength = 32;

/**
 * Controls, line and paragraph separators, and characters of the bidirectional algorithm (UAX #9). Format
 * characters that scripts need, such as ZERO WIDTH JOINER, are none.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression finds them
const controlCharacters = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/** Kinds of GeneralName that are strings of ASCII: e-mail address, host name, URI. */
const textTags: readonly number[] = [1, 2, 6];

/**
 * Refuses content that no certificate may have.
 * @throws {InvalidParametersError} for a path length below 0 or above 32
 * @throws {InvalidNameError} for names with control characters or with values other than strings, alternative
 *   names of X.400, EDI and registered identifiers, and such as are empty, not ASCII, addresses of another
 *   length than those of IPv4 and IPv6, or not DER
 */
export function requireIssuable({ subject, alternativeNames, pathLength }: CertificateContent): void {
  if (pathLength !== undefined && !(pathLength >= 0 && pathLength <= maxPathLength))
    throw new InvalidParametersError(`a path length is between 0 and ${maxPathLength}`);
  try {
    requirePrintableParts(parseDer(subject));
    for (const name of alternativeNames) requireGeneralName(parseDer(name));
  } catch (error) {
    if (error instanceof InvalidDerError) throw new InvalidNameError('a name is not DER');
    throw error;
  }
}

function requirePrintableParts(name: DerNode | undefined): void {
  for (const { text } of readNameParts(name).flat()) {
    if (text === undefined) throw new InvalidNameError('a part of a name is no character string');
    if (controlCharacters.test(text)) throw new InvalidNameError('a name has control characters');
  }
}

/** Kinds of GeneralName that the server can check; an otherName, by a naming policy of the operator. */
const supportedTags: readonly number[] = [0, 1, 2, 4, 6, 7];

function requireGeneralName(name: DerNode): void {
  const { tagNumber } = name.idBlock;
  if (!supportedTags.includes(tagNumber))
    throw new InvalidNameError(
      'no certificate has alternative names of X.400, EDI or registered identifiers',
    );
  if (textTags.includes(tagNumber)) {
    const text = new TextDecoder('latin1').decode(readPrimitive(name));
    if (!/^[\x21-\x7e]+$/.test(text))
      throw new InvalidNameError('an alternative name is empty or has characters other than ASCII');
  }
  if (tagNumber === 7 && ![4, 16].includes(readPrimitive(name).length))
    throw new InvalidNameError('an alternative name is no address of IPv4 or IPv6');
  if (tagNumber === 4) requirePrintableParts(readExplicit(name));
}
