import { domainToASCII } from 'node:url';

/** Labels of a host name in ASCII, `*` as the first one of a wildcard (RFC 1034 §3.5, RFC 6125 §6.4.3). */
const hostName =
  /^(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/** ASCII in no label: `domainToASCII` would end the name there, drop the character or decode it. */
const foreignCharacter = /[^A-Za-z0-9._\-\x80-\u{10ffff}]/u;

/**
 * Returns a host name in lower case and ASCII, without the dot of the root, as policies and names are
 * compared; undefined when the text is none.
 */
export function normalizeHost(text: string): string | undefined {
  const [, wildcard = '', rest = ''] = /^(\*\.)?(.*)$/su.exec(text) ?? [];
  if (foreignCharacter.test(rest)) return undefined;
  const ascii = /^[\x21-\x7e]*$/.test(rest) ? rest.toLowerCase() : domainToASCII(rest);
  const host = `${wildcard}${ascii.replace(/\.$/, '')}`;
  return host.length <= 253 && hostName.test(host) ? host : undefined;
}
