import { fail } from '../../common/errors.ts';
import type { Right } from '../../identity/principal.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { Context, FindQuery, Records, Work } from '../../operations/context.ts';
import type { EnrolmentChange, Filter } from '../../store/store.ts';

/** The Rights of Delegated Login, enforced wherever an item reads or finds objects (KMIP 2.1 §9.19). */

/** Whether the right speaks of that operation. */
export function grants({ operations }: Right, operation: string): boolean {
  return operations?.includes(operation) ?? true;
}

/** Whether the right reaches an object. */
export function reaches(right: Right, object: ManagedObject): boolean {
  return isUnlimited(right) || (right.objects?.includes(object.id) ?? false) || isMember(right, object);
}

const isUnlimited = ({ objects, groups }: Right): boolean => objects === undefined && groups === undefined;

const isMember = ({ groups = [] }: Right, { attributes }: ManagedObject): boolean =>
  attributes.values('ObjectGroup').some((group) => groups.includes(group));

/**
 * The context of one item of that operation, as far as the speaker's Rights go; all of it where it has none. Fails with
 * NotAuthorised when they do not include the operation.
 */
export function restrictToRights(context: Context, operation: string): Context {
  const { rights } = context.principal;
  if (rights === undefined) return context;
  const granted = rights.filter((right) => grants(right, operation));
  if (granted.length === 0) fail('NotAuthorised', `the Rights of the ticket do not include ${operation}`);
  const { server, work } = context;
  return {
    ...context,
    server: {
      ...server,
      operations: (version) =>
        server.operations(version).filter((name) => rights.some((right) => grants(right, name))),
    },
    work: granted.some(isUnlimited) ? work : new RestrictedWork(work, granted),
  };
}

/** What is outside the Rights is refused whether it exists or not, so that nobody learns which it is. */
class RestrictedWork implements Work {
  readonly #work: Work;
  readonly #rights: readonly Right[];
  readonly #made = new Set<string>();

  constructor(work: Work, rights: readonly Right[]) {
    this.#work = work;
    this.#rights = rights;
  }

  get records(): Records {
    return this.#work.records;
  }

  async load(id: string): Promise<ManagedObject | undefined> {
    const named = this.#made.has(id) || this.#rights.some(({ objects }) => objects?.includes(id));
    const object = await this.#work.load(id);
    if (named || (object !== undefined && this.#rights.some((right) => isMember(right, object))))
      return object;
    fail('NotAuthorised', 'the Rights of the ticket do not include this object');
  }

  /** Lists of objects speak of those that exist; of new ones, only Object Groups do. */
  insert(object: ManagedObject): void {
    if (!this.#rights.some((right) => right.groups === undefined || isMember(right, object)))
      fail('NotAuthorised', 'the Rights of the ticket demand an Object Group of theirs');
    this.#made.add(object.id);
    this.#work.insert(object);
  }

  find(query: FindQuery): Promise<{ readonly ids: readonly string[]; readonly total: number }> {
    const any = this.#rights.flatMap(({ objects = [], groups = [] }) => [
      ...objects.map((id) => having('UniqueIdentifier', id)),
      ...groups.map((group) => having('ObjectGroup', group)),
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

function having(attribute: string, value: string): Filter {
  return { attribute, fields: [{ field: '', op: '=', value }] };
}
