import type { Secret } from '../common/secret.ts';
import type { KeyringPlace } from './keyring-access.ts';
import type { RootSource } from './roots/root.ts';
import type { ForgedRow, SealContext, SealedKey, UnsealProgress, Vault, VaultStatus } from './vault.ts';

/** Settings of a vault. */
export interface LocalVaultOptions extends KeyringPlace {
  /** Is told of each row that does not open, and of a keyring that was altered. */
  readonly forged?: (row: ForgedRow) => void;
  /** Is told of each box that opens. */
  readonly opened?: (context: SealContext, sealed: SealedKey) => void;
  /** Is told of each reason for which the vault is sealed, and when it no longer is. */
  readonly sealing?: SealingObserver;
  /** Seconds between reads of other processes' epochs and retries while sealed; 0: never, 60 by default. */
  readonly refreshSeconds?: number;
  /** Seconds before a new epoch is used to seal, so that every process has read it; 120 by default. */
  readonly activationDelaySeconds?: number;
  /** Boxes of an epoch after which this process begins a new one. */
  readonly sealsBeforeRotation?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Observes whether a vault is sealed. */
export interface SealingObserver {
  /** `reason`: one line for the operator. */
  sealed(reason: string): void;
  /** Only after `sealed`. */
  unsealed(): void;
}

/** A vault whose epochs can be rotated and read again. */
export interface LocalVault extends Vault {
  /** Why the vault is sealed, one line for the operator. */
  readonly sealedBecause: string | undefined;
  status(): VaultStatus;
  /**
   * Gives a share or a passphrase to the root, which opens when that was the last it needed.
   *
   * @throws {VaultUnavailableError} when the vault is unsealed, the root needs nothing of the kind, or it is
   *   wrong.
   */
  unseal(input: Secret): Promise<UnsealProgress>;
  /**
   * Begins a new seal epoch and resolves with its number; boxes of older ones still open.
   *
   * @throws {VaultUnavailableError} when the vault is sealed or the root key cannot be used.
   */
  rotate(): Promise<number>;
  /**
   * Ends the epochs before the current one, of which the caller has found no row and no lane; resolves with
   * their numbers.
   *
   * @throws {VaultUnavailableError} as `rotate`, when there is none, or when another process may still have
   *   something to commit that it has sealed under one.
   */
  retire(): Promise<readonly number[]>;
  /**
   * Begins a new seal epoch, after which no lane opens that was sealed before it, and remembers the keyring.
   * To be called while no other process writes to the database.
   *
   * @throws as `rotate`
   */
  endLanes(): Promise<void>;
  /**
   * Makes one more root live, of which this process keeps the source.
   *
   * @throws {VaultUnavailableError} when the vault is sealed, the root or one that is live cannot be used, or
   *   another process changes the keyring.
   */
  addRoot(source: RootSource): Promise<void>;
  /**
   * Ends a live root, by its id; it opens no later keyring.
   *
   * @throws {VaultUnavailableError} when the vault is sealed, the last root would go, or another process
   *   changes the keyring.
   */
  removeRoot(id: string): Promise<void>;
  /** Reads the stored keyring, by its root if needed: unseals the vault, adds epochs of others. */
  refresh(): Promise<void>;
}
