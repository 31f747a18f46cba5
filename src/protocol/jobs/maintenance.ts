import type { Store } from '../../store/store.ts';
import type { JobQueue } from './job-queue.ts';

const everyMilliseconds = 5_000;
/** Records are swept every so many turns. */
const sweepTurns = 12;

/** What has to be looked after every few seconds, whether messages come or not: jobs left behind, records that have expired. */
export class Maintenance {
  readonly #timer: NodeJS.Timeout;
  #turns = 0;

  /** `now`: POSIX seconds. */
  constructor(store: Store, queue: JobQueue, now: () => number) {
    // Bad weather shows itself elsewhere, and passes before another turn.
    const turn = (): void => {
      queue.look().catch(() => {});
      if (this.#turns % sweepTurns === 0) sweep(store, now()).catch(() => {});
      this.#turns += 1;
    };
    this.#timer = setInterval(turn, everyMilliseconds).unref();
    queueMicrotask(turn);
  }

  end(): void {
    clearInterval(this.#timer);
  }
}

async function sweep(store: Store, now: number): Promise<void> {
  while (await store.deleteExpired(now));
}
