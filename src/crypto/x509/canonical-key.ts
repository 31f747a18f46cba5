import { InvalidDerError } from '../asn1/der.ts';
import { InvalidKeyMaterialError, UnsupportedKeyFormatError } from '../errors.ts';
import { readSpki, writeSpki } from '../keys/der-keys.ts';
import { convertPoint } from '../keys/elliptic.ts';

/**
 * Returns a public key, SubjectPublicKeyInfo in DER, with its point uncompressed: points are the one part of
 * such a key that DER leaves in several forms (RFC 5480 §2.2). Kinds that cannot be read stay as they are.
 */
export function canonicalKey(publicKey: Uint8Array): Uint8Array {
  try {
    const key = readSpki(publicKey);
    if (key.kind !== 'ecPublic') return publicKey;
    return writeSpki({ ...key, point: convertPoint(key.curve, key.point, 'uncompressed') }) ?? publicKey;
  } catch (error) {
    if (unreadable.some((kind) => error instanceof kind)) return publicKey;
    throw error;
  }
}

const unreadable = [InvalidDerError, InvalidKeyMaterialError, UnsupportedKeyFormatError];
