import type { LaneObserver } from './lane-ports.ts';
import { LaneForgedError } from './open-lane.ts';

/** What an operator does about a rollback. */
export const wayOut = 'see kmipd verify; kmipd vault accept goes on with the database as it is';

/** Why a process writes nothing any more. */
export class LaneStop {
  observer: LaneObserver | undefined;
  #reason: string | undefined;
  #rollback: string | undefined;

  /** A line for the operator; undefined while the process writes. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** What was found about the database; undefined when it was not put back, as far as is known. */
  get rollback(): string | undefined {
    return this.#rollback;
  }

  /** Whether the process knows its lanes no longer, because another one writes them or has removed them. */
  get isDisplaced(): boolean {
    return this.#reason !== undefined && this.#rollback === undefined;
  }

  /** Stops because of a rollback. Returns the line for the operator, of the first one that was found. */
  rollBack(why: string): string {
    if (this.#rollback !== undefined) return this.#rollback;
    this.#rollback = `the database was put back to an earlier state or forged: ${why}`;
    const reason = `nothing is written, because ${this.#rollback}; ${wayOut}`;
    this.#reason ??= reason;
    this.observer?.rolledBack(reason);
    return this.#rollback;
  }

  /** Stops because of a forged lane, and returns the error for the caller; returns others as they are. */
  rollBackIfForged(error: unknown): unknown {
    return error instanceof LaneForgedError ? new LaneForgedError(this.rollBack(error.message)) : error;
  }

  /** Stops because a lane of the node was folded. */
  remove(name: string): void {
    this.#displace(
      `this node was removed by kmipd node remove (lane ${name}); stop kmipd, remove the file "node" of its home, and start it again: it gets a new name`,
    );
  }

  /** Stops because another process writes the lane. */
  displace(name: string): void {
    this.#displace(
      `another process writes as this one (${name}): does another home have the same file "node"?`,
    );
  }

  #displace(why: string): void {
    this.#reason = `nothing is written, because ${why}`;
    this.observer?.displaced(this.#reason);
  }
}
