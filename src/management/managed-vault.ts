import type { Secret } from '../common/secret.ts';
import type { UnsealProgress, VaultStatus } from '../vault/vault-status.ts';

/** What operators see of a vault, and how they unseal it. */
export interface ManagedVault {
  status(): VaultStatus;
  /** @throws {VaultUnavailableError} when it is unsealed, or what was given is wrong. */
  unseal(input: Secret): Promise<UnsealProgress>;
  /** As `LocalVault.refresh`. */
  refresh(): Promise<void>;
  /** As `LocalVault.rotate`. */
  rotate(): Promise<number>;
  /** As `LocalVault.renewSecrets`. */
  renewSecrets(): Promise<number>;
  /** As `LocalVault.secondsUntilRetirement`. */
  secondsUntilRetirement(epoch: number): number;
  /** As `LocalVault.retire`. */
  retire(epoch: number): Promise<readonly number[]>;
}

/** What became of a request to end epochs. */
export interface Retirement {
  /** The epochs that were ended; null: to be called again. */
  readonly retired: readonly number[] | null;
  /** After so many seconds; 0 while rows are verified. */
  readonly waitSeconds: number;
}

/** What a verification of all rows has found. */
export interface VerifiedRows {
  readonly problems: readonly string[];
  /** The oldest epoch under which a row or a lane is sealed. */
  readonly oldestEpoch: number;
}
