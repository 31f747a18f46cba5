/**
 * Under which epoch a process seals. Every node must know an epoch before somebody uses it, and one that was
 * used is never left for an older one, which may have been retired meanwhile. No clock of another host is
 * trusted for either.
 */

/** How far clocks of nodes may be apart: seconds. */
const maxClockDifference = 3_600;

interface ChosenEpoch {
  readonly epoch: number;
  /** By the clock of the process that has begun it: POSIX seconds. */
  readonly createdAt: number;
}

export class EpochChoice {
  /** Seconds. */
  readonly #delay: number;
  readonly #now: () => number;
  readonly #elapsed: () => number;
  /** When this process has read of an epoch first, by `elapsed`. */
  readonly #readAt = new Map<number, number>();
  #used = 0;

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
  learn(epochs: readonly ChosenEpoch[]): void {
    for (const { epoch } of epochs) if (!this.#readAt.has(epoch)) this.#readAt.set(epoch, this.#elapsed());
  }

  /**
   * Returns the epoch in use: the newest that is long known, one that was used, here or by another process,
   * or that of `least`; otherwise the oldest.
   *
   * @param epochs of the keyring, the oldest first
   * @param least the first one under which something may be sealed
   * @param usedElsewhere the newest one that lanes of other processes, or of an earlier start, have used
   */
  choose(epochs: readonly ChosenEpoch[], least: number, usedElsewhere: number): number {
    const [oldest, newest] = [epochs[0]?.epoch ?? 0, epochs.at(-1)?.epoch ?? 0];
    const known = epochs.findLast((each) => this.#isLongKnown(each))?.epoch ?? oldest;
    const used = Math.min(Math.max(this.#used, usedElsewhere), newest);
    this.#used = Math.max(known, least, used);
    return this.#used;
  }

  #isLongKnown({ epoch, createdAt }: ChosenEpoch): boolean {
    const age = this.#now() / 1000 - createdAt;
    const known = (this.#elapsed() - (this.#readAt.get(epoch) ?? this.#elapsed())) / 1000;
    return age >= this.#delay && (known >= this.#delay || age >= this.#delay + maxClockDifference);
  }
}
