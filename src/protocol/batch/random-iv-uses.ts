import { fail } from '../../common/errors.ts';
import { readJson, writeJson } from '../../common/json.ts';
import { maxConflictRetries } from '../unit-of-work/conflict-retry.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';

/** Kind of the records, by the identifier of the key. A record outlives its key, as the identifier does. */
const kind = 'random-iv-uses';

interface Reserved {
  /** Uses that processes have reserved so far, made or not. */
  readonly uses: number;
}

/** Uses that are reserved at once: so many need one write, and so many are lost when the process ends. */
const blockUses = 2 ** 16;
/** Uses of one key: under more, two random vectors of 96 bits are too likely the same (SP 800-38D §8.3). */
const maxUses = 2 ** 32;
/** Keys that are remembered. The uses left of the oldest are lost then. */
const maxKeys = 100_000;

/**
 * Counts the encryptions of each key under Initialization Vectors of the server, where a repeated vector
 * would reveal the data. The count is durable before a use of its block is answered, apart from the unit of
 * work: no failure, Undo or crash lowers it. Each process reserves blocks of its own.
 */
export class RandomIvUseCounter {
  /** Uses that are left of the reserved block, by key, oldest first. */
  readonly #left = new Map<string, number>();
  readonly #reserving = new Map<string, Promise<void>>();
  readonly #beginUnit: () => UnitOfWork;

  constructor(beginUnit: () => UnitOfWork) {
    this.#beginUnit = beginUnit;
  }

  /**
   * Counts one use of a key of the group.
   * @throws {KmipError} UsageLimitExceeded when the key has none left
   */
  async count(group: string, key: string): Promise<void> {
    for (;;) {
      const left = this.#left.get(key) ?? 0;
      if (left > 0) {
        this.#left.set(key, left - 1);
        return;
      }
      let reserving = this.#reserving.get(key);
      if (reserving === undefined) {
        reserving = this.#reserve(group, key).finally(() => this.#reserving.delete(key));
        this.#reserving.set(key, reserving);
      }
      await reserving;
    }
  }

  async #reserve(group: string, key: string): Promise<void> {
    for (let attempt = 0; attempt < maxConflictRetries; attempt++) {
      const unit = this.#beginUnit();
      const record = await unit.record(kind, key);
      const uses = (record === undefined ? 0 : readJson<Reserved>(record.content).uses) + blockUses;
      if (uses >= maxUses) {
        fail(
          'UsageLimitExceeded',
          'the key has made 2^32 encryptions under random Initialization Vectors: re-key it',
        );
      }
      unit.putRecord(kind, key, group, writeJson({ uses } satisfies Reserved));
      if ((await unit.commit()) !== 'committed') continue;
      this.#left.delete(key);
      this.#left.set(key, blockUses);
      if (this.#left.size > maxKeys) this.#forgetOldest();
      return;
    }
    fail('GeneralFailure', 'other nodes keep counting uses of the same key: try again');
  }

  #forgetOldest(): void {
    for (const key of this.#left.keys()) {
      this.#left.delete(key);
      return;
    }
  }
}
