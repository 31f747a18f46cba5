import { KmipError } from '../../common/errors.ts';
import { SerialQueue } from './serial-queue.ts';

/** Retries of one message while others keep changing the objects that it reads; then it is refused. */
export const maxConflictRetries = 128;
/**
 * Retries in competition with new messages; in later ones new messages wait with their commits, or it might
 * never end.
 */
const maxSharedRetries = 4;

/**
 * Executes messages that lost a conflict again, one after the other: then only new messages can win against
 * them, and many clients on one object all succeed. Each group has a queue of its own, so that no group waits
 * for the long batch of another.
 */
export class ConflictRetry {
  readonly #queues = new Map<string, SerialQueue>();

  /**
   * Returns a promise that a new message of the group has to wait for before it commits; undefined when no
   * retry needs that.
   */
  exclusiveBarrier(group: string): Promise<void> | undefined {
    const queue = this.#queues.get(group);
    return queue?.hasExclusive === true ? queue.untilShared() : undefined;
  }

  /**
   * Retries one message of a group at a time, in the order in which they lost. `attempt` resolves with
   * undefined when it loses again. Rejects as `attempt` does.
   * @throws {KmipError} GeneralFailure when the message has lost too often.
   */
  run<T>(group: string, attempt: () => Promise<T | undefined>): Promise<T> {
    const queue = this.#queueOf(group);
    return queue.run(async () => {
      for (let retry = 0; retry < maxConflictRetries; retry++) {
        const result = await (retry < maxSharedRetries ? attempt() : queue.runExclusive(attempt));
        if (result !== undefined) return result;
      }
      throw new KmipError('GeneralFailure', 'other clients keep changing the same objects: try again');
    });
  }

  #queueOf(group: string): SerialQueue {
    let queue = this.#queues.get(group);
    if (queue === undefined) this.#queues.set(group, (queue = new SerialQueue()));
    return queue;
  }
}
