import { VaultUnavailableError } from './vault.ts';

/** How long a keyring that was read counts as current; others wait longer before they use an epoch. */
const currentMilliseconds = 60_000;

/**
 * How old the knowledge of a process is that it has the indexes of the stored keyring. Others use a new one
 * so many seconds after it was stored, by a clock that nobody sets: a process that was stopped for longer, or
 * gets no answer of its root, must not say that something does not exist.
 */
export class KeyringKnowledge {
  readonly #milliseconds: number;
  readonly #now: () => number;
  /** Generation of the stored keyring when it had known indexes only. */
  #generation = 0;
  /** When that was so last, by `performance.now`. */
  #at: number | undefined;
  /** When the keyring in use was last found to be the stored one, by `#now`. */
  #readAt = Number.NEGATIVE_INFINITY;

  /** `activationSeconds`: until others use a new index; 0: there are no others. `now`: milliseconds. */
  constructor(activationSeconds: number, now: () => number) {
    this.#milliseconds = activationSeconds * 1000;
    this.#now = now;
  }

  /** Notes that the keyring in use is the stored one. */
  noteRead(): void {
    this.#readAt = this.#now();
  }

  /** Whether the keyring was read so lately that it has every epoch in use. */
  get isCurrent(): boolean {
    return this.#now() - this.#readAt < currentMilliseconds;
  }

  /**
   * Notes that the stored keyring of a generation, read after a time of `performance.now`, has known indexes
   * only. A process that reads it once has no limit, see `learnStored`.
   */
  noteKnown(generation: number, at: number): void {
    this.#generation = generation;
    if (this.#at !== undefined) this.#at = Math.max(this.#at, at);
  }

  /** See `Vault.learnStored`. */
  learnStored(generation: number, at: number): void {
    if (generation === this.#generation) this.#at = Math.max(this.#at ?? at, at);
  }

  /**
   * Refuses what needs every index, when others may use another one; begins to read the keyring then.
   * @throws {VaultUnavailableError} when it is too old; not before `learnStored` was called once
   */
  requireFresh(refresh: () => Promise<void>): void {
    if (this.#at === undefined || this.#milliseconds === 0) return;
    if (performance.now() - this.#at < this.#milliseconds) return;
    refresh().catch(() => {});
    throw new VaultUnavailableError('the keyring was not read for so long that others may use another index');
  }
}
