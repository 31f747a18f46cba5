import type { SplitKey } from '../../../codec/structures/managed-objects.ts';
import { toBigInt } from '../asn1/big-integers.ts';
import { stripZeros } from '../asn1/der.ts';
import { InvalidKeyMaterialError } from '../errors.ts';
import { isProbablyPrime } from '../keys/primes.ts';
import { maxPrimeBytes } from './split-key-prime.ts';

/** Elements of the fields other than 0, one for each part. */
const maxParts: ReadonlyMap<unknown, number> = new Map([
  ['PolynomialSharingGF2_8', 255],
  ['PolynomialSharingGF2_16', 65_535],
]);

/**
 * Checks the part of a Split Key that comes from outside: its field has an element for every part, is large
 * enough for the part and the key, and is one. Takes up to 0.3 s: for threads.
 * @throws {InvalidKeyMaterialError} with the reason
 */
export function checkShare({
  SplitKeyMethod: method,
  SplitKeyParts: parts,
  PrimeFieldSize,
  KeyBlock,
}: SplitKey): void {
  if (parts > (maxParts.get(method) ?? parts))
    refuse(`the field of ${method} has not so many elements as parts`);
  if (method !== 'PolynomialSharingPrimeField') return;
  const prime = stripZeros(PrimeFieldSize ?? new Uint8Array());
  if (prime.length === 0 || prime.length > maxPrimeBytes || ((PrimeFieldSize as Uint8Array)[0] ?? 0) >= 0x80)
    refuse(`Prime Field Size must be a positive number of at most ${maxPrimeBytes} bytes`);
  if (toBigInt(prime) <= BigInt(parts)) refuse('the prime field has not so many elements as parts');
  // Some clients count the whole bytes of the part.
  if (prime.length * 8 < (KeyBlock.CryptographicLength ?? 0))
    refuse('the prime field is too small for a key of that Cryptographic Length');
  const { KeyValue } = KeyBlock;
  const share = KeyValue === undefined || KeyValue instanceof Uint8Array ? undefined : KeyValue.KeyMaterial;
  if (share instanceof Uint8Array && !isBelow(stripZeros(share), prime))
    refuse('the part of the key is not below Prime Field Size');
  if (!isProbablyPrime(prime)) refuse('Prime Field Size is not a prime');
}

/** Compares magnitudes without leading zeros. */
function isBelow(value: Uint8Array, limit: Uint8Array): boolean {
  return value.length === limit.length ? Buffer.compare(value, limit) < 0 : value.length < limit.length;
}

function refuse(reason: string): never {
  throw new InvalidKeyMaterialError(reason);
}
