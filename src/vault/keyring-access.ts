import { isDeepStrictEqual } from 'node:util';
import { addRoot, createKeyring, type Keyring, removeRoot, wipeKeyring } from './keyring.ts';
import {
  decodeKeyring,
  encodeKeyring,
  readStoreId,
  requireOpened,
  requireOpenedBy,
} from './keyring-format.ts';
import { checkPin, checkStore, requireNoPin, setPin } from './keyring-pin.ts';
import type { KeyringPlace, RootsInUse } from './keyring-place.ts';
import { alteredKeyringMessage, foreignRootMessage, nameOfRoot } from './root-messages.ts';
import type { NamedRoot, RootSource } from './roots/root.ts';
import { RootAccess, type RootIntent } from './roots/root-access.ts';
import { type StoredKeyring, type VaultStatus, VaultUnavailableError } from './vault.ts';

const lostKeyringMessage =
  'the database has no keyring, without which none of its rows can be read: restore it from its backup';

/** Reads, opens, creates and changes the stored keyring, and compares it with what is remembered of it. */
export class KeyringAccess {
  readonly #place: KeyringPlace;
  readonly #roots: RootAccess;
  readonly #now: () => number;
  /** Whether a keyring is remembered although the pin is read-only. */
  #remembers = false;
  /** Of the keyring that was opened. */
  #storeId: Uint8Array | undefined;
  #rootsInUse: RootsInUse = { live: [], atHand: [], problems: [] };
  /** The source of a root that is to become live, for which people give what it needs. */
  #candidate: RootSource | undefined;

  /** `now`: milliseconds since 1970. */
  constructor(place: KeyringPlace, now: () => number) {
    this.#place = place;
    this.#roots = new RootAccess(place.roots);
    this.#now = now;
  }

  /** Ids of the live roots that this process has opened. */
  get rootsAtHand(): readonly string[] {
    return this.#rootsInUse.atHand;
  }

  status(): Pick<VaultStatus, 'configured' | 'atHand' | 'rootProblems' | 'prepared'> {
    const { atHand, problems: rootProblems } = this.#rootsInUse;
    const { uri, isReady = true } = this.#candidate ?? {};
    const prepared = uri === undefined ? null : { uri, isReady };
    return { configured: this.sources.map((source) => source.uri), atHand, rootProblems, prepared };
  }

  get sources(): readonly RootSource[] {
    return this.#roots.sources;
  }

  /** The sources for which people may give something; some of them only while the vault is sealed. */
  get waiting(): readonly RootSource[] {
    const candidate = this.#candidate === undefined ? [] : [this.#candidate];
    return [...candidate, ...this.#roots.sources.filter((source) => !this.#roots.isOpen(source))];
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
   * `change` gets the time in POSIX seconds, and the roots that are at hand; `check` what will be stored.
   * @throws as `openOrCreate`; {VaultUnavailableError} when a live root is not at hand, see `encodeKeyring`.
   */
  async change(
    change: (keyring: Keyring, now: number, roots: readonly NamedRoot[]) => Keyring,
    check: (next: StoredKeyring) => Promise<void> = async () => {},
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
    await check(next);
    return this.#place.keyrings.write(next);
  }

  /**
   * Makes what is missing of the root of a source, which may become live later; what people give is for it
   * meanwhile. `isMade`: it was made before. Ends the source before; that is all where none is given.
   * @throws {VaultUnavailableError} when it cannot be made.
   */
  async prepareSource(source: RootSource | undefined, isMade: boolean): Promise<void> {
    if (source !== undefined && !isMade) {
      const storeId = await this.#readStoreId();
      await (await (source.create?.(storeId) ?? source.open(storeId))).close();
    }
    const before = this.#candidate;
    this.#candidate = source;
    if (before !== source) await before?.close?.();
  }

  /**
   * Makes one more root live, after the keyring with its wraps was opened by it alone, and resolves to its
   * id; where it is live already, the source is taken only. Undefined when another process has changed the
   * keyring at the same time.
   * @throws as `change`
   */
  async addSource(source: RootSource, intent: RootIntent): Promise<string | undefined> {
    const storeId = await this.#readStoreId();
    const before = this.sources;
    let isTaken = false;
    try {
      const id = await this.#roots.add(source, storeId, intent);
      const live = await this.#open(await this.#requireStored(), async ({ roots }) => roots);
      const isLive = live.some((root) => root.id === id);
      if (!isLive && live.length > 1)
        throw new VaultUnavailableError(
          `the database moves to the root ${live.at(-1)?.uri} already: end that change first, or go back by kmipd vault change-root --abort`,
        );
      isTaken = isLive || (await this.#addRoot(source, id, storeId));
      if (isTaken && this.#candidate === source) this.#candidate = undefined;
      return isTaken ? id : undefined;
    } finally {
      if (!isTaken) await this.#roots.replace(before);
    }
  }

  async #addRoot(source: RootSource, id: string, storeId: Uint8Array): Promise<boolean> {
    return this.change(
      (keyring, now, roots) => {
        const added = roots.find(({ root }) => root.id === id);
        if (added === undefined) throw new VaultUnavailableError(`${nameOfRoot(source.uri)} is not at hand`);
        return addRoot(keyring, added, now);
      },
      (next) => this.#roots.withOne(source, storeId, (root) => requireOpenedBy(root, next)),
    );
  }

  /**
   * Ends every live root but one, which must open the stored keyring and the next one alone, opened anew
   * unless people have opened it; keeps the source of that root. Resolves to false when another process has
   * changed the keyring at the same time.
   * @throws {VaultUnavailableError} when that root is not at hand, or not live.
   */
  async keepRoot(id: string): Promise<boolean> {
    const stored = await this.#requireStored();
    const storeId = await this.#readStoreId();
    const source = await this.#roots.with(storeId, 'use', async (roots, problems) => {
      const named = roots.find(({ root }) => root.id === id);
      if (named !== undefined) return this.sources.find(({ uri }) => uri === named.uri);
      throw new VaultUnavailableError(
        `the root ${id}, which is to stay, is not at hand${problems.map((each) => `; ${each}`).join('')}`,
      );
    });
    if (source === undefined) throw new TypeError('the source of a root is gone');
    const isStored = await this.#roots.withOne(source, storeId, async (named) => {
      const keyring = await requireOpened(named, stored);
      let next: StoredKeyring;
      try {
        const others = keyring.roots.filter((root) => root.id !== id);
        if (others.length === 0) return true;
        next = await encodeKeyring(
          others.reduce((rest, root) => removeRoot(rest, root.id), keyring),
          [named],
        );
      } finally {
        wipeKeyring(keyring);
      }
      await requireOpenedBy(named, next);
      return this.#place.keyrings.write(next);
    });
    if (isStored) await this.#roots.replace([source]);
    return isStored;
  }

  /** Uses these sources; one of a URI that is in use stays, with what people have given it. */
  async useSources(sources: readonly RootSource[]): Promise<void> {
    const before = this.sources;
    const kept = sources.map((source) => before.find(({ uri }) => uri === source.uri) ?? source);
    await this.#roots.replace(kept);
  }

  /** Ends what the sources keep. */
  async close(): Promise<void> {
    await this.#candidate?.close?.();
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
    // A root that people have given would be used up by an id that somebody else has written.
    if (pin !== undefined) checkStore(pin, storeId);
    if (this.#storeId?.some((byte, at) => byte !== storeId[at])) throw this.#altered(stored);
    return this.#roots.with(storeId, 'use', async (roots, problems) => {
      const keyring = await decodeKeyring(stored, roots);
      if (keyring === 'altered') throw this.#altered(stored);
      if (keyring === 'foreign') {
        // What people gave has opened the keyring before: the stored one was changed.
        if (this.#storeId === undefined) await this.#roots.drop();
        throw new VaultUnavailableError(roots.map(foreignRootMessage).join('; '));
      }
      if (pin !== undefined) checkPin(this.#remembers ? { ...pin, isReadOnly: false } : pin, keyring);
      this.#storeId = keyring.storeId;
      this.#learnRoots(keyring, roots, problems);
      return use(keyring, roots);
    });
  }

  #learnRoots({ roots: live }: Keyring, roots: readonly NamedRoot[], problems: readonly string[]): void {
    const isLive = (id: string) => live.some((root) => root.id === id);
    const foreign = roots.filter(({ root }) => !isLive(root.id)).map(foreignRootMessage);
    const atHand = roots.map(({ root }) => root.id).filter(isLive);
    this.#setRoots({ live, atHand, problems: [...problems, ...foreign] });
  }

  /** To be called when the keyring does not open any more. */
  loseRoots(problem: string): void {
    const { live } = this.#rootsInUse;
    if (live.length > 0) this.#setRoots({ live, atHand: [], problems: [problem] });
  }

  #setRoots(roots: RootsInUse): void {
    if (isDeepStrictEqual(roots, this.#rootsInUse)) return;
    this.#rootsInUse = roots;
    this.#place.rootsChanged?.(roots);
  }

  async #requireStored(): Promise<StoredKeyring> {
    const stored = await this.read();
    if (stored === undefined) throw new VaultUnavailableError(lostKeyringMessage);
    return stored;
  }

  async #readStoreId(): Promise<Uint8Array> {
    const storeId = readStoreId(await this.#requireStored());
    if (storeId === undefined) throw new VaultUnavailableError(alteredKeyringMessage);
    return storeId;
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
