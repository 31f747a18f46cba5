import { VaultUnavailableError } from './vault.ts';

/**
 * How old the knowledge of a process is that its keyring is the stored one. Others use a new index so many
 * seconds after it was stored, by a clock that nobody sets: a process that was stopped for longer, or gets no
 * answer of its root, must not say that something does not exist.
 */
export class KeyringKnowledge {
  readonly #milliseconds: number;
  #at: number | undefined;

  /** `activationSeconds`: until others use a new index; 0: there are no others. */
  constructor(activationSeconds: number) {
    this.#milliseconds = activationSeconds * 1000;
  }

  /**
   * Refuses what needs every index, when others may use another one; begins to read the keyring then.
   * @throws {VaultUnavailableError} when it is too old; not before it was renewed once
   */
  requireFresh(refresh: () => Promise<void>): void {
    if (this.#at === undefined || this.#milliseconds === 0) return;
    if (performance.now() - this.#at < this.#milliseconds) return;
    refresh().catch(() => {});
    throw new VaultUnavailableError('the keyring was not read for so long that others may use another index');
  }

  /** The keyring in use was the stored one at a time of `performance.now`. */
  renew(at: number): void {
    this.#at = Math.max(this.#at ?? at, at);
  }

  /** Likewise, where it was renewed before: a process that reads the keyring once has no limit. */
  renewAgain(at: number): void {
    if (this.#at !== undefined) this.renew(at);
  }
}
