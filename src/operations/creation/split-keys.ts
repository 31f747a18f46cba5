import type { Attribute } from '../../../codec/attribute.ts';
import { hasKeyBlock } from '../../../codec/structures/managed-objects.ts';
import { fail } from '../../common/errors.ts';
import { type PlainKey, plainKey } from '../../crypto/plain-key.ts';
import type { SecretSharingScheme, SharingPolynomial } from '../../crypto/secret-sharing.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { isProtected, refuseProtected } from '../../object/protection.ts';
import type { Context } from '../context.ts';
import { failWithoutKeyValue } from '../usable-key.ts';

/** Functions shared by Create Split Key and Join Split Key. */

/** Products of field elements that one request may compute: some 50 milliseconds. */
const maxProducts = 1_048_576;
/** Constant cost of a share, in bytes. */
const overhead = 8;

/**
 * Refuses work that would delay other clients: every byte of the secret, or of the prime when that is longer,
 * is multiplied `threshold` times for every part.
 * @throws {KmipError} ServerLimitExceeded (1.x: InvalidField)
 */
export function requireEffort(
  secret: Uint8Array,
  prime: Uint8Array | undefined,
  parts: number,
  threshold: number,
): void {
  const bytes = Math.max(secret.length, prime?.length ?? 0) + overhead;
  if (bytes * parts * threshold > maxProducts)
    fail('ServerLimitExceeded', 'so long a key has fewer parts or a smaller threshold', 'InvalidField');
}

/**
 * Reads the polynomial of GF(2^8) from a custom attribute, `x-SplitKeyPolynomial` in 1.x, with the numbers
 * that KMIP 3.0 calls Split Key Polynomial: 283 for FIPS 197's 0x11B, 285 for 0x11D, the default.
 * @throws {KmipError} InvalidAttributeValue for another value
 */
export function statedPolynomial(attributes: readonly Attribute[]): SharingPolynomial {
  const label = attributes.find(
    ({ vendor, name }) => vendor === 'x' && name.toLowerCase() === 'splitkeypolynomial',
  );
  if (label === undefined) return 285;
  const { value } = label as Extract<Attribute, { vendor: string }>;
  const number = value.type === 'Integer' ? value.value : undefined;
  if (number !== 283 && number !== 285)
    fail('InvalidAttributeValue', 'the Split Key Polynomial must be an Integer, 283 or 285');
  return number;
}

/**
 * Returns the key of an object, without checks of its use.
 * @throws {KmipError} KeyValueNotPresent, or FeatureNotSupported for a wrapped key
 */
export function requirePlainKey({ value, attributes }: ManagedObject): PlainKey {
  if (value === undefined || !hasKeyBlock(value) || value.value.KeyBlock.KeyValue === undefined)
    failWithoutKeyValue();
  const key = plainKey(value.type, value.value.KeyBlock);
  if (key === undefined) fail('FeatureNotSupported', 'the key was registered wrapped');
  return {
    ...key,
    CryptographicAlgorithm: attributes.get('CryptographicAlgorithm'),
    CryptographicLength: attributes.get('CryptographicLength'),
  };
}

/** A join of parts. */
export interface Joining {
  readonly parts: readonly ManagedObject[];
  readonly method: SecretSharingScheme['method'];
  /** Bytes of a share. */
  readonly shareLength: number;
  /** Whether only bytes without a structure are accepted as the key. */
  readonly isUnstructured: boolean;
  /** Bytes of the joined key; undefined for as many as a share has. */
  readonly length: number | undefined;
}

/** Bytes of a share that cannot be searched. */
const minShareLength = 16;

/**
 * Refuses to join protected parts with parts of another origin, which a client may have chosen, where success
 * or failure would tell something of the protected ones: a prime field shows whether a sum is small, a DER
 * length or a byte cut off shows single bytes, and short keys can be searched. Parts of one Create Split Key
 * have one result only. Protection `kmip` refuses nothing, because clients may loosen the parts there.
 * @throws {KmipError} Sensitive or NotExtractable
 */
export function requireSilentJoin(
  { parts, method, shareLength, isUnstructured, length = shareLength }: Joining,
  { protection }: Context,
): void {
  if (protection === 'kmip') return;
  const origins = new Set(parts.map(({ provenance }) => provenance.madeWith));
  if (!parts.some(isProtected) || (origins.size === 1 && !origins.has(undefined))) return;
  const isWhole = length === shareLength && shareLength >= minShareLength;
  if (isWhole && isUnstructured && method !== 'PolynomialSharingPrimeField') return;
  refuseProtected(parts, 'its parts are joined so only with those of the same Create Split Key');
}
