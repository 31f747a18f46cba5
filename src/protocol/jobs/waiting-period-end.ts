import type { ListedRestorable, RestorableDirectory } from '../restorable-directory.ts';

/** How often it is looked for what is due. */
const turnMilliseconds = 600_000;
/** The shortest waiting period: what is destroyed later is not due earlier. */
const shortestSeconds = 86_400;

export interface WaitingPeriodEndOptions {
  readonly directory: Pick<RestorableDirectory, 'list' | 'remove'>;
  /** POSIX seconds. */
  readonly now: () => number;
  /** Name of the node in the audit log; undefined: nothing is recorded. */
  readonly node: string | undefined;
  /** Is told of a value that could not be removed. */
  readonly failed: (error: unknown) => void;
  /** Milliseconds of a clock that nobody sets. */
  readonly uptime?: () => number;
}

/**
 * Removes the values of destroyed objects at the end of their waiting period. It takes two turns that find
 * one due, ten minutes apart: a clock that is wrong for a moment must not end years of waiting.
 */
export class WaitingPeriodEnd {
  readonly #options: WaitingPeriodEndOptions;
  readonly #uptime: () => number;
  #lastTurn = Number.NEGATIVE_INFINITY;
  /** POSIX seconds before which nothing is due. */
  #nextDue = 0;
  /** What the turn before has found due. */
  #due: ReadonlySet<string> = new Set();
  #running: Promise<void> | undefined;

  constructor(options: WaitingPeriodEndOptions) {
    this.#options = options;
    this.#uptime = options.uptime ?? (() => performance.now());
  }

  /** Runs a turn when one is due; to be called often. Rejects as store and vault do. */
  run(): Promise<void> {
    this.#running ??= this.#turn().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #turn(): Promise<void> {
    const time = this.#options.now();
    if (this.#uptime() - this.#lastTurn < turnMilliseconds || time < this.#nextDue) return;
    const { due, earliest } = await this.#findDue(time);
    this.#lastTurn = this.#uptime();
    this.#nextDue = due.length > 0 ? 0 : Math.min(earliest, time + shortestSeconds);
    for (const each of due) if (this.#due.has(each.id)) await this.#remove(each);
    this.#due = new Set(due.map(({ id }) => id));
  }

  /** Returns what is due, and when the earliest of the others is. */
  async #findDue(time: number): Promise<{ due: readonly ListedRestorable[]; earliest: number }> {
    const due: ListedRestorable[] = [];
    let earliest = Number.POSITIVE_INFINITY;
    for (let after: number | null = 0; after !== null; ) {
      const page = await this.#options.directory.list(after);
      for (const each of page.objects)
        if (each.until <= time) due.push(each);
        else earliest = Math.min(earliest, each.until);
      after = page.next;
    }
    return { due, earliest };
  }

  /** What does not open does not keep the others. */
  async #remove(due: ListedRestorable): Promise<void> {
    const { directory, node, failed } = this.#options;
    await directory.remove(due, node).catch(failed);
  }
}
