import type { Client } from '../client.ts';
import type { Daemon } from '../fixture/daemon.ts';
import type { Random } from '../fuzz/random.ts';
import type { Known } from './history.ts';

/** What acts of maintenance work on in one round. */
export interface Round {
  readonly server: Daemon;
  /** URL of the database; SQLite when absent. */
  readonly store: string | undefined;
  readonly random: Random;
  /** Whether commands are killed too. */
  readonly killsCommands: boolean;
  /** Is in the names of objects. */
  readonly prefix: string;
  /** Objects of this round that an act has made. */
  readonly made: Known[];
  /** All objects whose destruction was acknowledged, and maybe others. */
  readonly objects: () => readonly Known[];
  /** Whether the server was, or is being, killed. */
  readonly isKilled: () => boolean;
  /** Whether a purge has begun. */
  hasPurge: boolean;
}

/** An act was not acknowledged, because the server or the act itself was killed. */
export class CutOffError extends Error {
  /** Whether a part of the act is in the database; is asked when all objects have been compared. */
  readonly isPartlyDone: () => boolean;

  constructor(isPartlyDone: () => boolean = () => false) {
    super('cut off');
    this.isPartlyDone = isPartlyDone;
  }
}

/** Something that is done to the database beside the requests of clients. */
export interface MaintenanceAct {
  readonly name: string;
  /** Milliseconds after its beginning within which a round that aims at it kills the server. */
  readonly aim: number;
  /** Gives it something to do, before clients write. */
  readonly prepare?: (round: Round, client: Client) => Promise<void>;
  /**
   * Does it once, while clients write, and resolves when it was acknowledged; calls `begin` when it is under
   * way.
   * @throws {CutOffError}
   */
  readonly run: (round: Round, begin: () => void) => Promise<void>;
}
