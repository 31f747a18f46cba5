import { fail } from '../../common/errors.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { FoundItems, GroupView, Records, Work } from '../../operations/work.ts';

/**
 * The unit of work as a handler sees it that uses one object of another group by a grant. The object is the
 * target of the operation, and nothing else exists: no identifier names anything, be it that of the object
 * itself as its wrapping key, nothing is found or made, and no record of the group can be read or written.
 */
export class GrantedWork implements Work {
  readonly isLimited = true;
  readonly records = noRecords;
  readonly #work: Work;
  readonly #id: string;

  /**
   * @param work the layer of the item on the objects of the group
   * @param id of the object
   */
  constructor(work: Work, id: string) {
    this.#work = work;
    this.#id = id;
  }

  /** What binds a client of the group binds others, too. */
  get wholeGroup(): GroupView {
    return this.#work.wholeGroup;
  }

  load(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  isTaken(id: string): Promise<boolean> {
    return this.#work.isTaken(id);
  }

  /** Refuses objects that uses of keys make, such as the shared secret of a key encapsulation. */
  async insert(): Promise<void> {
    refuse();
  }

  find(): Promise<FoundItems> {
    return Promise.resolve({ ids: [], total: 0 });
  }

  applyLasting(object: ManagedObject, change: (object: ManagedObject) => void): void {
    if (object.id !== this.#id) refuse();
    this.#work.applyLasting(object, change);
  }

  reenrol(): void {
    refuse();
  }

  afterCommit(effect: () => void): void {
    this.#work.afterCommit(effect);
  }
}

const noRecords: Records = {
  load: async () => undefined,
  list: async () => [],
  put: refuse,
  putLasting: refuse,
  remove: refuse,
};

function refuse(): never {
  fail('PermissionDenied', 'by a grant an object of another group can be used, and nothing be made of it');
}
