import * as asn1 from 'asn1js';
import { type DerNode, derOf, readExplicit } from './der.ts';
import { formatName, readNameParts } from './distinguished-name.ts';

const decoder = new TextDecoder('latin1');

/**
 * Formats a GeneralName (RFC 5280 §4.2.1.6) as the text of Certificate Subject and Certificate Issuer in 1.x:
 * the bare address, host name, URI, IP address or distinguished name; other kinds as their DER in
 * hexadecimal.
 * @throws {InvalidDerError} when its distinguished name is not DER
 */
export function formatGeneralName(name: DerNode): string {
  const content = name instanceof asn1.Primitive ? name.valueBlock.valueHexView : new Uint8Array(0);
  switch (name.idBlock.tagNumber) {
    case 1: // rfc822Name
    case 2: // dNSName
    case 6: // uniformResourceIdentifier
      return decoder.decode(content);
    case 4: {
      const directoryName = readExplicit(name);
      return directoryName === undefined ? formatDer(name) : formatName(readNameParts(directoryName));
    }
    case 7:
      return formatAddress(content) ?? formatDer(name);
    default:
      return formatDer(name);
  }
}

function formatDer(name: DerNode): string {
  return `#${derOf(name).toHex()}`;
}

function formatAddress(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const groups = Array.from({ length: 8 }, (_, at) => view.getUint16(at * 2).toString(16)).join(':');
  return new URL(`http://[${groups}]`).hostname.slice(1, -1);
}
