import { addRoot, createKeyring, type Keyring, wipeKeyring } from './keyring.ts';
import { decodeKeyring, encodeKeyring, readStoreId } from './keyring-format.ts';
import { checkPin, type PinPlace, requireNoPin, setPin } from './keyring-pin.ts';
import { alteredKeyringMessage, foreignRootMessage, nameOfRoot } from './root-messages.ts';
import type { NamedRoot, RootSource } from './roots/root.ts';
import { RootAccess } from './roots/root-access.ts';
import { type ForgedRow, type KeyringStore, type StoredKeyring, VaultUnavailableError } from './vault.ts';

const lostKeyringMessage =
  'the database has no keyring, without which none of its rows can be read: restore it from its backup';

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
  /** Is told of a keyring that was altered. */
  readonly forged?: (row: ForgedRow) => void;
}

/** Reads, opens, creates and changes the stored keyring, and compares it with what is remembered of it. */
export class KeyringAccess {
  readonly #place: KeyringPlace;
  readonly #roots: RootAccess;
  readonly #now: () => number;
  /** Whether a keyring is remembered although the pin is read-only. */
  #remembers = false;

  /** `now`: milliseconds since 1970. */
  constructor(place: KeyringPlace, now: () => number) {
    this.#place = place;
    this.#roots = new RootAccess(place.roots);
    this.#now = now;
  }

  /** Remembers keyrings from here on, also where the pin is read-only. */
  rememberAlways(): void {
    this.#remembers = true;
  }

  /** Resolves to the stored keyring; undefined in a new database. */
  read(): Promise<StoredKeyring | undefined> {
    return this.#place.keyrings.read();
  }

  /**
   * Opens what `read` has returned; creates a keyring, and its roots, for a new database. The caller wipes
   * the result.
   * @throws {VaultUnavailableError} when no root can be used, or the keyring is not the expected one.
   */
  async openOrCreate(stored: StoredKeyring | undefined): Promise<Keyring> {
    if (stored === undefined && this.#place.pin?.isReadOnly)
      throw new VaultUnavailableError(lostKeyringMessage);
    return this.#open(stored ?? (await this.#create()), async (keyring) => keyring);
  }

  /**
   * Stores a changed keyring; resolves to false when another process has changed it at the same time.
   * `change` gets the time in POSIX seconds, and the roots that are at hand.
   * @throws as `openOrCreate`; {VaultUnavailableError} when a live root is not at hand, see `encodeKeyring`.
   */
  async change(
    change: (keyring: Keyring, now: number, roots: readonly NamedRoot[]) => Keyring,
  ): Promise<boolean> {
    const stored = (await this.read()) ?? (await this.#create());
    // A secret wrapped by an exchanged root would be lost at the next restart.
    const next = await this.#open(stored, async (keyring, roots) => {
      const changed = change(keyring, this.#seconds(), roots);
      try {
        return await encodeKeyring(changed, roots);
      } finally {
        wipeKeyring(changed);
      }
    });
    return this.#place.keyrings.write(next);
  }

  /**
   * Makes one more root live; resolves to false when another process has changed the keyring at the same
   * time.
   * @throws as `change`
   */
  async addSource(source: RootSource): Promise<boolean> {
    const storeId = readStoreId((await this.read()) ?? (await this.#create()));
    if (storeId === undefined) throw new VaultUnavailableError(alteredKeyringMessage);
    await this.#roots.add(source, storeId);
    return this.change((keyring, now, roots) => {
      const added = roots.findLast(({ uri }) => uri === source.uri);
      if (added === undefined) throw new VaultUnavailableError(`${nameOfRoot(source.uri)} is not at hand`);
      return addRoot(keyring, added, now);
    });
  }

  /** Ends what the sources keep. */
  async close(): Promise<void> {
    await this.#roots.end();
  }

  /** Gives the keyring and the roots that are at hand to `use`. */
  async #open<T>(
    stored: StoredKeyring,
    use: (keyring: Keyring, roots: readonly NamedRoot[]) => Promise<T>,
  ): Promise<T> {
    const { pin } = this.#place;
    const storeId = readStoreId(stored);
    if (storeId === undefined) throw this.#altered(stored);
    return this.#roots.with(storeId, 'use', async (roots) => {
      const keyring = await decodeKeyring(stored, roots);
      if (keyring === 'altered') throw this.#altered(stored);
      if (keyring === 'foreign') {
        await this.#roots.drop();
        throw new VaultUnavailableError(roots.map(foreignRootMessage).join('; '));
      }
      if (pin !== undefined) checkPin(this.#remembers ? { ...pin, isReadOnly: false } : pin, keyring);
      return use(keyring, roots);
    });
  }

  #altered({ generation }: StoredKeyring): VaultUnavailableError {
    this.#place.forged?.({ table: 'keyring', id: `generation ${generation}` });
    return new VaultUnavailableError(alteredKeyringMessage);
  }

  /** Stores a new keyring; when another process was first, returns that one. */
  async #create(): Promise<StoredKeyring> {
    const { keyrings, pin } = this.#place;
    if (pin !== undefined) requireNoPin(pin);
    const now = this.#seconds();
    const empty = createKeyring(now);
    const made = await this.#roots
      .with(empty.storeId, 'create', async (roots) => {
        const keyring = roots.reduce((all, root) => addRoot(all, root, now), empty);
        const encoded = await encodeKeyring(keyring, roots);
        const isStored = await keyrings.write(encoded);
        if (isStored && pin !== undefined) setPin(pin, keyring);
        return isStored ? encoded : undefined;
      })
      .finally(() => wipeKeyring(empty));
    if (made !== undefined) return made;
    const other = await keyrings.read();
    if (other === undefined) throw new VaultUnavailableError(lostKeyringMessage);
    return other;
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1000);
  }
}
