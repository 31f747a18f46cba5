import * as mlDsa from '@noble/post-quantum/ml-dsa.js';
import * as mlKem from '@noble/post-quantum/ml-kem.js';
import * as slhDsa from '@noble/post-quantum/slh-dsa.js';
import type { PostQuantumAlgorithm } from '../../../../src/crypto/algorithm-table.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';

/** Every parameter set by its name. */
export type PostQuantumName = Extract<PostQuantumAlgorithm, string>;

/** The other implementation: noble-post-quantum, under KMIP's names. */
interface Signer {
  readonly lengths: { readonly seed?: number };
  keygen(seed?: Uint8Array): { publicKey: Uint8Array; secretKey: Uint8Array };
  sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array;
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
}
interface Kem {
  keygen(seed?: Uint8Array): { publicKey: Uint8Array; secretKey: Uint8Array };
  encapsulate(publicKey: Uint8Array): { cipherText: Uint8Array; sharedSecret: Uint8Array };
  decapsulate(cipherText: Uint8Array, secretKey: Uint8Array): Uint8Array;
}

export const kems: Readonly<Partial<Record<PostQuantumAlgorithm, Kem>>> = {
  ML_KEM_512: mlKem.ml_kem512,
  ML_KEM_768: mlKem.ml_kem768,
  ML_KEM_1024: mlKem.ml_kem1024,
};

export const latticeSigners: Readonly<Partial<Record<PostQuantumAlgorithm, Signer>>> = {
  ML_DSA_44: mlDsa.ml_dsa44,
  ML_DSA_65: mlDsa.ml_dsa65,
  ML_DSA_87: mlDsa.ml_dsa87,
};

export const hashSigners: Readonly<Partial<Record<PostQuantumAlgorithm, Signer>>> = {
  SLH_DSA_SHA2_128s: slhDsa.slh_dsa_sha2_128s,
  SLH_DSA_SHA2_128f: slhDsa.slh_dsa_sha2_128f,
  SLH_DSA_SHA2_192s: slhDsa.slh_dsa_sha2_192s,
  SLH_DSA_SHA2_192f: slhDsa.slh_dsa_sha2_192f,
  SLH_DSA_SHA2_256s: slhDsa.slh_dsa_sha2_256s,
  SLH_DSA_SHA2_256f: slhDsa.slh_dsa_sha2_256f,
  SLH_DSA_SHAKE_128s: slhDsa.slh_dsa_shake_128s,
  SLH_DSA_SHAKE_128f: slhDsa.slh_dsa_shake_128f,
  SLH_DSA_SHAKE_192s: slhDsa.slh_dsa_shake_192s,
  SLH_DSA_SHAKE_192f: slhDsa.slh_dsa_shake_192f,
  SLH_DSA_SHAKE_256s: slhDsa.slh_dsa_shake_256s,
  SLH_DSA_SHAKE_256f: slhDsa.slh_dsa_shake_256f,
};

/** Every parameter set. */
export const sets = Object.keys({ ...kems, ...latticeSigners, ...hashSigners }) as PostQuantumName[];

/** One whose signatures take a quarter of a second and more. */
export const isSmall = (algorithm: string): boolean => algorithm.endsWith('s');

export function privateKey(
  algorithm: PostQuantumAlgorithm,
  KeyMaterial: Uint8Array,
  KeyFormatType: 'Raw' | 'PKCS_8' = 'Raw',
): PlainKey {
  return { objectType: 'PrivateKey', KeyFormatType, KeyMaterial, CryptographicAlgorithm: algorithm };
}

export function publicKey(
  algorithm: PostQuantumAlgorithm,
  KeyMaterial: Uint8Array,
  KeyFormatType: 'Raw' | 'X_509' = 'Raw',
): PlainKey {
  return { objectType: 'PublicKey', KeyFormatType, KeyMaterial, CryptographicAlgorithm: algorithm };
}

/** Bytes that are the same in every run. */
export function fixed(length: number, start = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 7 + start) & 0xff);
}
