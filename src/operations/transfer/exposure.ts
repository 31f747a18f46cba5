import type { BlockCipherMode } from '../../../codec/enums.ts';
import { fail } from '../../common/errors.ts';
import { strengthOf } from '../../crypto/algorithms.ts';
import { needsUniqueIv, tagBytesOf } from '../../crypto/parameter-names.ts';
import { isClosedKey } from '../../object/closed-keys.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { isProtected } from '../../object/protection.ts';
import { isForWrappingOnly } from '../../object/provenance.ts';
import { everyMaskOf } from '../../object/usage.ts';
import type { Context } from '../context.ts';
import { isRecipient } from '../recipients.ts';
import type { WrappingKey } from './wrapping-keys.ts';

/**
 * What `crypto.protection = "strict"` demands of the wrapping of a Sensitive key, and of keys that wrap such
 * keys (docs/decisions/26-protection.md).
 */

/** The keys of a wrapping, and what they do with the Key Value. */
interface WrappingUse {
  readonly encryptionKey: WrappingKey | undefined;
  /** What a MAC or signature covers: the Key Value, plain or encrypted. */
  readonly authenticates?: 'plain' | 'encrypted' | undefined;
  /** The value may be one that a client can guess whole. */
  readonly isGuessable: boolean;
}

const authenticatedModes: readonly (BlockCipherMode | undefined)[] = [
  'NISTKeyWrap',
  'AESKeyWrapPadding',
  'GCM',
  'CCM',
];

/** Shorter tags let a client forge a wrapped key by trial (SP 800-38D, 5.2.1.2). */
const minTagBytes = 12;

/** Strength that SP 800-57 still allows; a recipient's RSA key of 2,048 bits has it. */
const minRecipientStrength = 112;

/** Strength of a value whose algorithm or length says nothing, such as a password: the greatest. */
const unknownStrength = 256;

/**
 * Returns why a wrapping lets a client know the key in it, as text for the client; undefined when it does
 * not.
 */
export async function findExposure(
  object: ManagedObject,
  use: WrappingUse,
  context: Context,
): Promise<string | undefined> {
  const { encryptionKey: key } = use;
  if (key === undefined) return 'the Wrapping Method does not encrypt';
  if (use.authenticates === 'plain') return 'the MAC or signature outside tells of the key itself';
  const isClosed = await isClosedTo(key.object, context);
  if (!isClosed && !(await isRecipient(key.object, context)))
    return 'clients may know the wrapping key: it is neither closed nor marked as recipient';
  if (!hasIntegrity(key)) return 'the mode of the wrapping has no integrity';
  if (use.isGuessable && !hidesEquality(key, isClosed))
    return 'a value that can be guessed is wrapped by GCM, CCM or ChaCha20-Poly1305 only, because equal ones look alike';
  if (isTooWeak(object, key, isClosed, context)) return 'the wrapping key is weaker';
  return undefined;
}

/**
 * Refuses a wrapping that `strict` protection forbids. Returns whether the wrapping keeps the key from
 * clients; `isSensitive`: it has to.
 * @throws {KmipError} Sensitive, BadCryptographicParameters
 */
export async function checkWrapping(
  object: ManagedObject,
  isSensitive: boolean,
  use: WrappingUse,
  context: Context,
): Promise<boolean> {
  const exposure = await findExposure(object, use, context);
  if (context.protection === 'strict') {
    if (isSensitive && exposure !== undefined) refuseExposure(exposure);
    if (use.encryptionKey !== undefined) await requireIntegrity(use.encryptionKey, context);
  }
  return exposure === undefined;
}

export function refuseExposure(why: string): never {
  fail('Sensitive', `the object is sensitive, and crypto.protection is "strict": ${why}`);
}

/**
 * Under `strict` protection refuses modes without integrity of their own to keys that may have wrapped
 * secrets. To wrap by them would compute cipher blocks from which the key stream of another wrapping follows;
 * to unwrap by them would give a client pieces of what the key has wrapped, which it learns from the uses of
 * the results. A MAC beside such a mode changes nothing: it does not cover the Initialization Vector, which
 * the client states. Public keys wrap in every mode, because every client can encrypt by them.
 * @throws {KmipError} BadCryptographicParameters
 */
export async function requireIntegrity(key: WrappingKey, context: Context): Promise<void> {
  if (context.protection === 'kmip' || key.key.objectType === 'PublicKey' || hasIntegrity(key)) return;
  if (await mayHaveWrappedSecrets(key.object, context))
    fail('BadCryptographicParameters', 'such a key wraps and unwraps by modes with integrity only');
}

/**
 * Whether there may be keys that no client may know under the value of this key: it is closed, a recipient,
 * or protected and for wrapping only, because then it may be a second object of a closed key that came back
 * under another one, or in parts.
 */
export async function mayHaveWrappedSecrets(object: ManagedObject, context: Context): Promise<boolean> {
  if (isProtected(object) && isForWrappingOnly(everyMaskOf(object))) return true;
  return (await isClosedTo(object, context)) || isRecipient(object, context);
}

function isClosedTo(object: ManagedObject, { work }: Context): Promise<boolean> {
  return isClosedKey(object, (id) => work.wholeGroup.load(id));
}

/** Whether mode or padding of a key notice every change of what they have wrapped. */
function hasIntegrity({ key, parameters }: WrappingKey): boolean {
  const { BlockCipherMode: mode, PaddingMethod: padding, TagLength: tag } = parameters;
  if (key.objectType !== 'SymmetricKey') return key.CryptographicAlgorithm === 'RSA' && padding === 'OAEP';
  if (tag !== undefined && tagBytesOf(tag) < minTagBytes) return false;
  return key.CryptographicAlgorithm === 'ChaCha20Poly1305' || authenticatedModes.includes(mode);
}

/**
 * Whether a client cannot compare a wrapped value with a wrapped guess, or have a guess recognised as that
 * value. The server chooses the Initialization Vector for the object; key wrap has none, and every client can
 * encrypt by a public key and have the result unwrapped. What a recipient that the operator marked can
 * unwrap, it knows.
 */
function hidesEquality({ key, parameters }: WrappingKey, isClosed: boolean): boolean {
  if (key.objectType === 'PublicKey') return !isClosed;
  return needsUniqueIv(key.CryptographicAlgorithm, parameters);
}

/**
 * A closed key must be as strong as the key it wraps. RSA cannot be as strong as AES in practice, so the
 * operator's mark admits public keys of a recipient from 112 bits on; symmetric keys are compared there too.
 */
function isTooWeak(object: ManagedObject, { key }: WrappingKey, isClosed: boolean, { crypto }: Context) {
  const { CryptographicAlgorithm: algorithm, CryptographicLength: bits } = crypto.describeKey(key);
  const strength = algorithm === undefined || bits === undefined ? 0 : (strengthOf(algorithm, bits) ?? 0);
  const isPublicRecipient = !isClosed && key.objectType === 'PublicKey';
  return strength < (isPublicRecipient ? minRecipientStrength : requiredStrength(object));
}

function requiredStrength({ attributes }: ManagedObject): number {
  const algorithm = attributes.get('CryptographicAlgorithm');
  const bits = attributes.get('CryptographicLength');
  if (algorithm === undefined || bits === undefined) return unknownStrength;
  return strengthOf(algorithm, bits) ?? unknownStrength;
}
