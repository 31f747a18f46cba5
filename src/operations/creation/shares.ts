import { fail } from '../../common/errors.ts';
import type { PlainKey } from '../../crypto/plain-key.ts';
import type { SecretSharingScheme, Share } from '../../crypto/secret-sharing.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { ShareOrigin } from '../../object/share-origin.ts';
import type { ShareSet } from '../../object/share-sets.ts';
import { requirePlainKey, statedPolynomial } from './split-keys.ts';

/** Reading of parts for Join Split Key. */

/** Parts of one split key. */
export interface Parts {
  readonly scheme: SecretSharingScheme;
  /** One for each Key Part Identifier. */
  readonly shares: readonly Share[];
  /** Format, algorithm and length of the key: those of the set, else as the first part states them. */
  readonly key: PlainKey;
}

/**
 * Reads the parts of a set, or parts of another origin. Of a set counts what is sealed with the shares, not
 * the attributes of the parts.
 * @throws {KmipError} CryptographicFailure unless all are of one key, InvalidField for shares that are no
 *   bytes
 */
export function readParts(objects: readonly ManagedObject[], set: ShareSet | undefined): Parts {
  const parts = objects.map((object, at) => readPart(object, set?.origins[at]));
  const [{ scheme, key }] = parts as [Part];
  const shares = new Map<number, Uint8Array>();
  for (const { scheme: other, identifier: id, bytes } of parts) {
    const same =
      other.method === scheme.method &&
      other.parts === scheme.parts &&
      other.threshold === scheme.threshold &&
      other.polynomial === scheme.polynomial &&
      equalBytes(other.prime, scheme.prime);
    const known = shares.get(id);
    if (!same || (known !== undefined && !equalBytes(known, bytes)))
      fail('CryptographicFailure', 'the parts are not of one key');
    shares.set(id, bytes);
  }
  return { scheme, shares: [...shares].map(([id, bytes]) => ({ identifier: id, bytes })), key };
}

/** Returns the longest share. */
export function largestShare(shares: readonly Share[]): Uint8Array {
  return shares.reduce((a, b) => (b.bytes.length > a.bytes.length ? b : a)).bytes;
}

interface Part extends Share {
  readonly scheme: SecretSharingScheme;
  readonly key: PlainKey;
}

function readPart(object: ManagedObject, origin: ShareOrigin | undefined): Part {
  const key = requirePlainKey(object);
  if (object.value?.type !== 'SplitKey' || !(key.KeyMaterial instanceof Uint8Array))
    fail('InvalidField', 'the Key Material of a part must be a byte string');
  const bytes = key.KeyMaterial;
  if (origin !== undefined) return { ...readOrigin(origin, key), bytes };
  const { value } = object.value;
  const scheme = {
    method: value.SplitKeyMethod,
    parts: value.SplitKeyParts,
    threshold: value.SplitKeyThreshold,
    polynomial: statedPolynomial(object.attributes.list()),
    prime: value.PrimeFieldSize,
  };
  return { scheme, identifier: value.KeyPartIdentifier, bytes, key };
}

function readOrigin(origin: ShareOrigin, key: PlainKey): Omit<Part, 'bytes'> {
  const { method, parts, threshold, polynomial, part, format, algorithm, bits } = origin;
  const prime = origin.prime === undefined ? undefined : Uint8Array.fromHex(origin.prime);
  return {
    scheme: { method, parts, threshold, polynomial, prime },
    identifier: part,
    key: { ...key, KeyFormatType: format, CryptographicAlgorithm: algorithm, CryptographicLength: bits },
  };
}

/**
 * Compares every byte, so that the time does not tell a client how many bytes of another part it has guessed.
 */
function equalBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.reduce((differs, byte, at) => differs | (byte ^ (b[at] ?? 0)), 0) === 0;
}
