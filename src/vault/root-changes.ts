import { addRoot, removeRoot, wipeKeyring } from './keyring.ts';
import type { KeyringAccess } from './keyring-access.ts';
import { encodeKeyring, requireOpened, requireOpenedBy } from './keyring-format.ts';
import { nameOfRoot } from './root-messages.ts';
import type { RootIntent, RootSource } from './roots/root.ts';
import { openSource } from './roots/root-access.ts';
import { type StoredKeyring, VaultUnavailableError } from './vault.ts';
import type { VaultStatus } from './vault-status.ts';

/** Changes which roots are live, and which sources this process uses; while the vault is unsealed. */
export class RootChanges {
  readonly #access: KeyringAccess;
  /** The source of a root that is to become live, for which operators give what it needs. */
  #candidate: RootSource | undefined;

  constructor(access: KeyringAccess) {
    this.#access = access;
  }

  status(): Pick<VaultStatus, 'configured' | 'atHand' | 'rootProblems' | 'prepared'> {
    const { atHand, problems: rootProblems } = this.#access.rootsInUse;
    const { uri, isReady = true } = this.#candidate ?? {};
    const prepared = uri === undefined ? null : { uri, isReady };
    return { configured: this.sources.map((source) => source.uri), atHand, rootProblems, prepared };
  }

  get sources(): readonly RootSource[] {
    return this.#access.roots.sources;
  }

  /** The sources for which operators may give something; some of them only while the vault is sealed. */
  get waiting(): readonly RootSource[] {
    const candidate = this.#candidate === undefined ? [] : [this.#candidate];
    return [
      ...candidate,
      ...this.#access.roots.sources.filter((source) => !this.#access.roots.isOpen(source)),
    ];
  }

  /**
   * Makes what is missing of the root of a source, which may become live later; what operators give is for it
   * meanwhile. `isMade`: it was made before. Ends the source before; that is all where none is given.
   * @throws {VaultUnavailableError} when it cannot be made.
   */
  async prepare(source: RootSource | undefined, isMade: boolean): Promise<void> {
    if (source !== undefined && !isMade) {
      const root = await openSource(source, this.#access.requireStoreId(), 'create');
      await root.close();
    }
    const before = this.#candidate;
    this.#candidate = source;
    if (before !== source) await before?.close?.();
  }

  /**
   * Makes one more root live, after the keyring with its wraps was opened by it alone, and resolves to its
   * id; where it is live already, the source is taken only. Undefined when another process has changed the
   * keyring at the same time. A prepared source of the same URI, to which operators have given what it
   * needs, is taken in place of the given one. A source that is not taken is closed, unless it is prepared.
   * @throws as `change` and `check`, which gets the source before its root is live
   */
  async add(
    given: RootSource,
    intent: RootIntent,
    check: (source: RootSource) => Promise<void>,
  ): Promise<string | undefined> {
    const source = this.#candidate?.uri === given.uri ? this.#candidate : given;
    if (source !== given) await given.close?.();
    const storeId = this.#access.requireStoreId();
    const before = this.sources;
    let isTaken = false;
    try {
      const id = await this.#access.roots.add(source, storeId, intent);
      await check(source);
      const live = await this.#access.open(await this.#access.requireStored(), async (keyring) => {
        wipeKeyring(keyring);
        return keyring.roots;
      });
      const isLive = live.some((root) => root.id === id);
      if (!isLive && live.length > 1)
        throw new VaultUnavailableError(
          `the database moves to the root ${live.at(-1)?.uri} already: end that change first, or go back by kmipd vault change-root --abort`,
        );
      isTaken = isLive || (await this.#addRoot(source, id, storeId));
      if (isTaken && this.#candidate === source) this.#candidate = undefined;
      return isTaken ? id : undefined;
    } finally {
      if (!isTaken) {
        await this.#access.roots.replace(before);
        if (source !== this.#candidate) await source.close?.();
      }
    }
  }

  async #addRoot(source: RootSource, id: string, storeId: Uint8Array): Promise<boolean> {
    return this.#access.change(
      (keyring, now, roots) => {
        const added = roots.find(({ root }) => root.id === id);
        if (added === undefined) throw new VaultUnavailableError(`${nameOfRoot(source.uri)} is not at hand`);
        return addRoot(keyring, added, now);
      },
      (next) => this.#access.roots.withOne(source, storeId, (root) => requireOpenedBy(root, next)),
    );
  }

  /**
   * Ends every live root but one, which must open the stored keyring and the next one alone, opened anew
   * unless operators have opened it; keeps the source of that root. `check` is called last, when only the
   * write is left to do, and where nothing is. Resolves to false when another process has changed the keyring
   * at the same time.
   * @throws {VaultUnavailableError} when that root is not at hand, or not live; otherwise as `check`.
   */
  async keep(id: string, check?: () => Promise<void>): Promise<boolean> {
    const [stored, storeId] = [await this.#access.requireStored(), this.#access.requireStoreId()];
    this.#access.checkStore(stored);
    const source = await this.#access.roots.with(storeId, 'use', async (roots, problems) => {
      const named = roots.find(({ root }) => root.id === id);
      if (named !== undefined) return this.sources.find(({ uri }) => uri === named.uri);
      throw new VaultUnavailableError(
        `the root ${id}, which is to stay, is not at hand${problems.map((each) => `; ${each}`).join('')}`,
      );
    });
    if (source === undefined) throw new TypeError('the source of a root is gone');
    const isStored = await this.#access.roots.withOne(source, storeId, async (named) => {
      const keyring = await requireOpened(named, stored);
      let next: StoredKeyring | undefined;
      try {
        this.#access.checkPin(keyring);
        const others = keyring.roots.filter((root) => root.id !== id);
        if (others.length > 0)
          next = await encodeKeyring(
            others.reduce((rest, root) => removeRoot(rest, root.id), keyring),
            [named],
          );
      } finally {
        wipeKeyring(keyring);
      }
      if (next !== undefined) await requireOpenedBy(named, next);
      await check?.();
      return next === undefined || this.#access.write(next);
    });
    if (isStored) await this.#access.roots.replace([source]);
    return isStored;
  }

  /**
   * Uses these sources; one of a URI that is in use stays, with what operators have given it, and the given
   * one is closed.
   */
  async use(sources: readonly RootSource[]): Promise<void> {
    const before = this.sources;
    const kept = sources.map((source) => before.find(({ uri }) => uri === source.uri) ?? source);
    await this.#access.roots.replace(kept);
    for (const source of sources) if (!kept.includes(source)) await source.close?.();
  }

  /** Ends what the sources keep. */
  async close(): Promise<void> {
    await this.#candidate?.close?.();
    await this.#access.roots.end();
  }
}
