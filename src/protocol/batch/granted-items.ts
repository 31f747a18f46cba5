import type { Principal } from '../../identity/principal.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { findUnreached } from '../../object/roles/role-limits.ts';
import { hiddenFromGrantees } from '../../object/shown-attributes.ts';
import type { OperationName } from '../../operations/context.ts';
import {
  findGrantedUse,
  granteeId,
  granteeKind,
  grantKind,
  isGrantable,
  readGrants,
} from '../../operations/grants.ts';
import type { Work } from '../../operations/work.ts';
import { GrantedWork } from '../authentication/granted-work.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';
import type { WorkLayer } from '../unit-of-work/work-layer.ts';
import type { GrantedItem } from './item-context.ts';
import type { MessageContext } from './message-context.ts';

/** What the grants of a message are looked up with. */
export interface GrantedItemsOptions {
  readonly unit: UnitOfWork;
  readonly principal: Principal;
  readonly batch: MessageContext;
  /** The latest time that is known: POSIX seconds. */
  readonly time: number;
  /** Counts a use of a key of that group, as `RandomIvUses`. */
  countRandomIvUse(group: string, key: string): Promise<void>;
}

/** What an item works on. */
export interface ItemWork {
  /** The objects of its group, as far as the role of the client reaches. */
  readonly own: Pick<Work, 'load'>;
  readonly layer: WorkLayer;
}

/** The uses of objects of other groups that grants permit the client of one message. */
export class GrantedItems {
  readonly #options: GrantedItemsOptions;

  constructor(options: GrantedItemsOptions) {
    this.#options = options;
  }

  /**
   * Opens the use of an object by an operation that the client's role permits, in the item's layer; undefined
   * when the group of the client has the object, or no grant permits that, so that the item goes on as
   * without grants. A ticket with Rights has no grants: its Rights are those to objects of the group.
   * @throws {SealBrokenError} when the record of the grants was altered, put back or deleted
   */
  async open(
    id: string,
    { name }: { readonly name: OperationName },
    { own, layer }: ItemWork,
  ): Promise<GrantedItem | undefined> {
    const { unit, principal, time } = this.#options;
    if (principal.rights !== undefined || !isGrantable(name)) return undefined;
    if ((await own.load(id)) !== undefined) return undefined;
    if (!(await this.#hasGrants(id))) return undefined;
    const record = await unit.record(grantKind, id);
    if (record === undefined || record.group === principal.group) return undefined;
    const use = findGrantedUse(id, readGrants(record.content), name, { principal, time });
    if (use === undefined) return undefined;
    const granted = layer.granted(record.group);
    const restrictions = principal.restrictions?.();
    // Grants end with the value of an object: of a destroyed one not even the attributes are shown.
    const isVisible = (object: ManagedObject) =>
      !object.destroyed && (restrictions === undefined || findUnreached(object, restrictions) === undefined);
    const load = async (asked: string) => (asked === id ? granted.load(id, isVisible) : undefined);
    if ((await load(id)) === undefined) return undefined;
    const work = new GrantedWork(granted, id);
    const batch = this.#batchFor(record.group, use.operations);
    return { rule: use.rule, target: { work: { load } }, work, batch };
  }

  async #hasGrants(id: string): Promise<boolean> {
    const { unit, principal } = this.#options;
    const records = [
      await unit.record(granteeKind, granteeId(id, { client: principal.client })),
      await unit.record(granteeKind, granteeId(id, { group: principal.group })),
    ];
    return records.some((record) => record !== undefined);
  }

  /** Uses count for the group of the object, and nothing is permitted that the grants do not permit. */
  #batchFor(group: string, operations: ReadonlySet<string>): MessageContext {
    const { principal, batch, countRandomIvUse } = this.#options;
    const may = (operation: string) => operations.has(operation) && principal.may(operation);
    return batch.withParts({
      principal: { ...principal, group, may },
      hiddenAttributes: hiddenFromGrantees({
        mayFetch: may('Get') && principal.needsApproval?.('Get') !== true,
      }),
      randomIvUses: { count: (key) => countRandomIvUse(group, key) },
    });
  }
}
