import type { VerbName } from './frames.ts';

/** A call that waits for its turn or its answer, and for no longer than its time. */
export class PendingCall {
  readonly verb: VerbName;
  readonly body: Uint8Array;
  readonly milliseconds: number;
  readonly #answer = Promise.withResolvers<Uint8Array>();
  readonly #timer: NodeJS.Timeout;
  #isSettled = false;

  /** Takes over the body, and overwrites it in the end. `late` makes the error of a call without answer. */
  constructor(verb: VerbName, body: Uint8Array, milliseconds: number, late: () => Error) {
    this.verb = verb;
    this.body = body;
    this.milliseconds = milliseconds;
    this.#timer = setTimeout(() => this.reject(late()), milliseconds);
  }

  get answer(): Promise<Uint8Array> {
    return this.#answer.promise;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Settles with the answer; overwrites one that comes too late. */
  resolve(answer: Uint8Array): void {
    if (this.#isSettled) answer.fill(0);
    else this.#answer.resolve(answer);
    this.#settle();
  }

  reject(error: Error): void {
    this.#answer.reject(error);
    this.#settle();
  }

  #settle(): void {
    this.#isSettled = true;
    clearTimeout(this.#timer);
    this.body.fill(0);
  }
}
