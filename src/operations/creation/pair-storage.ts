import type { KeyedObjectValue } from '../../../codec/structures/managed-objects.ts';
import type { ProtectionStorageMasks } from '../../../codec/structures/query.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { Context } from '../context.ts';
import type { NewTokenKey } from '../made-token-keys.ts';
import { chooseStorage, type KeyStorage, requireStorage } from '../protection-storage.ts';
import { generatePairValues, type PairSpecification } from './key-pair.ts';
import { createPairInToken } from './token-objects.ts';

/** Where the halves of a new key pair are made and kept. */

export interface RequestedPairStorage {
  readonly CommonProtectionStorageMasks?: ProtectionStorageMasks | undefined;
  readonly PrivateProtectionStorageMasks?: ProtectionStorageMasks | undefined;
  readonly PublicProtectionStorageMasks?: ProtectionStorageMasks | undefined;
}

/**
 * Chooses where the private half is made. The public half is kept by software in any case, so masks for both
 * halves that allow Hardware alone are refused.
 * @throws {KmipError} ProtectionStorageUnavailable, PrivateProtectionStorageUnavailable or
 *   PublicProtectionStorageUnavailable
 */
export function choosePairStorage(
  {
    CommonProtectionStorageMasks: common,
    PrivateProtectionStorageMasks: ofPrivate,
    PublicProtectionStorageMasks: ofPublic,
  }: RequestedPairStorage,
  context: Context,
  replaced?: ManagedObject,
): KeyStorage {
  requireStorage(ofPublic, 'PublicProtectionStorageUnavailable');
  const storage = chooseStorage(
    [
      { masks: ofPrivate, reason: 'PrivateProtectionStorageUnavailable' },
      { masks: common, reason: 'ProtectionStorageUnavailable' },
    ],
    context,
    replaced,
  );
  requireStorage(common, 'PublicProtectionStorageUnavailable', 'public keys');
  return storage;
}

/** A half of a pair, and where it is when it stays in the token. */
export interface HalfParts {
  /** Its identifier; a new one when left out. */
  readonly id?: string | undefined;
  readonly value: KeyedObjectValue;
  readonly token?: NewTokenKey | undefined;
}

/** Makes a pair there, and objects of it by `create`. */
export async function makePair<T>(
  storage: KeyStorage,
  specification: PairSpecification,
  context: Context,
  create: (pair: { readonly privateKey: HalfParts; readonly publicKey: KeyedObjectValue }) => Promise<T>,
): Promise<T> {
  if (storage === 'token') return createPairInToken(specification, context, create);
  const { privateKey, publicKey } = await generatePairValues(specification, context.crypto);
  return create({ privateKey: { value: privateKey }, publicKey });
}
