import type { LiveRoot } from './keyring.ts';
import type { PinPlace } from './keyring-pin.ts';
import type { RootSource } from './roots/root.ts';
import type { ForgedRow, KeyringStore } from './vault.ts';

/** Which roots a keyring has, and which of them this process can use. */
export interface RootsInUse {
  readonly live: readonly LiveRoot[];
  /** Ids of live roots that this process has opened. */
  readonly atHand: readonly string[];
  /** Why other sources of this process do not open, one line each. */
  readonly problems: readonly string[];
}

/** Where a keyring is stored, what opens it, and by what it is recognised. */
export interface KeyringPlace {
  /**
   * The roots of the database: one, or two while it moves from one to the other. For a new database each of
   * them makes what is missing.
   */
  readonly roots: readonly RootSource[];
  /** By which the state directory recognises the keyring; nothing is compared when left out. */
  readonly pin?: PinPlace;
  readonly keyrings: KeyringStore;
  /** Learns of a keyring that was altered. */
  readonly forged?: (row: ForgedRow) => void;
  /** Learns of the roots when a keyring was opened and they are others than before. */
  readonly rootsChanged?: (roots: RootsInUse) => void;
}
