import { checkPrime, generatePrime, randomFillSync } from 'node:crypto';
import { invertModulo, toBigInt, toBytes } from '../asn1/big-integers.ts';
import { stripZeros } from '../asn1/der.ts';
import { CryptographyFailedError, InvalidKeyMaterialError, InvalidParametersError } from '../errors.ts';
import { bitLength, padToLength } from '../keys/key-components.ts';
import type { SecretLength, SecretSharingScheme, Share, SharedSecret } from '../secret-sharing.ts';
import { limitConcurrency } from '../threads/limit-concurrency.ts';
import { createLagrangeBasis } from './split-key-basis.ts';

/**
 * Polynomial Sharing Prime Field (KMIP 2.1 §2.8, 1.4 §2.2.5): secret and shares are integers modulo a prime
 * larger than every secret of that length; a share has as many bytes as the prime. The time of BigInt depends
 * on the numbers, and the garbage collector frees them unwiped: GF(2^8) has neither weakness.
 */

/** Maximum bytes of a secret: searching or checking a longer prime takes many seconds. */
const maxSecretBytes = 256;
/** Maximum bytes of the prime when shares are joined. */
export const maxPrimeBytes = 512;
/**
 * Rounds of Miller and Rabin: a composite passes a round with 1/4 at most, and would harm only its client.
 */
const primalityRounds = 16;

/**
 * Splits a secret over a prime field.
 * @throws {InvalidParametersError} when the secret is too long, or the prime unfit or too small for the parts
 */
export async function splitInPrimeField(
  secret: Uint8Array,
  scheme: SecretSharingScheme,
): Promise<SharedSecret> {
  if (secret.length > maxSecretBytes)
    throw new InvalidParametersError(`a prime field is for keys of at most ${maxSecretBytes} bytes`);
  const prime = await (scheme.prime === undefined
    ? generateFieldPrime(secret)
    : checkFieldPrime(scheme.prime, secret));
  const p = toBigInt(prime);
  if (p <= BigInt(scheme.parts))
    throw new InvalidParametersError('there are more parts than the prime field has elements for');
  const coefficients = [
    toBigInt(secret),
    ...Array.from({ length: scheme.threshold - 1 }, () => randomBelow(p, prime.length)),
  ].toReversed();
  const shares = Array.from({ length: scheme.parts }, (_, index) => {
    const x = BigInt(index + 1);
    return encodeShare(
      coefficients.reduce((value, coefficient) => (value * x + coefficient) % p, 0n),
      prime.length,
    );
  });
  return { shares, prime: toBigInteger(prime) };
}

/**
 * Restores a secret from shares over a prime field.
 * @throws {CryptographyFailedError} when the shares contradict each other
 * @throws {InvalidParametersError} when the prime is missing or too long
 */
export function joinInPrimeField(
  shares: readonly Share[],
  scheme: SecretSharingScheme,
  length: SecretLength,
): Uint8Array {
  const prime = readPrime(scheme.prime);
  const p = toBigInt(prime);
  const points = shares.map(({ identifier, bytes }) => ({ x: BigInt(identifier), y: decodeShare(bytes, p) }));
  const used = points.slice(0, scheme.threshold);
  const basis = createLagrangeBasis(
    used.map(({ x }) => x),
    {
      one: 1n,
      difference: (a, b) => modulo(a - b, p),
      product: (a, b) => (a * b) % p,
      inverse: (a) => invert(a, p),
    },
  );
  const at = (x: bigint) =>
    basis(x).reduce((sum, weight, index) => (sum + weight * (used[index] as Point).y) % p, 0n);
  for (const { x, y } of points.slice(scheme.threshold)) {
    if (at(x) !== y) throw inconsistentShares();
  }
  const secret = toBytes(at(0n));
  // DER begins with a tag, so it has no leading zeros.
  const bytes = typeof length === 'number' ? length : secret.length;
  if (bytes < secret.length || bytes > prime.length) throw inconsistentShares();
  return padToLength(secret, bytes);
}

function inconsistentShares(): CryptographyFailedError {
  return new CryptographyFailedError('the parts of the key do not belong together');
}

type Point = { readonly x: bigint; readonly y: bigint };

function modulo(value: bigint, p: bigint): bigint {
  const rest = value % p;
  return rest < 0n ? rest + p : rest;
}

/** A value without an inverse means that the number which a client registered as a prime is none. */
function invert(value: bigint, p: bigint): bigint {
  try {
    return invertModulo(value, p);
  } catch (error) {
    throw error instanceof InvalidKeyMaterialError ? inconsistentShares() : error;
  }
}

function decodeShare(bytes: Uint8Array, p: bigint): bigint {
  const value = bytes.length > maxPrimeBytes + 8 ? p : toBigInt(bytes);
  if (value >= p) throw inconsistentShares();
  return value;
}

function encodeShare(value: bigint, length: number): Uint8Array {
  return padToLength(toBytes(value), length);
}

/** Uniform: 64 random bits more than the prime has leave a bias of less than 2^-64. */
function randomBelow(p: bigint, bytes: number): bigint {
  return toBigInt(randomFillSync(new Uint8Array(bytes + 8))) % p;
}

/** Generates a prime of one bit more than the secret: larger than 2^L, as the specification requires. */
function generateFieldPrime(secret: Uint8Array): Promise<Uint8Array> {
  const generate = () =>
    new Promise<Uint8Array>((resolve, reject) => {
      generatePrime(secret.length * 8 + 1, (error, prime) => {
        if (error) reject(error);
        else resolve(new Uint8Array(prime));
      });
    });
  return limitConcurrency(generate);
}

async function checkFieldPrime(bigInteger: Uint8Array, secret: Uint8Array): Promise<Uint8Array> {
  const prime = readPrime(bigInteger);
  if (bitLength(prime) <= secret.length * 8)
    throw new InvalidParametersError(`Prime Field Size must have more than ${secret.length * 8} bits`);
  if (prime.length > maxSecretBytes + 8)
    throw new InvalidParametersError(`Prime Field Size must have at most ${maxSecretBytes + 8} bytes`);
  const check = () =>
    new Promise<boolean>((resolve, reject) => {
      checkPrime(prime, { checks: primalityRounds }, (error, result) => {
        if (error) reject(error);
        else resolve(result);
      });
    });
  if (!(await limitConcurrency(check))) throw new InvalidParametersError('Prime Field Size is not a prime');
  return prime;
}

function readPrime(bigInteger: Uint8Array | undefined): Uint8Array {
  const prime = stripZeros(bigInteger ?? new Uint8Array());
  if (prime.length === 0 || ((bigInteger as Uint8Array)[0] ?? 0) >= 0x80 || prime.length > maxPrimeBytes)
    throw new InvalidParametersError(
      `Prime Field Size must be a positive number of at most ${maxPrimeBytes} bytes`,
    );
  return prime;
}

/** Adds zeros up to a multiple of 8 bytes, at least one where the number would else be negative. */
function toBigInteger(prime: Uint8Array): Uint8Array {
  const length = Math.ceil((prime.length + ((prime[0] ?? 0) >> 7)) / 8) * 8;
  return padToLength(prime, length);
}
