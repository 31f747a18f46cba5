import type { Secret } from '../common/secret.ts';
import type { KeyringPlace } from './keyring-place.ts';
import type { RootIntent, RootSource } from './roots/root.ts';
import type { DirectValues, ForgedRow, SealContext, SealedKey, ValueMode, Vault } from './vault.ts';
import type { UnsealProgress, VaultStatus } from './vault-status.ts';

/** Settings of a vault. */
export interface LocalVaultOptions extends KeyringPlace {
  /** Learns of each row that does not open, and of a keyring that was altered. */
  readonly forged?: (row: ForgedRow) => void;
  /** Learns of each box that opens. */
  readonly opened?: (context: SealContext, sealed: SealedKey) => void;
  /** Learns of each reason for which the vault is sealed, and when it no longer is. */
  readonly sealing?: SealingObserver;
  /** In which mode new values are sealed; default `envelope`. */
  readonly values?: ValueMode;
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
  /** The mode of new values may be changed; it concerns this process alone. */
  readonly direct: DirectValues & { mode: ValueMode };
  /** Why the vault is sealed, one line for the operator. */
  readonly sealedBecause: string | undefined;
  status(): VaultStatus;
  /**
   * Gives a share or a passphrase to the root, which opens when that was the last it needed; while the vault
   * is unsealed, to one that is configured or prepared and not open.
   *
   * @throws {VaultUnavailableError} when no root needs something of the kind, or it is wrong.
   */
  unseal(input: Secret): Promise<UnsealProgress>;
  /**
   * Begins a new seal epoch and resolves with its number; boxes of older ones still open.
   *
   * @throws {VaultUnavailableError} when the vault is sealed or the root key cannot be used.
   */
  rotate(): Promise<number>;
  /**
   * Begins a new seal epoch likewise, and replaces index and set secret with it: rows move to these when they
   * are sealed anew, and the ones before end with the epochs before.
   *
   * @throws {VaultUnavailableError} as `rotate`, or when another process changes the keyring.
   */
  renewSecrets(): Promise<number>;
  /**
   * Returns the seconds until the epochs below one may end; 0 when they may.
   *
   * @throws {VaultUnavailableError} when that epoch is not in use.
   */
  secondsUntilRetirement(epoch: number): number;
  /**
   * Ends the epochs below one, of which the caller has found no row and no lane in a verification; resolves
   * with their numbers.
   *
   * @throws {VaultUnavailableError} as `rotate`, when there is none, or when another process may still have
   *   something to commit that it has sealed under one.
   */
  retire(epoch: number): Promise<readonly number[]>;
  /**
   * Begins a new seal epoch, after which no lane opens that was sealed before it, and remembers the keyring.
   * To be called while no other process writes to the database.
   *
   * @throws as `rotate`
   */
  endLanes(): Promise<void>;
  /**
   * Makes what is missing of a root that may become live later; what operators give is for it meanwhile.
   * `isMade`: it was made before. Without a source, ends the one before.
   *
   * @throws {VaultUnavailableError} when the vault is sealed, or it cannot be made.
   */
  prepareRoot(source: RootSource | undefined, isMade: boolean): Promise<void>;
  /**
   * Makes one more root live, of which this process keeps the source, and resolves to its id. Of a root that
   * is live already the source is taken. With the intent `create`, what is missing of it is made.
   *
   * @throws {VaultUnavailableError} when the vault is sealed, the root or one that is live cannot be used, or
   *   another process changes the keyring.
   */
  addRoot(source: RootSource, intent?: RootIntent): Promise<string>;
  /**
   * Ends all live roots but one, by its id; they open no later keyring. That root has to open the keyring
   * alone. `check` is called last; nothing changes when it rejects.
   *
   * @throws {VaultUnavailableError} when the vault is sealed, that root is not at hand, or another process
   *   changes the keyring; otherwise as `check`.
   */
  keepRoot(id: string, check?: () => Promise<void>): Promise<void>;
  /** Uses these sources in place of the former; what operators have given to one of the same URI stays. */
  useSources(sources: readonly RootSource[]): Promise<void>;
  /** Reads the stored keyring, by its root if needed: unseals the vault, adds epochs of others. */
  refresh(): Promise<void>;
}
