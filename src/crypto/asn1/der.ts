import * as asn1 from 'asn1js';

/*
 * DER (X.690) through asn1js, in the few types that keys and certificates use. Reading returns views of the
 * input, so that no copy of a secret remains; writing goes through copies of asn1js that are
 * garbage-collected unwiped.
 */

/** Bytes are not the ASN.1 type that is expected. */
export class InvalidDerError extends Error {
  override readonly name = 'InvalidDerError';
  readonly code = 'INVALID_DER';
}

/** One item of DER, parsed. */
export type DerNode = asn1.AsnType;

// asn1js would take 100 levels; keys and certificates are 12 deep.
const limits = { copyInput: false, maxDepth: 32 };
const maxNodes = 20_000;

/** A certificate has a few hundred nodes and one more for each name; asn1js takes some 10 µs for each. */
const maxCertificateNodes = 4_096;

/**
 * The largest certificates (hash-based signatures, hundreds of names) have fewer; asn1js needs 5 ms for the
 * worst 10 KiB.
 */
const maxBytes = 131_072;

/** The longest registered OBJECT IDENTIFIERs have some 20 bytes; converting a long one to text is slow. */
const maxOidBytes = 64;

/**
 * Parses one item that fills `bytes` (X.690 §8.1).
 * @throws {InvalidDerError} when the bytes are not ASN.1, too many, or followed by others
 */
export function parseDer(bytes: Uint8Array): DerNode {
  return parse(bytes, maxNodes);
}

/**
 * Parses a certificate. A chain of them is parsed at once, so that each has fewer items than other DER may.
 * @throws {InvalidDerError} as `parseDer`
 */
export function parseCertificate(bytes: Uint8Array): DerNode {
  return parse(bytes, maxCertificateNodes);
}

function parse(bytes: Uint8Array, maxNodes: number): DerNode {
  if (bytes.length > maxBytes) throw new InvalidDerError(`it is larger than ${maxBytes} bytes`);
  let parsed: ReturnType<typeof asn1.fromBER>;
  try {
    parsed = asn1.fromBER(bytes, { ...limits, maxNodes });
  } catch {
    throw new InvalidDerError('it is not ASN.1');
  }
  if (parsed.offset === -1) throw new InvalidDerError(`it is not ASN.1, or has more than ${maxNodes} items`);
  if (parsed.offset !== bytes.length) throw new InvalidDerError('there are bytes behind its end');
  return parsed.result;
}

/**
 * Returns the items of a SEQUENCE (X.690 §8.9).
 * @throws {InvalidDerError} when the node is not a SEQUENCE
 */
export function readSequence(node: DerNode | undefined): DerNode[] {
  if (!(node instanceof asn1.Sequence)) throw new InvalidDerError('a SEQUENCE is missing');
  return node.valueBlock.value;
}

/**
 * Returns a positive INTEGER as a magnitude, big-endian without leading zeros (X.690 §8.3). A view.
 * @throws {InvalidDerError} when the node is not an INTEGER, or not positive
 */
export function readInteger(node: DerNode | undefined): Uint8Array {
  if (!(node instanceof asn1.Integer)) throw new InvalidDerError('an INTEGER is missing');
  const content = node.valueBlock.valueHexView;
  const magnitude = stripZeros(content);
  if (magnitude.length === 0 || (content[0] ?? 0) >= 0x80)
    throw new InvalidDerError('an INTEGER is not positive');
  return magnitude;
}

/**
 * Returns a small INTEGER that may be 0, such as a version; -1 when it is larger than a byte (X.690 §8.3).
 * @throws {InvalidDerError} when the node is not an INTEGER
 */
export function readSmallInteger(node: DerNode | undefined): number {
  if (!(node instanceof asn1.Integer)) throw new InvalidDerError('an INTEGER is missing');
  const content = node.valueBlock.valueHexView;
  return content.length === 1 ? (content[0] ?? -1) : -1;
}

/**
 * Returns the content of an INTEGER of any sign, without the zero in front of a set sign bit (X.690 §8.3). A
 * view.
 * @throws {InvalidDerError} when the node is not an INTEGER
 */
export function readIntegerContent(node: DerNode | undefined): Uint8Array {
  if (!(node instanceof asn1.Integer)) throw new InvalidDerError('an INTEGER is missing');
  const content = node.valueBlock.valueHexView;
  return content.length > 1 && content[0] === 0 ? content.subarray(1) : content;
}

/**
 * Returns the content of a primitive OCTET STRING (X.690 §8.7). A view.
 * @throws {InvalidDerError} when the node is not one
 */
export function readOctets(node: DerNode | undefined): Uint8Array {
  if (!(node instanceof asn1.OctetString) || node.idBlock.isConstructed)
    throw new InvalidDerError('an OCTET STRING is missing');
  return node.valueBlock.valueHexView;
}

/**
 * Returns the content of an OCTET STRING under the IMPLICIT tag `number` (X.690 §8.14). A view.
 * @throws {InvalidDerError} when the node is constructed or has another tag
 */
export function readImplicitOctets(node: DerNode, number: number): Uint8Array {
  if (!(node instanceof asn1.Primitive) || node.idBlock.tagNumber !== number)
    throw new InvalidDerError(`a value tagged [${number}] is missing`);
  return node.valueBlock.valueHexView;
}

/**
 * Returns the content of a BIT STRING of whole bytes (X.690 §8.6). A view.
 * @throws {InvalidDerError} when the node is not one
 */
export function readBits(node: DerNode | undefined): Uint8Array {
  if (!(node instanceof asn1.BitString) || node.idBlock.isConstructed || node.valueBlock.unusedBits !== 0) {
    throw new InvalidDerError('a BIT STRING of whole bytes is missing');
  }
  return node.valueBlock.valueHexView;
}

/**
 * Returns an OBJECT IDENTIFIER in dotted form (X.690 §8.19).
 * @throws {InvalidDerError} when the node is not one, or has more than 64 bytes
 */
export function readOid(node: DerNode | undefined): string {
  if (!(node instanceof asn1.ObjectIdentifier)) throw new InvalidDerError('an OBJECT IDENTIFIER is missing');
  if (derOf(node).length > maxOidBytes) throw new InvalidDerError('an OBJECT IDENTIFIER is too long');
  return node.valueBlock.toString();
}

/** Returns the node with the context-specific tag `number` (X.690 §8.1.2); undefined when there is none. */
export function findTagged(nodes: readonly DerNode[], number: number): DerNode | undefined {
  return nodes.find((node) => node.idBlock.tagClass === 3 && node.idBlock.tagNumber === number);
}

/**
 * Returns the content of a string under an IMPLICIT tag (X.690 §8.14). A view.
 * @throws {InvalidDerError} when the node is constructed
 */
export function readPrimitive(node: DerNode): Uint8Array {
  if (!(node instanceof asn1.Primitive)) throw new InvalidDerError('a string is missing');
  return node.valueBlock.valueHexView;
}

/** Returns the item inside an EXPLICIT tag (X.690 §8.14); undefined when the node is primitive or empty. */
export function readExplicit(node: DerNode): DerNode | undefined {
  return node instanceof asn1.Constructed ? node.valueBlock.value[0] : undefined;
}

/** Returns the bytes from which the node was parsed, header included. A view. */
export function derOf(node: DerNode): Uint8Array {
  return node.valueBeforeDecodeView;
}

/** Encodes a node made by the functions below as DER, in memory of its own. */
export function encodeDer(node: DerNode): Uint8Array {
  return new Uint8Array(node.toBER(false));
}

/** Makes a SEQUENCE of nodes (X.690 §8.9). */
export function makeSequence(...value: DerNode[]): DerNode {
  return new asn1.Sequence({ value });
}

/** Makes an INTEGER from a magnitude, big-endian (X.690 §8.3). */
export function makeInteger(magnitude: Uint8Array): DerNode {
  return new asn1.Integer({ valueHex: toTwosComplement(magnitude) });
}

/** Makes an INTEGER from a small number (X.690 §8.3). */
export function makeVersion(value: number): DerNode {
  return new asn1.Integer({ value });
}

/** Makes an OCTET STRING (X.690 §8.7). */
export function makeOctets(content: Uint8Array): DerNode {
  return new asn1.OctetString({ valueHex: content });
}

/** Makes a BIT STRING of whole bytes (X.690 §8.6). */
export function makeBits(content: Uint8Array): DerNode {
  return new asn1.BitString({ valueHex: content, unusedBits: 0 });
}

/** Makes an OBJECT IDENTIFIER from its dotted form (X.690 §8.19). */
export function makeOid(value: string): DerNode {
  return new asn1.ObjectIdentifier({ value });
}

/** Makes a NULL (X.690 §8.8). */
export function makeNull(): DerNode {
  return new asn1.Null();
}

/** Puts a node under an EXPLICIT context-specific tag (X.690 §8.14). */
export function makeExplicit(tagNumber: number, node: DerNode): DerNode {
  return new asn1.Constructed({ idBlock: { tagClass: 3, tagNumber }, value: [node] });
}

/** Makes an OCTET STRING under an IMPLICIT context-specific tag (X.690 §8.14). */
export function makeImplicitOctets(tagNumber: number, content: Uint8Array): DerNode {
  return new asn1.Primitive({ idBlock: { tagClass: 3, tagNumber }, valueHex: content });
}

/** Returns a magnitude without its leading zeros. A view. */
export function stripZeros(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length && bytes[start] === 0) start += 1;
  return bytes.subarray(start);
}

/**
 * Returns the two's complement of a magnitude: with a zero byte in front of a set sign bit (X.690 §8.3.3).
 */
export function toTwosComplement(magnitude: Uint8Array): Uint8Array {
  if ((magnitude[0] ?? 0) < 0x80 && magnitude.length > 0) return magnitude;
  const content = new Uint8Array(magnitude.length + 1);
  content.set(magnitude, 1);
  return content;
}
