import type { BlockCipherMode } from '../../../codec/enums.ts';
import type { PlainKeyValue } from '../../../codec/structures/key-block.ts';
import { fail } from '../../common/errors.ts';
import { strengthOf } from '../../crypto/algorithms.ts';
import { isClosedKey } from '../../object/closed-keys.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { Context } from '../context.ts';
import { isRecipient } from '../recipients.ts';
import type { WrappingKey } from './wrapping-keys.ts';

/**
 * What `crypto.protection = "strict"` demands of the wrapping of a Sensitive key, and of keys that wrap such
 * keys (docs/decisions/26-protection.md).
 */

/** The keys of a wrapping, and what they do with the Key Value. */
export interface WrappingUse {
  readonly encryptionKey: WrappingKey | undefined;
  readonly macKey: WrappingKey | undefined;
  /** What a MAC or signature covers: the Key Value, plain or encrypted. */
  readonly authenticates?: 'plain' | 'encrypted' | undefined;
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
  if (!(await hasIntegrity(use, context))) return 'the wrapping has no integrity';
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
    await requireNoOracle(use, context);
  }
  return exposure === undefined;
}

export function refuseExposure(why: string): never {
  fail('Sensitive', `the object is sensitive, and crypto.protection is "strict": ${why}`);
}

/**
 * Under `strict` protection refuses to unwrap without integrity by a key that may wrap secrets: a client
 * could change what that key has wrapped, and learn it piece by piece from the uses of the results.
 * @throws {KmipError} BadCryptographicParameters
 */
export async function requireUnwrappable(use: WrappingUse, context: Context): Promise<void> {
  if (context.protection === 'kmip' || use.encryptionKey === undefined) return;
  if ((await hasIntegrity(use, context)) || !(await mayWrapSecrets(use.encryptionKey.object, context)))
    return;
  fail('BadCryptographicParameters', 'such a key unwraps by modes with integrity only');
}

/** Bytes that an unwrapped key has at least when its Initialization Vector may have been changed. */
const minUnauthenticatedBytes = 16;

/**
 * Whether a key that was unwrapped under `strict` protection may be a piece of another one, cut off by a
 * changed Initialization Vector, which no MAC of a Wrapping Method covers, and so short that it can be
 * searched.
 */
export async function isForgeable(
  { encryptionKey }: WrappingUse,
  { KeyMaterial: material }: PlainKeyValue,
  context: Context,
): Promise<boolean> {
  if (context.protection === 'kmip' || encryptionKey === undefined || isAuthenticated(encryptionKey))
    return false;
  const bytes =
    material instanceof Uint8Array ? material.length : (material.Key?.length ?? Number.POSITIVE_INFINITY);
  return bytes < minUnauthenticatedBytes && mayWrapSecrets(encryptionKey.object, context);
}

/** Modes with an Initialization Vector of the server, so that a client cannot choose a cipher block. */
const randomisedModes: readonly (BlockCipherMode | undefined)[] = ['CBC', 'CFB', 'OFB', 'CTR'];

/**
 * Refuses uses of keys that may wrap secrets by which a client could compute or forge what they wrap: cipher
 * blocks of its choice, MACs of its choice.
 */
async function requireNoOracle({ encryptionKey, macKey, authenticates }: WrappingUse, context: Context) {
  const isForSecrets = encryptionKey !== undefined && (await mayWrapSecrets(encryptionKey.object, context));
  if (isForSecrets && encryptionKey.key.objectType === 'SymmetricKey') {
    const isRandomised = randomisedModes.includes(encryptionKey.parameters.BlockCipherMode);
    if (!isAuthenticated(encryptionKey) && !isRandomised)
      fail(
        'BadCryptographicParameters',
        'such a wrapping key takes no mode without an Initialization Vector',
      );
  }
  if (macKey === undefined || !(await isClosedTo(macKey.object, context))) return;
  if (authenticates !== 'encrypted' || !isForSecrets)
    fail('BadCryptographicParameters', 'such a MAC key authenticates what a closed key has encrypted');
}

/**
 * Whether a key may wrap keys that no client may know, so that it must unwrap nothing that a client has put
 * together.
 */
async function mayWrapSecrets(object: ManagedObject, context: Context): Promise<boolean> {
  return (await isClosedTo(object, context)) || isRecipient(object, context);
}

function isClosedTo(object: ManagedObject, { work }: Context): Promise<boolean> {
  return isClosedKey(object, (id) => work.load(id));
}

/**
 * Whether a changed wrapped key would be noticed: by the mode itself, or by a MAC over the encrypted key.
 * That MAC counts only under a closed key, because a client may have the server compute MACs under any other.
 */
async function hasIntegrity(
  { encryptionKey, macKey, authenticates }: WrappingUse,
  context: Context,
): Promise<boolean> {
  if (encryptionKey === undefined) return false;
  if (isAuthenticated(encryptionKey)) return true;
  return (
    authenticates === 'encrypted' &&
    macKey?.key.objectType === 'SymmetricKey' &&
    (await isClosedTo(macKey.object, context))
  );
}

/** Whether mode or padding alone authenticate what the key encrypts. */
function isAuthenticated({ key, parameters }: WrappingKey): boolean {
  const { BlockCipherMode: mode, PaddingMethod: padding, TagLength: tag = minTagBytes } = parameters;
  if (key.objectType !== 'SymmetricKey') return key.CryptographicAlgorithm === 'RSA' && padding === 'OAEP';
  if (tag < minTagBytes) return false;
  return key.CryptographicAlgorithm === 'ChaCha20Poly1305' || authenticatedModes.includes(mode);
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
