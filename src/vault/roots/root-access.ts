import { VaultUnavailableError } from '../vault.ts';
import type { NamedRoot, OpenRoot, RootSource } from './root.ts';

/** `create` makes what is missing, for a new database. */
export type RootIntent = 'use' | 'create';

interface Kept {
  readonly storeId: Uint8Array;
  readonly root: Promise<OpenRoot>;
}

/**
 * Opens the roots of a vault while a keyring is read or written. One that people open stays open, because the
 * epochs of other processes come without them; every other one is opened for each use, so that one that was
 * exchanged or taken away is noticed.
 */
export class RootAccess {
  #sources: readonly RootSource[];
  readonly #kept = new Map<RootSource, Kept>();

  constructor(sources: readonly RootSource[]) {
    this.#sources = sources;
  }

  /**
   * Opens every root that can be opened, and gives them to `use`. Those that nobody has opened are closed
   * afterwards.
   * @throws {VaultUnavailableError} when none can be opened, or one cannot be created; otherwise as `use` and
   *   the sources.
   */
  async with<T>(
    storeId: Uint8Array,
    intent: RootIntent,
    use: (roots: readonly NamedRoot[]) => Promise<T>,
  ): Promise<T> {
    const problems: string[] = [];
    const opened: (NamedRoot & { readonly source: RootSource })[] = [];
    try {
      for (const source of this.#sources) {
        try {
          opened.push({ source, uri: source.uri, root: await this.#open(source, storeId, intent) });
        } catch (error) {
          if (!(error instanceof VaultUnavailableError)) throw error;
          problems.push(error.message);
        }
      }
      if (opened.length === 0 || (intent === 'create' && problems.length > 0))
        throw new VaultUnavailableError(problems.join('; '));
      return await use(opened);
    } finally {
      for (const { source, root } of opened) if (source.isAttended !== true) await root.close();
    }
  }

  /**
   * Takes one more source, and makes what is missing of its root.
   * @throws {VaultUnavailableError} when that cannot be made.
   */
  async add(source: RootSource, storeId: Uint8Array): Promise<void> {
    const root = await this.#open(source, storeId, 'create');
    if (source.isAttended !== true) await root.close();
    this.#sources = [...this.#sources, source];
  }

  /** Closes the roots that people have opened, because they were wrong or the vault closes. */
  async drop(): Promise<void> {
    const kept = [...this.#kept.values()];
    this.#kept.clear();
    for (const { root } of kept) await root.then((each) => each.close()).catch(() => {});
  }

  /** Ends what the sources keep, too. */
  async end(): Promise<void> {
    await this.drop();
    for (const source of this.#sources) await source.close?.();
  }

  #open(source: RootSource, storeId: Uint8Array, intent: RootIntent): Promise<OpenRoot> {
    if (source.isAttended !== true) return openSource(source, storeId, intent);
    const kept = this.#kept.get(source);
    if (kept?.storeId.every((byte, at) => byte === storeId[at])) return kept.root;
    // Two uses at once share what is opened.
    const root = openSource(source, storeId, intent);
    const keeping = { storeId, root };
    this.#kept.set(source, keeping);
    root.catch(() => {
      if (this.#kept.get(source) === keeping) this.#kept.delete(source);
    });
    kept?.root.then((each) => each.close()).catch(() => {});
    return root;
  }
}

async function openSource(source: RootSource, storeId: Uint8Array, intent: RootIntent): Promise<OpenRoot> {
  return intent === 'create' && source.create !== undefined ? source.create(storeId) : source.open(storeId);
}
