/**
 * Port of the vault: encrypts key material before the store receives it, and decrypts it afterwards. The one
 * adapter is `local.ts`, which keeps its root key in a file. Every value is bound to one row of the store:
 *
 *     const context = { kind: 'value', id: object.id, group: 'storage', objectType: 'SymmetricKey' };
 *     const sealed = vault.seal(context, keyMaterial); // may be stored
 *     const plain = vault.open(context, sealed);       // a copy of keyMaterial
 *     vault.open({ ...context, id: 'another' }, sealed); // throws SealBrokenError
 *     plain.fill(0);                                   // the caller owns the plain bytes
 */

/** Bytes that `Vault.seal` returned. The brand makes storing plain bytes by mistake a type error. */
export type SealedKey = Uint8Array & { readonly __sealed: unique symbol };

/** What a sealed value is bound to: the row that has it, and what stands beside it there. */
export type SealContext = ValueContext | RecordContext;

/** The value of an object. */
export interface ValueContext {
  readonly kind: 'value';
  /** Unique Identifier of the object. */
  readonly id: string;
  readonly group: string;
  /** KMIP name of its Object Type, for example `SymmetricKey`. */
  readonly objectType: string;
}

/** The content of a record, each version of it. */
export interface RecordContext {
  readonly kind: 'record';
  readonly recordKind: string;
  readonly id: string;
  readonly group: string;
  readonly version: number;
  /** POSIX seconds; null: never. */
  readonly expires: number | null;
}

/** Encrypts and decrypts values and records under sealing keys, which the root key protects. */
export interface Vault {
  /**
   * Encrypts `plain` for one row and returns the bytes to be stored.
   *
   * @throws {VaultUnavailableError} when the vault is sealed or no sealing key may be used any more.
   */
  seal(context: SealContext, plain: Uint8Array): SealedKey;
  /**
   * Decrypts a sealed value; the caller owns the returned bytes and may wipe them.
   *
   * @throws {VaultUnavailableError} when the vault is sealed, or its sealing key is not known to this process
   * yet.
   * @throws {SealBrokenError} when the value belongs to another row or was changed.
   */
  open(context: SealContext, sealed: SealedKey): Uint8Array;
  /** False for a value that an older kmipd sealed, which is to be sealed again when its row is written. */
  isCurrent(sealed: SealedKey): boolean;
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
