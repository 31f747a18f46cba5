import { VaultUnavailableError } from './vault.ts';

/**
 * Under which epoch a process seals, and when the ones before may end. Every node must know an epoch before
 * one of them uses it, and one that was used is never left for an older one, which may have been retired
 * meanwhile. The clocks of other hosts decide neither; see decision 53 for the start of a process.
 */

/** How far clocks of nodes may be apart: seconds. */
const maxClockDifference = 3_600;

interface ChosenEpoch {
  readonly epoch: number;
  /** By the clock of the process that has begun it: POSIX seconds. */
  readonly createdAt: number;
}

interface ChosenKeyring {
  readonly epochs: readonly ChosenEpoch[];
  readonly lanesSince: number;
}

export class EpochChoice {
  /** Seconds. */
  readonly #delay: number;
  readonly #now: () => number;
  readonly #elapsed: () => number;
  /** When this process has read of an epoch first, by `elapsed`; those of its start in `#early`. */
  readonly #readAt = new Map<number, number>();
  #early: ReadonlySet<number> | undefined;
  /** The newest epoch under which this process has seen a box. */
  #seen = 0;
  #used = 0;
  /** When this process has used an epoch first, by `elapsed`. */
  readonly #usedSince = new Map<number, number>();

  /**
   * @param delay seconds until an epoch is used that this process has read
   * @param now milliseconds since 1970, and of a clock that nobody sets; those of the system when left out
   */
  constructor(delay: number, now?: () => number) {
    this.#delay = delay;
    this.#now = now ?? Date.now;
    this.#elapsed = now ?? (() => performance.now());
  }

  /** Notes the epochs of a keyring that was read. */
  learn(epochs: readonly number[]): void {
    this.#early ??= new Set(epochs);
    for (const epoch of epochs) if (!this.#readAt.has(epoch)) this.#readAt.set(epoch, this.#elapsed());
  }

  /** Notes that a box is sealed under an epoch: another process, or this one earlier, has used it. */
  learnUsed(epoch: number): void {
    this.#seen = Math.max(this.#seen, epoch);
  }

  /**
   * Returns the epoch in use: the newest that is long known, or one that was used; otherwise the oldest.
   *
   * @param keyring `epochs`: the oldest first; `lanesSince`: the first one under which lanes may be sealed
   */
  choose({ epochs, lanesSince }: ChosenKeyring): number {
    const [oldest, newest] = [epochs[0]?.epoch ?? 0, epochs.at(-1)?.epoch ?? 0];
    const known = epochs.findLast((each) => this.#isLongKnown(each))?.epoch ?? oldest;
    const used = Math.min(Math.max(this.#used, this.#seen), newest);
    this.#used = Math.max(known, lanesSince, used);
    if (!this.#usedSince.has(this.#used)) this.#usedSince.set(this.#used, this.#elapsed());
    return this.#used;
  }

  #isLongKnown({ epoch, createdAt }: ChosenEpoch): boolean {
    const readAt = this.#readAt.get(epoch) ?? this.#elapsed();
    if (this.#elapsed() - readAt >= this.#delay * 1000) return true;
    const age = this.#now() / 1000 - createdAt;
    return this.#early?.has(epoch) === true && age >= this.#delay + maxClockDifference;
  }

  /**
   * Returns the seconds until the epochs below one may end, 0 when they may: as long after its first use as
   * it took to be used, because messages at work may commit what they have sealed before.
   * @throws {VaultUnavailableError} when that epoch is not in use, or there is none before it
   */
  secondsUntilEnd(keyring: ChosenKeyring, epoch: number): number {
    if (this.choose(keyring) < epoch) throw new VaultUnavailableError(`epoch ${epoch} is not in use`);
    if (keyring.epochs.every((each) => each.epoch >= epoch))
      throw new VaultUnavailableError(`no epoch before ${epoch} is left`);
    const uses = [...this.#usedSince].filter(([used]) => used >= epoch).map(([, since]) => since);
    const passed = (this.#elapsed() - Math.min(...uses)) / 1000;
    return Math.max(0, this.#delay - passed);
  }
}
