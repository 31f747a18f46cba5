import { type EpochStatus, VaultUnavailableError } from './vault.ts';

/** The epochs that end, and the first one that stays. */
export interface EpochEnd {
  readonly retired: readonly number[];
  readonly active: number;
}

/**
 * Returns which epochs may end: all before the one in use.
 * @param activationDelay seconds until a new epoch is used
 * @param now POSIX seconds
 * @throws {VaultUnavailableError} when there is none, or messages at work may still have sealed something
 *   under one
 */
export function findEpochEnd(epochs: readonly EpochStatus[], activationDelay: number, now: number): EpochEnd {
  const active = epochs.find(({ state }) => state === 'active');
  const retired = epochs.filter(({ state }) => state === 'opening').map(({ epoch }) => epoch);
  if (active === undefined || retired.length === 0)
    throw new VaultUnavailableError('no epoch before the current one is left');
  // As long again as until its first use: messages at work may commit what they have sealed before.
  const wait = active.createdAt + 2 * activationDelay - now;
  if (wait > 0)
    throw new VaultUnavailableError(
      `others may still be used beside epoch ${active.epoch}: try again in ${Math.ceil(wait)} seconds`,
    );
  return { retired, active: active.epoch };
}
