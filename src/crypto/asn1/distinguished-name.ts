import * as asn1 from 'asn1js';
import { type DerNode, derOf, InvalidDerError, readOid, readSequence } from './der.ts';

/* X.500 names of certificates: as text (RFC 4514) and part by part. */

/** Keywords of RFC 4514 §3 and RFC 4519; `emailAddress` is in neither, but common. */
const keywords = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.5', 'serialNumber'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.9', 'STREET'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['2.5.4.12', 'title'],
  ['2.5.4.46', 'dnQualifier'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
  ['1.2.840.113549.1.9.1', 'emailAddress'],
]);

/** One attribute of a distinguished name. */
export interface NamePart {
  readonly oid: string;
  /** Undefined when the value is not a string. */
  readonly text: string | undefined;
  readonly value: DerNode;
}

/**
 * Reads the relative distinguished names of a name in their order, each of one part or several (RFC 5280
 * §4.1.2.4).
 * @throws {InvalidDerError} when the node is not a Name
 */
export function readNameParts(name: DerNode | undefined): NamePart[][] {
  return readSequence(name).map((set) => {
    if (!(set instanceof asn1.Set)) throw new InvalidDerError('a SET is missing in a name');
    return set.valueBlock.value.map((pair) => {
      const [type, value] = readSequence(pair);
      if (value === undefined) throw new InvalidDerError('a value is missing in a name');
      return { oid: readOid(type), text: readStringValue(value), value };
    });
  });
}

/** Formats a name as RFC 4514: the last part first, commas between, e.g. `CN=Inter,O=Kmip Test,C=AU`. */
export function formatName(parts: readonly (readonly NamePart[])[]): string {
  return parts
    .map((set) => set.map(formatPart).join('+'))
    .reverse()
    .join(',');
}

function formatPart({ oid: type, text, value }: NamePart): string {
  const keyword = keywords.get(type);
  return keyword === undefined || text === undefined
    ? `${type}=#${derOf(value).toHex()}`
    : `${keyword}=${escapeText(text)}`;
}

/** RFC 4514 §2.4. */
function escapeText(text: string): string {
  return text
    .replace(/[\\",+;<>]/g, '\\$&')
    .replace(/\0/g, '\\00')
    .replace(/(?<!^) $/, '\\ ')
    .replace(/^[# ]/, '\\$&');
}

/**
 * Reads any string type of ASN.1; undefined for other values, dates among them, which are strings to asn1js.
 */
export function readStringValue(node: DerNode): string | undefined {
  if (node instanceof asn1.UniversalString) return decodeUtf32(node.valueBlock.valueHexView);
  const isString = node instanceof asn1.BaseStringBlock && !dateTags.includes(node.idBlock.tagNumber);
  return isString ? node.getValue() : undefined;
}

/** UTCTime, GeneralizedTime, and the dates and times of 31 to 34. */
const dateTags: readonly number[] = [23, 24, 31, 32, 33, 34];

/** Big-endian, four octets for a character; asn1js would keep two of them. */
function decodeUtf32(bytes: Uint8Array): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const points = Array.from({ length: bytes.length >> 2 }, (_, at) => view.getUint32(at * 4));
  if (bytes.length % 4 !== 0 || points.some((point) => point > 0x10ffff)) return undefined;
  return points.map((point) => String.fromCodePoint(point)).join('');
}
