/**
 * Port of the vault: encrypts key material before the store receives it, and decrypts it afterwards. The one
 * adapter is `local.ts`, which keeps its root key in a file. Every value is bound to one object:
 *
 *     const context = { id: object.id, objectType: 'SymmetricKey' };
 *     const sealed = vault.seal(context, keyMaterial); // may be stored
 *     const plain = vault.open(context, sealed);       // a copy of keyMaterial
 *     vault.open({ ...context, id: 'another' }, sealed); // throws SealBrokenError
 *     plain.fill(0);                                   // the caller owns the plain bytes
 */

/** Bytes that `Vault.seal` returned. The brand makes storing plain bytes by mistake a type error. */
export type SealedKey = Uint8Array & { readonly __sealed: unique symbol };

/** Identity of the object that a sealed value is bound to; opening the value under another identity fails. */
export interface SealContext {
  /** Unique Identifier of the object. */
  readonly id: string;
  /** KMIP name of its Object Type, for example `SymmetricKey`. */
  readonly objectType: string;
}

/** Encrypts and decrypts values of objects under sealing keys, which the root key protects. */
export interface Vault {
  /**
   * Encrypts `plain` for one object and returns the bytes to be stored.
   *
   * @throws {VaultUnavailableError} when the vault is sealed or no sealing key may be used any more.
   */
  seal(context: SealContext, plain: Uint8Array): SealedKey;
  /**
   * Decrypts a sealed value; the caller owns the returned bytes and may wipe them.
   *
   * @throws {VaultUnavailableError} when the vault is sealed, or its sealing key is not known to this process
   * yet.
   * @throws {SealBrokenError} when the value belongs to another object or was changed.
   */
  open(context: SealContext, sealed: SealedKey): Uint8Array;
  /** False while the root key is not available; the daemon then answers only Discover Versions and Query. */
  readonly unsealed: boolean;
  /** Wipes the sealing keys in memory; further calls throw VaultUnavailableError. */
  close(): Promise<void>;
}

/**
 * `VAULT_UNAVAILABLE`: the root key or a sealing key cannot be used; the message is one line for the
 * operator.
 */
export class VaultUnavailableError extends Error {
  override readonly name = 'VaultUnavailableError';
  readonly code = 'VAULT_UNAVAILABLE';
}

/** `SEAL_BROKEN`: a sealed value does not belong to its object, or its bytes were changed. */
export class SealBrokenError extends Error {
  override readonly name = 'SealBrokenError';
  readonly code = 'SEAL_BROKEN';
}

/** A sealing key as it is stored, encrypted under the root key. */
export interface WrappedSealingKey {
  /** 1, 2, 3 …; the newest activated one seals, all of them open. */
  readonly id: number;
  readonly wrapped: Uint8Array;
  /** POSIX seconds. */
  readonly createdAt: number;
}

/** Where the vault stores wrapped sealing keys; the store's adapters implement it. */
export interface WrappedKeyStore {
  /** All wrapped keys, in the order of their ids. */
  list(): Promise<readonly WrappedSealingKey[]>;
  /** Stores a key durably; resolves with false when another process has stored a key of that id. */
  add(key: WrappedSealingKey): Promise<boolean>;
}
