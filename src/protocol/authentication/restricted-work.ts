import { fail } from '../../common/errors.ts';
import type { DelegatedRight } from '../../identity/principal.ts';
import type { AttributeFilter } from '../../object/attribute-filter.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { jobKinds } from '../../operations/asynchronous/jobs.ts';
import { authorityCertificateKinds } from '../../operations/authority-certificates.ts';
import { authorityKinds } from '../../operations/authority-records.ts';
import { issuerNameKind } from '../../operations/certificates/issuer-choice.ts';
import { issuerOrderKind } from '../../operations/certificates/issuer-order.ts';
import { granteeKind, grantKind } from '../../operations/grants.ts';
import { groupPolicyKind } from '../../operations/group-policy-record.ts';
import { keyCopiesKind } from '../../operations/key-copies.ts';
import { tokenKeyKind } from '../../operations/made-token-keys.ts';
import { reservedNameKind } from '../../operations/name-rights.ts';
import type { LimitedRight } from '../../operations/operation.ts';
import { restorableKind } from '../../operations/restorable-objects.ts';
import { certificateKinds } from '../../operations/revocation-records.ts';
import { valueKeyKind, wrappedValueKind } from '../../operations/transfer/wrapped-values.ts';
import type { FindQuery, FoundItems, GroupView, Records, Work } from '../../operations/work.ts';

/** Records by which keys are recognised that come back, and their copies are found. */
const copyKinds = [wrappedValueKind, valueKeyKind, keyCopiesKind];

/** Records of authorities: what they limit does not depend on the Rights of a ticket. */
const authorities = [...authorityKinds, ...authorityCertificateKinds];

/**
 * Kinds of records that an operation reaches under limited Rights. New objects follow the group's policy, and
 * certificates that were issued or revoked are recorded beside their objects, as
 * keys of the token are.
 */
const reachableKinds: Readonly<Record<LimitedRight, readonly string[]>> = {
  objects: [
    groupPolicyKind,
    issuerNameKind,
    issuerOrderKind,
    reservedNameKind,
    tokenKeyKind,
    // Destroy ends the grants of an object, and keeps what it was for a while.
    grantKind,
    granteeKind,
    restorableKind,
    ...certificateKinds,
    ...authorities,
    ...copyKinds,
  ],
  'new-objects': [groupPolicyKind, reservedNameKind, tokenKeyKind, ...authorities, ...copyKinds],
  'own-jobs': Object.values(jobKinds),
  public: [],
  nothing: [],
};

/** Whether the object is in one of the Object Groups of the Right. */
export function isMember({ groups = [] }: DelegatedRight, { attributes }: ManagedObject): boolean {
  return attributes.values('ObjectGroup').some((group) => groups.includes(group));
}

/**
 * The unit of work as an item sees it under Rights that are limited to objects or Object Groups. Refuses
 * objects outside the Rights wherever an item reads or finds objects. The refusal is the same whether the
 * object exists or not, so that the client does not learn which identifiers exist.
 */
export class RestrictedWork implements Work {
  readonly isLimited = true;
  readonly records: Records;
  readonly #work: Work;
  readonly #rights: readonly DelegatedRight[];
  readonly #inserted = new Set<string>();
  /** The Object Groups of the objects as the item has loaded them. */
  readonly #groups = new Map<ManagedObject, string>();

  constructor(work: Work, rights: readonly DelegatedRight[], limitedRight: LimitedRight) {
    this.#work = work;
    this.#rights = rights;
    this.records = restrictRecords(work, reachableKinds[limitedRight]);
  }

  get wholeGroup(): GroupView {
    return this.#work.wholeGroup;
  }

  applyLasting(object: ManagedObject, change: (object: ManagedObject) => void): void {
    this.#work.applyLasting(object, change);
  }

  async load(id: string): Promise<ManagedObject | undefined> {
    const named = this.#inserted.has(id) || this.#rights.some(({ objects }) => objects?.includes(id));
    const object = await this.#work.load(id);
    if (object !== undefined && !this.#groups.has(object)) this.#groups.set(object, groupsOf(object));
    if (named || (object !== undefined && this.#rights.some((right) => isMember(right, object))))
      return object;
    fail('NotAuthorised', 'the Rights of the ticket do not include this object');
  }

  isTaken(id: string): Promise<boolean> {
    return this.#work.isTaken(id);
  }

  /**
   * Object lists name existing objects, so a new object is granted by its Object Groups only, of which all
   * have to be in the Rights: clients look for objects by their groups.
   */
  async insert(object: ManagedObject): Promise<void> {
    const granted = new Set(this.#rights.flatMap(({ groups = [] }) => groups));
    const groups = object.attributes.values('ObjectGroup');
    if (groups.length === 0 || !groups.every((group) => granted.has(group)))
      fail('NotAuthorised', 'the Rights of the ticket allow new objects in their Object Groups only');
    this.#inserted.add(object.id);
    await this.#work.insert(object);
  }

  find(query: FindQuery): Promise<FoundItems> {
    const any = reachedBy(this.#rights);
    if (any.length === 0) return Promise.resolve({ ids: [], total: 0 });
    return this.#work.find({ ...query, filter: { all: [query.filter, { any }] } });
  }

  /**
   * Refuses an item that has changed the Object Groups of an object: they decide which Rights include it.
   * @throws {KmipError} NotAuthorised
   */
  requireGroupsUnchanged(): void {
    for (const [object, before] of this.#groups)
      if (groupsOf(object) !== before)
        fail('NotAuthorised', 'the Rights of the ticket do not include a change of Object Groups');
  }

  reenrol(): void {
    refuse();
  }

  afterCommit(effect: () => void): void {
    this.#work.afterCommit(effect);
  }
}

/** The conditions of which an object meets one that limited Rights include. */
export function reachedBy(rights: readonly DelegatedRight[]): readonly AttributeFilter[] {
  return rights.flatMap(({ objects = [], groups = [] }) => [
    ...objects.map((id) => equals('UniqueIdentifier', id)),
    ...groups.map((group) => equals('ObjectGroup', group)),
  ]);
}

/** Records of other kinds than `kinds` do not exist and cannot be written. */
function restrictRecords(work: Work, kinds: readonly string[]): Records {
  const require = (kind: string): Records => (kinds.includes(kind) ? work.records : refuse());
  return {
    load: async (kind, id) => (kinds.includes(kind) ? work.records.load(kind, id) : undefined),
    list: async (kind, limit) => (kinds.includes(kind) ? work.records.list(kind, limit) : []),
    put: (kind, id, content, expires) => require(kind).put(kind, id, content, expires),
    putLasting: (kind, id, change, expires) => require(kind).putLasting(kind, id, change, expires),
    remove: (kind, id) => require(kind).remove(kind, id),
  };
}

function refuse(): never {
  fail('NotAuthorised', 'the Rights of the ticket do not include this');
}

function groupsOf({ attributes }: ManagedObject): string {
  return JSON.stringify(attributes.values('ObjectGroup').toSorted());
}

function equals(attribute: string, value: string): AttributeFilter {
  return { attribute, fields: [{ field: '', op: '=', value }] };
}
