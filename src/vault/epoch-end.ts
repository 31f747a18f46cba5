import { type EpochStatus, VaultUnavailableError } from './vault.ts';

/**
 * Returns the epochs below one that is in use or was, the numbers of those that may end.
 * @param epoch the first one that stays
 * @param activationDelay seconds until a new epoch is used
 * @param now POSIX seconds
 * @throws {VaultUnavailableError} when there is none, or messages at work may still have sealed something
 *   under one
 */
export function findEpochEnd(
  epochs: readonly EpochStatus[],
  epoch: number,
  activationDelay: number,
  now: number,
): readonly number[] {
  const first = epochs.find((each) => each.epoch === epoch && each.state !== 'pending');
  const retired = epochs.map((each) => each.epoch).filter((each) => each < epoch);
  if (first === undefined || retired.length === 0)
    throw new VaultUnavailableError('no epoch before the current one is left');
  // As long again as until its first use: messages at work may commit what they have sealed before.
  const wait = first.createdAt + 2 * activationDelay - now;
  if (wait <= 0) return retired;
  throw new VaultUnavailableError(
    `others may still be used beside epoch ${epoch}: try again in ${Math.ceil(wait)} seconds`,
  );
}
