import type { ByteKeyType } from './byte-keys.ts';
import type { Curve } from './curves.ts';

/**
 * The parts of a key, the intermediate form of every conversion between formats. Integers are magnitudes,
 * big-endian without leading zeros, and often views of the key material: do not wipe them.
 */
export type KeyComponents =
  | { readonly kind: 'symmetric'; readonly key: Uint8Array }
  | RsaPublicKey
  | RsaPrivateKey
  | EcPublicKey
  | EcPrivateKey
  | { readonly kind: 'bytePublic'; readonly type: ByteKeyType; readonly key: Uint8Array }
  | { readonly kind: 'bytePrivate'; readonly type: ByteKeyType; readonly key: Uint8Array }
  | (DsaDomain & { readonly kind: 'dsaPublic'; readonly y: Uint8Array })
  | (DsaDomain & { readonly kind: 'dsaPrivate'; readonly x: Uint8Array })
  | (DhDomain & { readonly kind: 'dhPublic'; readonly y: Uint8Array })
  | (DhDomain & { readonly kind: 'dhPrivate'; readonly x: Uint8Array });

/** An RSA public key, with the names of RFC 8017 §3.1. */
export interface RsaPublicKey {
  readonly kind: 'rsaPublic';
  readonly n: Uint8Array;
  readonly e: Uint8Array;
}

/**
 * An RSA private key, with the names of RFC 8017 §3.2; a transparent key may lack numbers that follow from
 * others.
 */
export interface RsaPrivateKey {
  readonly kind: 'rsaPrivate';
  readonly n: Uint8Array;
  readonly e?: Uint8Array | undefined;
  readonly d?: Uint8Array | undefined;
  readonly p?: Uint8Array | undefined;
  readonly q?: Uint8Array | undefined;
  readonly dP?: Uint8Array | undefined;
  readonly dQ?: Uint8Array | undefined;
  readonly qInv?: Uint8Array | undefined;
}

/** A public key on a named curve. */
export interface EcPublicKey {
  readonly kind: 'ecPublic';
  readonly curve: Curve;
  /** In any of the forms of SEC 1 §2.3.3. */
  readonly point: Uint8Array;
}

/** A private key on a named curve. */
export interface EcPrivateKey {
  readonly kind: 'ecPrivate';
  readonly curve: Curve;
  readonly d: Uint8Array;
}

/** Domain parameters of DSA (FIPS 186-4 §4.1). */
export interface DsaDomain {
  readonly p: Uint8Array;
  readonly q: Uint8Array;
  readonly g: Uint8Array;
}

/** Domain parameters of Diffie-Hellman (PKCS#3; with q and j RFC 2631 §2.2). */
export interface DhDomain {
  readonly p: Uint8Array;
  readonly g: Uint8Array;
  readonly q?: Uint8Array | undefined;
  readonly j?: Uint8Array | undefined;
}

/** Returns the number of bits of a magnitude. */
export function bitLength(magnitude: Uint8Array): number {
  const first = magnitude[0];
  return first === undefined ? 0 : (magnitude.length - 1) * 8 + (32 - Math.clz32(first));
}

/** Copies a magnitude into exactly `length` bytes, zeros in front. The caller wipes the copy of a secret. */
export function padToLength(magnitude: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(magnitude, length - magnitude.length);
  return bytes;
}
