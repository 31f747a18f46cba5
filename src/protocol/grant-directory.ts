import { omitForged } from '../identity/principal.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import {
  type Grant,
  type GrantedClient,
  type GrantedGroup,
  grantableOperations,
  granteeId,
  granteeKind,
  grantKind,
  hasEnded,
  isGrantable,
  maxGrants,
  type NamedGrantee,
  readGrants,
  writeGrants,
} from '../operations/grants.ts';
import type { Store } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';
import { loadClientEntry } from './unit-of-work/client-entries.ts';
import { OperatorUnits } from './unit-of-work/operator-units.ts';
import type { UnitOfWork } from './unit-of-work/unit-of-work.ts';

/** Far more objects than an operator grants one by one. */
const maxObjects = 100_000;

/** The operations that a grant may name. */
export const namesOfGrantable: readonly string[] = Object.keys(grantableOperations).filter(isGrantable);

/** Returns why no grant may name an operation of KMIP; undefined for one that may be named, and for none. */
export function reasonNotToGrant(operation: string): string | undefined {
  const reasons: ReadonlyMap<string, true | string> = new Map(Object.entries(grantableOperations));
  const reason = reasons.get(operation);
  return reason === true ? undefined : reason;
}

/** A grant as an operator makes it. */
export interface NewGrant extends Pick<Grant, 'operations' | 'until'> {
  readonly to: NamedGrantee;
}

/** What the addition of a grant has changed. */
export interface AddedGrant {
  /** The group of the object. */
  readonly group: string;
  /** Whether it took the place of an older one. */
  readonly isReplaced: boolean;
}

/** A grant with its object. */
export interface ListedGrant extends Grant {
  readonly object: string;
  /** The group of the object. */
  readonly group: string;
}

/**
 * The grants of single objects, as records in the store. Uncached: a change applies to the next request of
 * every node. Methods reject with SealBrokenError when a record was altered, put back or deleted.
 */
export class GrantDirectory {
  readonly #store: Store;
  readonly #units: OperatorUnits;

  constructor(store: Store, vault: Vault) {
    this.#store = store;
    this.#units = new OperatorUnits(store, vault);
  }

  /**
   * Adds a grant of an object, in the place of the one that the grantee had. Resolves to why that cannot be,
   * text for an operator, or to what has changed. `time`: the latest that is known, POSIX seconds.
   * @throws {ChangedMeanwhileError} when others never let it commit
   */
  async add(object: string, { to, operations, until }: NewGrant, time: number): Promise<AddedGrant | string> {
    if (until !== undefined && until <= time) return 'the time at which it ends is over';
    return this.#change(async (unit) => {
      const group = await this.#store.groupOf(object);
      if (group !== undefined) unit.actFor(group);
      const found = group === undefined ? undefined : await unit.load(object);
      const problem = findProblem(object, found);
      if (problem !== undefined || found === undefined) return problem ?? '';
      const grantee = await findGrantee(unit, to, found.group);
      if (typeof grantee === 'string') return grantee;
      const previous = await loadGrants(unit, object);
      // Those that have ended go, so that they do not count towards the most.
      const kept = previous.filter((grant) => !isSameGrantee(grant.to, to) && !hasEnded(grant, time));
      if (kept.length >= maxGrants) return `${object} has ${maxGrants} grants already, the most that it can`;
      const grant = { to: grantee, operations, ...(until !== undefined && { until }), grantedAt: unit.now };
      await putGrants(unit, { object, group: found.group }, previous, [...kept, grant]);
      return { group: found.group, isReplaced: previous.some((each) => isSameGrantee(each.to, to)) };
    });
  }

  /** Removes a grant; false when there was none. */
  remove(object: string, from: NamedGrantee): Promise<boolean> {
    return this.#change((unit) => removeFrom(unit, object, from));
  }

  /**
   * Removes all grants to the client of a name that is removed or enrolled. Where records of grants were
   * altered, it removes none, so that the client can be removed all the same: grants end with its enrolment.
   */
  async removeOf(client: string): Promise<void> {
    for (const { object, to } of (await omitForged(this.list())) ?? [])
      if (isSameGrantee(to, { client })) await this.remove(object, { client });
  }

  /** Returns the grants of one object or of all, in the order in which objects were first granted. */
  async list(object?: string): Promise<readonly ListedGrant[]> {
    const unit = this.#units.begin();
    if (object !== undefined) {
      const record = await unit.record(grantKind, object);
      return record === undefined ? [] : toListed({ id: object, ...record });
    }
    const records = await unit.everyRecord(grantKind, maxObjects + 1, 'refuse');
    if (records.length > maxObjects)
      throw new RangeError(`there are grants of more than ${maxObjects} objects`);
    return records.flatMap(toListed);
  }

  #change<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    return this.#units.change('the grants of the object were', work);
  }
}

function findProblem(id: string, object: ManagedObject | undefined): string | undefined {
  if (object === undefined) return `there is no object ${JSON.stringify(id)}`;
  return object.destroyed ? `${id} is destroyed` : undefined;
}

/** Returns the grantee with its enrolment, or why it gets no grant. */
async function findGrantee(
  unit: UnitOfWork,
  to: NamedGrantee,
  owner: string,
): Promise<GrantedClient | GrantedGroup | string> {
  const own = `is of group ${owner}, whose clients reach all of its objects`;
  if ('group' in to) return to.group === owner ? `the object ${own}` : to;
  const { client } = to;
  const entry = await loadClientEntry(unit, client);
  if (entry === undefined) return `no client "${client}" is enrolled`;
  if (entry.group === owner) return `the client, as the object, ${own}`;
  return { client, enrolledAt: entry.enrolledAt };
}

const isSameGrantee = (to: NamedGrantee, other: NamedGrantee): boolean =>
  'client' in to
    ? 'client' in other && to.client === other.client
    : 'group' in other && to.group === other.group;

async function loadGrants(unit: UnitOfWork, object: string): Promise<readonly Grant[]> {
  const record = await unit.record(grantKind, object);
  return record === undefined ? [] : readGrants(record.content);
}

async function removeFrom(unit: UnitOfWork, object: string, from: NamedGrantee): Promise<boolean> {
  const record = await unit.record(grantKind, object);
  if (record === undefined) return false;
  const grants = readGrants(record.content);
  const kept = grants.filter(({ to }) => !isSameGrantee(to, from));
  if (kept.length === grants.length) return false;
  await putGrants(unit, { object, group: record.group }, grants, kept);
  return true;
}

/** Puts grants in the place of the previous ones, and the records that say who has them. */
async function putGrants(
  unit: UnitOfWork,
  { object, group }: Pick<ListedGrant, 'object' | 'group'>,
  previous: readonly Grant[],
  grants: readonly Grant[],
): Promise<void> {
  if (grants.length === 0) unit.removeRecord(grantKind, object);
  else unit.putRecord(grantKind, object, group, writeGrants(grants));
  const wanted = new Set(grants.map(({ to }) => granteeId(object, to)));
  for (const id of new Set([...previous.map(({ to }) => granteeId(object, to)), ...wanted])) {
    const isThere = (await unit.record(granteeKind, id)) !== undefined;
    if (isThere && !wanted.has(id)) unit.removeRecord(granteeKind, id);
    if (!isThere && wanted.has(id)) unit.putRecord(granteeKind, id, group, new Uint8Array());
  }
}

function toListed({
  id: object,
  group,
  content,
}: {
  readonly id: string;
  readonly group: string;
  readonly content: Uint8Array;
}): readonly ListedGrant[] {
  return readGrants(content).map((grant) => ({ ...grant, object, group }));
}
