import { CryptographicUsageMask } from '../../codec/masks.ts';
import { concatBytes } from '../common/bytes.ts';
import { readJson, writeJson } from '../common/json.ts';
import type { TokenKeyReference } from '../crypto/token-device.ts';
import type { ShareOrigin } from './share-origin.ts';

/**
 * What the server itself knows of the history of a key. It is sealed together with the value, so that neither
 * a client nor a reader of the database can state it; the attributes Always Sensitive and Never Extractable
 * are what clients see, and may come from elsewhere with Import.
 */
export interface Provenance {
  readonly born: Birth;
  readonly shown: Shown;
  /** Every bit that the Cryptographic Usage Mask ever had. */
  readonly masks: number;
  /** Whether Sensitive has been true since the object is here. */
  readonly alwaysSensitive: boolean;
  /**
   * Identifier of what was made here with it: the other half of a key pair, of a part of a split key the
   * first part.
   */
  readonly madeWith?: string | undefined;
  /** Of a part of a split key: the split that it belongs to. */
  readonly share?: ShareOrigin | undefined;
  /** Identifier of the second AES-XTS key: that of the first Next Link that was stored with the key. */
  readonly next?: string | undefined;
  /** Identifier of the object that this one was made to replace. */
  readonly replaces?: string | undefined;
  /** Of an object with the bytes of another one: identifier of the first object with them. */
  readonly copyOf?: string | undefined;
  /** Of a key that stays in a token: where it is. The value then has no Key Value. */
  readonly token?: TokenKeyReference | undefined;
}

/** In the order of the numbers by which they are stored. */
const births = [
  'registered',
  'imported',
  'unwrapped',
  'made',
  'derived',
  'joined',
  'split',
  'token',
] as const;

/**
 * How the value came into being: stored as a client sent it (`registered`, `imported`), unwrapped here,
 * generated here, computed from other objects, or generated in a token that it never leaves.
 */
export type Birth = (typeof births)[number];

const showings = ['never', 'wrapped', 'clear'] as const;

/**
 * How the value has left the server: `wrapped` under keys that no client knows only, or `clear`, which also
 * stands for wrapping under any other key, and for values that clients brought.
 */
export type Shown = (typeof showings)[number];

/** Provenance of values that an older kmipd stored, of which nothing is known. */
export const unknownProvenance: Provenance = {
  born: 'registered',
  shown: 'clear',
  masks: 0,
  alwaysSensitive: false,
};

/** Provenance of a new object; `sensitive` and `mask` are its attributes at birth. */
export function initialProvenance(
  born: Birth,
  { sensitive = false, mask = 0 }: { sensitive?: boolean | undefined; mask?: number | undefined },
): Provenance {
  const shown =
    born === 'registered' || born === 'imported' ? 'clear' : born === 'unwrapped' ? 'wrapped' : 'never';
  return { born, shown, masks: mask, alwaysSensitive: sensitive };
}

/**
 * Provenance of an object that another takes the place of (Import with Replace Existing): that of the new
 * value, and every use that either had.
 */
export function replacedProvenance(previous: Provenance, next: Provenance): Provenance {
  return {
    ...next,
    // Explicitly undefined too, so that nothing of the old value stays.
    madeWith: next.madeWith,
    share: next.share,
    next: next.next,
    replaces: next.replaces,
    copyOf: next.copyOf,
    token: next.token,
    masks: previous.masks | next.masks,
    alwaysSensitive: previous.alwaysSensitive && next.alwaysSensitive,
  };
}

/** Whether `next` discloses more than `previous`. */
export function isShownMore(previous: Shown, next: Shown): boolean {
  return showings.indexOf(next) > showings.indexOf(previous);
}

/** The uses that tell a client nothing about what the key has wrapped. */
const wrappingBits = (['WrapKey', 'UnwrapKey', 'Export'] as const).reduce(
  (mask, bit) => mask | CryptographicUsageMask.bit(bit),
  0,
);

/** Whether a usage mask permits no more than to wrap and unwrap keys. */
export function isForWrappingOnly(mask: number): boolean {
  return (mask & ~wrappingBits) === 0;
}

/** Whether the server had a key generated, by itself or in a token, so that nobody knew it. */
export function isBornHere(born: Birth): boolean {
  return born === 'made' || born === 'token';
}

/**
 * Whether a key is closed: no client can know it or decrypt with it what it has wrapped. It was generated
 * here or in a token, has always been Sensitive, never left but under such keys, and never had another use
 * than wrapping. A derived or joined key is not closed: a client can make the same key again with other uses.
 */
export function isClosed({ born, shown, masks, alwaysSensitive }: Provenance): boolean {
  return isBornHere(born) && alwaysSensitive && shown !== 'clear' && isForWrappingOnly(masks);
}

/**
 * First byte of a sealed content with provenance; without it the first byte is that of a KMIP tag, 0x42. In
 * format 1 the text behind the numbers is `madeWith`, in format 2 JSON of the members that only some have.
 */
const plainFormat = 1;
const extendedFormat = 2;
const fixedBytes = 10;
/** The length of the text is a u16. */
const maxTextBytes = 0xffff;

type Extension = Omit<Provenance, 'born' | 'shown' | 'masks' | 'alwaysSensitive'>;

/**
 * Encodes the provenance as prefix of the value: format, birth, showing, flags, u32 masks, u16 length and
 * UTF-8 of the text; numbers are big-endian.
 * @throws {RangeError} when the text is longer than its length can say: the value could not be read again
 */
export function addProvenance(
  { born, shown, masks, alwaysSensitive, ...extension }: Provenance,
  value: Uint8Array,
): Uint8Array {
  const { madeWith = '', ...others } = extension;
  const isExtended = Object.values(others).some((member) => member !== undefined);
  const text = isExtended ? writeJson(extension) : new TextEncoder().encode(madeWith);
  if (text.length > maxTextBytes) throw new RangeError(`a provenance of ${text.length} bytes`);
  const prefix = new Uint8Array(fixedBytes);
  const format = isExtended ? extendedFormat : plainFormat;
  prefix.set([format, births.indexOf(born), showings.indexOf(shown), alwaysSensitive ? 1 : 0]);
  const view = new DataView(prefix.buffer);
  view.setUint32(4, masks);
  view.setUint16(8, text.length);
  return concatBytes([prefix, text, value]);
}

/** The inverse of `addProvenance`; `value` is a view. Values of an older kmipd have an unknown provenance. */
export function splitProvenance(content: Uint8Array): { provenance: Provenance; value: Uint8Array } {
  const [format] = content;
  if (format !== plainFormat && format !== extendedFormat)
    return { provenance: unknownProvenance, value: content };
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const end = fixedBytes + view.getUint16(8);
  const provenance: Provenance = {
    born: births[view.getUint8(1)] ?? unknownProvenance.born,
    shown: showings[view.getUint8(2)] ?? unknownProvenance.shown,
    alwaysSensitive: view.getUint8(3) === 1,
    masks: view.getInt32(4),
    ...readExtension(format, content.subarray(fixedBytes, end)),
  };
  return { provenance, value: content.subarray(end) };
}

function readExtension(format: number, text: Uint8Array): Extension {
  if (format === extendedFormat) return readJson<Extension>(text);
  return text.length === 0 ? {} : { madeWith: new TextDecoder().decode(text) };
}
