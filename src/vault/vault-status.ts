import type { ValueMode } from './vault.ts';

/** How much of what a root needs operators have given. */
export interface UnsealProgress {
  readonly given: number;
  readonly needed: number;
}

/** What a vault says about itself; nothing secret. Times are POSIX seconds. */
export interface VaultStatus {
  /** One line for the operator; null: it is unsealed. */
  readonly sealedBecause: string | null;
  /** URIs of the roots that this process uses. */
  readonly configured: readonly string[];
  /** Ids of the live roots that it has opened, and why others do not open, one line each. */
  readonly atHand: readonly string[];
  readonly rootProblems: readonly string[];
  /** The root that is to become live, and whether operators have given what it needs; null: none. */
  readonly prepared: { readonly uri: string; readonly isReady: boolean } | null;
  /** In which mode this process seals new values. */
  readonly values: ValueMode;
  /** Of the keyring in use; null while the vault is sealed, as are the lists empty. */
  readonly generation: number | null;
  readonly roots: readonly {
    readonly id: string;
    readonly kind: string;
    readonly uri: string;
    readonly createdAt: number;
  }[];
  readonly epochs: readonly EpochStatus[];
  /** The first epochs of the index secrets, the oldest first; several while rows move to the newest. */
  readonly indexEpochs: readonly number[];
}

/** A seal epoch. */
export interface EpochStatus {
  readonly epoch: number;
  /** `active` seals and opens; `opening` only opens; `pending` may not be known to other processes yet. */
  readonly state: 'active' | 'opening' | 'pending';
  readonly createdAt: number;
  /** Boxes of all processes as far as this one knows; null for epochs that it does not seal under. */
  readonly seals: number | null;
}
