import * as asn1 from 'asn1js';

/**
 * DER through asn1js, in the few shapes that keys and certificates have. Reading gives views of the input, so no copy of
 * a secret is left behind; writing goes through copies of asn1js that are garbage-collected unwiped.
 */

/** Bytes that are not the ASN.1 they should be. */
export class InvalidDerError extends Error {
  override readonly name = 'InvalidDerError';
  readonly code = 'INVALID_DER';
}

export type DerNode = asn1.AsnType;

// A certificate has a few hundred nodes, 12 deep; asn1js would take 100 levels.
const limits = { copyInput: false, maxDepth: 32, maxNodes: 20_000 };

/** The largest certificates (hash-based signatures, hundreds of names) stay below; asn1js needs 5 ms for 10 KiB of the worst. */
const maxBytes = 131_072;

/** The longest registered OBJECT IDENTIFIERs have some 20 bytes; turning a long one into text is slow. */
const maxOidBytes = 64;

/** One item and nothing behind it. Throws InvalidDerError. */
export function parseDer(bytes: Uint8Array): DerNode {
  if (bytes.length > maxBytes) throw new InvalidDerError(`it is larger than ${maxBytes} bytes`);
  let parsed: ReturnType<typeof asn1.fromBER>;
  try {
    parsed = asn1.fromBER(bytes, limits);
  } catch {
    throw new InvalidDerError('it is not ASN.1');
  }
  if (parsed.offset === -1) throw new InvalidDerError('it is not ASN.1');
  if (parsed.offset !== bytes.length) throw new InvalidDerError('there are bytes behind its end');
  return parsed.result;
}

/** Items of a SEQUENCE. */
export function readSequence(node: DerNode | undefined): DerNode[] {
  if (!(node instanceof asn1.Sequence)) throw new InvalidDerError('a SEQUENCE is missing');
  return node.valueBlock.value;
}

/** A positive INTEGER, big-endian without leading zeros. */
export function readInteger(node: DerNode | undefined): Uint8Array {
  if (!(node instanceof asn1.Integer)) throw new InvalidDerError('an INTEGER is missing');
  const content = node.valueBlock.valueHexView;
  const magnitude = stripZeros(content);
  if (magnitude.length === 0 || (content[0] ?? 0) >= 0x80)
    throw new InvalidDerError('an INTEGER is not positive');
  return magnitude;
}

/** A small INTEGER that may be 0, such as a version; -1 when it is larger than a byte. */
export function readVersion(node: DerNode | undefined): number {
  if (!(node instanceof asn1.Integer)) throw new InvalidDerError('an INTEGER is missing');
  const content = node.valueBlock.valueHexView;
  return content.length === 1 ? (content[0] ?? -1) : -1;
}

/** Content bytes of an INTEGER of any sign, without the zero in front of a set sign bit. */
export function readIntegerContent(node: DerNode | undefined): Uint8Array {
  if (!(node instanceof asn1.Integer)) throw new InvalidDerError('an INTEGER is missing');
  const content = node.valueBlock.valueHexView;
  return content.length > 1 && content[0] === 0 ? content.subarray(1) : content;
}

export function readOctets(node: DerNode | undefined): Uint8Array {
  if (!(node instanceof asn1.OctetString) || node.idBlock.isConstructed)
    throw new InvalidDerError('an OCTET STRING is missing');
  return node.valueBlock.valueHexView;
}

/** The content of an OCTET STRING under an IMPLICIT tag of that number. */
export function readImplicitOctets(node: DerNode, number: number): Uint8Array {
  if (!(node instanceof asn1.Primitive) || node.idBlock.tagNumber !== number)
    throw new InvalidDerError(`a value tagged [${number}] is missing`);
  return node.valueBlock.valueHexView;
}

/** A BIT STRING of whole bytes. */
export function readBits(node: DerNode | undefined): Uint8Array {
  if (!(node instanceof asn1.BitString) || node.idBlock.isConstructed || node.valueBlock.unusedBits !== 0) {
    throw new InvalidDerError('a BIT STRING of whole bytes is missing');
  }
  return node.valueBlock.valueHexView;
}

/** Dotted OBJECT IDENTIFIER. */
export function readOid(node: DerNode | undefined): string {
  if (!(node instanceof asn1.ObjectIdentifier)) throw new InvalidDerError('an OBJECT IDENTIFIER is missing');
  if (derOf(node).length > maxOidBytes) throw new InvalidDerError('an OBJECT IDENTIFIER is too long');
  return node.valueBlock.toString();
}

/** The one with that context-specific tag, if it is there. */
export function findTagged(nodes: readonly DerNode[], number: number): DerNode | undefined {
  return nodes.find((node) => node.idBlock.tagClass === 3 && node.idBlock.tagNumber === number);
}

/** Content of a string under an IMPLICIT tag. */
export function readPrimitive(node: DerNode): Uint8Array {
  if (!(node instanceof asn1.Primitive)) throw new InvalidDerError('a string is missing');
  return node.valueBlock.valueHexView;
}

/** The item inside an EXPLICIT tag. */
export function readExplicit(node: DerNode): DerNode | undefined {
  return node instanceof asn1.Constructed ? node.valueBlock.value[0] : undefined;
}

/** DER of the item, header included, as it was read. */
export function derOf(node: DerNode): Uint8Array {
  return node.valueBeforeDecodeView;
}

/** The DER of what was made, in memory of its own. */
export function encodeDer(node: DerNode): Uint8Array {
  return new Uint8Array(node.toBER(false));
}

export function makeSequence(...value: DerNode[]): DerNode {
  return new asn1.Sequence({ value });
}

/** From a magnitude, big-endian. */
export function makeInteger(magnitude: Uint8Array): DerNode {
  return new asn1.Integer({ valueHex: toTwosComplement(magnitude) });
}

export function makeVersion(value: number): DerNode {
  return new asn1.Integer({ value });
}

export function makeOctets(content: Uint8Array): DerNode {
  return new asn1.OctetString({ valueHex: content });
}

export function makeBits(content: Uint8Array): DerNode {
  return new asn1.BitString({ valueHex: content, unusedBits: 0 });
}

export function makeOid(value: string): DerNode {
  return new asn1.ObjectIdentifier({ value });
}

export function makeNull(): DerNode {
  return new asn1.Null();
}

export function makeExplicit(tagNumber: number, node: DerNode): DerNode {
  return new asn1.Constructed({ idBlock: { tagClass: 3, tagNumber }, value: [node] });
}

export function makeImplicitOctets(tagNumber: number, content: Uint8Array): DerNode {
  return new asn1.Primitive({ idBlock: { tagClass: 3, tagNumber }, valueHex: content });
}

/** Magnitude without leading zeros; a view. */
export function stripZeros(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length && bytes[start] === 0) start += 1;
  return bytes.subarray(start);
}

/** Two's complement of a magnitude: a zero byte in front of a set sign bit. */
export function toTwosComplement(magnitude: Uint8Array): Uint8Array {
  if ((magnitude[0] ?? 0) < 0x80 && magnitude.length > 0) return magnitude;
  const content = new Uint8Array(magnitude.length + 1);
  content.set(magnitude, 1);
  return content;
}
