import type { CryptographicAlgorithm, KeyFormatType, SplitKeyMethod } from '../../codec/enums.ts';

/** Types of the keys that parts make up. */
export type WholeType = 'SymmetricKey' | 'PrivateKey' | 'SecretData';

/**
 * What the server knows of a part of a split key that it made: it is sealed together with the share, so a
 * client can change none of it by attributes (docs/decisions/38-copies-and-shares.md).
 */
export interface ShareOrigin {
  /** Identifier of the key that was divided; undefined for a key that was generated for the parts. */
  readonly source?: string | undefined;
  /** Object Type of the key. */
  readonly type: WholeType;
  readonly method: SplitKeyMethod;
  readonly parts: number;
  readonly threshold: number;
  /** Key Part Identifier. */
  readonly part: number;
  /** Of GF(2^8): 283 or 285. */
  readonly polynomial: 283 | 285;
  /** Of a prime field, in hexadecimal. */
  readonly prime?: string | undefined;
  /** Key Format Type, algorithm, Cryptographic Length and bytes of the key. */
  readonly format: KeyFormatType;
  readonly algorithm?: CryptographicAlgorithm | undefined;
  readonly bits: number;
  readonly bytes: number;
  /** Cryptographic Usage Mask of the key, or of the parts of a key that was generated for them. */
  readonly mask: number;
}
