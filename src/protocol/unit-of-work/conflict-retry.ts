import { KmipError } from '../../common/errors.ts';
import { type QueueTime, SerialQueue } from './serial-queue.ts';

/** Retries of one message while others keep changing the objects that it reads; then it is refused. */
export const maxConflictRetries = 128;
/**
 * Retries in competition with new messages; in later ones new messages wait with their commits, or it might
 * never end.
 */
const maxSharedRetries = 4;
/** Milliseconds for which one message holds back new ones, in all its retries together. */
const maxExclusiveMilliseconds = 1_000;
/** Milliseconds for which one message holds back others that lost: shared retries and the exclusive time. */
const maxTurnMilliseconds = (maxSharedRetries + 1) * maxExclusiveMilliseconds;

/**
 * Executes messages that lost a conflict again, one after the other: then only new messages can win against
 * them, and many clients on one object all succeed. Each group has a queue of its own, so that no group waits
 * for the long batch of another. Within the group nobody waits for it longer than the bounds above.
 */
export class ConflictRetry {
  readonly #time: QueueTime | undefined;
  readonly #queues = new Map<string, SerialQueue>();

  constructor(time?: QueueTime) {
    this.#time = time;
  }

  /**
   * Returns a promise that a new message of the group has to wait for before it commits; undefined when no
   * retry needs that.
   */
  exclusiveBarrier(group: string): Promise<void> | undefined {
    const queue = this.#queues.get(group);
    return queue?.hasExclusive === true ? queue.untilShared() : undefined;
  }

  /**
   * Retries one message of a group at a time, in the order in which they lost. `attempt` takes whether the
   * message has its turn, else it waits for the `exclusiveBarrier` as a new one does; it resolves with
   * undefined when it loses again. Rejects as `attempt` does.
   * @throws {KmipError} GeneralFailure when the message has lost too often, or after some retries when an
   * attempt takes too long to hold back others
   */
  run<T>(group: string, attempt: (hasTurn: boolean) => Promise<T | undefined>): Promise<T> {
    const queue = this.#queueOf(group);
    return queue.run(maxTurnMilliseconds, async (isTurnOver) => {
      let duration = 0;
      let left = maxExclusiveMilliseconds;
      for (let retry = 0; retry < maxConflictRetries; retry++) {
        const isShared = retry < maxSharedRetries;
        if (!isShared && (isTurnOver() || duration > maxExclusiveMilliseconds)) break;
        const isExclusive = !isShared && duration <= left;
        const started = queue.time.now();
        const result = await (isExclusive
          ? queue.runExclusive(left, () => attempt(true))
          : attempt(!isTurnOver()));
        if (result !== undefined) return result;
        duration = queue.time.now() - started;
        if (isExclusive) left -= duration;
      }
      throw new KmipError('GeneralFailure', 'other clients keep changing the same objects: try again');
    });
  }

  #queueOf(group: string): SerialQueue {
    let queue = this.#queues.get(group);
    if (queue === undefined) this.#queues.set(group, (queue = new SerialQueue(this.#time)));
    return queue;
  }
}
