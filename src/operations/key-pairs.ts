import type { Attribute } from '../../codec/attribute.ts';
import { hasKeyBlock } from '../../codec/structures/managed-objects.ts';
import { type PlainKey, plainKey } from '../crypto/plain-key.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { linkedId } from '../object/links.ts';
import { anyStorageStatus, locateFilter } from '../object/locate-filter.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import { isBornHere } from '../object/provenance.ts';
import type { Context } from './context.ts';

/**
 * The halves of a key pair. Clients can change Links, so that a Link proposes the other half and the keys
 * themselves decide (docs/decisions/36-certificate-authority.md).
 */

type PairContext = Pick<Context, 'work' | 'crypto'>;
type Half = 'PrivateKey' | 'PublicKey';

/** Returns the key in an object; undefined when only its attributes are stored, or the key is wrapped. */
export function plainKeyIn({ type, value }: ManagedObject): PlainKey | undefined {
  return value !== undefined && hasKeyBlock(value) ? plainKey(type, value.value.KeyBlock) : undefined;
}

/** Returns the X.509 certificate in an object in DER; undefined when there is none. */
export function certificateIn(object: ManagedObject | undefined): Uint8Array | undefined {
  // Other values may need a token to be opened.
  const value = object?.type === 'Certificate' ? object.value : undefined;
  return value?.type === 'Certificate' && value.value.CertificateType === 'X_509'
    ? value.value.CertificateValue
    : undefined;
}

/**
 * Returns the public key in an object as SubjectPublicKeyInfo in DER; undefined when it is not here in the
 * clear, or is of a kind without such a form.
 */
export function encodeSpki(object: ManagedObject, crypto: CryptoProvider): Uint8Array | undefined {
  const key = plainKeyIn(object);
  if (key?.objectType !== 'PublicKey') return undefined;
  try {
    return crypto.convertKey(key, 'X_509') as Uint8Array;
  } catch {
    return undefined;
  }
}

/**
 * Whether two objects are the halves of one key pair: by the keys themselves; where these cannot be compared
 * (hybrid keys), by the record of the server that it has made them together.
 */
export function isKeyPair(
  privateKey: ManagedObject,
  publicKey: ManagedObject,
  crypto: CryptoProvider,
): boolean {
  if (privateKey.type !== 'PrivateKey' || publicKey.type !== 'PublicKey') return false;
  const own = plainKeyIn(privateKey);
  const spki = encodeSpki(publicKey, crypto);
  const isPair = own && spki && compareHalves(own, spki, crypto);
  return isPair ?? isMadeTogether(privateKey, publicKey);
}

/** Undefined for kinds of keys of which the public half cannot be computed. */
function compareHalves(own: PlainKey, spki: Uint8Array, crypto: CryptoProvider): boolean | undefined {
  try {
    return crypto.certification.isPair(own, spki);
  } catch {
    return undefined;
  }
}

/**
 * Whether the server has made both as one pair. A value that took the place of the private key has another
 * birth.
 */
function isMadeTogether(privateKey: ManagedObject, publicKey: ManagedObject): boolean {
  return publicKey.provenance.madeWith === privateKey.id && isBornHere(privateKey.provenance.born);
}

/**
 * Returns the other half of a key: of the one that was made with it and the one that its Link names the first
 * that is its pair, whether or not it is archived or destroyed; undefined when there is none.
 */
export async function findOtherHalf(
  object: ManagedObject,
  half: Half,
  { work, crypto }: PairContext,
): Promise<ManagedObject | undefined> {
  const linked = linkedId(object, half === 'PublicKey' ? 'PublicKeyLink' : 'PrivateKeyLink');
  for (const id of new Set([object.provenance.madeWith, linked])) {
    const other = id === undefined ? undefined : await work.load(id);
    if (other === undefined) continue;
    if (half === 'PublicKey' ? isKeyPair(object, other, crypto) : isKeyPair(other, object, crypto))
      return other;
  }
  return undefined;
}

/** Whether the server made the key in an object, and the Rights include its private half. */
export async function isMadeWithin(
  { type, provenance: { born, madeWith } }: ManagedObject,
  { work, now }: Pick<Context, 'work' | 'now'>,
): Promise<boolean> {
  if (!isBornHere(born) || type === 'Certificate') return false;
  if (type !== 'PublicKey') return true;
  if (madeWith === undefined) return false;
  const attributes = [{ name: 'UniqueIdentifier', value: madeWith }] satisfies readonly Attribute[];
  const filter = locateFilter({ attributes, storageStatusMask: anyStorageStatus, now });
  return (await work.find({ filter, offset: 0, limit: 1 })).ids.length > 0;
}

/**
 * Returns the public key of a certificate, a public or a private key as SubjectPublicKeyInfo in DER;
 * undefined for other objects and keys. A private key in direct mode is opened where its public half is not
 * known.
 * @throws {InvalidCertificateError} for an unreadable certificate
 * @throws {ValueTokenUnavailableError} when the token of the private key cannot be used now
 */
export async function publicKeyIn(
  object: ManagedObject,
  context: PairContext,
): Promise<Uint8Array | undefined> {
  const { crypto } = context;
  const certificate = certificateIn(object);
  if (certificate !== undefined) return (await crypto.certification.readCertificate(certificate)).publicKey;
  if (object.type === 'PublicKey') return encodeSpki(object, crypto);
  if (object.type !== 'PrivateKey') return undefined;
  const made = object.isValueDirect ? await publicHalfOf(object, context) : undefined;
  if (made !== undefined) return made;
  await object.openValue();
  const key = plainKeyIn(object);
  try {
    return key && crypto.certification.publicKeyOf(key);
  } catch {
    return undefined; // A kind of key that no certificate is for.
  }
}

/** The public key of a pair that was made here, so that the end of a private key does not need its token. */
async function publicHalfOf(
  privateKey: ManagedObject,
  { work, crypto }: PairContext,
): Promise<Uint8Array | undefined> {
  const { madeWith } = privateKey.provenance;
  // The Rights of a ticket may include the private half alone.
  const half = madeWith === undefined ? undefined : await work.wholeGroup.load(madeWith);
  return half !== undefined && isMadeTogether(privateKey, half) ? encodeSpki(half, crypto) : undefined;
}
