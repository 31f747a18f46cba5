import type { ValidityIndicator } from '../../codec/enums.ts';
import { bool, bytes, maybe, since } from '../../codec/schema.ts';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { hasKeyBlock } from '../../codec/structures/managed-objects.ts';
import { type Message, type PlainKey, plainKey } from '../crypto/provider.ts';
import { fail } from '../errors.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import { requireUsage, type Use } from '../object/usage.ts';

/** Shared by the operations that do something with a key. */

/** Request fields of data that comes in parts. */
export const partFields = {
  CorrelationValue: since('1.3', maybe(bytes)),
  InitIndicator: since('1.3', maybe(bool)),
  FinalIndicator: since('1.3', maybe(bool)),
};

interface Parts {
  readonly CorrelationValue?: Uint8Array | undefined;
  readonly InitIndicator?: boolean | undefined;
  readonly FinalIndicator?: boolean | undefined;
}

/** Fails with FeatureNotSupported; a first part that is also the last is the whole. */
export function refuseParts({
  CorrelationValue,
  InitIndicator = false,
  FinalIndicator = false,
}: Parts): void {
  if (CorrelationValue !== undefined || InitIndicator !== FinalIndicator) {
    fail('FeatureNotSupported', 'the data must come in one piece');
  }
}

/**
 * The key, once state, dates and usage mask allow the use. Fails as `requireUsage` does, with KeyValueNotPresent where
 * only metadata is stored.
 */
export function keyFor(object: ManagedObject, use: Use, now: number): PlainKey {
  requireUsage(object, use, now);
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

/** Those of the request, else the first of the key, else none: then the key's algorithm alone has to do. */
export function parametersFor(
  object: ManagedObject,
  requested: CryptographicParameters | undefined,
): CryptographicParameters {
  return requested ?? object.attributes.get('CryptographicParameters') ?? {};
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
