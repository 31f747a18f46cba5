import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../client.ts';
import { CutOffError, type MaintenanceAct, type Round } from './maintenance-act.ts';
import type { ActCounts } from './report.ts';

/** Milliseconds of clients' writes within which an act begins at which the round does not aim. */
const maxDelay = 400;

/** The acts of one round, beside the writes of clients. */
export class RoundMaintenance {
  /** The act within which the server shall be killed. */
  readonly aimed: MaintenanceAct | undefined;
  readonly scene: Round;
  readonly problems: string[] = [];
  readonly #acts: readonly MaintenanceAct[];
  readonly #counts: ReadonlyMap<string, ActCounts>;
  readonly #running: Promise<void>[] = [];
  readonly #cutOff: [ActCounts, CutOffError][] = [];

  constructor(
    scene: Round,
    acts: readonly MaintenanceAct[],
    counts: ReadonlyMap<string, ActCounts>,
    aimed?: MaintenanceAct,
  ) {
    this.scene = scene;
    this.aimed = aimed;
    this.#acts = acts;
    this.#counts = counts;
  }

  async prepare(client: Client): Promise<void> {
    for (const act of this.#acts) await act.prepare?.(this.scene, client);
  }

  /** Starts an act; resolves when it is under way, or has ended. */
  async start(act: MaintenanceAct): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const running = this.#run(act, resolve);
    this.#running.push(running);
    await Promise.race([promise, running]);
  }

  /** Runs an act to its end, successful or not. */
  async complete(act: MaintenanceAct): Promise<void> {
    const running = this.#run(act, () => {});
    this.#running.push(running);
    await running;
  }

  /** Starts the acts at which the round does not aim, each after a time of its own. */
  startOthers(): void {
    const { isKilled, random } = this.scene;
    for (const act of this.#acts.filter((each) => each !== this.aimed))
      this.#running.push(
        sleep(random.below(maxDelay)).then(() => (isKilled() ? undefined : this.#run(act, () => {}))),
      );
  }

  /** Resolves when no act runs any more. */
  async ended(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Counts the acts that were cut off of which a part is in the database, when that has been compared. */
  countPartlyDone(): void {
    for (const [counts, { isPartlyDone }] of this.#cutOff) if (isPartlyDone()) counts.partly++;
  }

  async #run(act: MaintenanceAct, begin: () => void): Promise<void> {
    const counts = this.#counts.get(act.name);
    if (counts === undefined) throw new TypeError(`there is no act ${act.name}`);
    counts.ran++;
    try {
      await act.run(this.scene, begin);
      counts.acknowledged++;
    } catch (error) {
      if (error instanceof CutOffError) {
        counts.cutOff++;
        this.#cutOff.push([counts, error]);
      } else this.problems.push(`${act.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
