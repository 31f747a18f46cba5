import { VaultUnavailableError } from '../vault.ts';
import type { NamedRoot, OpenRoot, RootIntent, RootSource } from './root.ts';

interface Kept {
  readonly storeId: Uint8Array;
  readonly root: Promise<OpenRoot>;
}

/**
 * Opens the roots of a vault while a keyring is read or written. One that operators open stays open, because
 * the epochs of other processes come without them; every other one is opened for each use, so that one that
 * was exchanged or taken away is noticed.
 */
export class RootAccess {
  #sources: readonly RootSource[];
  readonly #kept = new Map<RootSource, Kept>();

  constructor(sources: readonly RootSource[]) {
    this.#sources = sources;
  }

  /**
   * Opens every root that can be opened, and gives them to `use`, with the reasons for the others, one line
   * each. Those that nobody has opened are closed afterwards.
   * @throws {VaultUnavailableError} when none can be opened, or one cannot be created; otherwise as `use` and
   *   the sources.
   */
  async with<T>(
    storeId: Uint8Array,
    intent: RootIntent,
    use: (roots: readonly NamedRoot[], problems: readonly string[]) => Promise<T>,
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
      return await use(opened, problems);
    } finally {
      for (const { source, root } of opened) if (source.isAttended !== true) await root.close();
    }
  }

  get sources(): readonly RootSource[] {
    return this.#sources;
  }

  /** Whether operators have opened the root of a source, or need not. */
  isOpen(source: RootSource): boolean {
    return source.isAttended !== true || this.#kept.has(source);
  }

  /**
   * Takes one more source in front of the others, in place of one of the same URI, and with the intent
   * `create` makes what is missing of its root; resolves to the id of that.
   * @throws {VaultUnavailableError} when it cannot be opened or made.
   */
  async add(source: RootSource, storeId: Uint8Array, intent: RootIntent): Promise<string> {
    const root = await this.#open(source, storeId, intent);
    if (source.isAttended !== true) await root.close();
    await this.replace([source, ...this.#sources.filter(({ uri }) => uri !== source.uri)]);
    return root.id;
  }

  /** Gives the root of one source to `use`, opened anew unless operators have opened it. */
  async withOne<T>(
    source: RootSource,
    storeId: Uint8Array,
    use: (root: NamedRoot) => Promise<T>,
  ): Promise<T> {
    const root = await this.#open(source, storeId, 'use');
    try {
      return await use({ uri: source.uri, root });
    } finally {
      if (source.isAttended !== true) await root.close();
    }
  }

  /** Uses these sources from here on, and ends those that are not among them. */
  async replace(sources: readonly RootSource[]): Promise<void> {
    const previous = this.#sources;
    this.#sources = sources;
    for (const source of previous.filter((each) => !sources.includes(each))) {
      const kept = this.#kept.get(source);
      this.#kept.delete(source);
      await kept?.root.then((root) => root.close()).catch(() => {});
      await source.close?.();
    }
  }

  /** Closes the roots that operators have opened, because they were wrong or the vault closes. */
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

/** Opens a root; with the intent `create`, makes what is missing of it. */
export async function openSource(
  source: RootSource,
  storeId: Uint8Array,
  intent: RootIntent,
): Promise<OpenRoot> {
  return intent === 'create' && source.create !== undefined ? source.create(storeId) : source.open(storeId);
}
