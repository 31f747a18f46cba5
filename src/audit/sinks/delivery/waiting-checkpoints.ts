/** Checkpoints that wait for one sink, at most, and their characters together. */
const maxCheckpoints = 256;
const maxCharacters = 262_144;

interface WaitingCheckpoint {
  readonly text: string;
  /** Entries that had arrived before it, which are delivered first. */
  readonly after: number;
}

/** The checkpoints that wait for a sink. The oldest are dropped beyond the bounds: later ones say more. */
export class WaitingCheckpoints {
  readonly #waiting: WaitingCheckpoint[];
  #characters: number;

  /** `texts` waited when the process began. */
  constructor(texts: readonly string[]) {
    this.#waiting = texts.map((text) => ({ text, after: 0 }));
    this.#characters = texts.reduce((sum, { length }) => sum + length, 0);
  }

  get first(): WaitingCheckpoint | undefined {
    return this.#waiting[0];
  }

  get texts(): readonly string[] {
    return this.#waiting.map(({ text }) => text);
  }

  /** Returns whether others had to be dropped for it. */
  add(checkpoint: WaitingCheckpoint): boolean {
    this.#waiting.push(checkpoint);
    this.#characters += checkpoint.text.length;
    const before = this.#waiting.length;
    while (
      this.#waiting.length > maxCheckpoints ||
      (this.#characters > maxCharacters && this.#waiting.length > 1)
    )
      this.removeFirst();
    return this.#waiting.length < before;
  }

  /** Delivers checkpoints again, before those that wait; once those that wait already. */
  restore(texts: readonly string[]): void {
    const present = new Set(this.texts);
    for (const text of texts.toReversed()) {
      if (present.has(text)) continue;
      this.#waiting.unshift({ text, after: 0 });
      this.#characters += text.length;
    }
  }

  removeFirst(): void {
    this.#characters -= this.#waiting.shift()?.text.length ?? 0;
  }
}
