import { concatBytes } from '../../common/bytes.ts';
import { InvalidParametersError } from '../errors.ts';

/** Maximum bytes of data that are hashed again for every block of output. */
const maxInputBytes = 65_536;

/**
 * Concatenates the pieces of Derivation Data.
 * @throws {InvalidParametersError} when there are none
 */
export function requireData(data: readonly Uint8Array[]): Uint8Array {
  if (data.length === 0) throw new InvalidParametersError('Derivation Data is missing');
  return concatBytes(data);
}

/**
 * Limits data that is hashed again for every block of output.
 * @throws {InvalidParametersError} for more than 65,536 bytes
 */
export function requireShort(data: Uint8Array): Uint8Array {
  if (data.length > maxInputBytes)
    throw new InvalidParametersError(`Derivation Data has more than ${maxInputBytes} bytes`);
  return data;
}

/** Concatenates blocks, numbered from 1, up to `length` bytes. */
export function concatBlocks(length: number, block: (index: number) => Uint8Array): Uint8Array {
  const output = new Uint8Array(length);
  for (let at = 0, index = 1; at < length; index += 1) {
    const bytes = block(index);
    output.set(bytes.subarray(0, length - at), at);
    at += bytes.length;
  }
  return output;
}
