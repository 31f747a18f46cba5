import type { DevicePublicKey } from '../../crypto/token-device.ts';
import { decodeJson, toOneLine } from '../messages.ts';
import type { RemoveKeyAnswer } from './key-messages.ts';

/**
 * Decodes what the process of the token says about keys. A vendor's library runs there, so every field is
 * checked. All throw when an answer is not possible.
 */

const identifier = /^[0-9a-f]{2,256}$/;
/** A token with more keys is asked no further. */
const maxKeys = 1_000_000;

/** The token makes no such key; `reason` is one line. */
export interface UnsupportedKey {
  readonly reason: string;
}

/** Returns the public half of a pair, nothing for another key. */
export function decodeMadeKey(body: Uint8Array): { readonly publicKey?: DevicePublicKey } | UnsupportedKey {
  const { status, reason, publicKey } = decodeJson<Record<string, unknown>>(body);
  if (status === 'unsupported') return { reason: toOneLine(requireText(reason)) };
  if (status !== 'done') throw new TypeError('an unknown status');
  return publicKey === null ? {} : { publicKey: decodePublicKey(publicKey) };
}

function decodePublicKey(value: unknown): DevicePublicKey {
  const { type, ...fields } = value as Record<string, unknown>;
  if (type === 'rsa') return { type, modulus: bytesOf(fields.modulus), exponent: bytesOf(fields.exponent) };
  if (type === 'ec') return { type, point: bytesOf(fields.point) };
  throw new TypeError('an unknown kind of key');
}

const bytesOf = (value: unknown): Uint8Array => Uint8Array.fromHex(requireText(value));

function requireText(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('no text');
  return value;
}

export interface KeyPage {
  readonly total: number;
  readonly next: number;
  readonly keys: readonly { readonly id: string; readonly label: string }[];
}

/** Decodes one page of a list, which goes on unless it is behind the last key. */
export function decodeKeyPage(body: Uint8Array, from: number): KeyPage {
  const { total, next, keys } = decodeJson<Record<string, unknown>>(body);
  if (
    !Number.isInteger(total) ||
    !Number.isInteger(next) ||
    (total as number) < 0 ||
    (total as number) > maxKeys ||
    !Array.isArray(keys)
  )
    throw new TypeError('no page of keys');
  const [end, reached] = [total as number, next as number];
  if (from >= end ? reached < end : reached <= from || reached > end)
    throw new RangeError('a page that does not go on');
  const decoded = keys.map(({ id, label }: Record<string, unknown>) => {
    if (!identifier.test(requireText(id))) throw new TypeError('no CKA_ID');
    return { id: id as string, label: toOneLine(requireText(label)) };
  });
  return { total: total as number, next: next as number, keys: decoded };
}

export function decodeRemoved(body: Uint8Array): RemoveKeyAnswer {
  const { isOwn, reason } = decodeJson<Record<string, unknown>>(body);
  if (typeof isOwn !== 'boolean') throw new TypeError('neither true nor false');
  return { isOwn, reason: reason === null ? null : toOneLine(requireText(reason)) };
}
