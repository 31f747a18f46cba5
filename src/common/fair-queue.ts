import { currentRequester, type Requester, RequesterGoneError } from './requester.ts';

interface WaitingTask {
  readonly requester: Requester;
  start(running: RunningTask): void;
  refuse(error: Error): void;
}

interface RunningTask {
  readonly account: Account;
  /** Time up to which the task is counted for its account. */
  countedUntil: number;
}

/** An account with tasks that wait or run, or one that has used more time than those. */
interface Account {
  readonly name: string;
  readonly waiting: WaitingTask[];
  running: number;
  /** Milliseconds that its tasks took, and those that it did not ask for while others used them. */
  used: number;
}

interface QueueOptions {
  /** Maximum number of tasks of one account that run at once; all when absent. */
  readonly maxRunning?: number;
  /** Maximum number of waiting tasks of one account. */
  readonly maxWaiting?: number;
  /** Creates the error of a task beyond. */
  readonly refusal?: () => Error;
  /** Whether a waiting task is kept for the requester; while it `isWaiting` when absent. */
  readonly isKept?: (requester: Requester) => boolean;
  /** Milliseconds since any moment. */
  readonly now?: () => number;
}

/**
 * Limits how many tasks run at once. Accounts that wait take turns by the time that their tasks take (as in
 * start-time fair queueing, Goyal, Vin and Cheng 1996): next is the account that has used the least. One that
 * was idle begins with the least that a busy one has used, so that it has no credit. A task whose requester
 * has gone never starts.
 */
export class FairQueue {
  readonly #limit: number;
  readonly #options: QueueOptions;
  readonly #now: () => number;
  readonly #running = new Set<RunningTask>();
  /** The account that has waited longest since its last task began is first. */
  readonly #accounts = new Map<string, Account>();
  /** Number of tasks that wait. */
  #waiting = 0;

  /**
   * @param limit how many tasks run at once
   * @param options which tasks wait; without them all whose requesters wait
   */
  constructor(limit: number, options: QueueOptions = {}) {
    this.#limit = limit;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /**
   * Runs `task` for the current requester when it is its account's turn, and returns its result.
   * @throws {RequesterGoneError} when the requester has gone before the task's turn
   * @throws the error of the options when too many tasks of the account wait
   */
  async run<T>(task: () => Promise<T>): Promise<T> {
    const requester = currentRequester();
    if (!requester.isWaiting()) throw requesterGone();
    const account = this.#accountOf(requester.account);
    const isFree = this.#running.size < this.#limit && this.#hasPlace(account);
    return this.#finish(isFree ? this.#begin(account) : await this.#turn(requester, account), task);
  }

  /**
   * Runs a task that has had its turn in another queue. It takes a place at once, and tasks that wait start
   * when there is a place beside it.
   */
  runAtOnce<T>(task: () => Promise<T>): Promise<T> {
    return this.#finish(this.#begin(this.#accountOf(currentRequester().account)), task);
  }

  /** Refuses every task that waits; those that run go on. */
  refuseWaiting(error: Error): void {
    const tasks = [...this.#accounts.values()].flatMap(({ waiting }) => waiting.splice(0));
    this.#waiting = 0;
    for (const { refuse } of tasks) refuse(error);
  }

  #accountOf(name: string): Account {
    let account = this.#accounts.get(name);
    if (account === undefined)
      this.#accounts.set(name, (account = { name, waiting: [], running: 0, used: 0 }));
    if (isIdle(account)) account.used = Math.max(account.used, this.#leastUsed() ?? 0);
    return account;
  }

  #hasPlace({ running }: Account): boolean {
    return running < (this.#options.maxRunning ?? Number.POSITIVE_INFINITY);
  }

  #begin(account: Account): RunningTask {
    this.#accounts.delete(account.name);
    this.#accounts.set(account.name, account);
    account.running += 1;
    const running = { account, countedUntil: this.#now() };
    this.#running.add(running);
    return running;
  }

  async #finish<T>(running: RunningTask, task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } finally {
      this.#countTime(running, this.#now());
      this.#running.delete(running);
      running.account.running -= 1;
      if (this.#waiting > 0) this.#startNext();
      if (isIdle(running.account)) this.#forgetIdle();
    }
  }

  #turn(requester: Requester, { waiting }: Account): Promise<RunningTask> {
    const { maxWaiting = Number.POSITIVE_INFINITY, refusal } = this.#options;
    if (waiting.length >= maxWaiting) this.#dropAbandoned(waiting);
    if (waiting.length >= maxWaiting && refusal !== undefined) throw refusal();
    const { promise, resolve: start, reject: refuse } = Promise.withResolvers<RunningTask>();
    waiting.push({ requester, start, refuse });
    this.#waiting += 1;
    return promise;
  }

  #isKept(requester: Requester): boolean {
    return requester.isWaiting() && this.#options.isKept?.(requester) !== false;
  }

  #dropAbandoned(waiting: WaitingTask[]): void {
    for (const task of waiting.splice(0)) {
      if (this.#isKept(task.requester)) {
        waiting.push(task);
        continue;
      }
      this.#waiting -= 1;
      task.refuse(requesterGone());
    }
  }

  #countTime(running: RunningTask, now: number): void {
    running.account.used += now - running.countedUntil;
    running.countedUntil = now;
  }

  /** Counts the time of running tasks first: an account with a long one would look as if it had used none. */
  #startNext(): void {
    const now = this.#now();
    for (const running of this.#running) this.#countTime(running, now);
    while (this.#running.size < this.#limit) {
      const account = this.#nextAccount();
      if (account === undefined) return;
      const { requester, start, refuse } = account.waiting.shift() as WaitingTask;
      this.#waiting -= 1;
      if (this.#isKept(requester)) start(this.#begin(account));
      else refuse(requesterGone());
    }
  }

  /** Returns the waiting account that has used the least; of several the first. */
  #nextAccount(): Account | undefined {
    let next: Account | undefined;
    for (const account of this.#accounts.values()) {
      const mayStart = account.waiting.length > 0 && this.#hasPlace(account);
      if (mayStart && (next === undefined || account.used < next.used)) next = account;
    }
    return next;
  }

  /** Returns the least time that an account with tasks has used; undefined when there is none. */
  #leastUsed(): number | undefined {
    let least: number | undefined;
    for (const account of this.#accounts.values()) {
      if (!isIdle(account) && account.used < (least ?? Number.POSITIVE_INFINITY)) least = account.used;
    }
    return least;
  }

  /** Forgets idle accounts that have used no more than others; all of them when nothing runs. */
  #forgetIdle(): void {
    const least = this.#leastUsed() ?? Number.POSITIVE_INFINITY;
    for (const [name, account] of this.#accounts) {
      if (isIdle(account) && account.used <= least) this.#accounts.delete(name);
    }
  }
}

function isIdle({ waiting, running }: Account): boolean {
  return waiting.length === 0 && running === 0;
}

function requesterGone(): RequesterGoneError {
  return new RequesterGoneError('nobody waits for the result any more');
}
