import { CryptographicUsageMask } from '../../../codec/masks.ts';
import type { KeyBlock } from '../../../codec/structures/key-block.ts';
import {
  hasKeyBlock,
  type KeyedObjectValue,
  type ManagedObjectValue,
} from '../../../codec/structures/managed-objects.ts';
import { fail, KmipError } from '../../common/errors.ts';
import { CryptographyFailedError, plainKey } from '../../crypto/provider.ts';
import { linkedId } from '../../object/links.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { hasUsageBits } from '../../object/usage.ts';
import type { Context } from '../context.ts';

/**
 * PKCS#12 (KMIP 2.1 §4.31 and §11.25, 1.4 §3.35): a private key under a password, with its certificate and those above.
 * Links tell where they are: PKCS#12 Password Link from the key to Secret Data, PKCS#12 Certificate Link from the key to
 * its certificate and from each certificate to the next.
 */

/** Whoever tries passwords brings a new object for each: they count together. */
const pkcs12Attempts = 'PKCS#12';

/** Certificates in one bundle; real chains have three or four. */
const maxChain = 16;

/**
 * The private key as a PKCS#12 bundle. Fails with KeyFormatTypeNotSupported for what is no private key in the clear,
 * as `passwordOf` does, and with InvalidField for a link to something that is not an X.509 certificate.
 */
export async function encodeAsPkcs12(
  object: ManagedObject,
  value: KeyedObjectValue,
  context: Context,
): Promise<ManagedObjectValue> {
  const key = plainKey(value.type, value.value.KeyBlock);
  if (key?.objectType !== 'PrivateKey')
    fail('KeyFormatTypeNotSupported', 'only a private key in the clear can be given as PKCS#12');
  const KeyValue = await context.crypto.encodePkcs12(key, {
    certificates: await loadChain(object, context),
    password: await loadPassword(object, context),
    friendlyName: object.attributes.get('PKCS_12FriendlyName'),
  });
  const KeyBlock: KeyBlock = { KeyFormatType: 'PKCS_12', KeyValue };
  return { ...value, value: { ...value.value, KeyBlock } } as ManagedObjectValue;
}

/**
 * The private key out of the PKCS#12 file that was registered, as PKCS#8; undefined where the server does not understand
 * the file. Fails as `passwordOf` does, with BadPassword also when the password does not fit.
 */
export async function decodeFromPkcs12(
  object: ManagedObject,
  value: KeyedObjectValue,
  context: Context,
): Promise<KeyedObjectValue | undefined> {
  const password = await loadPassword(object, context);
  const { KeyValue } = value.value.KeyBlock;
  const file = KeyValue instanceof Uint8Array ? KeyValue : KeyValue?.KeyMaterial;
  if (!(file instanceof Uint8Array)) return undefined;
  const KeyMaterial = await decryptFile(file, password, context);
  if (KeyMaterial === undefined) return undefined;
  const KeyBlock: KeyBlock = { KeyFormatType: 'PKCS_8', KeyValue: { KeyMaterial, Attributes: [] } };
  return { ...value, value: { ...value.value, KeyBlock } } as KeyedObjectValue;
}

async function decryptFile(
  file: Uint8Array,
  password: Uint8Array,
  { attempts, crypto }: Context,
): Promise<Uint8Array | undefined> {
  try {
    return await attempts.decrypting(pkcs12Attempts, () => crypto.decodePkcs12(file, password));
  } catch (error) {
    if (error instanceof CryptographyFailedError) failBadPassword('the password is not that of the PKCS#12');
    throw error;
  }
}

/** Checks the password of a PKCS#12 that is registered, and takes algorithm and length from the key inside. */
export async function describePkcs12(
  object: ManagedObject,
  value: KeyedObjectValue,
  context: Context,
): Promise<void> {
  const decoded = await decodeFromPkcs12(object, value, context);
  const key = decoded && plainKey(decoded.type, decoded.value.KeyBlock);
  if (key === undefined) return;
  const { CryptographicAlgorithm, CryptographicLength } = context.crypto.describeKey(key);
  const { attributes } = object;
  if (CryptographicAlgorithm !== undefined && !attributes.has('CryptographicAlgorithm'))
    attributes.set('CryptographicAlgorithm', CryptographicAlgorithm);
  if (CryptographicLength !== undefined && !attributes.has('CryptographicLength'))
    attributes.set('CryptographicLength', CryptographicLength);
}

/**
 * The password that a key with PKCS#12 is linked to. Fails with BadPassword (1.x: InvalidField) unless there is exactly
 * one link and it leads to a password, with ObjectArchived, WrongKeyLifecycleState or PermissionDenied unless the
 * password is Active and may derive keys.
 */
async function loadPassword(object: ManagedObject, { work, now }: Context): Promise<Uint8Array> {
  const links = object.attributes.values('Link').filter((link) => link.LinkType === 'PKCS_12PasswordLink');
  const id = links.length === 1 ? linkedId(object, 'PKCS_12PasswordLink') : undefined;
  if (id === undefined) failBadPassword('PKCS#12 needs exactly one PKCS#12 Password Link');
  const password = await work.load(id);
  if (password?.type !== 'SecretData') failBadPassword('the PKCS#12 Password Link leads to no password');
  requireUsablePassword(password, now);
  const { value } = password;
  const key = value && hasKeyBlock(value) ? plainKey(value.type, value.value.KeyBlock) : undefined;
  if (
    value?.type !== 'SecretData' ||
    value.value.SecretDataType !== 'Password' ||
    !(key?.KeyMaterial instanceof Uint8Array)
  )
    failBadPassword('the PKCS#12 Password Link leads to no password');
  return key.KeyMaterial;
}

/** TC-PKCS12-2 is told Permission Denied, and in 2.0 already Wrong Key Lifecycle State, which must be for a password that is not Active. */
function requireUsablePassword(password: ManagedObject, now: number): void {
  if (password.archived) fail('ObjectArchived', 'the password is archived: recover it first');
  if (password.state(now) !== 'Active')
    throw new KmipError('WrongKeyLifecycleState', 'the password is not Active', 'PermissionDenied', true);
  if (
    !hasUsageBits(
      password.attributes.get('CryptographicUsageMask') ?? 0,
      CryptographicUsageMask.bit('DeriveKey'),
    )
  )
    fail('PermissionDenied', 'the Cryptographic Usage Mask of the password does not contain DeriveKey');
}

function failBadPassword(why: string): never {
  fail('BadPassword', why, 'InvalidField');
}

async function loadChain(object: ManagedObject, { work }: Context): Promise<Uint8Array[]> {
  const chain = new Map<string, Uint8Array>();
  let id = linkedId(object, 'PKCS_12CertificateLink');
  while (id !== undefined && !chain.has(id)) {
    const certificate = await work.load(id);
    const value = certificate?.archived === false ? certificate.value : undefined;
    if (certificate === undefined || value?.type !== 'Certificate' || value.value.CertificateType !== 'X_509')
      fail('InvalidField', 'a PKCS#12 Certificate Link leads to no X.509 certificate');
    if (chain.size === maxChain) fail('InvalidField', `more than ${maxChain} certificates are linked`);
    chain.set(id, value.value.CertificateValue);
    id = linkedId(certificate, 'PKCS_12CertificateLink');
  }
  return [...chain.values()];
}
