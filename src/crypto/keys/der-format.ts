import type { KeyFormatType } from '../../../codec/enums.ts';
import type { PlainKey } from '../plain-key.ts';

/*
 * Key Format Types of asymmetric keys in DER, found by the bytes. Products label PKCS#1 keys PKCS_8 or X_509
 * and want them back as they were sent, so the label of a key is not always the format of its bytes.
 */

/** The formats that are DER. */
const derFormats: readonly KeyFormatType[] = ['PKCS_1', 'PKCS_8', 'X_509', 'ECPrivateKey'];

const tagOf = { integer: 0x02, bitString: 0x03, octetString: 0x04, null: 0x05, sequence: 0x30 } as const;

/** A SEQUENCE of a format: the tags of its first items, and how many items it has. */
interface DerShape {
  readonly format: KeyFormatType;
  readonly objectType: 'PrivateKey' | 'PublicKey';
  readonly first: readonly number[];
  readonly minItems: number;
  readonly maxItems: number;
}

const { integer, bitString, octetString, sequence } = tagOf;

const shapes: readonly DerShape[] = [
  // RFC 8017, appendix A.1.
  { format: 'PKCS_1', objectType: 'PublicKey', first: [integer, integer], minItems: 2, maxItems: 2 },
  { format: 'PKCS_1', objectType: 'PrivateKey', first: [integer, integer], minItems: 9, maxItems: 9 },
  // RFC 5958 §2.
  { format: 'PKCS_8', objectType: 'PrivateKey', first: [integer, sequence], minItems: 3, maxItems: 5 },
  // RFC 5915 §3.
  {
    format: 'ECPrivateKey',
    objectType: 'PrivateKey',
    first: [integer, octetString],
    minItems: 2,
    maxItems: 4,
  },
  // RFC 5280 §4.1.2.7.
  { format: 'X_509', objectType: 'PublicKey', first: [sequence, bitString], minItems: 2, maxItems: 2 },
];

/** Keys above this size are not read. */
const maxBytes = 65_536;

/**
 * Returns the Key Format Type of the key's bytes: its own, unless the bytes are DER (X.690 §10) of another
 * format for keys of its Object Type. The caller still has to parse them.
 */
export function findFormatOfBytes({
  objectType,
  KeyFormatType: label,
  KeyMaterial,
}: PlainKey): KeyFormatType {
  if (!derFormats.includes(label)) return label;
  return findDerFormat(objectType, KeyMaterial, label) ?? label;
}

/**
 * Returns the format of which the material has the form; undefined when there is none. `label` needs no
 * check: keys that are what they say may be BER.
 */
export function findDerFormat(
  objectType: PlainKey['objectType'],
  material: PlainKey['KeyMaterial'],
  label?: KeyFormatType,
): KeyFormatType | undefined {
  if (!(material instanceof Uint8Array) || material.length > maxBytes) return undefined;
  const whole = readItem(material, 0, material.length);
  if (whole?.tag !== sequence || whole.end !== material.length) return undefined;
  const tags = readTags(material, whole);
  const shape = shapes.find(
    (each) => each.objectType === objectType && each.first.every((tag, at) => tags[at] === tag),
  );
  if (shape === undefined || shape.format === label) return shape?.format;
  const isOfShape = tags.length >= shape.minItems && tags.length <= shape.maxItems;
  return isOfShape && isDer(material, 0, material.length, 0) ? shape.format : undefined;
}

/** One item: its tag, and where its content is. */
interface Item {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

/** Reads a header of one tag byte and a definite length in its shortest form; undefined for others. */
function readItem(bytes: Uint8Array, at: number, limit: number): Item | undefined {
  const [tag = 0x1f, first = 0x80] = bytes.subarray(at, Math.min(at + 2, limit));
  if ((tag & 0x1f) === 0x1f || first === 0x80 || first > 0x83) return undefined;
  const count = first < 0x80 ? 0 : first - 0x80;
  const lengthBytes = bytes.subarray(at + 2, Math.min(at + 2 + count, limit));
  const length = count === 0 ? first : lengthBytes.reduce((sum, byte) => sum * 256 + byte, 0);
  const isShortest = count === 0 || (length >= 0x80 && lengthBytes[0] !== 0);
  const start = at + 2 + count;
  return isShortest && lengthBytes.length === count && start + length <= limit
    ? { tag, start, end: start + length }
    : undefined;
}

/** Items that are read of a SEQUENCE: one more than any format has. */
const maxItems = 10;

/** Tags of the first items of a SEQUENCE, until one is no DER. */
function readTags(bytes: Uint8Array, { start, end }: Item): number[] {
  const tags: number[] = [];
  for (let at = start; at < end && tags.length < maxItems; ) {
    const item = readItem(bytes, at, end);
    if (item === undefined) break;
    tags.push(item.tag);
    at = item.end;
  }
  return tags;
}

/** Levels of a key in DER, which has four at most. */
const maxDepth = 8;

/** Whether items in the shortest encoding fill the range, INTEGERs included (X.690 §8.3.2, §10.1). */
function isDer(bytes: Uint8Array, from: number, to: number, depth: number): boolean {
  for (let at = from; at < to; ) {
    const item = readItem(bytes, at, to);
    if (item === undefined || depth > maxDepth) return false;
    const { tag, start, end } = item;
    if ((tag & 0x20) !== 0 && !isDer(bytes, start, end, depth + 1)) return false;
    if (tag === integer && !isShortestInteger(bytes.subarray(start, end))) return false;
    if (tag === tagOf.null && end !== start) return false;
    at = end;
  }
  return true;
}

function isShortestInteger([first, second]: Uint8Array): boolean {
  if (first === undefined || second === undefined) return first !== undefined;
  return !(first === 0 && second < 0x80) && !(first === 0xff && second >= 0x80);
}
