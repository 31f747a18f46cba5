import { CryptographicUsageMask } from '../../../codec/masks.ts';
import type { KeyBlock, KeyValue } from '../../../codec/structures/key-block.ts';
import {
  hasKeyBlock,
  type KeyedObjectValue,
  type ManagedObjectValue,
} from '../../../codec/structures/managed-objects.ts';
import { eraOf, type Version } from '../../../codec/version.ts';
import { fail, KmipError, MissingPermissionError } from '../../common/errors.ts';
import { CryptographyFailedError } from '../../crypto/errors.ts';
import { type PlainKey, plainKey } from '../../crypto/plain-key.ts';
import { matchesFilter } from '../../object/filter-evaluation.ts';
import { linkedId } from '../../object/links.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { isProtected } from '../../object/protection.ts';
import { openFilter } from '../../object/roles/role-filters.ts';
import { requireStateAllowed } from '../../object/roles/role-limits.ts';
import { hasUsageBits } from '../../object/usage.ts';
import type { Context } from '../context.ts';
import { recordDisclosure, refuseSecret } from './disclosure.ts';

/**
 * PKCS#12 (KMIP 2.1 §4.31 and §11.25, 1.4 §3.35): a private key encrypted by a password, with its certificate
 * chain. Links name the other objects: PKCS#12 Password Link from the key to Secret Data, PKCS#12 Certificate
 * Link from the key to its certificate and from each certificate to the next.
 */

/** Certificates in one PKCS#12; real chains have three or four. */
const maxChain = 16;

/** Whether the value is a private key as PKCS#12, not wrapped by a key. */
export function isPkcs12(value: ManagedObjectValue): value is KeyedObjectValue {
  if (!hasKeyBlock(value)) return false;
  const { KeyFormatType, KeyValue, KeyWrappingData } = value.value.KeyBlock;
  return KeyFormatType === 'PKCS_12' && KeyValue !== undefined && KeyWrappingData === undefined;
}

/**
 * Returns a PKCS#12 as it is stored: the file is the Key Material of a Key Value, as 2.x clients send it. 1.x
 * clients send it in place of the Key Value, as earlier releases stored it. Other values stay as they are.
 */
export function normalisePkcs12(value: ManagedObjectValue): ManagedObjectValue {
  const { KeyValue } = isPkcs12(value) ? value.value.KeyBlock : {};
  return KeyValue instanceof Uint8Array
    ? replaceKeyValue(value as KeyedObjectValue, { KeyMaterial: KeyValue, Attributes: [] })
    : value;
}

/**
 * Returns a PKCS#12 in the form of the client's version: 1.x has the file in place of the Key Value
 * (TC-PKCS12-1), 2.x as Key Material in it (KMIP 2.1 §3.1). Other values stay as they are.
 */
export function presentPkcs12(value: ManagedObjectValue, version: Version): ManagedObjectValue {
  const stored = normalisePkcs12(value);
  if (eraOf(version) !== '1.x' || !isPkcs12(stored)) return stored;
  const { KeyValue } = stored.value.KeyBlock;
  const file = KeyValue instanceof Uint8Array ? KeyValue : KeyValue?.KeyMaterial;
  return file instanceof Uint8Array ? replaceKeyValue(stored, file) : stored;
}

function replaceKeyValue(value: KeyedObjectValue, KeyValue: KeyValue): ManagedObjectValue {
  const KeyBlock: KeyBlock = { ...value.value.KeyBlock, KeyValue };
  return { ...value, value: { ...value.value, KeyBlock } } as ManagedObjectValue;
}

/**
 * Encodes a private key as PKCS#12 with its certificate chain.
 * @throws {KmipError} KeyFormatTypeNotSupported unless the value is a private key in the clear,
 *   InvalidField for a link to another object than an X.509 certificate, NotExtractable or Sensitive for a
 *   certificate, or as `loadPassword` does
 */
export async function encodeAsPkcs12(
  object: ManagedObject,
  value: KeyedObjectValue,
  context: Context,
): Promise<ManagedObjectValue> {
  const key = plainKey(value.type, value.value.KeyBlock);
  if (key?.objectType !== 'PrivateKey')
    fail('KeyFormatTypeNotSupported', 'only a private key in the clear can be given as PKCS#12');
  const KeyMaterial = await context.crypto.encodePkcs12(key, {
    certificates: await loadChain(object, key, context),
    password: (await loadPassword(object, context)).bytes,
    friendlyName: object.attributes.get('PKCS_12FriendlyName'),
  });
  const KeyBlock: KeyBlock = { KeyFormatType: 'PKCS_12', KeyValue: { KeyMaterial, Attributes: [] } };
  return { ...value, value: { ...value.value, KeyBlock } } as ManagedObjectValue;
}

/**
 * Decodes the private key of a registered PKCS#12 as PKCS#8; undefined when the server cannot read the file.
 * @throws {KmipError} BadPassword (1.x: InvalidField) when the password is wrong, or as `loadPassword` does
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

/** Failures count for the password, because an attacker can make a new file for each guess at one. */
async function decryptFile(
  file: Uint8Array,
  { id, bytes }: Password,
  { attempts, crypto }: Context,
): Promise<Uint8Array | undefined> {
  try {
    return await attempts.decrypting(id, () => crypto.decodePkcs12(file, bytes));
  } catch (error) {
    if (error instanceof CryptographyFailedError) failBadPassword('the password is not that of the PKCS#12');
    throw error;
  }
}

/**
 * Checks the password of a PKCS#12 being registered, and sets algorithm and length from the key in it.
 * @throws {KmipError} as `decodeFromPkcs12` does
 */
export async function describePkcs12(
  object: ManagedObject,
  value: KeyedObjectValue,
  context: Context,
): Promise<void> {
  const decoded = await decodeFromPkcs12(object, value, context);
  const key = decoded && plainKey(decoded.type, decoded.value.KeyBlock);
  if (decoded === undefined || key === undefined) return;
  await context.crypto.checkObject(decoded);
  const { CryptographicAlgorithm, CryptographicLength } = context.crypto.describeKey(key);
  const { attributes } = object;
  if (CryptographicAlgorithm !== undefined && !attributes.has('CryptographicAlgorithm'))
    attributes.set('CryptographicAlgorithm', CryptographicAlgorithm);
  if (CryptographicLength !== undefined && !attributes.has('CryptographicLength'))
    attributes.set('CryptographicLength', CryptographicLength);
}

/** The password of a PKCS#12. */
interface Password {
  /** Identifier of its object. */
  readonly id: string;
  readonly bytes: Uint8Array;
}

/**
 * Loads the password that the key is linked to. Clients can change the Link, so what they may do with the
 * password is asked of the password itself.
 * @throws {KmipError} BadPassword (1.x: InvalidField) unless there is exactly one link and it names a
 *   password; ObjectArchived, WrongKeyLifecycleState or PermissionDenied unless the password is Active and
 *   may derive keys; as `requireMayTryPassword`
 */
async function loadPassword(object: ManagedObject, context: Context): Promise<Password> {
  const links = object.attributes.values('Link').filter((link) => link.LinkType === 'PKCS_12PasswordLink');
  const id = links.length === 1 ? linkedId(object, 'PKCS_12PasswordLink') : undefined;
  if (id === undefined) failBadPassword('PKCS#12 needs exactly one PKCS#12 Password Link');
  const password = await context.work.load(id);
  if (password?.type !== 'SecretData') failBadPassword('the PKCS#12 Password Link leads to no password');
  await requireMayTryPassword(password, context);
  requireUsablePassword(password, context.now);
  requireStateAllowed(password, context);
  const { value } = password;
  const key = value && hasKeyBlock(value) ? plainKey(value.type, value.value.KeyBlock) : undefined;
  if (
    value?.type !== 'SecretData' ||
    value.value.SecretDataType !== 'Password' ||
    !(key?.KeyMaterial instanceof Uint8Array)
  )
    failBadPassword('the PKCS#12 Password Link leads to no password');
  return { id, bytes: key.KeyMaterial };
}

/** Operations that return the value of a password which is not protected. */
const disclosing = ['Get', 'Export'] as const;

/**
 * Refuses to make or open a PKCS#12 by a password that the client may not know. A file that leaves tells
 * whether a guess is right, without the server; opening a file of the client tells the same. Both are allowed
 * to a client that may fetch the password anyway, and with the permission `UseProtectedPassword`, which the
 * Rights of a ticket cannot name. Nothing of the password is read for the refusal. A Sensitive key or one
 * that is not Extractable leaves in no PKCS#12 at all.
 * @throws {KmipError} PermissionDenied; NotAuthorised or ObjectNotFound when the Rights of a ticket do not
 *   reach the password
 */
async function requireMayTryPassword(password: ManagedObject, context: Context): Promise<void> {
  const { principal, protection, renewedAccess } = context;
  const isBound = (protection === 'strict' && isProtected(password)) || !isOpen(password, context);
  const fetching = isBound ? undefined : disclosing.find((operation) => principal.may(operation));
  if (fetching !== undefined) return renewedAccess.require(fetching, [{ id: password.id }]);
  if (principal.rights !== undefined)
    fail('PermissionDenied', 'with Rights of a ticket only passwords that it may fetch are used');
  if (!principal.may('UseProtectedPassword'))
    throw new MissingPermissionError(principal.client, 'UseProtectedPassword');
}

/** Whether the restrictions of the client's role let the value leave in the clear. */
function isOpen({ attributes }: ManagedObject, { principal, now }: Context): boolean {
  const restrictions = principal.restrictions?.();
  return restrictions === undefined || matchesFilter(openFilter(restrictions, now), attributes.list());
}

/**
 * TC-PKCS12-2 expects Permission Denied, and Wrong Key Lifecycle State from 2.0 on, for a password that is
 * not Active.
 */
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

/**
 * Loads the certificates that the key and each of them link to. Clients can change Links, so the first has to
 * be for the key, and each other to be the issuer of the one before. Each leaves in the clear, as by Get.
 */
async function loadChain(object: ManagedObject, key: PlainKey, context: Context): Promise<Uint8Array[]> {
  const chain = new Map<string, Uint8Array>();
  let id = linkedId(object, 'PKCS_12CertificateLink');
  while (id !== undefined && !chain.has(id)) {
    const certificate = await context.work.load(id);
    const value = certificate?.archived === false ? certificate.value : undefined;
    if (certificate === undefined || value?.type !== 'Certificate' || value.value.CertificateType !== 'X_509')
      fail('InvalidField', 'a PKCS#12 Certificate Link leads to no X.509 certificate');
    if (chain.size === maxChain) fail('InvalidField', `more than ${maxChain} certificates are linked`);
    refuseSecret(certificate);
    requireStateAllowed(certificate, context);
    await requireNext([...chain.values()].at(-1), value.value.CertificateValue, key, context);
    recordDisclosure(certificate, 'clear', context);
    chain.set(id, value.value.CertificateValue);
    id = linkedId(certificate, 'PKCS_12CertificateLink');
  }
  return [...chain.values()];
}

async function requireNext(
  before: Uint8Array | undefined,
  next: Uint8Array,
  key: PlainKey,
  { crypto: { certification } }: Context,
): Promise<void> {
  const fits =
    before === undefined
      ? certification.isPair(key, (await certification.readCertificate(next)).publicKey)
      : certification.isIssuedBy(before, next);
  if (!fits)
    fail(
      'InvalidField',
      before === undefined
        ? 'the PKCS#12 Certificate Link of the key leads to a certificate of another key'
        : 'a PKCS#12 Certificate Link leads to another certificate than that of the issuer',
    );
}
