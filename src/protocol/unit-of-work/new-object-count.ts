import type { ManagedObject } from '../../object/managed-object.ts';

/** The number of new objects that the successful items of a message have made and not destroyed. */
export class NewObjectCount {
  readonly #read: ReadonlyMap<string, unknown>;
  readonly #pending: () => ReadonlyMap<string, ManagedObject>;
  #objects = 0;

  /**
   * @param read what the store had of objects when they were read, by identifier; undefined: nothing
   * @param pending returns the objects that successful items have changed, as they have left them
   */
  constructor(read: ReadonlyMap<string, unknown>, pending: () => ReadonlyMap<string, ManagedObject>) {
    this.#read = read;
    this.#pending = pending;
  }

  /** Returns what the number would be if an item with these objects, each once, had succeeded. */
  with(own: Iterable<ManagedObject>): number {
    let objects = this.#objects;
    for (const object of own) objects += this.#changeBy(object);
    return objects;
  }

  /** Counts an object, before it takes the place of the pending one. */
  add(object: ManagedObject): void {
    this.#objects += this.#changeBy(object);
  }

  /** Forgets all objects. */
  clear(): void {
    this.#objects = 0;
  }

  #changeBy(object: ManagedObject): number {
    if (this.#read.get(object.id) !== undefined) return 0;
    const before = this.#pending().get(object.id);
    return Number(!object.destroyed) - Number(before !== undefined && !before.destroyed);
  }
}
