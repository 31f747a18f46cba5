import { ProtectionStorageMask } from '../../codec/masks.ts';
import type { ProtectionStorageMasks } from '../../codec/structures/query.ts';
import { fail, type Reason } from '../common/errors.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import { isInToken } from '../object/token-keys.ts';
import type { Context } from './context.ts';

/**
 * Where new objects are kept (KMIP 2.1 §7.29). A mask states everything that has to hold; of several masks
 * one is enough. Software: encrypted on a system of the operator; Hardware: a key that never leaves a token.
 * The server cannot guarantee more.
 */

/** Where the key of an object is. */
export type KeyStorage = 'software' | 'token';

const bits: Readonly<Record<KeyStorage, number>> = {
  software: ProtectionStorageMask.bit('Software'),
  token: ProtectionStorageMask.bit('Hardware'),
};

/** The masks that the server offers, for Query. */
export function offeredStorage({ tokenKeys }: Pick<Context, 'tokenKeys'>): readonly number[] {
  return tokenKeys === undefined ? [bits.software] : [bits.software, bits.token];
}

/** Masks of a request, and the reason of a refusal. */
export interface RequestedStorage {
  readonly masks: ProtectionStorageMasks | undefined;
  readonly reason: Reason;
}

/**
 * Refuses a creation by software when none of its alternatives allows it.
 * @throws {KmipError} with `reason`
 */
export function requireStorage(
  masks: ProtectionStorageMasks | undefined,
  reason: Reason,
  objects = 'such objects',
): void {
  if (!allows(masks, 'software')) fail(reason, `${objects} are protected by software only`);
}

/**
 * Chooses where a new key is made. The operator decides for the groups of `tokenKeys.groups`, and a key in a
 * token is replaced by one in a token; otherwise the masks of the request decide, of several the first that
 * the server offers, and software where there are none.
 * @throws {KmipError} with the reason of the masks that do not allow it
 */
export function chooseStorage(
  requested: readonly [RequestedStorage, ...RequestedStorage[]],
  { tokenKeys, isTokenRequired: isRequired }: Pick<Context, 'tokenKeys' | 'isTokenRequired'>,
  replaced?: ManagedObject,
): KeyStorage {
  const isReplacement = replaced !== undefined && isInToken(replaced);
  const candidates = ordered(requested).filter((storage) =>
    isReplacement || isRequired ? storage === 'token' : storage === 'software' || tokenKeys !== undefined,
  );
  const chosen = candidates.find((storage) => requested.every(({ masks }) => allows(masks, storage)));
  if (chosen === undefined) {
    const { reason } =
      requested.find(({ masks }) => !candidates.some((storage) => allows(masks, storage))) ?? requested[0];
    fail(reason, explainStorage(tokenKeys !== undefined, isRequired, isReplacement));
  }
  if (chosen === 'token' && tokenKeys === undefined)
    fail(requested[0].reason, 'the key has to be in a token, and none is configured');
  return chosen;
}

/** The storages, those that the masks name first before the others. */
function ordered(requested: readonly RequestedStorage[]): readonly KeyStorage[] {
  const named = requested.flatMap(({ masks }) => masks?.ProtectionStorageMask ?? []);
  const storages = ['software', 'token'] as const;
  const first = named.map((mask) => storages.find((storage) => fits(mask, storage)));
  return [...new Set([...first.filter((storage) => storage !== undefined), ...storages])];
}

function allows(masks: ProtectionStorageMasks | undefined, storage: KeyStorage): boolean {
  const alternatives = masks?.ProtectionStorageMask ?? [];
  return alternatives.length === 0 || alternatives.some((mask) => fits(mask, storage));
}

function fits(mask: number, storage: KeyStorage): boolean {
  return (mask & ~bits[storage]) === 0;
}

function explainStorage(hasToken: boolean, isRequired: boolean, isReplacement: boolean): string {
  if (isReplacement) return 'a key in a token is replaced by one in a token: state Hardware, or nothing';
  if (isRequired) return 'keys of this group are made in a token: state Hardware, or nothing';
  return hasToken
    ? 'keys are protected by Software, or by Hardware in a token, and by nothing else'
    : 'keys are protected by software only';
}
