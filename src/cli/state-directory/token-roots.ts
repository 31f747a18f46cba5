import { hash } from 'node:crypto';
import { TokenRoot, type TokenStatus } from '../../token/token-root.ts';
import { describeLogin, parseTokenUri, type TokenUri } from '../../token/token-uri.ts';
import type { RootOpener } from '../../vault/roots/create-source.ts';
import { watchFiles } from '../../vault/roots/watch-files.ts';
import { CommandError } from '../failure.ts';
import type { StateDirectory } from './state-directory.ts';

export interface TokenRootsOptions {
  /** As `TokenRootOptions`. */
  readonly idleSeconds?: number | undefined;
  /** As `TokenRootOptions`. */
  readonly valueProcesses?: number | undefined;
  readonly onStatus?: ((status: TokenStatus) => void) | undefined;
  /** As `TokenRootOptions`. */
  readonly onFailure?: ((reason: string) => void) | undefined;
}

/**
 * Returns where refused logins at the token of a URI are noted: in one file for each token and PIN. A wrong
 * PIN costs one attempt then, however many keys the token has, and one token does not make another one forget
 * that its login was refused.
 */
export function loginOptions({ directory, tokenLogin }: StateDirectory, uri: TokenUri) {
  return {
    refusedLoginFile: `${tokenLogin}-${hash('sha256', describeLogin(uri), 'hex').slice(0, 16)}`,
    loginCommand: `kmipd vault token login --home ${directory}`,
  };
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
    const { idleSeconds, valueProcesses, onStatus, onFailure } = this.#options;
    const uri = parseTokenUri(text, this.#stateDirectory.directory);
    const root = new TokenRoot(uri, {
      client: loginOptions(this.#stateDirectory, uri),
      ...{ idleSeconds, valueProcesses, onFailure, watchFiles },
      ...(onStatus && { onStatus }),
    });
    const isKept = ({ isClosed, isUsed, uri }: TokenRoot) => !isClosed && (isUsed || uri !== text);
    this.#roots = [...this.#roots.filter(isKept), root];
    return root;
  };

  /** One for each URI: a reload creates sources of which only those are used whose root is another one. */
  get #current(): readonly TokenRoot[] {
    const current = new Map<string, TokenRoot>();
    for (const root of this.#roots)
      if (!root.isClosed && (root.isUsed || !current.has(root.uri))) current.set(root.uri, root);
    return [...current.values()];
  }

  list(): readonly TokenStatus[] {
    return this.#current.map(({ status }) => status);
  }

  /**
   * Tries one login at each token that is not up, although its last one was refused. Further roots in one
   * token go by the outcome.
   * @throws {VaultUnavailableError} when one fails; the others were tried too.
   * @throws {CommandError} when no root is in a token.
   */
  async logIn(): Promise<void> {
    if (this.#current.length === 0) throw new CommandError('no root of this home is in a token');
    const tokens = Map.groupBy(this.#current, (root) => root.login);
    const results = (await Promise.all(tokens.values().map(logInAt))).flat();
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /** As `TokenRoot.retry`. */
  retry(): void {
    for (const root of this.#current) root.retry();
  }

  /** Ends their processes; what waits for one of them fails. */
  async close(): Promise<void> {
    await Promise.all(this.#roots.map((root) => root.close()));
  }
}

/** The first of the roots in one token logs in, and the others open as the note of that login lets them. */
async function logInAt(roots: readonly TokenRoot[]): Promise<readonly PromiseSettledResult<void>[]> {
  const [first, ...others] = roots;
  const results = await Promise.allSettled([first?.logIn()]);
  return [...results, ...(await Promise.allSettled(others.map((root) => openOnce(root))))];
}

async function openOnce(root: TokenRoot): Promise<void> {
  const opened = await root.open();
  await opened.close();
}
