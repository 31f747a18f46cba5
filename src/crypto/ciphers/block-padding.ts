import { randomFillSync } from 'node:crypto';
import type { PaddingMethod } from '../../../codec/enums.ts';
import { CryptographyFailedError, UnsupportedAlgorithmError } from '../errors.ts';

/**
 * Paddings of block ciphers that are offered. Zeros is not: it cannot be told from data that ends in zeros.
 */
export type BlockPadding = 'None' | 'PKCS5' | 'ANSIX9_23' | 'ISO10126';

const blockPaddings: readonly PaddingMethod[] = ['None', 'PKCS5', 'ANSIX9_23', 'ISO10126'];

/**
 * Returns the padding of a block cipher; None by default, as in the test cases of OASIS.
 * @throws {UnsupportedAlgorithmError} for a padding that is not offered
 */
export function requireBlockPadding(method: PaddingMethod | undefined): BlockPadding {
  if (method !== undefined && !blockPaddings.includes(method)) {
    throw new UnsupportedAlgorithmError(`block ciphers are not offered with Padding Method ${method}`);
  }
  return (method ?? 'None') as BlockPadding;
}

/**
 * Copies and pads data to whole blocks of `block` bytes. The caller wipes the copy.
 * @throws {CryptographyFailedError} without padding, when the data is not in whole blocks
 */
export function pad(data: Uint8Array, block: number, padding: BlockPadding): Uint8Array {
  const added = padding === 'None' ? 0 : block - (data.length % block);
  const bytes = new Uint8Array(data.length + added);
  if (bytes.length % block !== 0) {
    throw new CryptographyFailedError(`without padding, the data must be a multiple of ${block} bytes`);
  }
  bytes.set(data);
  if (padding === 'None') return bytes;
  const tail = bytes.subarray(data.length);
  if (padding === 'PKCS5') tail.fill(added);
  if (padding === 'ISO10126') randomFillSync(tail);
  tail[added - 1] = added;
  return bytes;
}

/**
 * Returns the number of bytes before the padding, -1 when the padding is wrong. Takes the same time for all
 * bytes: the time must not reveal which byte was wrong (Vaudenay 2002).
 */
export function measureUnpadded(bytes: Uint8Array, block: number, padding: BlockPadding): number {
  if (padding === 'None') return bytes.length;
  if (bytes.length === 0 || bytes.length % block !== 0) return -1;
  const count = bytes[bytes.length - 1] as number;
  let wrong = ((count - 1) >> 31) | ((block - count) >> 31);
  const filler = padding === 'PKCS5' ? count : 0;
  const ignored = padding === 'ISO10126' ? 0 : 0xff;
  for (let back = 2; back <= block; back += 1) {
    const inside = (back - 1 - count) >> 31;
    wrong |= inside & ignored & ((bytes[bytes.length - back] as number) ^ filler);
  }
  return wrong === 0 ? bytes.length - count : -1;
}
