import type { SplitKeyMethod } from '../../codec/enums.ts';

/** The parameters by which a secret is shared (KMIP 2.1 §2.8, 1.4 §2.2.5). */
export interface SecretSharingScheme {
  readonly method: SplitKeyMethod;
  /** Number of shares. */
  readonly parts: number;
  /** Number of shares that suffice to restore the secret. */
  readonly threshold: number;
  /** Of the field GF(2^8), under both methods that use it. */
  readonly polynomial: SharingPolynomial;
  /** Of a prime field, as a Big Integer. */
  readonly prime?: Uint8Array | undefined;
}

/** A polynomial of GF(2^8): 283 is 0x11B, 285 is 0x11D. */
export type SharingPolynomial = 283 | 285;

/** One share of a secret. */
export interface Share {
  /** Key Part Identifier, from 1. */
  readonly identifier: number;
  readonly bytes: Uint8Array;
}

/** A secret in shares. */
export interface SharedSecret {
  /** In the order of their identifiers. */
  readonly shares: readonly Uint8Array[];
  /** Of a prime field, as a Big Integer. */
  readonly prime?: Uint8Array | undefined;
}

/** Bytes of the secret where their number is known; `der`: as many as the DER header of the secret states. */
export type SecretLength = number | 'der' | undefined;
