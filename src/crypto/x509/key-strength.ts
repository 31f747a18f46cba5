import { readSpki } from '../keys/der-keys.ts';
import { bitLength } from '../keys/key-components.ts';

/* Strength of the keys in certificates: at least 112 bits (SP 800-57 part 1 §5.6.1). */

const minModulusBits = 2048;
const minCurveBits = 224;

/**
 * Returns why a public key, SubjectPublicKeyInfo in DER, can be broken; undefined when it cannot.
 * @throws {InvalidKeyMaterialError} when the key cannot be read
 */
export function findWeakness(publicKey: Uint8Array): string | undefined {
  const key = readSpki(publicKey);
  const numbers: Partial<Record<string, Uint8Array>> = key as never;
  const bits = bitLength(numbers.n ?? numbers.p ?? new Uint8Array(0));
  if (bits > 0 && bits < minModulusBits) return `the public key has less than ${minModulusBits} bits`;
  if (key.kind === 'ecPublic' && key.curve.bits < minCurveBits)
    return `no certificates are made for keys on ${key.curve.name}`;
  return undefined;
}
