import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { BlockCipherMode } from '../../codec/enums.ts';
import type { CryptographicParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { decrypt, encrypt } from './encryption.ts';
import { componentsOf } from './key-objects.ts';
import {
  AlgorithmUnsupported,
  CryptographyFailed,
  ParametersInvalid,
  type PlainKey,
  undecipherable,
} from './provider.ts';
import type { WrappedBytes } from './wrapping.ts';

/** Key wrapping: AES key wrap plain and with padding (RFC 3394, RFC 5649), and what encryption offers besides. */

interface WrapMode {
  /** Behind `id-aes256-` in OpenSSL's name. */
  readonly suffix: string;
  /** Initial value, which unwrapping finds again when nothing was changed. */
  readonly initialValue: Uint8Array;
  /** Whether data of that many bytes can be wrapped. */
  fits(bytes: number): boolean;
}

const wrapModes = new Map<BlockCipherMode | undefined, WrapMode>([
  [
    'NISTKeyWrap',
    {
      suffix: 'wrap',
      // RFC 3394 §2.2.3.1.
      initialValue: new Uint8Array(8).fill(0xa6),
      fits: (bytes) => bytes >= 16 && bytes % 8 === 0,
    },
  ],
  [
    'AESKeyWrapPadding',
    {
      suffix: 'wrap-pad',
      // RFC 5649 §3.
      initialValue: Uint8Array.of(0xa6, 0x59, 0x59, 0xa6),
      fits: (bytes) => bytes >= 1,
    },
  ],
]);

/** See Wrapping.wrap. */
export function wrap(key: PlainKey, parameters: CryptographicParameters, data: Uint8Array): WrappedBytes {
  const mode = wrapModes.get(parameters.BlockCipherMode);
  if (mode === undefined) {
    const { data: body, iv, tag } = encrypt(key, parameters, { data });
    return { data: tag === undefined ? body : joined(body, tag), ...(iv === undefined ? {} : { iv }) };
  }
  const { name, bytes } = aesCipher(key, parameters, mode);
  if (!mode.fits(data.length)) {
    throw new CryptographyFailed(`${parameters.BlockCipherMode} does not wrap ${data.length} bytes`);
  }
  return { data: new Uint8Array(createCipheriv(name, bytes, mode.initialValue).update(data)) };
}

/** See Wrapping.unwrap. */
export function unwrap(
  key: PlainKey,
  parameters: CryptographicParameters,
  { data, iv }: WrappedBytes,
): Uint8Array {
  const mode = wrapModes.get(parameters.BlockCipherMode);
  if (mode === undefined) return decrypt(key, parameters, { data, iv, tag: 'appended' });
  const { name, bytes } = aesCipher(key, parameters, mode);
  // The wrapped form is a whole number of half blocks, one more than the data; OpenSSL may not be asked about less.
  if (data.length < 16 || data.length % 8 !== 0) throw undecipherable();
  try {
    return createDecipheriv(name, bytes, mode.initialValue).update(data);
  } catch {
    throw undecipherable();
  }
}

function aesCipher(
  key: PlainKey,
  { BlockCipherMode: mode, CryptographicAlgorithm: asked, PaddingMethod: padding }: CryptographicParameters,
  { suffix }: WrapMode,
): { name: string; bytes: Uint8Array } {
  const components = componentsOf(key);
  const algorithm = key.CryptographicAlgorithm ?? asked;
  if (
    components.kind !== 'symmetric' ||
    algorithm !== 'AES' ||
    ![16, 24, 32].includes(components.key.length)
  ) {
    throw new AlgorithmUnsupported(`${mode} needs an AES key`);
  }
  if (asked !== undefined && asked !== algorithm)
    throw new ParametersInvalid('Cryptographic Algorithm is not that of the key');
  if (padding !== undefined && padding !== 'None')
    throw new ParametersInvalid(`${mode} takes no padding, yet Padding Method is ${padding}`);
  return { name: `id-aes${components.key.length * 8}-${suffix}`, bytes: components.key };
}

function joined(data: Uint8Array, tag: Uint8Array): Uint8Array {
  const both = new Uint8Array(data.length + tag.length);
  both.set(data);
  both.set(tag, data.length);
  return both;
}
