import type { ValidityIndicator } from '../../codec/enums.ts';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { hasKeyBlock } from '../../codec/structures/managed-objects.ts';
import { concatBytes } from '../common/bytes.ts';
import { fail, type Reason } from '../common/errors.ts';
import { type PlainKey, plainKey } from '../crypto/plain-key.ts';
import type { Message } from '../crypto/streams.ts';
import { linkedId } from '../object/links.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import { requireUsage, type Use } from '../object/usage.ts';
import type { ObjectContext } from './context.ts';

/** Functions shared by the operations that use a key. */

/**
 * Returns the key of an object after checking that its state, dates and usage mask allow the use.
 * `legacyReason` is the reason for 1.x clients when the mask does not. `now` in POSIX seconds.
 * @throws {KmipError} as `requireUsage` does, KeyValueNotPresent when only attributes are stored,
 *   FeatureNotSupported for a key that was registered wrapped
 */
export function keyForUse(object: ManagedObject, use: Use, now: number, legacyReason?: Reason): PlainKey {
  requireUsage(object, use, now, legacyReason);
  const { value } = object;
  if (value === undefined || !hasKeyBlock(value) || value.value.KeyBlock.KeyValue === undefined) {
    failWithoutKeyValue();
  }
  const key = plainKey(value.type, value.value.KeyBlock);
  if (key === undefined) fail('FeatureNotSupported', 'the key was registered wrapped and cannot be used');
  return {
    ...key,
    CryptographicAlgorithm: object.attributes.get('CryptographicAlgorithm') ?? key.CryptographicAlgorithm,
  };
}

/**
 * Returns the key for a cipher. XTS takes two keys: one key of twice the length, or a second object that the
 * Next Link of the first names (AES XTS profile).
 * @throws {KmipError} as `keyForUse` does for either key, ObjectNotFound when Next Link names no such object,
 *   KeyFormatTypeNotSupported when linked keys are not Raw
 */
export async function cipherKeyForUse(
  { object, work, now }: ObjectContext,
  use: Use,
  { BlockCipherMode: mode }: CryptographicParameters,
): Promise<PlainKey> {
  const key = keyForUse(object, use, now);
  const id = mode === 'XTS' ? linkedId(object, 'NextLink') : undefined;
  if (id === undefined) return key;
  const next = await work.load(id);
  if (next?.type !== object.type) fail('ObjectNotFound', 'the key that Next Link names is not there');
  return {
    ...key,
    KeyMaterial: concatBytes([rawKey(key), rawKey(keyForUse(next, use, now))]),
    KeyFormatType: 'Raw',
  };
}

function rawKey({ KeyFormatType, KeyMaterial }: PlainKey): Uint8Array {
  if (KeyFormatType === 'Raw' && KeyMaterial instanceof Uint8Array) return KeyMaterial;
  fail('KeyFormatTypeNotSupported', 'linked keys for XTS must be in format Raw');
}

/**
 * Chooses Cryptographic Parameters: those of the request, else the first of the key, else none, so that only
 * the key's algorithm counts. A structure without fields counts as absent. Those of the request need not be
 * among the key's, as they must be for wrapping.
 */
export function parametersFor(
  object: ManagedObject,
  requested: CryptographicParameters | undefined,
): CryptographicParameters {
  const stated = Object.values(requested ?? {}).some((field) => field !== undefined);
  return (stated ? requested : object.attributes.get('CryptographicParameters')) ?? {};
}

/**
 * Refuses an object of which the client registered the attributes without the key (Key Value Present is
 * False). `legacyReason` is the reason for 1.x clients.
 * @throws {KmipError} KeyValueNotPresent
 */
export function failWithoutKeyValue(legacyReason?: Reason): never {
  fail('KeyValueNotPresent', 'only the attributes of the object are stored', legacyReason);
}

/**
 * Returns the field, which `name` names for the client.
 * @throws {KmipError} InvalidMessage when it is missing
 */
export function requireField<T>(value: T | undefined, name: string): T {
  return value ?? fail('InvalidMessage', `${name} is missing`);
}

/**
 * Returns the data to be signed or verified, or its digest.
 * @throws {KmipError} InvalidMessage unless exactly one of them is given
 */
export function signedMessage(data: Uint8Array | undefined, digested: Uint8Array | undefined): Message {
  if (data !== undefined && digested !== undefined)
    fail('InvalidMessage', 'there is both Data and Digested Data');
  return digested === undefined ? { data: requireField(data, 'Data') } : { digest: digested };
}

/** Validity Indicator of a signature or MAC; an invalid one is an answer, not an error. */
export function validityIndicator(valid: boolean): ValidityIndicator {
  return valid ? 'Valid' : 'Invalid';
}
