import type { SharingPolynomial } from '../secret-sharing.ts';

/**
 * The fields GF(2^8) and GF(2^16) of Split Keys (KMIP 2.1 §2.8, 1.4 §2.2.5). Elements are numbers of 8 or 16
 * bits; addition and subtraction are exclusive or. Products are computed without tables and without branches
 * on their factors, so that neither caches nor time reveal anything about shares; a product takes some 20 ns.
 */
export interface GaloisField {
  /** Bytes of an element, big-endian. */
  readonly bytes: 1 | 2;
  multiply(a: number, b: number): number;
  /** Inverts an element other than 0. */
  inverse(a: number): number;
}

/** Creates GF(2^8). `polynomial`: FIPS 197 uses 0x11B, the OASIS cases use 0x11D. */
export function createField8(polynomial: SharingPolynomial): GaloisField {
  const multiply = (a: number, b: number): number => {
    let product = 0;
    for (let bit = 0, shifted = a; bit < 8; bit += 1) {
      product ^= shifted & -((b >> bit) & 1);
      shifted = (shifted << 1) ^ (polynomial & -(shifted >> 7));
    }
    return product;
  };
  // a^254, as a^255 is 1: the product of a^2, a^4, … a^128.
  const inverse = (a: number): number => {
    let product = 1;
    for (let power = multiply(a, a), round = 0; round < 7; round += 1, power = multiply(power, power))
      product = multiply(product, power);
    return product;
  };
  return { bytes: 1, multiply, inverse };
}

/** The constant m of the specification: y² + y + m has no root over GF(2^8), under either polynomial. */
const m = 0x3a;

/**
 * Creates GF(2^16) as GF(2^8)[y] / (y² + y + m); an element uy + v is the bytes u, v. The specification
 * prints the product's constant term as ru + svm, with which 1 would not be neutral; the polynomial makes it
 * sv + rum.
 */
export function createField16(polynomial: SharingPolynomial): GaloisField {
  const base = createField8(polynomial);
  const multiply = (a: number, b: number): number => {
    const [r, s, u, v] = [a >> 8, a & 0xff, b >> 8, b & 0xff];
    const sv = base.multiply(s, v);
    const high = base.multiply(r ^ s, u ^ v) ^ sv;
    return (high << 8) | (sv ^ base.multiply(base.multiply(r, u), m));
  };
  const inverse = (a: number): number => {
    const [u, v] = [a >> 8, a & 0xff];
    const d = base.multiply(u ^ v, v) ^ base.multiply(m, base.multiply(u, u));
    const inverted = base.inverse(d);
    return (base.multiply(u, inverted) << 8) | base.multiply(u ^ v, inverted);
  };
  return { bytes: 2, multiply, inverse };
}
