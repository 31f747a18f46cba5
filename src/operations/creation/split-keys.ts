import type { Attribute } from '../../../codec/attribute.ts';
import { hasKeyBlock } from '../../../codec/structures/managed-objects.ts';
import { fail } from '../../common/errors.ts';
import { type PlainKey, plainKey } from '../../crypto/provider.ts';
import type { SharingPolynomial } from '../../crypto/secret-sharing.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { failWithoutKeyValue } from '../usable-key.ts';

/** Shared by Create Split Key and Join Split Key. */

/** Products of field elements that one request may cost: some 50 milliseconds. */
const maxProducts = 1_048_576;
/** Products for a share, and for its place, whatever the length of the key. */
const overhead = 8;

/**
 * Refuses work that would hold up other clients: every byte of the secret, or of the prime where that is longer, meets
 * every part `threshold` times.
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
 * The polynomial of GF(2^8) by a custom attribute, `x-SplitKeyPolynomial` in 1.x, with the numbers that KMIP 3.0 calls
 * Split Key Polynomial: 283 for FIPS 197's 0x11B, 285 for 0x11D, which is meant when nothing is said.
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

/** The key itself. Fails with KeyValueNotPresent, or FeatureNotSupported for a wrapped one. */
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
