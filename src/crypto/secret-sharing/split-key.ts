import { randomFillSync, timingSafeEqual } from 'node:crypto';
import { xorInto } from '../../common/bytes.ts';
import { CryptographyFailedError, InvalidParametersError, UnsupportedAlgorithmError } from '../errors.ts';
import type { SecretLength, SecretSharingScheme, Share, SharedSecret } from '../secret-sharing.ts';
import { createField8, createField16, type GaloisField } from './galois-fields.ts';
import { createLagrangeBasis } from './split-key-basis.ts';
import { joinInPrimeField, splitInPrimeField } from './split-key-prime.ts';

/* Split Keys (KMIP 2.1 §2.8, 1.4 §2.2.5; Shamir 1979): share i is f(i), the secret f(0). */

/**
 * Splits a secret by the method of the scheme; returns the shares in the order of their identifiers, from 1.
 * @throws {UnsupportedAlgorithmError} for an unknown method
 * @throws {InvalidParametersError} when the field has too few elements for the parts, or as
 * `splitInPrimeField`
 */
export async function splitSecret(secret: Uint8Array, scheme: SecretSharingScheme): Promise<SharedSecret> {
  switch (scheme.method) {
    case 'XOR':
      return { shares: splitXor(secret, scheme.parts) };
    case 'PolynomialSharingGF2_8':
    case 'PolynomialSharingGF2_16':
      return { shares: splitPolynomial(secret, scheme) };
    case 'PolynomialSharingPrimeField':
      return splitInPrimeField(secret, scheme);
    default:
      throw unknownMethod(scheme);
  }
}

/**
 * Restores a secret of `length` from its shares; the first `threshold` determine it, the others must agree.
 * @throws {UnsupportedAlgorithmError} for an unknown method
 * @throws {CryptographyFailedError} when shares are too few, repeated or contradictory, or do not fit
 * `length`
 * @throws {InvalidParametersError} when the field has too few elements, or as `joinInPrimeField`
 */
export function joinShares(
  shares: readonly Share[],
  scheme: SecretSharingScheme,
  length: SecretLength,
): Uint8Array {
  const { method, parts, threshold } = scheme;
  const needed = method === 'XOR' ? parts : threshold;
  if (shares.length < needed)
    throw new CryptographyFailedError(`${shares.length} parts of the key are too few: ${needed} are needed`);
  if (new Set(shares.map(({ identifier }) => identifier)).size !== shares.length)
    throw new CryptographyFailedError('two parts of the key have the same Key Part Identifier');
  switch (method) {
    case 'XOR':
      return trimToLength(joinXor(requireEqualLengths(shares)), length);
    case 'PolynomialSharingGF2_8':
    case 'PolynomialSharingGF2_16':
      return trimToLength(joinPolynomial(requireEqualLengths(shares), scheme), length);
    case 'PolynomialSharingPrimeField':
      return joinInPrimeField(shares, scheme, length);
    default:
      throw unknownMethod(scheme);
  }
}

function unknownMethod({ method }: SecretSharingScheme): UnsupportedAlgorithmError {
  return new UnsupportedAlgorithmError(`there is no Split Key Method ${method}`);
}

function requireEqualLengths(shares: readonly Share[]): readonly Share[] {
  const [first] = shares;
  if (shares.some(({ bytes }) => bytes.length !== first?.bytes.length))
    throw new CryptographyFailedError('the parts of the key are not of one length');
  return shares;
}

function splitXor(secret: Uint8Array, parts: number): Uint8Array[] {
  const rest = new Uint8Array(secret);
  const others = Array.from({ length: parts - 1 }, () => randomFillSync(new Uint8Array(secret.length)));
  for (const share of others) xorInto(rest, share);
  return [rest, ...others];
}

function joinXor(shares: readonly Share[]): Uint8Array {
  const secret = new Uint8Array(shares[0]?.bytes.length ?? 0);
  for (const { bytes } of shares) xorInto(secret, bytes);
  return secret;
}

/** Returns the field of the method, if it has an element other than 0 for every part. */
function selectField({ method, polynomial, parts }: SecretSharingScheme): GaloisField {
  const field = method === 'PolynomialSharingGF2_8' ? createField8(polynomial) : createField16(polynomial);
  const maxParts = 256 ** field.bytes - 1;
  if (parts > maxParts)
    throw new InvalidParametersError(`a key has at most ${maxParts} parts with ${method}`);
  return field;
}

/** Uses one polynomial for every element of the secret; in GF(2^16) a zero follows an odd byte. */
function splitPolynomial(secret: Uint8Array, scheme: SecretSharingScheme): Uint8Array[] {
  const field = selectField(scheme);
  const length = Math.ceil(secret.length / field.bytes) * field.bytes;
  const coefficients = Array.from({ length: scheme.threshold }, () => new Uint8Array(length));
  coefficients[0]?.set(secret);
  for (const coefficient of coefficients.slice(1)) randomFillSync(coefficient);
  const shares = Array.from({ length: scheme.parts }, (_, index) => evaluate(field, coefficients, index + 1));
  for (const coefficient of coefficients) coefficient.fill(0);
  return shares;
}

/** Evaluates the polynomials at x by Horner's rule, from the highest coefficient down. */
function evaluate(field: GaloisField, coefficients: readonly Uint8Array[], x: number): Uint8Array {
  const value = new Uint8Array(coefficients[0]?.length ?? 0);
  for (const coefficient of coefficients.toReversed()) {
    scale(field, value, x);
    xorInto(value, coefficient);
  }
  return value;
}

function joinPolynomial(shares: readonly Share[], scheme: SecretSharingScheme): Uint8Array {
  const field = selectField(scheme);
  if ((shares[0]?.bytes.length ?? 0) % field.bytes !== 0)
    throw new CryptographyFailedError('a part of the key ends in half an element');
  const used = shares.slice(0, scheme.threshold);
  const basis = createLagrangeBasis(
    used.map(({ identifier }) => identifier),
    { one: 1, difference: (a, b) => a ^ b, product: field.multiply, inverse: field.inverse },
  );
  const at = (x: number) => interpolate(field, used, basis(x));
  for (const { identifier, bytes } of shares.slice(scheme.threshold)) {
    if (!timingSafeEqual(at(identifier), bytes))
      throw new CryptographyFailedError('the parts of the key do not belong together');
  }
  return at(0);
}

/** Returns the weighted sum of the shares: the value of the polynomial through them. */
function interpolate(field: GaloisField, shares: readonly Share[], weights: readonly number[]): Uint8Array {
  const value = new Uint8Array(shares[0]?.bytes.length ?? 0);
  for (const [index, { bytes }] of shares.entries()) {
    const term = new Uint8Array(bytes);
    scale(field, term, weights[index] as number);
    xorInto(value, term);
    term.fill(0);
  }
  return value;
}

function scale({ bytes, multiply }: GaloisField, value: Uint8Array, factor: number): void {
  for (let at = 0; at < value.length; at += bytes) {
    if (bytes === 1) {
      value[at] = multiply(value[at] as number, factor);
      continue;
    }
    const product = multiply(((value[at] as number) << 8) | (value[at + 1] as number), factor);
    value[at] = product >> 8;
    value[at + 1] = product & 0xff;
  }
}

/** Removes the bytes that were added to fill the last element. */
function trimToLength(secret: Uint8Array, length: SecretLength): Uint8Array {
  const bytes = length === 'der' ? readDerLength(secret) : (length ?? secret.length);
  if (bytes === secret.length) return secret;
  const isWrong = bytes > secret.length || secret.length - bytes > 1 || secret[bytes] !== 0;
  const rest = new Uint8Array(secret.subarray(0, bytes));
  secret.fill(0);
  if (isWrong) throw new CryptographyFailedError('the parts of the key do not make up a key of its length');
  return rest;
}

/** Returns the bytes of the DER item at the start of the secret (X.690 §8.1.3). */
function readDerLength(secret: Uint8Array): number {
  const [, first = 0, ...more] = secret.subarray(0, 6);
  if (first < 0x80) return 2 + first;
  const count = first & 0x7f;
  return more.slice(0, count).reduce((length, byte) => length * 256 + byte, 0) + 2 + count;
}
