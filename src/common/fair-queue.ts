import { currentRequester, type Requester, RequesterGoneError } from './requester.ts';

interface WaitingTask {
  readonly requester: Requester;
  start(): void;
  refuse(error: Error): void;
}

/** What waits in a queue for long tasks. */
interface WaitingBound {
  /** Maximum number of waiting tasks of one account. */
  readonly maxWaiting: number;
  /** Creates the error of a task beyond. */
  readonly refusal: () => Error;
  /** Whether a waiting task is kept for the requester; while it `isWaiting` when absent. */
  readonly isKept?: (requester: Requester) => boolean;
}

/**
 * Limits how many tasks run at once. Accounts that wait take turns: none waits for all of another's. A task
 * whose requester has gone never starts.
 */
export class FairQueue {
  readonly #limit: number;
  readonly #bound: WaitingBound | undefined;
  #running = 0;
  /** Waiting tasks by account; the account that has waited longest since its last turn is first. */
  readonly #waiting = new Map<string, WaitingTask[]>();

  /**
   * @param limit how many tasks run at once
   * @param bound which tasks wait; without it all whose requesters wait
   */
  constructor(limit: number, bound?: WaitingBound) {
    this.#limit = limit;
    this.#bound = bound;
  }

  /**
   * Runs `task` for the current requester when it is its account's turn, and returns its result.
   * @throws {RequesterGoneError} when the requester has gone before the task's turn
   * @throws the error of the bound when too many tasks of the account wait
   */
  async run<T>(task: () => Promise<T>): Promise<T> {
    const requester = currentRequester();
    if (!requester.isWaiting()) throw requesterGone();
    if (this.#running < this.#limit) this.#running += 1;
    else await this.#turn(requester);
    try {
      return await task();
    } finally {
      this.#passOn();
    }
  }

  /** Refuses every task that waits; those that run go on. */
  refuseWaiting(error: Error): void {
    const tasks = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    for (const { refuse } of tasks) refuse(error);
  }

  #turn(requester: Requester): Promise<void> {
    const { account } = requester;
    const { maxWaiting = Number.POSITIVE_INFINITY, refusal } = this.#bound ?? {};
    const isFull = (): boolean => (this.#waiting.get(account)?.length ?? 0) >= maxWaiting;
    if (isFull()) this.#dropAbandoned(account);
    if (isFull() && refusal !== undefined) throw refusal();
    const { promise, resolve: start, reject: refuse } = Promise.withResolvers<void>();
    const task = { requester, start, refuse };
    const others = this.#waiting.get(account);
    if (others === undefined) this.#waiting.set(account, [task]);
    else others.push(task);
    return promise;
  }

  #isKept(requester: Requester): boolean {
    return requester.isWaiting() && this.#bound?.isKept?.(requester) !== false;
  }

  #dropAbandoned(account: string): void {
    const { kept = [], gone = [] } = Object.groupBy(this.#waiting.get(account) ?? [], ({ requester }) =>
      this.#isKept(requester) ? 'kept' : 'gone',
    );
    if (kept.length > 0) this.#waiting.set(account, kept);
    else this.#waiting.delete(account);
    for (const { refuse } of gone) refuse(requesterGone());
  }

  /** Gives the place of a finished task to the next one. */
  #passOn(): void {
    for (const [account, waiting] of this.#waiting) {
      const task = waiting.shift() as WaitingTask;
      this.#waiting.delete(account);
      if (waiting.length > 0) this.#waiting.set(account, waiting);
      if (this.#isKept(task.requester)) return task.start();
      task.refuse(requesterGone());
    }
    this.#running -= 1;
  }
}

function requesterGone(): RequesterGoneError {
  return new RequesterGoneError('nobody waits for the result any more');
}
