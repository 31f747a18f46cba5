import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { concatBytes } from '../../common/bytes.ts';
import type { PlainKey } from '../plain-key.ts';
import type { WrappedBytes } from '../wrapping.ts';
import { encrypt } from './encryption.ts';

/** Key wrapping is encryption whose tag, where there is one, travels behind the data. */

/** See Wrapping.wrap. */
export function wrap(key: PlainKey, parameters: CryptographicParameters, data: Uint8Array): WrappedBytes {
  const { data: body, iv, tag } = encrypt(key, parameters, { data });
  return { data: tag === undefined ? body : concatBytes([body, tag]), ...(iv === undefined ? {} : { iv }) };
}
