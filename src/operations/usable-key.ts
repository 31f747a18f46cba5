import type { ValidityIndicator } from '../../codec/enums.ts';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { hasKeyBlock } from '../../codec/structures/managed-objects.ts';
import { concatBytes } from '../common/bytes.ts';
import { fail, type Reason } from '../common/errors.ts';
import { type Message, type PlainKey, plainKey } from '../crypto/provider.ts';
import { linkedId } from '../object/links.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import { requireUsage, type Use } from '../object/usage.ts';
import type { ObjectContext } from './context.ts';

/** Shared by the operations that do something with a key. */

/**
 * The key, once state, dates and usage mask allow the use. Fails as `requireUsage` does, with KeyValueNotPresent where
 * only metadata is stored. `classic`: what 1.x is told about a missing bit of the mask.
 */
export function keyForUse(object: ManagedObject, use: Use, now: number, classic?: Reason): PlainKey {
  requireUsage(object, use, now, classic);
  const { value } = object;
  if (value === undefined || !hasKeyBlock(value) || value.value.KeyBlock.KeyValue === undefined) {
    fail('KeyValueNotPresent', 'only the attributes of the object are stored');
  }
  const key = plainKey(value.type, value.value.KeyBlock);
  if (key === undefined) fail('FeatureNotSupported', 'the key was registered wrapped and cannot be used');
  return {
    ...key,
    CryptographicAlgorithm: object.attributes.get('CryptographicAlgorithm') ?? key.CryptographicAlgorithm,
  };
}

/**
 * The key for a cipher. XTS takes two: they are one key of twice the length, or the second is an object of its own that the
 * first one's Next Link names (AES XTS profile). Fails as `keyFor`, for either.
 */
export async function cipherKey(
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
 * Those of the request, else the first of the key, else none: then the key's algorithm alone has to do. A structure without
 * fields says nothing. The request's need not be among the key's, as they must for wrapping.
 */
export function parametersFor(
  object: ManagedObject,
  requested: CryptographicParameters | undefined,
): CryptographicParameters {
  const says = Object.values(requested ?? {}).some((field) => field !== undefined);
  return (says ? requested : object.attributes.get('CryptographicParameters')) ?? {};
}

/** Fails with InvalidMessage. */
export function required<T>(value: T | undefined, what: string): T {
  return value ?? fail('InvalidMessage', `${what} is missing`);
}

/** Data or its digest, of which there must be one. */
export function messageOf(data: Uint8Array | undefined, digested: Uint8Array | undefined): Message {
  if (data !== undefined && digested !== undefined)
    fail('InvalidMessage', 'there is both Data and Digested Data');
  return digested === undefined ? { data: required(data, 'Data') } : { digest: digested };
}

/** A wrong signature or MAC is an answer, not an error. */
export function validity(valid: boolean): ValidityIndicator {
  return valid ? 'Valid' : 'Invalid';
}
