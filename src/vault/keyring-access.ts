import { isDeepStrictEqual } from 'node:util';
import { createKeyring, describeRoot, type Keyring, wipeKeyring } from './keyring.ts';
import { decodeKeyring, encodeKeyring, readIndexEpochs, readStoreId } from './keyring-format.ts';
import { checkPin, checkStore, requireNoPin, setPin } from './keyring-pin.ts';
import type { KeyringPlace, RootsInUse } from './keyring-place.ts';
import { alteredKeyringMessage, foreignRootMessage } from './root-messages.ts';
import type { NamedRoot } from './roots/root.ts';
import { RootAccess } from './roots/root-access.ts';
import { type StoredKeyring, VaultUnavailableError } from './vault.ts';

const lostKeyringMessage =
  'the database has no keyring, without which none of its rows can be read: restore it from its backup';

/** Reads, opens, creates and changes the stored keyring, and compares it with what is remembered of it. */
export class KeyringAccess {
  readonly #place: KeyringPlace;
  readonly roots: RootAccess;
  readonly #now: () => number;
  /** Whether a keyring is remembered although the pin is read-only. */
  #remembers = false;
  /** Of the keyring that was opened. */
  #storeId: Uint8Array | undefined;
  #rootsInUse: RootsInUse = { live: [], atHand: [], problems: [] };
  /** Index epochs of the stored keyring while it does not open; nobody vouches for them. */
  #unopened: readonly number[] = [];

  /** `now`: milliseconds since 1970. */
  constructor(place: KeyringPlace, now: () => number) {
    this.#place = place;
    this.roots = new RootAccess(place.roots);
    this.#now = now;
  }

  get rootsInUse(): RootsInUse {
    return this.#rootsInUse;
  }

  /** Ids of the live roots that this process has opened. */
  get rootsAtHand(): readonly string[] {
    return this.#rootsInUse.atHand;
  }

  /** Remembers keyrings from here on, also where the pin is read-only. */
  rememberAlways(): void {
    this.#remembers = true;
  }

  /** Stores the next generation; resolves to false when another process has stored one. */
  write(next: StoredKeyring): Promise<boolean> {
    return this.#place.keyrings.write(next);
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
    return this.open(stored ?? (await this.#create()), async (keyring) => keyring);
  }

  /**
   * Stores a changed keyring; resolves to false when another process has changed it at the same time.
   * `change` gets the time in POSIX seconds, and the roots that are at hand; `check` what will be stored.
   * @throws as `openOrCreate`; {VaultUnavailableError} when a live root is not at hand, see `encodeKeyring`.
   */
  async change(
    change: (keyring: Keyring, now: number, roots: readonly NamedRoot[]) => Keyring,
    check: (next: StoredKeyring) => Promise<void> = async () => {},
  ): Promise<boolean> {
    // A secret wrapped by an exchanged root would be lost at the next restart.
    const next = await this.open(await this.requireStored(), async (keyring, roots) => {
      let changed = keyring;
      try {
        changed = change(keyring, this.#seconds(), roots);
        return await encodeKeyring(changed, roots);
      } finally {
        for (const each of [keyring, changed]) wipeKeyring(each);
      }
    });
    await check(next);
    return this.write(next);
  }

  /** Gives the keyring and the roots that are at hand to `use`. */
  async open<T>(
    stored: StoredKeyring,
    use: (keyring: Keyring, roots: readonly NamedRoot[]) => Promise<T>,
  ): Promise<T> {
    const storeId = this.checkStore(stored);
    return this.roots.with(storeId, 'use', async (roots, problems) => {
      const keyring = await decodeKeyring(stored, roots);
      if (keyring === 'altered') throw this.#altered(stored);
      if (keyring === 'foreign') {
        // What operators gave has opened the keyring before: the stored one was changed.
        if (this.#storeId === undefined) await this.roots.drop();
        throw new VaultUnavailableError(roots.map(foreignRootMessage).join('; '));
      }
      try {
        this.checkPin(keyring);
        this.#storeId = keyring.storeId;
        this.#learnRoots(keyring, roots, problems);
        return await use(keyring, roots);
      } catch (error) {
        wipeKeyring(keyring);
        throw error;
      }
    });
  }

  /**
   * Returns the id of the store that a keyring states. A root that operators have given would be used up by
   * one that somebody else has written.
   * @throws {VaultUnavailableError} when it is not the one of before.
   */
  checkStore(stored: StoredKeyring): Uint8Array {
    const { pin } = this.#place;
    const storeId = readStoreId(stored);
    if (storeId === undefined) throw this.#altered(stored);
    if (pin !== undefined) checkStore(pin, storeId);
    if (this.#storeId?.some((byte, at) => byte !== storeId[at])) throw this.#altered(stored);
    return storeId;
  }

  checkPin(keyring: Keyring): void {
    const { pin } = this.#place;
    if (pin !== undefined) checkPin(this.#remembers ? { ...pin, isReadOnly: false } : pin, keyring);
  }

  #learnRoots({ roots: live }: Keyring, roots: readonly NamedRoot[], problems: readonly string[]): void {
    this.learnOpened();
    const isLive = (id: string) => live.some((root) => root.id === id);
    const foreign = roots.filter(({ root }) => !isLive(root.id)).map(foreignRootMessage);
    const atHand = roots.map(({ root }) => root.id).filter(isLive);
    this.#setRoots({ live, atHand, problems: [...problems, ...foreign] });
  }

  /**
   * Returns the indexes of the keyring in use.
   * @throws {VaultUnavailableError} when the stored keyring has another one, and does not open
   */
  requireKnown<T extends readonly { readonly epoch: number }[]>(indexes: T): T {
    if (this.knows(indexes)) return indexes;
    throw new VaultUnavailableError('another node has renewed the index secret, which does not open here');
  }

  /** Whether a stored keyring that does not open has these indexes only. */
  knows(indexes: readonly { readonly epoch: number }[]): boolean {
    return this.#unopened.every((epoch) => indexes.some((index) => index.epoch === epoch));
  }

  /** To be called when the stored keyring is the one that was opened. */
  learnOpened(): void {
    this.#unopened = [];
  }

  /** To be called when the keyring does not open any more. */
  loseRoots(problem: string, stored: StoredKeyring | undefined): void {
    this.#unopened = stored === undefined ? [] : readIndexEpochs(stored);
    const { live } = this.#rootsInUse;
    if (live.length > 0) this.#setRoots({ live, atHand: [], problems: [problem] });
  }

  #setRoots(roots: RootsInUse): void {
    if (isDeepStrictEqual(roots, this.#rootsInUse)) return;
    this.#rootsInUse = roots;
    this.#place.rootsChanged?.(roots);
  }

  async requireStored(): Promise<StoredKeyring> {
    const stored = await this.read();
    if (stored === undefined) throw new VaultUnavailableError(lostKeyringMessage);
    return stored;
  }

  /** Of the keyring that was opened: nobody vouches for what the row states. */
  requireStoreId(): Uint8Array {
    if (this.#storeId !== undefined) return this.#storeId;
    throw new VaultUnavailableError('the vault is sealed');
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
    const made = await this.roots
      .with(empty.storeId, 'create', async (roots) => {
        const keyring = { ...empty, roots: roots.map((root) => describeRoot(root, now)) };
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

/**
 * Resolves to what was stored.
 * @throws {VaultUnavailableError} when nothing was, because another process has changed the keyring.
 */
export async function requireStored<T>(storing: Promise<T | false | undefined>): Promise<T> {
  const stored = await storing;
  if (stored !== undefined && stored !== false) return stored;
  throw new VaultUnavailableError('another process changes the keyring: stop it, and try again');
}
