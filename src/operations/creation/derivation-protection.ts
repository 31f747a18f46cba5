import type { BlockCipherMode, DerivationMethod, HashingAlgorithm } from '../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { fail } from '../../common/errors.ts';
import { isHmacKey } from '../../crypto/derivation-hash.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { isProtected, refuseProtected } from '../../object/protection.ts';

/** A Derivation Method that the specification names. */
export type DerivationMethodName = Exclude<DerivationMethod, number>;

/**
 * Whether a method hides the Secret Data that is its derivation data from a client that knows the key and may
 * use the result: `always`, `byHash` only where the pseudorandom function is HMAC (CMAC can be inverted with
 * the key), `never`. `none`: the method takes no such data.
 */
type DataRule = 'always' | 'byHash' | 'never' | 'none';

const dataRules: Readonly<Record<DerivationMethodName, DataRule>> = {
  PBKDF2: 'none',
  HASH: 'none',
  HMAC: 'always',
  // Encryption can be undone with the key, and byte by byte where the client chooses the mode.
  ENCRYPT: 'never',
  NIST800_108_C: 'byHash',
  NIST800_108_F: 'byHash',
  NIST800_108_DPI: 'byHash',
  AsymmetricKey: 'none',
  // The data is divided at its slashes, so that success and failure tell where they are.
  AWSSignatureVersion4: 'never',
  HKDF: 'always',
};

/**
 * Modes in which a protected key may encrypt derivation data. The others make a key stream, so the result has
 * a known difference to what Encrypt gives under the same Initialization Vector.
 */
const blockModes: readonly (BlockCipherMode | undefined)[] = ['ECB', 'CBC'];

/** Bits that an object derived from a protected one has at least: fewer could be searched. */
const minBits = 128;

/** The hash of the attribute Digest, which clients may read in `kmip`. */
const digestAlgorithm = 'SHA_256';

/** A derivation from stored objects. */
export interface ProtectedDerivation {
  readonly method: DerivationMethodName;
  readonly key: ManagedObject;
  /** The Secret Data that is the derivation data. */
  readonly data: ManagedObject | undefined;
  readonly parameters: CryptographicParameters;
  /** The hash in force; see `hashOfDerivation`. */
  readonly hash: HashingAlgorithm | undefined;
  /** Bytes of the key, where they are hashed. */
  readonly keyBytes: number;
  /** Bits of the derived object, without parity. */
  readonly bits: number;
}

/**
 * Refuses a derivation whose result would reveal something of a protected object, by itself or by its uses.
 * @throws {KmipError} Sensitive or NotExtractable, InvalidField for a short result
 */
export function requireHiddenInputs(derivation: ProtectedDerivation): void {
  const { method, key, data, parameters, hash, bits } = derivation;
  const inputs = data === undefined ? [key] : [key, data];
  if (!inputs.some(isProtected)) return;
  if (data !== undefined && !isDataHidden(method, hash))
    refuseProtected([data], `${method} with these parameters would reveal it`);
  if (method === 'ENCRYPT' && !blockModes.includes(parameters.BlockCipherMode))
    refuseProtected([key], 'ENCRYPT uses it in ECB and CBC only');
  if (method === 'HASH') requireOtherValue(derivation);
  if (bits < minBits)
    fail('InvalidField', `from a sensitive or not extractable object at least ${minBits} bits are derived`);
}

/**
 * Refuses hashes that do what the key does: its Digest, and the hash by which HMAC replaces a key that is
 * longer than a block, because the derived key could compute the MACs that the mask of the key forbids.
 */
function requireOtherValue({ key, hash, keyBytes }: ProtectedDerivation): void {
  if (hash === digestAlgorithm) refuseProtected([key], `its hash by ${hash} is its attribute Digest`);
  if (hash !== undefined && isHmacKey(hash, keyBytes))
    refuseProtected([key], `its hash by ${hash} is its key in HMAC`);
}

function isDataHidden(method: DerivationMethodName, hash: HashingAlgorithm | undefined): boolean {
  const rule = dataRules[method];
  return rule === 'always' || (rule === 'byHash' && hash !== undefined);
}
