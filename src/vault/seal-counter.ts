import type { SealCount, SealCounter } from './vault.ts';

/** Counts seals; what a process that was killed has sealed after its last commit is not counted. */
export class EpochSealCounter implements SealCounter {
  #epoch = 0;
  #count = 0;
  /** What the lanes of this process stated when it started. */
  #earlier: SealCount = { epoch: 0, count: 0 };
  #others: readonly SealCount[] = [];
  /** What lanes stated that this process has folded. */
  readonly #taken: SealCount[] = [];

  /** Counts a box of the epoch that is in use, and returns how many that epoch has. */
  add(epoch: number): number {
    if (epoch !== this.#epoch) [this.#epoch, this.#count] = [epoch, 0];
    this.#count += 1;
    return this.count(epoch);
  }

  /** Returns the boxes of an epoch that are known, of all processes. */
  count(epoch: number): number {
    return epoch === this.#epoch ? this.own.count + this.#sum(this.#others) : 0;
  }

  get own(): SealCount {
    return { epoch: this.#epoch, count: this.#count + this.#sum([this.#earlier, ...this.#taken]) };
  }

  resume(stated: readonly SealCount[]): void {
    const newest = Math.max(0, ...stated.map(({ epoch }) => epoch));
    const counts = stated.filter(({ epoch }) => epoch === newest).map(({ count }) => count);
    this.#earlier = { epoch: newest, count: Math.max(0, ...counts) };
    if (this.#epoch === 0) this.#epoch = newest;
  }

  learnOthers(stated: readonly SealCount[]): void {
    this.#others = stated;
  }

  takeOver(stated: readonly SealCount[]): void {
    this.#taken.push(...stated);
  }

  #sum(counts: readonly SealCount[]): number {
    return counts.reduce((sum, count) => sum + this.#countOf(count), 0);
  }

  #countOf({ epoch, count }: SealCount): number {
    return epoch === this.#epoch ? count : 0;
  }
}
