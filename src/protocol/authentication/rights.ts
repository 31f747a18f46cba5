import { fail } from '../../common/errors.ts';
import type { DelegatedRight } from '../../identity/principal.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { Context, FindQuery, Records, Work } from '../../operations/context.ts';
import type { EnrolmentChange, Filter } from '../../store/store.ts';

/**
 * Whether the right includes the operation. Rights come with a ticket of Delegated Login (KMIP 2.1 §9.19).
 */
export function grants({ operations }: DelegatedRight, operation: string): boolean {
  return operations?.includes(operation) ?? true;
}

/** Whether the right includes the object. */
export function reaches(right: DelegatedRight, object: ManagedObject): boolean {
  return isUnlimited(right) || (right.objects?.includes(object.id) ?? false) || isMember(right, object);
}

const isUnlimited = ({ objects, groups }: DelegatedRight): boolean =>
  objects === undefined && groups === undefined;

const isMember = ({ groups = [] }: DelegatedRight, { attributes }: ManagedObject): boolean =>
  attributes.values('ObjectGroup').some((group) => groups.includes(group));

/**
 * Returns the views of the server and of the unit of work that a handler of the operation gets under these
 * Rights.
 * @throws {KmipError} NotAuthorised when no right includes the operation.
 */
export function restrictToRights(
  { server, work }: Pick<Context, 'server' | 'work'>,
  rights: readonly DelegatedRight[],
  operation: string,
): Pick<Context, 'server' | 'work'> {
  const granted = rights.filter((right) => grants(right, operation));
  if (granted.length === 0) fail('NotAuthorised', `the Rights of the ticket do not include ${operation}`);
  return {
    server: {
      ...server,
      operations: (version) =>
        server.operations(version).filter((name) => rights.some((right) => grants(right, name))),
    },
    work: granted.some(isUnlimited) ? work : new RestrictedWork(work, granted),
  };
}

/**
 * Refuses objects outside the Rights wherever an item reads or finds objects. The refusal is the same whether
 * the object exists or not, so that the client does not learn which identifiers exist.
 */
class RestrictedWork implements Work {
  readonly #work: Work;
  readonly #rights: readonly DelegatedRight[];
  readonly #inserted = new Set<string>();

  constructor(work: Work, rights: readonly DelegatedRight[]) {
    this.#work = work;
    this.#rights = rights;
  }

  get records(): Records {
    return this.#work.records;
  }

  applyLasting(object: ManagedObject, change: (object: ManagedObject) => void): void {
    this.#work.applyLasting(object, change);
  }

  async load(id: string): Promise<ManagedObject | undefined> {
    const named = this.#inserted.has(id) || this.#rights.some(({ objects }) => objects?.includes(id));
    const object = await this.#work.load(id);
    if (named || (object !== undefined && this.#rights.some((right) => isMember(right, object))))
      return object;
    fail('NotAuthorised', 'the Rights of the ticket do not include this object');
  }

  isTaken(id: string): Promise<boolean> {
    return this.#work.isTaken(id);
  }

  /**
   * Object lists of Rights can only name existing objects, so a new object is granted by its Object Groups.
   */
  insert(object: ManagedObject): void {
    if (!this.#rights.some((right) => right.groups === undefined || isMember(right, object)))
      fail('NotAuthorised', 'the Rights of the ticket demand one of their Object Groups');
    this.#inserted.add(object.id);
    this.#work.insert(object);
  }

  find(query: FindQuery): Promise<{ readonly ids: readonly string[]; readonly total: number }> {
    const any = this.#rights.flatMap(({ objects = [], groups = [] }) => [
      ...objects.map((id) => equals('UniqueIdentifier', id)),
      ...groups.map((group) => equals('ObjectGroup', group)),
    ]);
    if (any.length === 0) return Promise.resolve({ ids: [], total: 0 });
    return this.#work.find({ ...query, filter: { all: [query.filter, { any }] } });
  }

  reenrol(change: EnrolmentChange): void {
    this.#work.reenrol(change);
  }

  afterCommit(effect: () => void): void {
    this.#work.afterCommit(effect);
  }
}

function equals(attribute: string, value: string): Filter {
  return { attribute, fields: [{ field: '', op: '=', value }] };
}
