/** What is remembered, at most: characters of entries, and marks. */
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
  readonly #milliseconds: number;
  readonly #now: () => number;
  #marks: Mark[] = [];
  #checkpoints: { readonly text: string; readonly at: number }[] = [];

  /**
   * @param milliseconds for which something is remembered
   * @param now milliseconds since any moment
   */
  constructor(milliseconds: number, now: () => number = () => performance.now()) {
    this.#milliseconds = milliseconds;
    this.#now = now;
  }

  /** Adds entries of a chain from a number on. */
  addEntries(chain: string, from: number, characters: number): void {
    const at = this.#now();
    const last = this.#marks.at(-1);
    const isNear = last !== undefined && at - last.at < this.#milliseconds / maxMarks;
    if (last?.chain === chain && from >= last.from && isNear && last.characters < maxCharacters / maxMarks)
      last.characters += characters;
    else this.#marks.push({ chain, from, at, characters });
    this.#forget();
  }

  addCheckpoint(text: string): void {
    this.#checkpoints.push({ text, at: this.#now() });
    this.#forget();
  }

  /** Returns what to send again, and forgets it: the first number of each chain, and checkpoints. */
  takeAll(): { readonly chains: ReadonlyMap<string, number>; readonly checkpoints: readonly string[] } {
    this.#forget();
    const chains = new Map<string, number>();
    for (const { chain, from } of this.#marks)
      chains.set(chain, Math.min(from, chains.get(chain) ?? Number.POSITIVE_INFINITY));
    const checkpoints = this.#checkpoints.map(({ text }) => text);
    this.#marks = [];
    this.#checkpoints = [];
    return { chains, checkpoints };
  }

  /** The mark that was added last stays, because its connection may have ended at once. */
  #forget(): void {
    const oldest = this.#now() - this.#milliseconds;
    let characters = this.#marks.reduce((sum, mark) => sum + mark.characters, 0);
    for (let [first] = this.#marks; first !== undefined && this.#marks.length > 1; [first] = this.#marks) {
      if (first.at >= oldest && characters <= maxCharacters && this.#marks.length <= 2 * maxMarks) break;
      characters -= first.characters;
      this.#marks.shift();
    }
    this.#checkpoints = this.#checkpoints.filter(({ at }) => at >= oldest).slice(-maxMarks);
  }
}
