import { isAttendedRoot, parseRootUri, partsOf, type RootUri } from '../../common/root-uri.ts';
import { encryptSecret } from '../../common/secret-transfer.ts';
import { ManagementError } from '../../management/errors.ts';
import type { ManagedRoots } from '../../management/managed-roots.ts';
import { openLocalVault } from '../../vault/local.ts';
import type { LocalVault } from '../../vault/local-vault.ts';
import type { RootSource } from '../../vault/roots/root.ts';
import type { KeyringStore } from '../../vault/vault.ts';
import { openRootSource } from './root-sources.ts';
import type { StateDirectory } from './state-directory.ts';
import type { TokenRoots } from './token-roots.ts';

/** The change of roots by the process that has a database open, which the command leads step by step. */
export class StateDirectoryRoots implements ManagedRoots {
  readonly #stateDirectory: StateDirectory;
  readonly #vault: LocalVault;
  readonly #keyrings: KeyringStore;
  readonly #tokens: TokenRoots;
  #prepared: RootSource | undefined;

  constructor(stateDirectory: StateDirectory, vault: LocalVault, keyrings: KeyringStore, tokens: TokenRoots) {
    this.#tokens = tokens;
    this.#stateDirectory = stateDirectory;
    this.#vault = vault;
    this.#keyrings = keyrings;
  }

  async prepare(text: string | null, isMade: boolean, publicKey: string): Promise<readonly string[]> {
    const shares: string[] = [];
    const source =
      text === null
        ? undefined
        : openRootSource(this.#stateDirectory, this.#parse(text), {
            tokens: this.#tokens,
            deliverShares: async (lines) => {
              for (const line of lines) shares.push(encryptSecret(line, publicKey));
            },
          });
    this.#prepared = undefined;
    await this.#vault.prepareRoot(source, isMade);
    this.#prepared = source;
    return shares;
  }

  async add(text: string): Promise<string> {
    const uri = this.#parse(text);
    const { roots } = this.#vault.status();
    // What was made by somebody else is not made again: it would be another root.
    const isMade = roots.length > 1 || partsOf(uri).some(({ kind }) => kind === 'shares');
    const source = openRootSource(this.#stateDirectory, uri, { tokens: this.#tokens });
    const prepared = this.#prepared?.uri === source.uri ? this.#prepared : undefined;
    const id = await this.#vault.addRoot(prepared ?? source, isMade ? 'use' : 'create');
    this.#prepared = undefined;
    return id;
  }

  async keep(id: string): Promise<void> {
    const { roots, configured } = this.#vault.status();
    const kept = roots.find((root) => root.id === id);
    if (kept === undefined) throw new ManagementError(`the root ${id} is not live`);
    if (roots.length > 1) await this.#startAlone(id, configured);
    await this.#vault.keepRoot(id);
  }

  /**
   * Starts a vault of its own from one root, as the next start of a daemon does. What people have given opens
   * the keyring alone in `LocalVault.keepRoot`.
   */
  async #startAlone(id: string, configured: readonly string[]): Promise<void> {
    const reasons: string[] = [];
    for (const text of configured) {
      const uri = this.#parse(text);
      if (isAttendedRoot(uri)) continue;
      const vault = await openLocalVault({
        roots: [openRootSource(this.#stateDirectory, uri)],
        keyrings: this.#keyrings,
        refreshSeconds: 0,
      });
      const { atHand, sealedBecause } = vault.status();
      await vault.close();
      if (sealedBecause === null && atHand.includes(id)) return;
      reasons.push(...(sealedBecause === null ? [] : [sealedBecause]));
    }
    if (configured.every((text) => !isAttendedRoot(this.#parse(text))))
      throw new ManagementError(
        `nothing was changed: no vault starts from the root ${id} alone${reasons.map((each) => `; ${each}`).join('')}`,
      );
  }

  #parse(text: string): RootUri {
    const uri = parseRootUri(text, this.#stateDirectory.directory);
    if (typeof uri === 'string') throw new ManagementError(`the URI of the root ${uri}`);
    return uri;
  }
}
