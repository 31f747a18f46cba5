import type { DerivationMethod, HashingAlgorithm } from '../../codec/enums.ts';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { InvalidParametersError } from './errors.ts';
import { hashOfHmac } from './parameter-names.ts';
import type { PlainKey } from './plain-key.ts';
import type { KeyDerivation } from './provider.ts';

/* The hash of a derivation, for the derivation itself and for every rule about it. */

/** How a method chooses its hash: as stated, else by the key if `byKey`, else `fallback`. */
interface HashChoice {
  readonly byKey: boolean;
  readonly fallback?: HashingAlgorithm;
}

const hashChoices: Readonly<Record<Exclude<DerivationMethod, number>, HashChoice | 'none'>> = {
  // RFC 8018 appendix A.2, and TC-DERIVEKEY-3.
  PBKDF2: { byKey: false, fallback: 'SHA_1' },
  HKDF: { byKey: false, fallback: 'SHA_256' },
  AWSSignatureVersion4: { byKey: false, fallback: 'SHA_256' },
  HASH: { byKey: true },
  HMAC: { byKey: true },
  NIST800_108_C: { byKey: true },
  NIST800_108_F: { byKey: true },
  NIST800_108_DPI: { byKey: true },
  ENCRYPT: 'none',
  AsymmetricKey: 'none',
};

/**
 * Resolves the hash of a derivation from every field that can state it: Hashing Algorithm, an HMAC as
 * Cryptographic Algorithm, the algorithm of an HMAC key. Rules about hashes must compare this one. Undefined
 * where the method uses none: encryption, agreement, and CMAC as pseudorandom function.
 * @throws {InvalidParametersError} when hash and algorithm contradict each other, or for the mode of a cipher
 */
export function hashOfDerivation({
  method,
  key,
  parameters,
}: Pick<KeyDerivation, 'method' | 'key' | 'parameters'>): HashingAlgorithm | undefined {
  const choice = typeof method === 'string' ? hashChoices[method] : 'none';
  if (choice === 'none' || parameters.BlockCipherMode === 'CMAC') return undefined;
  return selectHash(parameters, choice.byKey ? key : undefined) ?? choice.fallback;
}

/** Selects the stated hash, else that of the stated HMAC algorithm, else that of an HMAC key. */
function selectHash(parameters: CryptographicParameters, key?: PlainKey): HashingAlgorithm | undefined {
  const { HashingAlgorithm: named, CryptographicAlgorithm: algorithm, BlockCipherMode: mode } = parameters;
  if (mode !== undefined)
    throw new InvalidParametersError(`a hash takes no Block Cipher Mode, yet it is ${mode}`);
  const implied = hashOfHmac(algorithm);
  if (named !== undefined && implied !== undefined && named !== implied)
    throw new InvalidParametersError('Hashing Algorithm is not that of the Cryptographic Algorithm');
  return named ?? implied ?? (algorithm === undefined ? hashOfHmac(key?.CryptographicAlgorithm) : undefined);
}

/** Bytes of a block; HMAC replaces a longer key by its hash (RFC 2104 §3, FIPS 202 table 3). */
const blockBytes = new Map<HashingAlgorithm, number>([
  ['MD5', 64],
  ['SHA_1', 64],
  ['SHA_224', 64],
  ['SHA_256', 64],
  ['SHA_384', 128],
  ['SHA_512', 128],
  ['RIPEMD_160', 64],
  ['SHA_512_224', 128],
  ['SHA_512_256', 128],
  ['SHA3_224', 144],
  ['SHA3_256', 136],
  ['SHA3_384', 104],
  ['SHA3_512', 72],
]);

/** Whether a hash of a key that long is the key that HMAC with this hash uses in its place. */
export function isHmacKey(hash: HashingAlgorithm, keyBytes: number): boolean {
  return keyBytes > (blockBytes.get(hash) ?? 0);
}
