import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { BlockCipherMode, CryptographicAlgorithm } from '../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import {
  CryptographyFailedError,
  decryptionFailed,
  InvalidParametersError,
  UnsupportedAlgorithmError,
} from '../errors.ts';

/* AES key wrap, plain and with padding (RFC 3394, RFC 5649), of keys and of any data of a fitting length. */

interface WrapMode {
  /** The end of OpenSSL's name, after `id-aes256-`. */
  readonly suffix: string;
  /** Initial value; unwrapping checks it. */
  readonly initialValue: Uint8Array;
  /** Tells whether data of that many bytes can be wrapped. */
  canWrap(bytes: number): boolean;
}

const wrapModes = new Map<BlockCipherMode, WrapMode>([
  [
    'NISTKeyWrap',
    {
      suffix: 'wrap',
      // RFC 3394 §2.2.3.1.
      initialValue: new Uint8Array(8).fill(0xa6),
      canWrap: (bytes) => bytes >= 16 && bytes % 8 === 0,
    },
  ],
  [
    'AESKeyWrapPadding',
    {
      suffix: 'wrap-pad',
      // RFC 5649 §3.
      initialValue: Uint8Array.of(0xa6, 0x59, 0x59, 0xa6),
      canWrap: (bytes) => bytes >= 1,
    },
  ],
]);

/** Tells whether the parameters name a key wrap mode. */
export function isKeyWrapMode({ BlockCipherMode }: CryptographicParameters): boolean {
  return BlockCipherMode !== undefined && wrapModes.has(BlockCipherMode);
}

/**
 * Wraps data by the key wrap mode of the parameters.
 * @throws {UnsupportedAlgorithmError} when the key is not an AES key
 * @throws {InvalidParametersError} when the parameters name a padding
 * @throws {CryptographyFailedError} when the mode cannot wrap data of that length
 */
export function wrapAes(
  key: Uint8Array,
  algorithm: CryptographicAlgorithm,
  parameters: CryptographicParameters,
  data: Uint8Array,
): Uint8Array {
  const mode = findMode(parameters);
  const name = selectCipher(key, algorithm, parameters, mode);
  if (!mode.canWrap(data.length)) {
    throw new CryptographyFailedError(`${parameters.BlockCipherMode} does not wrap ${data.length} bytes`);
  }
  return new Uint8Array(createCipheriv(name, key, mode.initialValue).update(data));
}

/**
 * Unwraps data by the key wrap mode of the parameters.
 * @throws {UnsupportedAlgorithmError} when the key is not an AES key
 * @throws {InvalidParametersError} when the parameters name a padding
 * @throws {CryptographyFailedError} as `decryptionFailed()`, for every fault of the wrapped data
 */
export function unwrapAes(
  key: Uint8Array,
  algorithm: CryptographicAlgorithm,
  parameters: CryptographicParameters,
  data: Uint8Array,
): Uint8Array {
  const mode = findMode(parameters);
  const name = selectCipher(key, algorithm, parameters, mode);
  // Wrapped data is a whole number of half blocks, one more than the data; OpenSSL must not be given less.
  if (data.length < 16 || data.length % 8 !== 0) throw decryptionFailed();
  try {
    return createDecipheriv(name, key, mode.initialValue).update(data);
  } catch {
    throw decryptionFailed();
  }
}

function findMode({ BlockCipherMode }: CryptographicParameters): WrapMode {
  return wrapModes.get(BlockCipherMode as BlockCipherMode) as WrapMode;
}

function selectCipher(
  key: Uint8Array,
  algorithm: CryptographicAlgorithm,
  { BlockCipherMode: mode, PaddingMethod: padding }: CryptographicParameters,
  { suffix }: WrapMode,
): string {
  if (algorithm !== 'AES' || ![16, 24, 32].includes(key.length))
    throw new UnsupportedAlgorithmError(`${mode} needs an AES key`);
  if (padding !== undefined && padding !== 'None')
    throw new InvalidParametersError(`${mode} takes no padding, yet Padding Method is ${padding}`);
  return `id-aes${key.length * 8}-${suffix}`;
}
