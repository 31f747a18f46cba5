import {
  type CipherCCM,
  type CipherCCMOptions,
  type CipherCCMTypes,
  createCipheriv,
  createDecipheriv,
  type DecipherCCM,
  getCipherInfo,
  randomFillSync,
} from 'node:crypto';
import type { BlockCipherMode, CryptographicAlgorithm } from '../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { InvalidParametersError, InvalidTagLengthError, UnsupportedAlgorithmError } from '../errors.ts';
import { ivBytesOf, tagBytesOf } from '../parameter-names.ts';
import { type BlockPadding, requireBlockPadding } from './block-padding.ts';

/* The choice of OpenSSL's cipher by symmetric key and Cryptographic Parameters (KMIP 2.1 §4.13, §11.5). */

interface Family {
  readonly block: number;
  /** OpenSSL's name without the mode, by the bytes of the key. */
  readonly names: Readonly<Record<number, string>>;
}

const families = new Map<CryptographicAlgorithm, Family>([
  ['AES', { block: 16, names: { 16: 'aes-128', 24: 'aes-192', 32: 'aes-256' } }],
  ['ARIA', { block: 16, names: { 16: 'aria-128', 24: 'aria-192', 32: 'aria-256' } }],
  ['Camellia', { block: 16, names: { 16: 'camellia-128', 24: 'camellia-192', 32: 'camellia-256' } }],
  ['SM4', { block: 16, names: { 16: 'sm4' } }],
  ['DES3', { block: 8, names: { 16: 'des-ede', 24: 'des-ede3' } }],
]);

/** `blocks`: the data must be in whole blocks, so it is padded. */
type Kind = 'blocks' | 'stream' | 'authenticated';

/** Bytes of an Initialization Vector: the accepted lengths, and that of a generated one. */
interface IvLengths {
  readonly min: number;
  readonly max: number;
  readonly generated: number;
}

interface Mode {
  readonly suffix: string;
  /** The key is two keys of the cipher, one after the other. */
  readonly double?: true;
  readonly kind: Kind;
  /** One block by default; `none`: the mode takes no Initialization Vector. */
  readonly ivLengths?: IvLengths | 'none';
  /** Lengths of tags in bytes. Shorter tags can be guessed (SP 800-38D, appendix C). */
  readonly tags?: readonly number[];
}

const longTags = [12, 13, 14, 15, 16];

const modes = new Map<BlockCipherMode, Mode>([
  ['CBC', { suffix: 'cbc', kind: 'blocks' }],
  ['ECB', { suffix: 'ecb', kind: 'blocks', ivLengths: 'none' }],
  ['CFB', { suffix: 'cfb', kind: 'stream' }],
  ['OFB', { suffix: 'ofb', kind: 'stream' }],
  ['CTR', { suffix: 'ctr', kind: 'stream' }],
  ['XTS', { suffix: 'xts', kind: 'stream', double: true }],
  [
    'GCM',
    { suffix: 'gcm', kind: 'authenticated', ivLengths: { min: 1, max: 128, generated: 12 }, tags: longTags },
  ],
  [
    'CCM',
    {
      suffix: 'ccm',
      kind: 'authenticated',
      ivLengths: { min: 7, max: 13, generated: 12 },
      tags: [12, 14, 16],
    },
  ],
]);

/** A cipher with everything but key, Initialization Vector and data. */
export interface CipherSuite {
  readonly name: string;
  readonly kind: Kind;
  readonly block: number;
  readonly padding: BlockPadding;
  readonly ivLengths: IvLengths | 'none';
  readonly tagBytes: number;
}

/**
 * Selects the cipher for a key and parameters.
 * @throws {UnsupportedAlgorithmError} when algorithm, mode, padding or length of the key is not offered
 * @throws {InvalidParametersError} when the parameters contradict each other, or additional data the mode
 * @throws {InvalidTagLengthError} for a Tag Length that the mode does not offer
 */
export function selectSuite(
  key: Uint8Array,
  algorithm: CryptographicAlgorithm,
  parameters: CryptographicParameters,
  additionalData: Uint8Array | undefined,
): CipherSuite {
  const suite =
    algorithm === 'ChaCha20' || algorithm === 'ChaCha20Poly1305'
      ? selectChaChaSuite(algorithm, parameters)
      : selectBlockSuite(key, algorithm, parameters);
  rejectCounterFields(parameters, algorithm);
  if (additionalData !== undefined && suite.kind !== 'authenticated') {
    throw new InvalidParametersError('additional data needs a mode that authenticates');
  }
  const { PaddingMethod: padding } = parameters;
  if (suite.kind !== 'blocks' && padding !== undefined && padding !== 'None') {
    throw new InvalidParametersError(`this mode takes no padding, yet Padding Method is ${padding}`);
  }
  if (getCipherInfo(suite.name, { keyLength: key.length }) === undefined) {
    throw new UnsupportedAlgorithmError(
      `${algorithm} is not offered with Block Cipher Mode ${parameters.BlockCipherMode} and this key`,
    );
  }
  return suite;
}

function selectBlockSuite(
  key: Uint8Array,
  algorithm: CryptographicAlgorithm,
  parameters: CryptographicParameters,
): CipherSuite {
  const { BlockCipherMode } = parameters;
  if (BlockCipherMode === undefined) throw new InvalidParametersError('Block Cipher Mode is missing');
  const mode = modes.get(BlockCipherMode);
  if (mode === undefined)
    throw new UnsupportedAlgorithmError(`Block Cipher Mode ${BlockCipherMode} is not offered`);
  const family = families.get(algorithm);
  const name = family?.names[mode.double ? key.length / 2 : key.length];
  if (family === undefined || name === undefined) {
    throw new UnsupportedAlgorithmError(
      `the server does not encrypt with ${algorithm} keys of ${key.length} bytes in mode ${BlockCipherMode}`,
    );
  }
  const { block } = family;
  return {
    name: `${name}-${mode.suffix}`,
    kind: mode.kind,
    block,
    padding: mode.kind === 'blocks' ? requireBlockPadding(parameters.PaddingMethod) : 'None',
    ivLengths: mode.ivLengths ?? { min: block, max: block, generated: block },
    tagBytes: requireTagLength(mode.tags, parameters),
  };
}

function selectChaChaSuite(
  algorithm: 'ChaCha20' | 'ChaCha20Poly1305',
  parameters: CryptographicParameters,
): CipherSuite {
  const isAuthenticated = algorithm === 'ChaCha20Poly1305';
  const { BlockCipherMode: mode } = parameters;
  if (mode !== undefined && !(isAuthenticated && mode === 'AEAD')) {
    throw new UnsupportedAlgorithmError(`${algorithm} has no Block Cipher Mode ${mode}`);
  }
  const common = { block: 1, padding: 'None' } as const;
  return isAuthenticated
    ? {
        ...common,
        name: 'chacha20-poly1305',
        kind: 'authenticated',
        ivLengths: { min: 12, max: 12, generated: 12 },
        tagBytes: requireTagLength(longTags, parameters),
      }
    : {
        ...common,
        name: 'chacha20',
        kind: 'stream',
        ivLengths: { min: 8, max: 12, generated: 12 },
        tagBytes: 0,
      };
}

function requireTagLength(
  allowed: readonly number[] | undefined,
  { TagLength = 16 }: CryptographicParameters,
): number {
  if (allowed === undefined) return 0;
  const bytes = tagBytesOf(TagLength);
  if (!allowed.includes(bytes))
    throw new InvalidTagLengthError(`Tag Length must be one of ${allowed.join(', ')} bytes`);
  return bytes;
}

/**
 * An Initialization Vector of fixed field and counter needs a counter with memory, which the server does not
 * keep.
 */
function rejectCounterFields(parameters: CryptographicParameters, algorithm: CryptographicAlgorithm): void {
  const { FixedFieldLength, InvocationFieldLength, CounterLength, InitialCounterValue } = parameters;
  const counter = algorithm === 'ChaCha20' ? undefined : InitialCounterValue;
  if (
    [FixedFieldLength, InvocationFieldLength, CounterLength, counter].some((field) => field !== undefined)
  ) {
    throw new UnsupportedAlgorithmError(
      'fixed fields, invocation fields and counters of an Initialization Vector are not offered',
    );
  }
}

/**
 * Generates an Initialization Vector of IV Length, in bits or bytes: random, or the beginning of `seed`;
 * undefined where the mode takes none.
 * @throws {InvalidParametersError} for a length that the mode does not take, or that is too short to be
 * random
 */
export function generateIv(
  { ivLengths }: CipherSuite,
  { IVLength }: CryptographicParameters,
  seed?: Uint8Array,
): Uint8Array | undefined {
  if (ivLengths === 'none') return undefined;
  const bytes = IVLength === undefined ? ivLengths.generated : ivBytesOf(IVLength);
  // Shorter random vectors would soon repeat under one key.
  if (bytes < Math.min(ivLengths.generated, 12) || bytes > Math.min(ivLengths.max, 16)) {
    throw new InvalidParametersError(
      `no Initialization Vector of IV Length ${IVLength} is made for this mode`,
    );
  }
  return seed?.slice(0, bytes) ?? randomFillSync(new Uint8Array(bytes));
}

/**
 * Returns the Initialization Vector in OpenSSL's form; null where the mode takes none or none is given.
 * @throws {InvalidParametersError} when its length does not fit mode or parameters
 */
export function prepareIv(
  { ivLengths }: CipherSuite,
  { IVLength, InitialCounterValue = 0 }: CryptographicParameters,
  algorithm: CryptographicAlgorithm,
  iv: Uint8Array | undefined,
): Uint8Array | null {
  if (ivLengths === 'none' || iv === undefined) return null;
  const fits = iv.length >= ivLengths.min && iv.length <= ivLengths.max;
  // IV Length repeats the length of a given vector: in bits by the specification, in bytes by many clients.
  if (!fits || (IVLength !== undefined && IVLength !== iv.length * 8 && IVLength !== iv.length)) {
    throw new InvalidParametersError(`an IV/Counter/Nonce of ${iv.length} bytes does not fit the parameters`);
  }
  return algorithm === 'ChaCha20' ? buildChaChaIv(iv, InitialCounterValue) : iv;
}

/**
 * Shortest Initialization Vector of new encryption in bytes. Shorter ones repeat too soon, and under GCM and
 * CCM a repetition reveals the data and lets others forge; the standards of both modes allow them.
 */
const minNewIvBytes = 8;

/**
 * Refuses to encrypt under a short Initialization Vector of the client. Decryption of old data takes any.
 * @throws {InvalidParametersError} for less than 8 bytes
 */
export function requireLongIv({ ivLengths }: CipherSuite, iv: Uint8Array | undefined): void {
  if (ivLengths !== 'none' && iv !== undefined && iv.length < minNewIvBytes)
    throw new InvalidParametersError(`an IV/Counter/Nonce must have at least ${minNewIvBytes} bytes`);
}

/**
 * Puts the counter, little-endian, before the nonce: 64 bits each in the original cipher, 32 and 96 in RFC
 * 8439.
 */
function buildChaChaIv(nonce: Uint8Array, counter: number): Uint8Array {
  if (nonce.length !== 8 && nonce.length !== 12) {
    throw new InvalidParametersError(
      `a nonce of ${nonce.length} bytes does not fit ChaCha20: it has 8 or 12`,
    );
  }
  const state = new Uint8Array(16);
  new DataView(state.buffer).setInt32(0, counter, true);
  state.set(nonce, 16 - nonce.length);
  return state;
}

/** Creates OpenSSL's cipher without its padding. `iv`: the result of `prepareIv`. */
export function createCipher(suite: CipherSuite, key: Uint8Array, iv: Uint8Array | null): CipherCCM {
  const { name, kind } = suite;
  const cipher = createCipheriv(name as CipherCCMTypes, key, iv as Uint8Array, cipherOptions(suite));
  if (kind === 'blocks') cipher.setAutoPadding(false);
  return cipher;
}

/** Creates OpenSSL's decipher without its padding. `iv`: the result of `prepareIv`. */
export function createDecipher(suite: CipherSuite, key: Uint8Array, iv: Uint8Array | null): DecipherCCM {
  const { name, kind } = suite;
  const decipher = createDecipheriv(name as CipherCCMTypes, key, iv as Uint8Array, cipherOptions(suite));
  if (kind === 'blocks') decipher.setAutoPadding(false);
  return decipher;
}

function cipherOptions({ kind, tagBytes }: CipherSuite): CipherCCMOptions {
  return (kind === 'authenticated' ? { authTagLength: tagBytes } : undefined) as CipherCCMOptions;
}
