import type { Secret } from '../../common/secret.ts';
import { VaultUnavailableError } from '../vault.ts';
import type { UnsealProgress } from '../vault-status.ts';

/**
 * Port of the roots: a root wraps the secrets of a keyring, and a source is where a root comes from. Adapters
 * stand beside this file, and in processes of their own for roots that never leave a token.
 */

/** Wraps and unwraps the secrets of a keyring (at most 128 bytes each). */
export interface OpenRoot {
  /** By which a wrapped secret names its root: 16 lowercase hexadecimal digits. */
  readonly id: string;
  wrap(secret: Uint8Array): Promise<Uint8Array>;
  /** Resolves to undefined when it was wrapped by another key or altered. */
  unwrap(wrapped: Uint8Array): Promise<Uint8Array | undefined>;
  /** Ends what serves it and overwrites what it holds. */
  close(): Promise<void>;
}

/** What a root is opened for; `create` makes what is missing. */
export type RootIntent = 'use' | 'create';

/** A key in a token that wraps the data keys of values; many calls run at once. */
export interface ValueKey {
  /** Id of the root; undefined before the token was there once. */
  readonly id: string | undefined;
  /**
   * Finds the key in the token, so that `id` is known.
   * @throws {ValueTokenUnavailableError} when the token cannot be used now.
   * @throws {VaultUnavailableError} when the key is not for values, one line.
   */
  open(): Promise<void>;
  /** @throws as `open` */
  wrap(secret: Uint8Array): Promise<Uint8Array>;
  /** Resolves to undefined when it was wrapped by another key or altered. @throws as `open` */
  unwrap(wrapped: Uint8Array): Promise<Uint8Array | undefined>;
}

/** Where a root comes from; opening it may wait for a terminal, a file, a token or custodians. */
export interface RootSource {
  /** The URI without secrets, for configuration, logs and `vault status`. */
  readonly uri: string;
  /** `storeId`: 16 bytes, salt of derived keys. @throws {VaultUnavailableError} */
  open(storeId: Uint8Array): Promise<OpenRoot>;
  /**
   * Makes what is missing of a root for a new database, then opens it; where it is left out, nothing can be
   * made.
   * @throws {VaultUnavailableError}
   */
  create?(storeId: Uint8Array): Promise<OpenRoot>;
  /** True: operators open it, so that it is kept open until the vault closes. */
  readonly isAttended?: boolean;
  /** False while `open` is sure to fail, because operators have not given what it needs. */
  readonly isReady?: boolean;
  /** True while `open` would ask once more on a terminal: the answer before was wrong. */
  readonly mayAskAgain?: boolean;
  /**
   * Takes what an operator gives: a share, a passphrase. Returns undefined when it is nothing of this source.
   * The source copies what it keeps.
   * @throws {VaultUnavailableError} when it is wrong, one line that names it.
   */
  accept?(input: Secret): UnsealProgress | undefined;
  /** Calls `arrived` when `open` may succeed where it has failed; returns what ends that. */
  watch?(arrived: () => void): () => void;
  /**
   * Reads the 32 bytes of the root, for a copy in a safe; absent where they never leave, or nobody has them.
   * @throws {VaultUnavailableError}
   */
  readBytes?(): Promise<Secret>;
  /** The key by which it wraps the data keys of values; left out where it is none in a token. */
  readonly values?: ValueKey;
  /** Ends what it keeps between openings. */
  close?(): Promise<void>;
}

/** An open root with its URI, as the list of live roots names it. */
export interface NamedRoot {
  readonly uri: string;
  readonly root: OpenRoot;
}

/** The root is not there, and may come: nothing is wrong with it so far. */
export class RootMissingError extends VaultUnavailableError {}
