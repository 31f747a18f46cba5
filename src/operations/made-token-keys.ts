import type { CryptographicDomainParameters } from '../../codec/structures/cryptographic-parameters.ts';
import { fail } from '../common/errors.ts';
import { readJson, writeJson } from '../common/json.ts';
import type { TokenKeyReference } from '../crypto/token-device.ts';
import type { GeneratedTokenKey, TokenKeyRequest } from '../crypto/token-keys.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import type { Context } from './context.ts';

/**
 * Keys of the token that belong to no object: those that are being made, and those of destroyed objects. Each
 * has a record until it is gone from the token. The record is written before the key is made, and goes in the
 * commit of the object that gets it; a destroyed object leaves one in its commit. So a crash at any moment
 * leaves no key in the token that nobody knows, and removes none that an object has
 * (`protocol/batch/released-token-keys.ts`).
 */

/** Kind of the records, by CKA_ID. */
export const tokenKeyKind = 'token-keys';

export interface ReleasedTokenKey {
  readonly reference: TokenKeyReference;
  /** Identifier of the object that gets the key, or had it. While it has the key, the key is not removed. */
  readonly object: string;
  /** POSIX seconds from which the key is removed from the token. */
  readonly removedFrom: number;
  /** Whether a process has begun to remove it: no object can get it any more. */
  readonly isEnding?: boolean;
}

export function encodeReleased(released: ReleasedTokenKey): Uint8Array {
  return writeJson(released);
}

export function decodeReleased(content: Uint8Array): ReleasedTokenKey {
  return readJson<ReleasedTokenKey>(content);
}

/** What the value of an object in a token does not say of its key. */
export interface NewTokenKey {
  readonly reference: TokenKeyReference;
  readonly domain?: CryptographicDomainParameters | undefined;
}

export interface MadeTokenKey {
  /** The identifier that its object has to get. */
  readonly id: string;
  readonly reference: TokenKeyReference;
  readonly made: GeneratedTokenKey;
}

/**
 * Makes a key in the token and an object of it by `create`, which inserts the object into the unit of work.
 * @throws {KmipError} or errors as `TokenKeys.generate`, and as `create`; the key is removed then
 */
export async function createInToken<T>(
  request: TokenKeyRequest,
  context: Context,
  create: (key: MadeTokenKey) => Promise<T>,
): Promise<T> {
  const { tokenKeys, work } = context;
  if (tokenKeys === undefined) throw new TypeError('no token is configured');
  tokenKeys.keys.requireOffered(request);
  const reference = await tokenKeys.keys.newReference();
  const id = context.newIdentifier();
  await tokenKeys.announce(reference, id);
  try {
    const made = await tokenKeys.keys.generate(reference, request);
    const created = await create({ id, reference, made });
    // Lost when it has taken so long that another process removes the key.
    const record = await work.records.load(tokenKeyKind, reference.id);
    if (record === undefined || decodeReleased(record).isEnding === true)
      fail('GeneralFailure', 'the token took too long to make the key: try again');
    work.records.remove(tokenKeyKind, reference.id);
    return created;
  } catch (error) {
    tokenKeys.discard(reference);
    throw error;
  }
}

/**
 * Notes in the commit of an object that loses its value that its key is removed from the token, if it is
 * there: from `removedFrom` on, POSIX seconds, at once when that is left out.
 */
export function releaseTokenKey(
  { id: object, provenance }: ManagedObject,
  { work, now }: Context,
  removedFrom = now,
): void {
  const { token: reference } = provenance;
  if (reference !== undefined)
    work.records.put(tokenKeyKind, reference.id, encodeReleased({ reference, object, removedFrom }));
}
