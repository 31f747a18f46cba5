import { formatRootUri, isAttendedRoot, parseRootUri, partsOf, type RootUri } from '../../common/root-uri.ts';
import type { Secret } from '../../common/secret.ts';
import { encryptSecret } from '../../common/secret-transfer.ts';
import { ManagementError } from '../../management/errors.ts';
import type { ManagedRoots } from '../../management/managed-roots.ts';
import { openLocalVault } from '../../vault/local.ts';
import type { LocalVault } from '../../vault/local-vault.ts';
import { sameRootMessage } from '../../vault/root-messages.ts';
import type { RootSource } from '../../vault/roots/root.ts';
import type { KeyringStore } from '../../vault/vault.ts';
import { openRootSource, type RootAttendance } from './root-sources.ts';
import type { StateDirectory } from './state-directory.ts';
import type { TokenRoots } from './token-roots.ts';

/** The change of roots by the process that has a database open, which the command leads step by step. */
export class StateDirectoryRoots implements ManagedRoots {
  readonly #stateDirectory: StateDirectory;
  readonly #vault: LocalVault;
  readonly #keyrings: KeyringStore;
  readonly #tokens: TokenRoots;

  constructor(stateDirectory: StateDirectory, vault: LocalVault, keyrings: KeyringStore, tokens: TokenRoots) {
    this.#tokens = tokens;
    this.#stateDirectory = stateDirectory;
    this.#vault = vault;
    this.#keyrings = keyrings;
  }

  async prepare(text: string | null, isMade: boolean, publicKey: string | null): Promise<readonly string[]> {
    const shares: string[] = [];
    const attendance = {
      ...(publicKey !== null && {
        deliverShares: async (lines: readonly Secret[]) => {
          for (const line of lines) shares.push(encryptSecret(line, publicKey));
        },
      }),
    };
    const source = text === null ? undefined : this.#open(text, attendance);
    await this.#vault.prepareRoot(source, isMade);
    return shares;
  }

  async add(text: string, mayBeLive: boolean): Promise<string> {
    const uri = this.#parse(text);
    const { roots, configured } = this.#vault.status();
    const formatted = formatRootUri(uri);
    // What was made before, by whomever, is not made again: it would be another root.
    const isMade =
      roots.length > 1 ||
      [...configured, ...roots.map((root) => root.uri)].includes(formatted) ||
      partsOf(uri).some(({ kind }) => kind === 'shares');
    const id = await this.#vault.addRoot(this.#open(text), isMade ? 'use' : 'create');
    if (mayBeLive || roots.length > 1 || roots[0]?.id !== id) return id;
    await this.#vault.useSources(configured.map((each) => this.#open(each)));
    throw new ManagementError(sameRootMessage(formatted));
  }

  async keep(id: string, check: () => Promise<void>): Promise<void> {
    const { roots, configured } = this.#vault.status();
    const kept = roots.find((root) => root.id === id);
    if (kept === undefined) throw new ManagementError(`the root ${id} is not live`);
    if (roots.length > 1) await this.#startAlone(id, configured);
    await this.#vault.keepRoot(id, check);
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

  #open(text: string, attendance: RootAttendance = {}): RootSource {
    return openRootSource(this.#stateDirectory, this.#parse(text), { tokens: this.#tokens, ...attendance });
  }

  #parse(text: string): RootUri {
    const uri = parseRootUri(text, this.#stateDirectory.directory);
    if (typeof uri === 'string') throw new ManagementError(`the URI of the root ${uri}`);
    return uri;
  }
}
