import type { RoleRestrictions } from '../../common/role-restrictions.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { reachFilter } from '../../object/roles/role-filters.ts';
import { findUnreached, requireReached } from '../../object/roles/role-limits.ts';
import type { FindQuery, FoundItems, GroupView, Records, Work } from '../../operations/work.ts';

/**
 * The unit of work as an item sees it under a role that does not reach every type or algorithm. Objects that
 * the role does not reach do not exist, wherever an item reads or finds objects, like those of other groups,
 * and none can be made. Records are those of the group: what the server records of an object binds as under
 * any role.
 */
export class RoleWork implements Work {
  readonly #work: Work;
  readonly #restrictions: RoleRestrictions;
  readonly #isReached: (object: ManagedObject) => boolean;
  /** The objects that the item has loaded or made. */
  readonly #seen = new Set<ManagedObject>();

  constructor(work: Work, restrictions: RoleRestrictions) {
    this.#work = work;
    this.#restrictions = restrictions;
    this.#isReached = (object) => findUnreached(object, restrictions) === undefined;
  }

  get isLimited(): boolean {
    return this.#work.isLimited;
  }

  get wholeGroup(): GroupView {
    return this.#work.wholeGroup;
  }

  get records(): Records {
    return this.#work.records;
  }

  async load(id: string): Promise<ManagedObject | undefined> {
    const object = await this.#work.load(id, this.#isReached);
    if (object !== undefined) this.#seen.add(object);
    return object;
  }

  isTaken(id: string): Promise<boolean> {
    return this.#work.isTaken(id);
  }

  /** @throws {KmipError} RoleRestrictionError, QuotaExhaustedError */
  async insert(object: ManagedObject): Promise<void> {
    requireReached(object, this.#restrictions);
    this.#seen.add(object);
    await this.#work.insert(object);
  }

  find(query: FindQuery): Promise<FoundItems> {
    return this.#work.find({ ...query, filter: { all: [query.filter, reachFilter(this.#restrictions)] } });
  }

  /**
   * Refuses an item that has made one of its objects into one which the role does not reach, such as Import
   * with Replace Existing.
   * @throws {RoleRestrictionError} PermissionDenied
   */
  requireStillReached(): void {
    for (const object of this.#seen) requireReached(object, this.#restrictions);
  }

  applyLasting(object: ManagedObject, change: (object: ManagedObject) => void): void {
    this.#work.applyLasting(object, change);
  }

  reenrol(change: Parameters<Work['reenrol']>[0]): void {
    this.#work.reenrol(change);
  }

  afterCommit(effect: () => void): void {
    this.#work.afterCommit(effect);
  }
}
