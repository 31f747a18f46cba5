import { isIP } from 'node:net';
import type { JsonNameParams } from '../../../certs/x509.ts';
import { type DerNode, encodeDer, InvalidDerError, parseDer } from '../asn1/der.ts';
import { type NamePart, readNameParts } from '../asn1/distinguished-name.ts';
import { type NamePartType, namePartTypes, type StatedName } from '../certification.ts';
import { InvalidNameError } from '../errors.ts';

/* Names that clients state for certificates, in DER (RFC 5280 §4.1.2.4, §4.2.1.6). */

const oids: Readonly<Record<NamePartType, string>> = {
  C: '2.5.4.6',
  ST: '2.5.4.8',
  L: '2.5.4.7',
  DC: '0.9.2342.19200300.100.1.25',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  CN: '2.5.4.3',
  Title: '2.5.4.12',
  SerialNumber: '2.5.4.5',
  DNQualifier: '2.5.4.46',
  UID: '0.9.2342.19200300.100.1.1',
  Email: '1.2.840.113549.1.9.1',
};

/**
 * The largest upper bound of RFC 5280 appendix A.1; longer parts are mistakes, or attacks on a program that
 * shows them.
 */
const maxPartLength = 256;
const maxTextLength = 4_096;

/**
 * Encodes a distinguished name in DER.
 * @throws {InvalidNameError} when the name is empty, too long or malformed
 */
export async function encodeName(name: StatedName): Promise<Uint8Array> {
  if ('der' in name) {
    if (requireComparableParts(name.der).length === 0)
      throw new InvalidNameError('the distinguished name is empty');
    return new Uint8Array(name.der);
  }
  const x509 = await import('../../../certs/x509.ts');
  try {
    // Text begins with the most specific part, DER with the least specific one (RFC 4514 §2.1).
    const parts =
      'text' in name ? new x509.Name(requireShort(name.text)).toJSON().reverse() : orderParts(name.parts);
    const der = new Uint8Array(new x509.Name(parts as JsonNameParams).toArrayBuffer());
    const written = requireComparableParts(der);
    if (written.length === 0 || written.some((part) => /^[\d.]+=$/.test(part))) {
      throw new InvalidNameError('the distinguished name or a part of it is empty');
    }
    return der;
  } catch (error) {
    if (error instanceof InvalidNameError) throw error;
    throw new InvalidNameError('the distinguished name cannot be read');
  }
}

function requireShort(text: string): string {
  if (text.length > maxTextLength) throw new InvalidNameError('the distinguished name is too long');
  return text;
}

/**
 * Orders parts from country to common name, as in certificates. E-mail addresses and domains are ASCII
 * strings.
 */
function orderParts(parts: readonly (readonly [type: NamePartType, text: string])[]) {
  return namePartTypes.flatMap((type) =>
    parts
      .filter(([own]) => own === type)
      .map(([, text]) => {
        if (text === '' || text.length > maxPartLength) {
          throw new InvalidNameError(`a part ${type} of a name has 1 to ${maxPartLength} characters`);
        }
        if (type === 'C' && !/^[A-Za-z]{2}$/.test(text))
          throw new InvalidNameError('a country has two letters');
        const ascii = type === 'Email' || type === 'DC';
        return { [oids[type]]: [ascii ? { ia5String: text } : text] };
      }),
  );
}

const dnsName = /^(?:\*\.)?[A-Za-z0-9_][A-Za-z0-9_-]{0,62}(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*$/;

/**
 * Encodes a host name, address, URI or e-mail address as GeneralName in DER.
 * @throws {InvalidNameError} when the text is none of these
 */
export async function encodeAlternativeName(text: string): Promise<Uint8Array> {
  const x509 = await import('../../../certs/x509.ts');
  return new Uint8Array(new x509.GeneralName(recogniseKind(text), text).rawData);
}

function recogniseKind(text: string): 'ip' | 'url' | 'email' | 'dns' {
  if (isIP(text) !== 0) return 'ip';
  const ascii = /^[\x21-\x7e]{1,1024}$/.test(text);
  if (ascii && /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text)) return 'url';
  if (ascii && text.includes('@')) return 'email';
  if (text.length <= 253 && dnsName.test(text)) return 'dns';
  throw new InvalidNameError('an alternative name is no host name, address, URI or e-mail address');
}

/**
 * Tells whether every part of `stated` is part of `name`, both distinguished names in DER.
 * @throws {InvalidNameError} when a name is not DER
 */
export function nameContains(name: Uint8Array, stated: Uint8Array): boolean {
  const own = new Set(requireComparableParts(name));
  return requireComparableParts(stated).every((part) => own.has(part));
}

/**
 * Returns a distinguished name in DER as a text that is equal for equal names.
 * @throws {InvalidNameError} when the name is not DER
 */
export function comparableName(der: Uint8Array): string {
  try {
    return readComparableParts(parseDer(der)).join();
  } catch (error) {
    if (error instanceof InvalidDerError) throw new InvalidNameError('the distinguished name is not DER');
    throw error;
  }
}

/**
 * Reads the relative distinguished names in their order, as texts that are equal when the names are equal.
 * @throws {InvalidDerError} when the node is not a Name
 */
export function readComparableParts(name: DerNode | undefined): string[] {
  return readNameParts(name).map((set) => JSON.stringify(set.map(toComparable).toSorted()));
}

/** Normalises a part by RFC 5280 §7.1, without the rarer rules of RFC 4518. */
function toComparable({ oid, text, value }: NamePart): string {
  return text === undefined
    ? `${oid}#${encodeDer(value).toHex()}`
    : `${oid}=${text.normalize('NFKC').toLowerCase().trim().replace(/\s+/g, ' ')}`;
}

function requireComparableParts(der: Uint8Array): string[] {
  try {
    return readNameParts(parseDer(der)).flat().map(toComparable);
  } catch (error) {
    if (error instanceof InvalidDerError) throw new InvalidNameError('the distinguished name is not DER');
    throw error;
  }
}
