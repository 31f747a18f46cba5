/**
 * Port of the vault: seals what the store receives, opens it afterwards, and computes the keyed hashes by
 * which the store finds it. The adapter is `local.ts`. Everything sealed is bound to one row of the store:
 *
 *     const context = { kind: 'value', id, group: 'storage', objectType: 'SymmetricKey' } as const;
 *     const sealed = vault.seal(context, keyMaterial); // may be stored
 *     const plain = vault.open(context, sealed);       // a copy of keyMaterial
 *     vault.open({ ...context, id: 'another' }, sealed); // throws SealBrokenError
 *     plain.fill(0);                                   // the caller owns the plain bytes
 */

/** Bytes that `Vault.seal` returned. The brand makes storing plain bytes by mistake a type error. */
export type SealedKey = Uint8Array & { readonly __sealed: unique symbol };

/** Kind of the box of a value in direct mode, its second byte; see direct-box.ts. */
export const directKind = 5;

/** Bytes of a box in front of its nonce. */
export const boxHeaderBytes = 6;
export const nonceBytes = 12;
export const tagBytes = 16;

/** Object Types of which the length of the value is a secret too: it may be that of a password. */
export const typesOfSecretLength: ReadonlySet<string> = new Set(['SecretData', 'OpaqueObject']);

/** Bytes of the epoch in a header, the last ones, and in front of what `boxTag` returns. */
export const epochBytes = 4;

/**
 * The epoch of a box, as its header says, and its tag, which stands for everything in it: 20 bytes, whatever
 * the bytes are.
 */
export function boxTag(sealed: Uint8Array): Uint8Array {
  const tag = new Uint8Array(epochBytes + tagBytes);
  tag.set(sealed.subarray(boxHeaderBytes - epochBytes, boxHeaderBytes));
  tag.set(sealed.subarray(-tagBytes), epochBytes);
  return tag;
}

/** The epoch under which a box is sealed, as its header says; true of one that opens. */
export function boxEpoch({ buffer, byteOffset, length }: Uint8Array): number {
  return new DataView(buffer, byteOffset, length).getUint32(boxHeaderBytes - epochBytes);
}

/** The epoch of a box of which that is the `boxTag`. */
export function tagEpoch({ buffer, byteOffset, length }: Uint8Array): number {
  return new DataView(buffer, byteOffset, length).getUint32(0);
}

/** Whether a box of a value claims to need the token. */
export function isDirectValue(sealed: Uint8Array): boolean {
  return sealed[1] === directKind;
}

/** Length of `DirectValues.bindingOf`. */
export const directBindingBytes = 32;

/** Nonce and tag of a box, 28 bytes, to which another box can be bound. */
export function boxBinding(sealed: SealedKey): Uint8Array {
  const binding = new Uint8Array(nonceBytes + tagBytes);
  binding.set(sealed.subarray(boxHeaderBytes, boxHeaderBytes + nonceBytes));
  binding.set(sealed.subarray(-tagBytes), nonceBytes);
  return binding;
}

/** What a box is bound to: the row that has it, and what stands beside it there. */
export type SealContext = ObjectBoxContext | ValueContext | RecordContext | LaneContext | AuditContext;

/** The attributes of an object, with its value unless that has a box of its own. */
export interface ObjectBoxContext {
  readonly kind: 'object';
  /** Unique Identifier of the object. */
  readonly id: string;
  readonly group: string;
  /** KMIP name of its Object Type, for example `SymmetricKey`. */
  readonly objectType: string;
  readonly version: number;
  /** `boxBinding`, or `bindingOf`, of the value that has a box of its own; null when there is none. */
  readonly valueBinding: Uint8Array | null;
}

/** The value of an object that has a box of its own. */
export interface ValueContext {
  readonly kind: 'value';
  readonly id: string;
  readonly group: string;
  readonly objectType: string;
}

/** The content of a record, each version of it. */
export interface RecordContext {
  readonly kind: 'record';
  readonly recordKind: string;
  /** `Vault.key` of the record's kind and id. */
  readonly key: string;
  readonly group: string;
  readonly version: number;
  /** POSIX seconds; null: never. */
  readonly expires: number | null;
}

/** The lane of one writing process. */
export interface LaneContext {
  readonly kind: 'lane';
  readonly name: string;
  readonly seq: number;
  readonly era: number;
}

/** A block of the audit log. */
export interface AuditContext {
  readonly kind: 'audit';
  /** Id of its chain. */
  readonly chain: string;
  /** Number of its first entry in the chain. */
  readonly first: number;
  readonly count: number;
  /** When it was written: milliseconds since 1970. */
  readonly time: number;
}

/** How many boxes were sealed in an epoch. */
export interface SealCount {
  readonly epoch: number;
  readonly count: number;
}

/** Counts the boxes of the epoch in use, those of earlier starts and other processes included. */
export interface SealCounter {
  /** The boxes of this process, which its lanes state. */
  readonly own: SealCount;
  /** Continues at what the lanes of this process state, each of which states all of its boxes. */
  resume(stated: readonly SealCount[]): void;
  /** Takes what all lanes of other processes state; a process with several lanes counts several times. */
  learnOthers(stated: readonly SealCount[]): void;
  /** Counts as boxes of this process, too, what lanes state that it folds into its own. */
  takeOver(stated: readonly SealCount[]): void;
}

/** Whether new values are sealed under the keyring alone, or under data keys that a token wraps. */
export type ValueMode = 'envelope' | 'direct';

/** Values under data keys that a token wraps. The event loop never waits for it. */
export interface DirectValues {
  /** In which mode new values are sealed; boxes of the other one still open. */
  readonly mode: ValueMode;
  /** Id of the newest live root, whose token wraps the data keys of new values; undefined while sealed. */
  readonly root: string | undefined;
  /**
   * SHA-256 of all bytes of a box in direct mode, to which another box is bound: nobody but the token could
   * check its tag.
   */
  bindingOf(sealed: SealedKey): Uint8Array;
  /** Whether a box is under the epoch and the root of new values, which end last. @throws as `Vault.open` */
  isCurrent(sealed: SealedKey): boolean;
  /**
   * Encrypts a value under a new data key; the box is current when the promise resolves.
   * @throws {VaultUnavailableError} when the vault is sealed.
   * @throws {ValueTokenUnavailableError} when the token cannot be used now.
   */
  seal(context: ValueContext, plain: Uint8Array): Promise<SealedKey>;
  /**
   * Decrypts such a box, which the caller has authenticated by `bindingOf`; the caller owns the bytes.
   * @throws as `seal`
   * @throws {ValueRootMissingError} when no source has the root of the box.
   * @throws {SealBrokenError} when the box belongs to another row, or the token does not know its data key.
   */
  open(context: ValueContext, sealed: SealedKey): Promise<Uint8Array>;
  /**
   * Why the token of the newest root cannot wrap data keys, one line; undefined when it can, or that is not
   * known because it is away or the vault is sealed.
   */
  problem(): Promise<string | undefined>;
}

/** Seals and opens rows under the keyring, which the root key protects. */
export interface Vault {
  /**
   * Encrypts `plain` for one row and returns the bytes to be stored.
   * @throws {VaultUnavailableError} when the vault is sealed or its epoch may not be used any more.
   */
  seal(context: SealContext, plain: Uint8Array): SealedKey;
  /**
   * Decrypts a box; the caller owns the returned bytes and may wipe them.
   * @throws {VaultUnavailableError} when the vault is sealed, or the epoch of the box is not known to this
   * process yet.
   * @throws {SealBrokenError} when the box belongs to another row or was changed; the operator is alarmed.
   */
  open(context: SealContext, sealed: SealedKey): Uint8Array;
  /**
   * Returns the index by which rows are found of which the box is sealed under that epoch.
   * @throws {VaultUnavailableError} when the vault is sealed.
   */
  indexOf(epoch: number): RowIndex;
  /**
   * The indexes that rows may be in, the oldest first; one, unless the index secret is being renewed. Rows
   * move from an older one to a newer, so that a look-up in this order misses none.
   *
   * @throws {VaultUnavailableError} when the vault is sealed, or others may use an index that is not known
   *   to this process.
   */
  readonly indexes: readonly RowIndex[];
  /**
   * Returns the element of one version of a row in the set hash, below 2^256. `tag`: `boxTag` of its box.
   * @throws {VaultUnavailableError} when the vault is sealed.
   */
  element(table: string, id: string, version: number, tag: Uint8Array): bigint;
  /**
   * What anchors name the database by, 32 hexadecimal digits that only its keyring yields; the name that is
   * written first, and those of before the set secret was renewed.
   *
   * @throws {VaultUnavailableError} when the vault is sealed.
   */
  readonly storeNames: readonly string[];
  readonly sealCounter: SealCounter;
  /** Ids of the live roots that this process has at hand. */
  readonly rootsAtHand: readonly string[];
  /** The epoch under which this process seals; 0 while the vault is sealed. */
  readonly currentEpoch: number;
  /**
   * Notes the generation of the stored keyring, which was read after a time of `performance.now`: where it is
   * not the one in use for as long as others may take to use another index, `indexes` is refused.
   */
  learnStored(generation: number, readAt: number): void;
  /** Generation of the keyring that this process has opened; 0 while the vault is sealed. */
  readonly generation: number;
  /** False while the root key is not available; the daemon then answers only what needs no row. */
  readonly unsealed: boolean;
  /** Values that need a token to be opened. */
  readonly direct: DirectValues;
  /** Wipes the keys in memory; further calls throw VaultUnavailableError. */
  close(): Promise<void>;
}

/** Keyed hashes by which rows are found, under one index secret. */
export interface RowIndex {
  /** The first epoch of which rows are in it. */
  readonly epoch: number;
  /**
   * Returns the term of the blind index for one field of an attribute: 52 bits of a keyed hash, a safe
   * integer. Equal values have equal terms within one group only; a number and a text never have.
   */
  term(group: string, attribute: string, field: string, value: string | number): number;
  /** Returns a keyed hash by which a row is looked up, 32 hexadecimal digits. */
  key(purpose: KeyPurpose, ...parts: readonly string[]): string;
}

/** What is looked up: a record by kind and id, or an object by its group and unique Name. */
export type KeyPurpose = 'record' | 'name';

/**
 * `VAULT_UNAVAILABLE`: the root key or the keyring cannot be used; the message is one line for the
 * operator.
 */
export class VaultUnavailableError extends Error {
  override readonly name = 'VaultUnavailableError';
  readonly code = 'VAULT_UNAVAILABLE';
}

/** `SEAL_BROKEN`: a box does not belong to its row, or bytes of the row were changed. */
export class SealBrokenError extends Error {
  override readonly name = 'SealBrokenError';
  readonly code = 'SEAL_BROKEN';
}

/** A row of the database that is not as it was written. */
export interface ForgedRow {
  readonly table: string;
  /** Identifier of an object, kind and key of a record, name of a lane; nothing secret. */
  readonly id: string;
  /** A line for the operator about what is wrong with rows of that kind, where it is not this row alone. */
  readonly problem?: string | undefined;
}

/** The keyring as it is stored: every secret of the vault, wrapped under keys of the root key. */
export interface StoredKeyring {
  /** 1, 2, 3 …; grows with every change. */
  readonly generation: number;
  readonly content: Uint8Array;
}

/** Where the vault stores its keyring; the store's adapters implement it. */
export interface KeyringStore {
  /** The keyring; undefined in a new database. */
  read(): Promise<StoredKeyring | undefined>;
  /**
   * Stores a keyring durably in place of the generation before it (of none for generation 1); false when
   * another process has stored one of that generation.
   */
  write(keyring: StoredKeyring): Promise<boolean>;
}
