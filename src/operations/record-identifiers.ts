import { isSameBytes } from '../common/bytes.ts';
import { InvalidCertificateError } from '../crypto/errors.ts';
import type { CryptoProvider } from '../crypto/provider.ts';

/** Identifiers of records about keys, certificates and Names, whatever objects have them. */

/** Returns the SHA-256 of a SubjectPublicKeyInfo, hex; the same for every encoding of the key. */
export function keyFingerprint(publicKey: Uint8Array, crypto: CryptoProvider): string {
  return crypto.digest('SHA_256', crypto.certification.canonicalKey(publicKey)).toHex();
}

/** Whether two SubjectPublicKeyInfo hold one key, in whatever encodings. */
export function isSameKey(one: Uint8Array, other: Uint8Array, { certification }: CryptoProvider): boolean {
  return isSameBytes(certification.canonicalKey(one), certification.canonicalKey(other));
}

/** Returns the identifier of what a group records about a text: a Name, or a digest in hex. */
export function identifierIn(group: string, text: string, crypto: CryptoProvider): string {
  return crypto.digest('SHA_256', new TextEncoder().encode(`${group}\0${text}`)).toHex();
}

/** Returns the identifier for a key, SubjectPublicKeyInfo in DER. */
export function keyIdentifierIn(group: string, publicKey: Uint8Array, crypto: CryptoProvider): string {
  return identifierIn(group, keyFingerprint(publicKey, crypto), crypto);
}

/** Returns the identifier for a certificate in DER, by the part of it that is signed. */
export function partIdentifierIn(group: string, certificate: Uint8Array, crypto: CryptoProvider): string {
  const part = crypto.certification.signedPart(certificate);
  return identifierIn(group, crypto.digest('SHA_256', part).toHex(), crypto);
}

/**
 * Returns what `read` finds in a certificate, undefined when that cannot be read: an older kmipd has stored
 * certificates that are not DER, which are revoked and destroyed all the same.
 */
export async function ignoreUnreadable<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof InvalidCertificateError) return undefined;
    throw error;
  }
}
