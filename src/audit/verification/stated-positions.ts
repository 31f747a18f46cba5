/** Positions of chains that signed checkpoints state, and what the log has shown of each. */

/** What a checkpoint states of one chain. */
export interface StatedPosition {
  readonly chain: string;
  /** Entries so far. */
  readonly count: number;
  /** Head after them, in hexadecimal. */
  readonly head: string;
}

/** Where a chain ends, as something outside it states. */
export interface StatedEnd extends StatedPosition {
  /** Who states it, such as `lane 5d0c…`. */
  readonly by: string;
}

/** A checkpoint whose signature is right. */
export interface ReviewedCheckpoint {
  /** When it was made, as it says. */
  readonly time: string;
  readonly positions: readonly StatedPosition[];
}

/** One position, by the first checkpoint that states it. */
interface Position {
  readonly count: number;
  readonly head: string;
  readonly time: string;
  /** `cut`: the entries before it were removed by a cut, so that nothing can be said. */
  state: 'open' | 'agrees' | 'differs' | 'cut';
}

/** The positions of one chain in ascending order, compared as the chain grows. */
export class StatedChain {
  readonly #byCount = new Map<number, Position>();
  #sorted: readonly Position[] | undefined;
  #next = 0;

  /** Returns the position that is known of the count, this one where there was none. */
  add({ count, head }: StatedPosition, time: string): Position {
    const known = this.#byCount.get(count);
    if (known !== undefined) return known;
    const position: Position = { count, head, time, state: 'open' };
    this.#byCount.set(count, position);
    return position;
  }

  /** Whether all that are left state more entries than that, with the first of them. */
  get next(): Position | undefined {
    this.#sorted ??= [...this.#byCount.values()].toSorted((one, other) => one.count - other.count);
    return this.#sorted[this.#next];
  }

  /** The position that states the most entries. */
  get last(): Position | undefined {
    return this.next && this.#sorted?.at(-1);
  }

  /** Gives the next position a state and passes over it. */
  pass(state: 'agrees' | 'differs' | 'cut'): void {
    const position = this.next;
    if (position === undefined) return;
    position.state = state;
    this.#next += 1;
  }

  /** Passes over positions below the start of what is there of a chain. */
  begin(first: number): void {
    while (this.next !== undefined && this.next.count < first) this.pass('cut');
  }
}

/** The positions of all chains, and the checkpoints that state them. */
export class StatedPositions {
  readonly #chains = new Map<string, StatedChain>();
  readonly #checkpoints: { readonly time: string; readonly positions: readonly Position[] }[] = [];

  /** Adds a checkpoint; returns the positions that contradict those of an earlier one. */
  add({ time, positions }: ReviewedCheckpoint): readonly (StatedPosition & { readonly time: string })[] {
    const contradictions: (StatedPosition & { readonly time: string })[] = [];
    const added = positions.map((stated) => {
      const position = this.of(stated.chain).add(stated, time);
      if (position.head !== stated.head) contradictions.push({ ...stated, time: position.time });
      return position;
    });
    this.#checkpoints.push({ time, positions: added });
    return contradictions;
  }

  /** The positions of a chain. */
  of(chain: string): StatedChain {
    const known = this.#chains.get(chain);
    if (known !== undefined) return known;
    const positions = new StatedChain();
    this.#chains.set(chain, positions);
    return positions;
  }

  get chains(): readonly string[] {
    return [...this.#chains.keys()];
  }

  get checkpoints(): number {
    return this.#checkpoints.length;
  }

  /** Time of the newest checkpoint. */
  get newest(): string | undefined {
    return this.#checkpoints
      .map(({ time }) => time)
      .toSorted()
      .at(-1);
  }

  /** Time of the newest checkpoint of which something was compared, and everything agrees. */
  get newestAgreeing(): string | undefined {
    const agreeing = this.#checkpoints.filter(
      ({ positions }) =>
        positions.some(({ state }) => state === 'agrees') &&
        positions.every(({ state }) => state === 'agrees' || state === 'cut'),
    );
    return agreeing
      .map(({ time }) => time)
      .toSorted()
      .at(-1);
  }
}
