import { randomFillSync } from 'node:crypto';
import { createRootKey, foreignRootKeyMessage, readRootKey } from './root-key.ts';
import {
  createSealingKey,
  isCurrentFormat,
  openValue,
  readKeyId,
  type SealingKey,
  sealValue,
  wipeSealingKey,
} from './sealed-value.ts';
import { sealingKeyBytes, unwrapSealingKey, wrapSealingKey } from './sealing-keys.ts';
import {
  SealBrokenError,
  type SealContext,
  type SealedKey,
  type Vault,
  VaultUnavailableError,
  type WrappedKeyStore,
  type WrappedSealingKey,
} from './vault.ts';

/**
 * One sealing key may encrypt 2^32 values under random nonces (SP 800-38D §8.3). A process counts only its
 * own seals since its start, so it rotates the key long before, and refuses to seal at `maxSeals`.
 */
const sealsBeforeRotation = 2 ** 24;
const maxSeals = 2 ** 31;

/** Keys that other processes may have added since this process last read the stored keys. */
const maxKeysAhead = 16;

/** Settings of a vault with a root key in a file. */
export interface LocalVaultOptions {
  /** File of the root key; created when neither the file nor a sealing key exists. */
  readonly rootKeyFile: string;
  readonly wrappedKeys: WrappedKeyStore;
  /** Seconds between reads of other processes' keys and retries while sealed; 0: never, 60 by default. */
  readonly refreshSeconds?: number;
  /** Seconds before a new key is used to seal, so that every process has read it; 120 by default. */
  readonly activationDelaySeconds?: number;
  /** Seals after which this process rotates the key. */
  readonly sealsBeforeRotation?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** A vault whose sealing keys can be rotated and read again. */
export interface LocalVault extends Vault {
  /** Why the vault is sealed, one line for the operator. */
  readonly sealedBecause: string | undefined;
  /**
   * Stores a new sealing key and resolves with its id; older keys still open.
   *
   * @throws {VaultUnavailableError} when the vault is sealed or the root key cannot be used.
   */
  rotate(): Promise<number>;
  /** Reads stored keys, and the root key if needed: unseals the vault, adds keys of other processes. */
  refresh(): Promise<void>;
}

/**
 * Opens a vault with its root key in a file. Without a usable root key the vault is sealed, with the reason
 * in `sealedBecause`, and retries every `refreshSeconds`. Rejects only when the stored keys cannot be read.
 */
export async function openLocalVault(options: LocalVaultOptions): Promise<LocalVault> {
  const vault = new LocalFileVault(options);
  await vault.refresh();
  vault.watch(options.refreshSeconds ?? 60);
  return vault;
}

class LocalFileVault implements LocalVault {
  readonly #options: LocalVaultOptions;
  readonly #now: () => number;
  /** In the order of their ids, which is the order of their age. */
  #keys: readonly SealingKey[] = [];
  #sealedBecause: string | undefined = 'the root key has not been read yet';
  #seals = { id: 0, count: 0 };
  #refreshing: Promise<void> | undefined;
  #rotating: Promise<number> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: LocalVaultOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  get unsealed(): boolean {
    return this.#sealedBecause === undefined;
  }

  get sealedBecause(): string | undefined {
    return this.#sealedBecause;
  }

  seal(context: SealContext, plain: Uint8Array): SealedKey {
    const current = this.#currentKey();
    const { id } = current;
    if (this.#seals.id !== id) this.#seals = { id, count: 0 };
    this.#seals.count += 1;
    const { count } = this.#seals;
    if (count > maxSeals)
      throw new VaultUnavailableError(
        `sealing key ${id} has reached its limit of seals and no new one could be created`,
      );
    const limit = this.#options.sealsBeforeRotation ?? sealsBeforeRotation;
    // A failed rotation is tried again after the same number of seals.
    if (count % limit === 0) this.rotate().catch(() => {});
    return sealValue(current, context, plain);
  }

  open(context: SealContext, sealed: SealedKey): Uint8Array {
    this.#requireUnsealed();
    const id = readKeyId(sealed);
    const known = id === undefined ? undefined : this.#find(id);
    if (known === undefined && id !== undefined && this.#mayExistElsewhere(id)) {
      this.refresh().catch(() => {});
      throw new VaultUnavailableError(`sealing key ${id} is not known here yet`);
    }
    const plain = known && openValue(known, context, sealed);
    if (plain === undefined)
      throw new SealBrokenError(`the sealed value of ${describeContext(context)} does not open`);
    return plain;
  }

  isCurrent(sealed: SealedKey): boolean {
    return isCurrentFormat(sealed);
  }

  rotate(): Promise<number> {
    this.#rotating ??= this.#addKey().finally(() => {
      this.#rotating = undefined;
    });
    return this.#rotating;
  }

  refresh(): Promise<void> {
    this.#refreshing ??= this.#readKeys().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  watch(seconds: number): void {
    if (seconds > 0) this.#timer = setInterval(() => this.refresh().catch(() => {}), seconds * 1000).unref();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await Promise.allSettled([this.#refreshing, this.#rotating]);
    this.#keys.forEach(wipeSealingKey);
    [this.#keys, this.#sealedBecause] = [[], 'the vault is closed'];
  }

  /** The newest key whose activation delay has passed; before any has, the oldest. */
  #currentKey(): SealingKey {
    this.#requireUnsealed();
    const activatedBy = this.#now() / 1000 - (this.#options.activationDelaySeconds ?? 120);
    const current = this.#keys.findLast(({ createdAt }) => createdAt <= activatedBy) ?? this.#keys[0];
    if (current === undefined) throw new VaultUnavailableError('the vault has no sealing key');
    return current;
  }

  #find(id: number): SealingKey | undefined {
    return this.#keys.find((key) => key.id === id);
  }

  #requireUnsealed(): void {
    if (this.#sealedBecause !== undefined) throw new VaultUnavailableError(this.#sealedBecause);
  }

  #mayExistElsewhere(id: number): boolean {
    const newest = this.#keys.at(-1)?.id ?? 0;
    return id > newest && id <= newest + maxKeysAhead;
  }

  /** Reads the stored keys; once unsealed, uses the root key only when one of them is unknown. */
  async #readKeys(): Promise<void> {
    if (this.#closed) return;
    const wrappedKeys = await this.#options.wrappedKeys.list();
    if (this.unsealed && wrappedKeys.every(({ id }) => this.#find(id) !== undefined)) return;
    try {
      const keys = await this.#withRootKey(wrappedKeys, async (rootKey) => {
        if (wrappedKeys.length > 0) return this.#unwrap(rootKey, wrappedKeys);
        await this.#persist(rootKey, 1);
        return this.#unwrap(rootKey, await this.#options.wrappedKeys.list());
      });
      if (this.#closed) keys.forEach(wipeSealingKey);
      else [this.#keys, this.#sealedBecause] = [keys, undefined];
    } catch (error) {
      if (!(error instanceof VaultUnavailableError)) throw error;
      // An unsealed vault stays unsealed: its keys are valid, only the new key cannot be unwrapped.
      if (!this.unsealed && !this.#closed) this.#sealedBecause = error.message;
    }
  }

  async #addKey(): Promise<number> {
    this.#requireUnsealed();
    const wrappedKeys = await this.#options.wrappedKeys.list();
    const id = 1 + Math.max(0, ...wrappedKeys.map((key) => key.id));
    await this.#withRootKey(wrappedKeys, async (rootKey) => {
      // A key wrapped by an exchanged root key would be lost at the next restart.
      const newest = wrappedKeys.find((key) => key.id === id - 1);
      const previousKey = newest && unwrapSealingKey(rootKey, newest.id, newest.wrapped);
      if (previousKey === undefined) throw new VaultUnavailableError(this.#wrongRootKeyMessage(id - 1));
      previousKey.fill(0);
      await this.#persist(rootKey, id);
    });
    await this.refresh();
    return id;
  }

  async #withRootKey<T>(
    wrappedKeys: readonly WrappedSealingKey[],
    use: (rootKey: Uint8Array) => Promise<T>,
  ): Promise<T> {
    const { rootKeyFile } = this.#options;
    const rootKey =
      readRootKey(rootKeyFile) ?? (wrappedKeys.length === 0 ? createOrReadRootKey(rootKeyFile) : undefined);
    if (rootKey === undefined)
      throw new VaultUnavailableError(
        `the root key ${rootKeyFile} is missing, and the database is encrypted under it: restore it from its backup`,
      );
    try {
      return await use(rootKey);
    } finally {
      rootKey.fill(0);
    }
  }

  #unwrap(rootKey: Uint8Array, wrappedKeys: readonly WrappedSealingKey[]): readonly SealingKey[] {
    return wrappedKeys
      .map(({ id, wrapped, createdAt }) => {
        const known = this.#find(id);
        if (known !== undefined) return known;
        const key = unwrapSealingKey(rootKey, id, wrapped);
        if (key !== undefined) return createSealingKey(id, key, createdAt);
        throw new VaultUnavailableError(this.#wrongRootKeyMessage(id));
      })
      .toSorted((a, b) => a.id - b.id);
  }

  #wrongRootKeyMessage(id: number): string {
    return foreignRootKeyMessage(this.#options.rootKeyFile, id);
  }

  /** Creates and stores a key. When another process has stored a key of that id, this one is discarded. */
  async #persist(rootKey: Uint8Array, id: number): Promise<void> {
    const key = randomFillSync(new Uint8Array(sealingKeyBytes));
    const wrapped = wrapSealingKey(rootKey, id, key);
    key.fill(0);
    await this.#options.wrappedKeys.add({ id, wrapped, createdAt: Math.floor(this.#now() / 1000) });
  }
}

function describeContext(context: SealContext): string {
  const id = JSON.stringify(context.id);
  return context.kind === 'value' ? `object ${id}` : `record ${context.recordKind} ${id}`;
}

function createOrReadRootKey(file: string): Uint8Array | undefined {
  try {
    createRootKey(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new VaultUnavailableError(`cannot create the root key ${file}: ${(error as Error).message}`);
  }
  return readRootKey(file);
}
