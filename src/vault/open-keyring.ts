import { Secret } from '../common/secret.ts';
import { type BoxKeys, deriveBoxKeys, openBox, readEpoch, sealBox, wipeBoxKeys } from './box.ts';
import { openDirectBox, sealDirectBox, type WrappedDataSecret } from './direct-box.ts';
import { HashedIndex } from './hashed-index.ts';
import { HashedSet } from './hashed-set.ts';
import { type Keyring, secretFor, secretsOf, wipeKeyring } from './keyring.ts';
import type { EpochSealCounter } from './seal-counter.ts';
import { type SealContext, type SealedKey, tagEpoch, type ValueContext } from './vault.ts';
import type { VaultStatus } from './vault-status.ts';

/** Epochs that other processes may have added since this one last read the keyring. */
const maxEpochsAhead = 16;

/** One seal epoch: the keys of its boxes. */
interface Epoch {
  readonly epoch: number;
  /** POSIX seconds. */
  readonly createdAt: number;
  readonly keys: BoxKeys;
}

type KeyringStatus = Pick<VaultStatus, 'generation' | 'roots' | 'indexEpochs' | 'epochs'>;

/** The status while no keyring is open. */
export const noKeyring: KeyringStatus = { generation: null, roots: [], indexEpochs: [], epochs: [] };

/** The keys of one generation of a keyring, derived once. */
export class OpenKeyring {
  readonly generation: number;
  /** 16 bytes. */
  readonly storeId: Uint8Array;
  readonly roots: Keyring['roots'];
  /** The first epoch under which lanes are sealed that are to be believed. */
  readonly lanesSince: number;
  /** The oldest first, as `#sets`. */
  readonly indexes: readonly HashedIndex[];
  readonly #sets: readonly HashedSet[];
  /** In the order of their numbers, which is that of their age. */
  readonly #epochs: readonly Epoch[];
  readonly #keys: ReadonlyMap<number, BoxKeys>;

  /** Takes over the secrets of the keyring, and overwrites those that are only derived from. */
  constructor(keyring: Keyring) {
    this.generation = keyring.generation;
    this.roots = keyring.roots;
    this.lanesSince = keyring.lanesSince;
    const { storeId } = keyring;
    this.storeId = storeId;
    this.#epochs = secretsOf(keyring, 'seal').map(({ epoch, createdAt, value }) => ({
      epoch,
      createdAt,
      keys: deriveBoxKeys(value.bytes, storeId),
    }));
    this.#keys = new Map(this.#epochs.map(({ epoch, keys }) => [epoch, keys]));
    this.indexes = secretsOf(keyring, 'index').map(
      ({ epoch, value }) => new HashedIndex(epoch, Secret.copyOf(value.bytes).bytes, storeId),
    );
    this.#sets = secretsOf(keyring, 'set').map(
      ({ epoch, value }) => new HashedSet(epoch, value.bytes, storeId),
    );
    wipeKeyring(keyring);
  }

  /** The newest epoch. */
  get newest(): number {
    return this.#epochs.at(-1)?.epoch ?? 0;
  }

  /** Whether it has the secret of a seal epoch. */
  knows(epoch: number): boolean {
    return this.#keys.has(epoch);
  }

  /** Whether others may have added an epoch since this keyring was read. */
  mayFollow(epoch: number): boolean {
    return epoch > this.newest && epoch <= this.newest + maxEpochsAhead;
  }

  seal(epoch: number, context: SealContext, plain: Uint8Array): SealedKey {
    const keys = this.#keysOf(epoch);
    if (keys === undefined) throw new TypeError(`the keyring has no epoch ${epoch}`);
    return sealBox(keys, epoch, context, plain) as SealedKey;
  }

  /**
   * Returns the content of a box; undefined when it is of another row or unknown epoch, or changed, or a lane
   * of before the database was accepted.
   */
  open(context: SealContext, sealed: Uint8Array): Uint8Array | undefined {
    const epoch = readEpoch(sealed);
    if (context.kind === 'lane' && (epoch ?? 0) < this.lanesSince) return undefined;
    const keys = this.#keysOf(epoch);
    return keys && openBox(keys, context, sealed);
  }

  /** Encrypts a value under a data secret; see direct-box.ts. */
  sealDirect(
    epoch: number,
    secret: Uint8Array,
    wrapped: WrappedDataSecret,
    context: ValueContext,
    plain: Uint8Array,
  ): SealedKey {
    const keys = this.#keysOf(epoch);
    if (keys === undefined) throw new TypeError(`the keyring has no epoch ${epoch}`);
    const { storeId } = this;
    return sealDirectBox({ epoch, keys, storeId }, secret, wrapped, context, plain) as SealedKey;
  }

  /** Decrypts such a value; undefined when it is of another row or unknown epoch, or changed. */
  openDirect(secret: Uint8Array, context: ValueContext, sealed: Uint8Array): Uint8Array | undefined {
    const epoch = readEpoch(sealed) ?? 0;
    const keys = this.#keysOf(epoch);
    return keys && openDirectBox({ epoch, keys, storeId: this.storeId }, secret, context, sealed);
  }

  /** See `Vault.indexOf`. */
  indexOf(epoch: number): HashedIndex {
    return secretFor(this.indexes, epoch);
  }

  /** See `Vault.element`. */
  element(table: string, id: string, version: number, tag: Uint8Array): bigint {
    return secretFor(this.#sets, tagEpoch(tag)).element(table, id, version, tag);
  }

  /** See `Vault.storeNames`. */
  get storeNames(): readonly string[] {
    return this.#sets.map(({ storeName }) => storeName).toReversed();
  }

  /** The epochs, the oldest first. */
  get epochs(): readonly Pick<Epoch, 'epoch' | 'createdAt'>[] {
    return this.#epochs;
  }

  /** Describes the keyring; the epoch `current` is in use. `counter` knows its boxes. */
  describe(current: number, counter: Pick<EpochSealCounter, 'count'>): KeyringStatus {
    return {
      generation: this.generation,
      roots: this.roots,
      indexEpochs: this.indexes.map(({ epoch }) => epoch),
      epochs: this.#epochs.map(({ epoch, createdAt }) => ({
        epoch,
        state: epoch === current ? 'active' : epoch < current ? 'opening' : 'pending',
        createdAt,
        seals: epoch === current ? counter.count(epoch) : null,
      })),
    };
  }

  /** Overwrites all keys. */
  wipe(): void {
    for (const { keys } of this.#epochs) wipeBoxKeys(keys);
    for (const hashes of [...this.indexes, ...this.#sets]) hashes.wipe();
  }

  #keysOf(epoch: number | undefined): BoxKeys | undefined {
    return epoch === undefined ? undefined : this.#keys.get(epoch);
  }
}
