/** What is remembered, at most: milliseconds, characters of entries, and marks. */
const maxMilliseconds = 1_200_000;
const maxCharacters = 16_777_216;
const maxMarks = 64;

interface Mark {
  readonly chain: string;
  readonly from: number;
  readonly at: number;
  characters: number;
}

/**
 * Remembers where a sink was when it sent what its protocol has not confirmed. When a connection breaks, what
 * the buffers of both systems and the network held is lost: some MiB, or all that was sent to a host that is
 * gone, until TCP gives up after a quarter of an hour.
 */
export class SentHistory {
  readonly #now: () => number;
  #marks: Mark[] = [];
  #checkpoints: { readonly text: string; readonly at: number }[] = [];
  /** The number after the last entry that was sent, by chain. */
  readonly #ends = new Map<string, number>();

  /** `now`: milliseconds since any moment. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Adds entries of a chain, from `from` on to the one before `to`. What is sent again keeps the time of its
   * first attempt, so that connections that break often do not repeat it for ever.
   */
  addEntries(chain: string, from: number, to: number, characters: number): void {
    const end = this.#ends.get(chain) ?? 0;
    if (to <= end) return;
    this.#ends.set(chain, to);
    const at = this.#now();
    const last = this.#marks.at(-1);
    const isNear = last !== undefined && at - last.at < maxMilliseconds / maxMarks;
    if (last?.chain === chain && isNear && last.characters < maxCharacters / maxMarks)
      last.characters += characters;
    else this.#marks.push({ chain, from: Math.max(from, end), at, characters });
    this.#forget();
  }

  /** Adds a checkpoint; one that is sent again keeps its time, too. */
  addCheckpoint(text: string): void {
    if (this.#checkpoints.some((each) => each.text === text)) return;
    this.#checkpoints.push({ text, at: this.#now() });
    this.#forget();
  }

  /**
   * Returns what was sent in the last milliseconds, and perhaps some more: the first number of each chain,
   * and checkpoints.
   */
  read(milliseconds: number): { chains: ReadonlyMap<string, number>; checkpoints: readonly string[] } {
    const oldest = this.#now() - milliseconds;
    const chains = new Map<string, number>();
    // Entries may have been added to a mark until the next one was made.
    const young = this.#marks.filter(
      (_, at) => (this.#marks[at + 1]?.at ?? Number.POSITIVE_INFINITY) >= oldest,
    );
    for (const { chain, from } of young) if (!chains.has(chain)) chains.set(chain, from);
    const checkpoints = this.#checkpoints.filter(({ at }) => at >= oldest).map(({ text }) => text);
    return { chains, checkpoints };
  }

  #forget(): void {
    const oldest = this.#now() - maxMilliseconds;
    let characters = this.#marks.reduce((sum, mark) => sum + mark.characters, 0);
    // Entries may have been added to a mark until the next one was made; the last mark still grows.
    for (let [first, next] = this.#marks; first && next; [first, next] = this.#marks) {
      if (next.at >= oldest && characters <= maxCharacters && this.#marks.length <= 2 * maxMarks) break;
      characters -= first.characters;
      this.#marks.shift();
    }
    this.#checkpoints = this.#checkpoints.filter(({ at }) => at >= oldest).slice(-maxMarks);
  }
}
