import type { SealedKey } from '../store/store.ts';

/**
 * Port of the vault: seals object values before the store sees them. Adapters: `local.ts` (root key in a file),
 * later `pkcs11.ts`.
 */

/** What a sealed value is bound to: opening it under another identity fails. */
export interface SealContext {
  /** Unique Identifier of the object. */
  readonly id: string;
  readonly objectType: string;
}

export interface Vault {
  /** Seals plain bytes for one object. Throws VaultUnavailableError when the root key is away. */
  seal(context: SealContext, plain: Uint8Array): SealedKey;
  /** Opens a sealed value; the caller owns the returned bytes and may wipe them. Throws VaultUnavailableError or SealBroken. */
  open(context: SealContext, sealed: SealedKey): Uint8Array;
  /** False while the root key is away; the daemon then answers only Discover Versions and Query. */
  readonly unsealed: boolean;
  close(): Promise<void>;
}

/** The root key cannot be reached. */
export class VaultUnavailableError extends Error {
  override readonly name = 'VaultUnavailableError';
  readonly code = 'VAULT_UNAVAILABLE';
}

/** A sealed value does not belong to its object, or its bytes were changed. */
export class SealBrokenError extends Error {
  override readonly name = 'SealBrokenError';
  readonly code = 'SEAL_BROKEN';
}

/** A sealing key as it rests in the store, wrapped by the root key. */
export interface WrappedSealingKey {
  /** 1, 2, 3 …; the newest seals, all open. */
  readonly id: number;
  readonly wrapped: Uint8Array;
  /** POSIX seconds. */
  readonly createdAt: number;
}

/** Where wrapped sealing keys rest; implemented beside the store. */
export interface WrappedKeyStore {
  list(): Promise<readonly WrappedSealingKey[]>;
  /** Adds a key durably; false when another process took that id first. */
  add(key: WrappedSealingKey): Promise<boolean>;
}
