import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { concatBytes } from '../../common/bytes.ts';
import type { PlainKey } from '../plain-key.ts';
import type { WrappedBytes } from '../wrapping.ts';
import { encrypt } from './encryption.ts';

/**
 * Wraps the bytes of a key by `encrypt`, and appends the tag of a mode that authenticates. Throws as
 * `encrypt` does.
 */
export function wrap(
  key: PlainKey,
  parameters: CryptographicParameters,
  data: Uint8Array,
  ivSeed?: Uint8Array,
): WrappedBytes {
  const { data: body, iv, tag } = encrypt(key, parameters, { data, ivSeed });
  return { data: tag === undefined ? body : concatBytes([body, tag]), ...(iv === undefined ? {} : { iv }) };
}
