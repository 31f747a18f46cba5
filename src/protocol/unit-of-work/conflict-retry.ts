import { KmipError } from '../../common/errors.ts';
import { SerialQueue } from './serial-queue.ts';

/** Times a message is played again when others keep changing the objects it reads; then it is refused. */
const maxReplays = 128;
/** Times it competes with the others; then those who come new wait with their commits, or it might lose for ever. */
const replaysAmongOthers = 4;

/**
 * Messages that lost a race are played again one after the other: then only newcomers can beat them, and many clients on
 * one object all get their turn. A queue for each group, so that none waits for another's long batch.
 */
export class ConflictRetry {
  readonly #queues = new Map<string, SerialQueue>();

  /** To be waited for before a new message of the group commits; undefined: nobody has lost so often. */
  exclusiveBarrier(group: string): Promise<void> | undefined {
    const turns = this.#queues.get(group);
    return turns?.hasExclusive === true ? turns.untilShared() : undefined;
  }

  /** Plays one message of a group at a time, in the order in which they lost; `play` gives undefined when it loses again. */
  run<T>(group: string, play: () => Promise<T | undefined>): Promise<T> {
    const turns = this.#queueOf(group);
    return turns.run(async () => {
      for (let attempt = 0; attempt < maxReplays; attempt++) {
        const played = await (attempt < replaysAmongOthers ? play() : turns.runExclusive(play));
        if (played !== undefined) return played;
      }
      throw new KmipError('GeneralFailure', 'other clients keep changing the same objects: try again');
    });
  }

  #queueOf(group: string): SerialQueue {
    let turns = this.#queues.get(group);
    if (turns === undefined) this.#queues.set(group, (turns = new SerialQueue()));
    return turns;
  }
}
