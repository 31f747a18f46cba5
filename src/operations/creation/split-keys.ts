import type { Attribute } from '../../../codec/attribute.ts';
import { hasKeyBlock } from '../../../codec/structures/managed-objects.ts';
import { fail } from '../../common/errors.ts';
import { type PlainKey, plainKey } from '../../crypto/plain-key.ts';
import type { SharingPolynomial } from '../../crypto/secret-sharing.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { isProtected, refuseProtected } from '../../object/protection.ts';
import { requireStateAllowed } from '../../object/roles/role-limits.ts';
import { findShareSet, isEarlierSet } from '../../object/share-sets.ts';
import { requireValueAtHand } from '../../object/token-keys.ts';
import { requireUsage } from '../../object/usage.ts';
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
 * @throws {KmipError} KeyValueNotPresent, NotExtractable for a key in a token, or FeatureNotSupported for a
 *   wrapped one
 */
export function requirePlainKey(object: ManagedObject): PlainKey {
  requireValueAtHand(object);
  const { value, attributes } = object;
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

/**
 * Refuses to divide a protected key that may not leave: from its parts a key is joined that is a copy of it.
 * What is not protected a client may fetch and divide by itself, so nothing is demanded of it; with
 * protection `kmip` nothing at all is.
 * @throws {KmipError} WrongKeyLifecycleState, also for a state that the role of the client does not allow,
 *   NotExtractable, or IncompatibleCryptographicUsageMask (1.x: PermissionDenied) when the mask of a
 *   sensitive key does not contain Export
 */
export function requireDivisible(object: ManagedObject, context: Context): void {
  requireStateAllowed(object, context);
  if (context.protection === 'kmip' || !isProtected(object)) return;
  if (object.attributes.get('Extractable') === false)
    fail('NotExtractable', 'the object is not extractable: it leaves in no parts either');
  requireUsage(object, 'CreateSplitKey', context);
}

/**
 * Refuses under `strict` protection to join protected parts with any but those of the same Create Split Key.
 * By parts of its own choice, or by protected ones of several keys, a client would learn something of the
 * protected shares: from success and failure, from the Digest of the result, from its uses, or from a second
 * result over another field. What one Create Split Key has made has one result.
 * @throws {KmipError} Sensitive or NotExtractable
 */
export function requireOneOrigin(parts: readonly ManagedObject[], { protection }: Context): void {
  if (protection === 'kmip' || findShareSet(parts) !== undefined || isEarlierSet(parts)) return;
  refuseProtected(parts, 'its parts are joined only with those of the same Create Split Key');
}
