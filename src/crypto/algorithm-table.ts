import type { CryptographicAlgorithm } from '../../codec/enums.ts';

/** The static facts about an algorithm. Lengths are Cryptographic Lengths in bits. */
export interface Algorithm {
  /** `hash`: listed by KMIP among the algorithms, although it has no key. */
  readonly kind: 'symmetric' | 'publicKey' | 'hash';
  readonly lengths: Lengths;
  /**
   * Lengths of generated keys, if their strength reaches `minGeneratedStrength`; `lengths`: all of `lengths`.
   */
  readonly generates: Lengths | 'none' | 'lengths';
  /** Security strength in bits against classical computers (NIST SP 800-57 Part 1 Rev. 5, tables 2 and 3). */
  strength(bits: number): number;
  /** Each byte of a key has 7 bits of key and a parity bit. */
  readonly parity?: true;
  /** Designed to withstand quantum computers. */
  readonly postQuantum?: true;
  /** The use of key pairs, where there is only one. */
  readonly use?: 'signature' | 'agreement' | 'encapsulation';
}

/** A list of lengths, or all lengths from…to in steps. */
export type Lengths =
  | readonly number[]
  | { readonly from: number; readonly to: number; readonly step: number };

/**
 * Minimum strength of a quantum-safe symmetric key: Grover's search halves the strength, and 128 bits must
 * remain (QS-M-2).
 */
export const minQuantumSafeStrength = 256;

const whole = (bits: number): number => bits;

function createCipherRow(lengths: Lengths, strength: (bits: number) => number = whole): Algorithm {
  return { kind: 'symmetric', lengths, generates: 'lengths', strength };
}

function createHmacRow(outputBits: number): Algorithm {
  return createCipherRow({ from: 8, to: 65_536, step: 8 }, (bits) => Math.min(bits, outputBits));
}

const des3Strengths = new Map([
  [112, 80],
  [128, 80],
  [168, 112],
  [192, 112],
]);

/** Integer factorisation and discrete logarithms modulo a prime (SP 800-57 table 2). */
function modularStrength(bits: number): number {
  const table = [
    [15_360, 256],
    [7_680, 192],
    [4_096, 152],
    [3_072, 128],
    [2_048, 112],
    [1_024, 80],
  ] as const;
  return table.find(([from]) => bits >= from)?.[1] ?? 0;
}

const half = (bits: number): number => Math.floor(bits / 2);

function createEllipticRow(): Algorithm {
  return {
    kind: 'publicKey',
    lengths: { from: 112, to: 571, step: 1 },
    generates: { from: 192, to: 571, step: 1 },
    strength: half,
  };
}

function createEdwardsRow(bits: number, otherCount: number): Algorithm {
  return {
    kind: 'publicKey',
    lengths: [otherCount, bits],
    generates: [bits],
    strength: half,
    use: 'signature',
  };
}

function createModularRow(generates: Algorithm['generates']): Algorithm {
  return {
    kind: 'publicKey',
    lengths: { from: 512, to: 16_384, step: 1 },
    generates,
    strength: modularStrength,
  };
}

/** A row for keys that clients register and the server never generates. */
function createStoredRow(kind: Algorithm['kind'], postQuantum = false): Algorithm {
  const row: Algorithm = {
    kind,
    lengths: { from: 1, to: 16_777_216, step: 1 },
    generates: 'none',
    strength: () => (postQuantum ? minQuantumSafeStrength : 0),
  };
  return postQuantum ? { ...row, postQuantum } : row;
}

type AlgorithmName = Exclude<CryptographicAlgorithm, number>;

/** X-Wing, an extension value of this server ("XW"): KMIP has no number for it. */
export const xWing = 0x8000_5857;

/** Algorithms of FIPS 203, 204 and 205, each name one parameter set; and the hybrid X-Wing. */
export type PostQuantumAlgorithm = Extract<AlgorithmName, `ML_${string}` | `SLH_${string}`> | typeof xWing;

/**
 * A row for a post-quantum algorithm. `strength`: against classical computers, the strength of the block
 * cipher by which its security category is defined (FIPS 203 §8). `lengths`: bits of the public key, which is
 * the server's count; then other counts that clients may use, the number in the name and the bits of the
 * private key (docs/decisions/20-post-quantum.md).
 */
function createLatticeRow(
  use: 'signature' | 'encapsulation',
  strength: number,
  ...lengths: number[]
): Algorithm {
  return {
    kind: 'publicKey',
    lengths,
    generates: 'lengths',
    strength: () => strength,
    postQuantum: true,
    use,
  };
}

function createHashBasedRow(n: number): Algorithm {
  return createLatticeRow('signature', n, 2 * n, n, 4 * n);
}

/** One row for every algorithm of KMIP 1.0–2.1, and for those of 3.0 that this server offers to 2.1. */
const algorithms: Readonly<Record<AlgorithmName, Algorithm>> = {
  // 512: both keys of XTS.
  AES: createCipherRow([128, 192, 256, 512]),
  ARIA: createCipherRow([128, 192, 256]),
  Blowfish: createCipherRow({ from: 32, to: 448, step: 8 }),
  Camellia: createCipherRow([128, 192, 256]),
  CAST5: createCipherRow({ from: 40, to: 128, step: 8 }),
  ChaCha20: createCipherRow([128, 256]),
  ChaCha20Poly1305: createCipherRow([256]),
  DES: { ...createCipherRow([56, 64], () => 56), parity: true },
  DES3: {
    ...createCipherRow([56, 64, 112, 128, 168, 192], (bits) => des3Strengths.get(bits) ?? 56),
    parity: true,
  },
  GOST28147_89: createCipherRow([256]),
  GOSTR34_13_2015: createCipherRow([256]),
  IDEA: createCipherRow([128]),
  MARS: createCipherRow({ from: 128, to: 448, step: 32 }),
  OneTimePad: createCipherRow({ from: 8, to: 524_288, step: 8 }),
  Poly1305: createCipherRow([256], () => 128),
  RC2: createCipherRow({ from: 8, to: 1_024, step: 8 }),
  RC4: createCipherRow({ from: 40, to: 2_048, step: 8 }),
  RC5: createCipherRow({ from: 8, to: 2_040, step: 8 }),
  SEED: createCipherRow([128]),
  SKIPJACK: createCipherRow([80]),
  SM4: createCipherRow([128]),
  Twofish: createCipherRow([128, 192, 256]),

  HMAC_MD5: createHmacRow(128),
  HMAC_SHA1: createHmacRow(160),
  HMAC_SHA224: createHmacRow(224),
  HMAC_SHA256: createHmacRow(256),
  HMAC_SHA384: createHmacRow(384),
  HMAC_SHA512: createHmacRow(512),
  HMAC_SHA3_224: createHmacRow(224),
  HMAC_SHA3_256: createHmacRow(256),
  HMAC_SHA3_384: createHmacRow(384),
  HMAC_SHA3_512: createHmacRow(512),

  // Generating RSA of 16,384 bits would occupy a pool thread for minutes; clients may register such keys.
  RSA: createModularRow({ from: 1_024, to: 8_192, step: 8 }),
  DSA: { ...createModularRow([1_024, 2_048, 3_072]), use: 'signature' },
  // All keys share one prime, so breaking it is worth the effort: no 1,024 bits (Logjam).
  DH: { ...createModularRow([1_536, 2_048, 3_072, 4_096, 6_144, 8_192]), use: 'agreement' },
  EC: createEllipticRow(),
  ECDSA: { ...createEllipticRow(), use: 'signature' },
  ECDH: { ...createEllipticRow(), use: 'agreement' },
  ECMQV: { ...createEllipticRow(), use: 'agreement' },
  Ed25519: createEdwardsRow(256, 255),
  Ed448: createEdwardsRow(456, 448),
  SM2: createStoredRow('publicKey'),
  GOSTR34_10_2012: { ...createStoredRow('publicKey'), use: 'signature' },
  XMSS: { ...createStoredRow('publicKey', true), use: 'signature' },
  SPHINCS_256: { ...createStoredRow('publicKey', true), use: 'signature' },
  McEliece: createStoredRow('publicKey', true),
  McEliece_6960119: createStoredRow('publicKey', true),
  McEliece_8192128: createStoredRow('publicKey', true),

  ML_KEM_512: createLatticeRow('encapsulation', 128, 6_400, 512, 13_056),
  ML_KEM_768: createLatticeRow('encapsulation', 192, 9_472, 768, 512, 19_200),
  ML_KEM_1024: createLatticeRow('encapsulation', 256, 12_544, 1_024, 512, 25_344),
  ML_DSA_44: createLatticeRow('signature', 128, 10_496, 44, 256, 20_480),
  ML_DSA_65: createLatticeRow('signature', 192, 15_616, 65, 256, 32_256),
  ML_DSA_87: createLatticeRow('signature', 256, 20_736, 87, 256, 39_168),
  SLH_DSA_SHA2_128s: createHashBasedRow(128),
  SLH_DSA_SHA2_128f: createHashBasedRow(128),
  SLH_DSA_SHA2_192s: createHashBasedRow(192),
  SLH_DSA_SHA2_192f: createHashBasedRow(192),
  SLH_DSA_SHA2_256s: createHashBasedRow(256),
  SLH_DSA_SHA2_256f: createHashBasedRow(256),
  SLH_DSA_SHAKE_128s: createHashBasedRow(128),
  SLH_DSA_SHAKE_128f: createHashBasedRow(128),
  SLH_DSA_SHAKE_192s: createHashBasedRow(192),
  SLH_DSA_SHAKE_192f: createHashBasedRow(192),
  SLH_DSA_SHAKE_256s: createHashBasedRow(256),
  SLH_DSA_SHAKE_256f: createHashBasedRow(256),

  SHA3_224: createStoredRow('hash'),
  SHA3_256: createStoredRow('hash'),
  SHA3_384: createStoredRow('hash'),
  SHA3_512: createStoredRow('hash'),
  SHAKE_128: createStoredRow('hash'),
  SHAKE_256: createStoredRow('hash'),
  SM3: createStoredRow('hash'),
  GOSTR34_11_2012: createStoredRow('hash'),
};

/** Extension values. */
const extensions: ReadonlyMap<number, Algorithm> = new Map([
  [xWing, createLatticeRow('encapsulation', 192, 9_728, 256)],
]);

/** Returns the row of an algorithm; undefined for a number that is not in the table. */
export function findAlgorithm(algorithm: CryptographicAlgorithm): Algorithm | undefined {
  return typeof algorithm === 'string' ? algorithms[algorithm] : extensions.get(algorithm);
}
