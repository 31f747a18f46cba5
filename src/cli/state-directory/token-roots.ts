import { hash } from 'node:crypto';
import { TokenRoot, type TokenStatus } from '../../token/token-root.ts';
import { parseTokenUri } from '../../token/token-uri.ts';
import type { RootOpener } from '../../vault/roots/create-source.ts';
import { watchFiles } from '../../vault/roots/watch-files.ts';
import { CommandError } from '../failure.ts';
import type { StateDirectory } from './state-directory.ts';

export interface TokenRootsOptions {
  /** As `TokenRootOptions`. */
  readonly idleSeconds?: number | undefined;
  readonly onStatus?: ((status: TokenStatus) => void) | undefined;
}

/** The roots of a state directory that are in tokens, as far as this process has opened their sources. */
export class TokenRoots {
  readonly #stateDirectory: StateDirectory;
  readonly #options: TokenRootsOptions;
  #roots: readonly TokenRoot[] = [];

  constructor(stateDirectory: StateDirectory, options: TokenRootsOptions = {}) {
    this.#stateDirectory = stateDirectory;
    this.#options = options;
  }

  /**
   * Creates the source of a root; relative paths in the URI start at the home.
   * @throws {VaultUnavailableError} when kmipd cannot use the URI.
   */
  readonly open: RootOpener = (text) => {
    const { directory, tokenLogin } = this.#stateDirectory;
    const { idleSeconds, onStatus } = this.#options;
    const root = new TokenRoot(parseTokenUri(text, directory), {
      client: {
        // One token must not make another one forget that its login was refused.
        refusedLoginFile: `${tokenLogin}-${hash('sha256', text, 'hex').slice(0, 16)}`,
        loginCommand: `kmipd vault token login --home ${directory}`,
      },
      ...{ idleSeconds, watchFiles },
      ...(onStatus && { onStatus }),
    });
    this.#roots = [...this.#open, root];
    return root;
  };

  /** Those that nobody has closed, such as one that was exchanged. */
  get #open(): readonly TokenRoot[] {
    return this.#roots.filter(({ isClosed }) => !isClosed);
  }

  list(): readonly TokenStatus[] {
    return this.#open.map(({ status }) => status);
  }

  /**
   * Tries one login at each token that is not up, although its last one was refused.
   * @throws {VaultUnavailableError} when one fails; the others were tried too.
   * @throws {CommandError} when no root is in a token.
   */
  async logIn(): Promise<void> {
    if (this.#open.length === 0) throw new CommandError('no root of this home is in a token');
    const results = await Promise.allSettled(this.#open.map((root) => root.logIn()));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /** As `TokenRoot.retry`. */
  retry(): void {
    for (const root of this.#open) root.retry();
  }

  /** Ends their processes; what waits for one of them fails. */
  async close(): Promise<void> {
    await Promise.all(this.#open.map((root) => root.close()));
  }
}
