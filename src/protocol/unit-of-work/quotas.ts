import { QuotaExhaustedError } from '../../common/errors.ts';
import { JoinedRuns } from '../../common/joined-runs.ts';
import { readJson, writeJson } from '../../common/json.ts';
import { runFor } from '../../common/requester.ts';
import type { ObjectBound, ObjectCount, Store } from '../../store/store.ts';

/** Quotas: how many objects a group may have that are not destroyed (docs/decisions/64-quotas.md). */

/** Kind of the records of quotas, by group. */
export const quotaKind = 'quota';

/** What an operator has set for a group. */
export interface Quota {
  /** The most objects. */
  readonly objects: number;
  /** POSIX seconds. */
  readonly setAt: number;
}

/** Decodes the content of a record of a quota. */
export function readQuota(content: Uint8Array): Quota {
  return readJson<Quota>(content);
}

/** Encodes the content of a record of a quota. */
export function writeQuota({ objects, setAt }: Quota): Uint8Array {
  return writeJson({ objects, setAt });
}

/** Milliseconds after which objects are counted from the first one again: a restored object is older. */
const maxAgeMilliseconds = 10_000;

/** A complete count. */
interface Counted extends ObjectCount {
  /** Milliseconds at which the count from the first object began. */
  readonly countedAt: number;
}

/**
 * The numbers of objects of groups with quotas, as far as this process has counted them. Objects that were
 * made after a count are added to it, those that were destroyed are not subtracted, so that a number may be
 * too high and never too low; where it leaves no place, all objects are counted again.
 */
export class QuotaCounts {
  readonly #store: Pick<Store, 'count'>;
  readonly #now: () => number;
  /** By group. */
  readonly #counted = new Map<string, Counted>();
  /** By group and limit. */
  readonly #counts = new Map<string, JoinedRuns<Counted>>();

  /** @param now milliseconds since any moment */
  constructor(store: Pick<Store, 'count'>, now: () => number = () => performance.now()) {
    this.#store = store;
    this.#now = now;
  }

  /**
   * Returns a number of objects that the group has at most, and the `seq` up to which it counts: the number
   * of before and the newer objects, or an own count. More than `limit` where the group has more.
   */
  async estimate(group: string, limit: number): Promise<ObjectCount> {
    const known = this.#counted.get(group);
    if (known === undefined || this.#now() - known.countedAt > maxAgeMilliseconds)
      return this.count(group, limit);
    const newer = await this.#store.count({ group, after: known.last, limit });
    const objects = known.objects + newer.objects;
    return this.#remember(group, { ...newer, objects, countedAt: known.countedAt });
  }

  /**
   * Counts all objects of the group, from now on. One count runs at a time, and all requests that come
   * meanwhile share the next one, so that a client which is refused again and again does not occupy the
   * database.
   */
  count(group: string, limit: number): Promise<ObjectCount> {
    const name = `${group} ${limit}`;
    const counts = this.#counts.get(name) ?? new JoinedRuns(() => this.#countAll(group, limit));
    this.#counts.set(name, counts);
    return counts.request();
  }

  async #countAll(group: string, limit: number): Promise<Counted> {
    const countedAt = this.#now();
    // Several clients may wait for it: it does not end when one of them leaves.
    const requester = { account: `quota ${group}`, isWaiting: () => true };
    const counted = await runFor(requester, () => this.#store.count({ group, after: 0, limit }));
    return this.#remember(group, { ...counted, countedAt });
  }

  #remember(group: string, counted: Counted): Counted {
    if (counted.isComplete) this.#counted.set(group, counted);
    else this.#counted.delete(group);
    return counted;
  }
}

/** The quota of the group of one message, and the places that its new objects take. */
export class UnitQuota {
  readonly #group: string;
  readonly #limit: number;
  readonly #counts: QuotaCounts;
  #found: ObjectCount | undefined;
  #isRecounted = false;

  constructor(group: string, { objects }: Quota, counts: QuotaCounts) {
    this.#group = group;
    this.#limit = objects;
    this.#counts = counts;
  }

  /**
   * Refuses when the group has no place for so many new objects of the message. The objects of the group are
   * counted twice at most for a message.
   * @throws {QuotaExhaustedError}
   */
  async requirePlaces(objects: number): Promise<void> {
    this.#found ??= await this.#counts.estimate(this.#group, this.#limit);
    if (this.#fits(this.#found, objects)) return;
    if (!this.#isRecounted) {
      this.#isRecounted = true;
      this.#found = await this.#counts.count(this.#group, this.#limit);
      if (this.#fits(this.#found, objects)) return;
    }
    throw new QuotaExhaustedError(this.#group, this.#found.objects + objects - 1, this.#limit);
  }

  #fits({ objects: found, isComplete }: ObjectCount, objects: number): boolean {
    return isComplete && found + objects <= this.#limit;
  }

  /** What the commit of new objects must not exceed; undefined when no place was asked for. */
  get bound(): ObjectBound | undefined {
    if (this.#found === undefined) return undefined;
    const { objects, last } = this.#found;
    return { group: this.#group, after: last, objects: this.#limit - objects };
  }
}
