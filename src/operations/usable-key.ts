import type { BlockCipherMode, ValidityIndicator } from '../../codec/enums.ts';
import { CryptographicUsageMask } from '../../codec/masks.ts';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { hasKeyBlock } from '../../codec/structures/managed-objects.ts';
import { concatBytes } from '../common/bytes.ts';
import { fail, type Reason } from '../common/errors.ts';
import { combineParameters } from '../crypto/parameter-binding.ts';
import { completeParameters, type ParameterUse } from '../crypto/parameter-defaults.ts';
import { type PlainKey, plainKey } from '../crypto/plain-key.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { Message } from '../crypto/streams.ts';
import { linkedId } from '../object/links.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import { requireValueAtHand, tokenKeyIn } from '../object/token-keys.ts';
import { everyMaskOf, hasUsageBits, requireUsage, type UsageContext, type Use } from '../object/usage.ts';
import type { Attempts, ObjectContext } from './context.ts';
import { isTokenKey, type UsableKey } from './key-uses.ts';

/** Functions shared by the operations that use a key. */

/**
 * Returns the value of a key after checking that its state, dates and usage mask allow the use.
 * `legacyReason` is the reason for 1.x clients when the mask does not.
 * @throws {KmipError} as `requireUsage` does, KeyValueNotPresent when only attributes are stored,
 *   NotExtractable for a key in a token, FeatureNotSupported for a key that was registered wrapped
 */
export function keyForUse(
  object: ManagedObject,
  use: Use,
  context: UsageContext,
  legacyReason?: Reason,
): PlainKey {
  requireUsage(object, use, context, legacyReason);
  requireValueAtHand(object);
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
 * As `keyForUse`, for operations that use a key wherever it is.
 * @throws as `keyForUse`, but not for a key in a token
 */
export function usableKey(object: ManagedObject, use: Use, context: UsageContext): UsableKey {
  const key = tokenKeyIn(object);
  if (key === undefined) return keyForUse(object, use, context);
  requireUsage(object, use, context);
  return key;
}

/** A key that is ready for a cipher. */
export interface CipherKey {
  readonly key: UsableKey;
  readonly parameters: CryptographicParameters;
  /** The object, and that of the second key of XTS: each is charged, and counts failures. */
  readonly objects: readonly ManagedObject[];
}

/**
 * Returns the key for a cipher with the parameters in force. XTS takes two keys: one key of twice the length,
 * or a second object that the first Next Link of the first key names (AES XTS profile), whose state, dates,
 * mask and parameters bind as those of the first.
 * @throws {KmipError} as `keyForUse` and `parametersFor` (to encrypt, `parametersToEncrypt`) for either key,
 *   BadCryptographicParameters for key wrap with a key that may wrap, ObjectNotFound when Next Link names no
 *   such object
 * @throws {UnsupportedKeyFormatError} when a linked key cannot be given as Raw
 */
export async function cipherKeyForUse(
  context: ObjectContext,
  use: 'Encrypt' | 'Decrypt',
  request: ParameterRequest,
): Promise<CipherKey> {
  const { object, work, protection, crypto } = context;
  const choose = use === 'Encrypt' ? parametersToEncrypt : parametersFor;
  const parameters = choose(object, request);
  const { BlockCipherMode: mode } = parameters;
  const key = usableKey(object, use, context);
  if (protection === 'strict') requireNoKeyWrap(object, mode);
  const id = mode === 'XTS' ? (object.provenance.next ?? linkedId(object, 'NextLink')) : undefined;
  // A token refuses the mode.
  if (id === undefined || isTokenKey(key)) return { key, parameters, objects: [object] };
  const next = await work.load(id);
  if (next?.type !== object.type) fail('ObjectNotFound', 'the key that Next Link names is not there');
  const requested = { ...request.requested, BlockCipherMode: mode };
  return {
    key: {
      ...key,
      KeyMaterial: concatBytes([rawKey(key, crypto), rawKey(keyForUse(next, use, context), crypto)]),
      KeyFormatType: 'Raw',
    },
    parameters: choose(object, { ...request, requested, also: [next] }),
    objects: [object, next],
  };
}

/**
 * Decrypts with several keys, and counts a failure with each of them: the client chooses which of them it
 * guesses at.
 * @throws {KmipError} as `Attempts.decrypting`
 */
export function decryptingWith<T>(
  keys: readonly ManagedObject[],
  open: () => T | Promise<T>,
  attempts: Attempts,
): T | Promise<T> {
  return keys.reduce(
    (inner, { id }) =>
      () =>
        attempts.decrypting(id, inner),
    open,
  )();
}

const keyWrapModes: readonly (BlockCipherMode | undefined)[] = [
  'AESKeyWrapPadding',
  'NISTKeyWrap',
  'X9_102AESKW',
  'X9_102TDKW',
  'X9_102AKW1',
  'X9_102AKW2',
];
const wrapping = (['WrapKey', 'UnwrapKey'] as const).map((bit) => CryptographicUsageMask.bit(bit));

/**
 * Refuses to encrypt and decrypt data by key wrap with a key that wraps, or ever could wrap, keys: Decrypt
 * would return a wrapped key as data.
 */
function requireNoKeyWrap(object: ManagedObject, mode: BlockCipherMode | undefined): void {
  if (!keyWrapModes.includes(mode)) return;
  const mask = everyMaskOf(object);
  if (wrapping.some((bit) => hasUsageBits(mask, bit)))
    fail(
      'BadCryptographicParameters',
      'a key that may wrap keys encrypts no data by key wrap: crypto.protection is "strict"',
    );
}

function rawKey(key: PlainKey, crypto: CryptoProvider): Uint8Array {
  return crypto.convertKey(key, 'Raw') as Uint8Array;
}

/** A use of an object's key, with the fields of the request that its parameters decide about. */
export interface ParameterRequest {
  readonly use: ParameterUse;
  readonly requested: CryptographicParameters | undefined;
  /** The Initialization Vector of the request. */
  readonly iv?: Uint8Array | undefined;
  /** Objects that bind as well: another key that is used, the half of a pair that was named for the other. */
  readonly also?: readonly ManagedObject[];
}

/**
 * Returns the complete Cryptographic Parameters of a use: those that the key states, of the rest those of the
 * request, of the rest the defaults. A structure without fields counts as absent.
 * @throws {KmipError} BadCryptographicParameters (1.x: `legacyReason`) when the request differs from the
 *   key's
 */
export function parametersFor(
  object: ManagedObject,
  request: ParameterRequest,
  legacyReason: Reason = 'InvalidField',
): CryptographicParameters {
  return (
    parametersToVerify(object, request) ??
    fail('BadCryptographicParameters', 'the Cryptographic Parameters are none of the key', legacyReason)
  );
}

/**
 * As `parametersFor`, but returns undefined when the request differs from the key's: nothing that was made
 * under other parameters is valid (CS-AC-M-3, TC-ECDSA-SIGN-DIGESTEDDATA-1).
 */
export function parametersToVerify(
  object: ManagedObject,
  { use, requested = {}, iv, also = [] }: ParameterRequest,
): CryptographicParameters | undefined {
  const combined = [...also, object].reduce<CryptographicParameters | undefined>(
    (asked, { attributes: own }) =>
      asked && combineParameters(own.values('CryptographicParameters'), asked, iv?.length),
    requested,
  );
  const { attributes } = object;
  const key = {
    algorithm: attributes.get('CryptographicAlgorithm'),
    bits: attributes.get('CryptographicLength'),
  };
  return combined && completeParameters(use, key, combined);
}

/**
 * As `parametersFor`, for new encryption.
 * @throws {KmipError} BadCryptographicParameters (1.x: InvalidField) also for an Initialization Vector of the
 *   client where the parameters demand a random one
 */
export function parametersToEncrypt(
  object: ManagedObject,
  request: ParameterRequest,
): CryptographicParameters {
  const parameters = parametersFor(object, request);
  if (parameters.RandomIV === true && request.iv !== undefined)
    fail(
      'BadCryptographicParameters',
      'with Random IV the server makes the Initialization Vector: leave it out',
      'InvalidField',
    );
  return parameters;
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
