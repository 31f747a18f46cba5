import { createECDH, ECDH } from 'node:crypto';
import type { KeyCompressionType } from '../../../codec/enums.ts';
import { InvalidKeyMaterialError, UnsupportedKeyCompressionError } from '../errors.ts';
import type { Curve } from './curves.ts';
import { padToLength } from './key-components.ts';

/** The encodings of a point (SEC 1 §2.3.3; hybrid: ANSI X9.62). */
export type PointForm = 'uncompressed' | 'compressed' | 'hybrid';

const forms = new Map<KeyCompressionType, PointForm>([
  ['ECPublicKeyTypeUncompressed', 'uncompressed'],
  ['ECPublicKeyTypeX9_62CompressedPrime', 'compressed'],
  ['ECPublicKeyTypeX9_62CompressedChar2', 'compressed'],
  ['ECPublicKeyTypeX9_62Hybrid', 'hybrid'],
]);

/**
 * Returns the form of the public point for a Key Compression Type.
 * @throws {UnsupportedKeyCompressionError} for an unknown type
 */
export function requirePointForm(compression: KeyCompressionType): PointForm {
  const form = forms.get(compression);
  if (form === undefined) throw new UnsupportedKeyCompressionError('this Key Compression Type is not known');
  return form;
}

/**
 * Converts a point to another form, in memory of its own.
 * @throws {InvalidKeyMaterialError} when the point does not lie on the curve
 */
export function convertPoint(curve: Curve, point: Uint8Array, form: PointForm): Uint8Array {
  try {
    return new Uint8Array(ECDH.convertKey(point, curve.openssl, undefined, undefined, form) as Buffer);
  } catch {
    throw new InvalidKeyMaterialError(`the public key is not a point on ${curve.name}`);
  }
}

/**
 * Computes the public point of a private key, uncompressed.
 * @throws {InvalidKeyMaterialError} when the key is out of range
 */
export function computePublicPoint(curve: Curve, d: Uint8Array): Uint8Array {
  const scalar = padToLength(d, curve.orderBytes);
  try {
    const ecdh = createECDH(curve.openssl);
    ecdh.setPrivateKey(scalar);
    return new Uint8Array(ecdh.getPublicKey());
  } catch {
    throw new InvalidKeyMaterialError(`the private key is out of range for ${curve.name}`);
  } finally {
    scalar.fill(0);
  }
}
