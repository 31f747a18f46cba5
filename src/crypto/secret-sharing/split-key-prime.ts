import { checkPrime, generatePrime, randomFillSync } from 'node:crypto';
import { inverse, toBigInt, toBytes } from '../asn1/big-integers.ts';
import { stripZeros } from '../asn1/der.ts';
import { CryptographyFailedError, InvalidKeyMaterialError, InvalidParametersError } from '../errors.ts';
import { bitLength, padded } from '../keys/key-components.ts';
import type { SecretLength, SecretSharingScheme, Share, SharedSecret } from '../secret-sharing.ts';
import { lagrangeBasis } from './split-key-basis.ts';

/**
 * Polynomial Sharing Prime Field (KMIP 2.1 §2.8, 1.4 §2.2.5): secret and shares are integers modulo a prime larger than
 * every secret of that length; a share has as many bytes as the prime. BigInt takes a time that depends on the numbers
 * and leaves them to the garbage collector: whoever minds that uses GF(2^8).
 */

/** Bytes of a secret: to look for a longer prime, or to be sure of one, takes many seconds. */
const maxSecret = 256;
/** Bytes of a prime under parts that are joined. */
const maxPrime = 512;
/** Rounds of Miller and Rabin: a composite passes one in four at the worst, and would harm nobody but its client. */
const checks = 16;

/** See CryptoProvider.splitSecret. */
export async function splitPrime(secret: Uint8Array, sharing: SecretSharingScheme): Promise<SharedSecret> {
  if (secret.length > maxSecret)
    throw new InvalidParametersError(`a prime field is for keys of at most ${maxSecret} bytes`);
  const prime = await (sharing.prime === undefined ? chosen(secret) : given(sharing.prime, secret));
  const p = toBigInt(prime);
  if (p <= BigInt(sharing.parts))
    throw new InvalidParametersError('there are more parts than the prime field has room for');
  const coefficients = [
    toBigInt(secret),
    ...Array.from({ length: sharing.threshold - 1 }, () => randomBelow(p, prime.length)),
  ].toReversed();
  const shares = Array.from({ length: sharing.parts }, (_, index) => {
    const x = BigInt(index + 1);
    return share(
      coefficients.reduce((value, coefficient) => (value * x + coefficient) % p, 0n),
      prime.length,
    );
  });
  return { shares, prime: asBigInteger(prime) };
}

/** See CryptoProvider.joinShares. */
export function joinPrime(
  shares: readonly Share[],
  sharing: SecretSharingScheme,
  length: SecretLength,
): Uint8Array {
  const prime = magnitude(sharing.prime);
  const p = toBigInt(prime);
  const points = shares.map(({ identifier, bytes }) => ({ x: BigInt(identifier), y: numberOf(bytes, p) }));
  const used = points.slice(0, sharing.threshold);
  const basis = lagrangeBasis(
    used.map(({ x }) => x),
    {
      one: 1n,
      difference: (a, b) => modulo(a - b, p),
      product: (a, b) => (a * b) % p,
      inverse: (a) => inverted(a, p),
    },
  );
  const at = (x: bigint) =>
    basis(x).reduce((sum, weight, index) => (sum + weight * (used[index] as Point).y) % p, 0n);
  for (const { x, y } of points.slice(sharing.threshold)) {
    if (at(x) !== y) throw disagree();
  }
  const secret = toBytes(at(0n));
  // DER begins with a tag, so it has no zeros in front.
  const bytes = typeof length === 'number' ? length : secret.length;
  if (bytes < secret.length || bytes > prime.length) throw disagree();
  return padded(secret, bytes);
}

function disagree(): CryptographyFailedError {
  return new CryptographyFailedError('the parts of the key do not belong together');
}

type Point = { readonly x: bigint; readonly y: bigint };

function modulo(value: bigint, p: bigint): bigint {
  const rest = value % p;
  return rest < 0n ? rest + p : rest;
}

/** There is none where what a client registered as a prime is not one. */
function inverted(value: bigint, p: bigint): bigint {
  try {
    return inverse(value, p);
  } catch (error) {
    throw error instanceof InvalidKeyMaterialError ? disagree() : error;
  }
}

function numberOf(bytes: Uint8Array, p: bigint): bigint {
  const value = bytes.length > maxPrime + 8 ? p : toBigInt(bytes);
  if (value >= p) throw disagree();
  return value;
}

function share(value: bigint, length: number): Uint8Array {
  return padded(toBytes(value), length);
}

/** Uniform: 64 bits more than the prime has leave a bias of less than 2^-64. */
function randomBelow(p: bigint, bytes: number): bigint {
  return toBigInt(randomFillSync(new Uint8Array(bytes + 8))) % p;
}

/** A prime of one bit more than the secret: larger than 2^L, as the specification wants it. */
function chosen(secret: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    generatePrime(secret.length * 8 + 1, (error, prime) => {
      if (error) reject(error);
      else resolve(new Uint8Array(prime));
    });
  });
}

async function given(bigInteger: Uint8Array, secret: Uint8Array): Promise<Uint8Array> {
  const prime = magnitude(bigInteger);
  if (bitLength(prime) <= secret.length * 8)
    throw new InvalidParametersError(`Prime Field Size must have more than ${secret.length * 8} bits`);
  if (prime.length > maxSecret + 8)
    throw new InvalidParametersError(`Prime Field Size must have at most ${maxSecret + 8} bytes`);
  const isPrime = await new Promise<boolean>((resolve, reject) => {
    checkPrime(prime, { checks }, (error, result) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
  if (!isPrime) throw new InvalidParametersError('Prime Field Size is not a prime');
  return prime;
}

function magnitude(bigInteger: Uint8Array | undefined): Uint8Array {
  const prime = stripZeros(bigInteger ?? new Uint8Array());
  if (prime.length === 0 || ((bigInteger as Uint8Array)[0] ?? 0) >= 0x80 || prime.length > maxPrime)
    throw new InvalidParametersError(
      `Prime Field Size must be a positive number of at most ${maxPrime} bytes`,
    );
  return prime;
}

/** With a zero in front where the number would else read as negative. */
function asBigInteger(prime: Uint8Array): Uint8Array {
  const length = Math.ceil((prime.length + ((prime[0] ?? 0) >> 7)) / 8) * 8;
  return padded(prime, length);
}
