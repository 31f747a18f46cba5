import type { SplitKeyMethod } from '../../codec/enums.ts';

/** How a secret is shared (KMIP 2.1 §2.8, 1.4 §2.2.5). */
export interface SecretSharingScheme {
  readonly method: SplitKeyMethod;
  readonly parts: number;
  /** Shares that are enough. */
  readonly threshold: number;
  /** Of the field GF(2^8) under both methods that use it: 283 is 0x11B, 285 is 0x11D. */
  readonly polynomial: SharingPolynomial;
  /** Of a prime field, as a Big Integer. */
  readonly prime?: Uint8Array | undefined;
}
export type SharingPolynomial = 283 | 285;

export interface Share {
  /** Key Part Identifier, from 1. */
  readonly identifier: number;
  readonly bytes: Uint8Array;
}

export interface SharedSecret {
  readonly shares: readonly Uint8Array[];
  /** Of a prime field, as a Big Integer. */
  readonly prime?: Uint8Array | undefined;
}

/** Bytes of the secret where they are known; `der`: as many as its DER header says. */
export type SecretLength = number | 'der' | undefined;
