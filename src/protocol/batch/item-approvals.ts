import { hash } from 'node:crypto';
import type { RequestItem } from '../../../codec/envelope.ts';
import { encodeManagedObject } from '../../../codec/structures/managed-objects.ts';
import type { ApprovableOperation } from '../../common/client-approvals.ts';
import { ApprovalMissingError } from '../../common/errors.ts';
import type { Principal } from '../../identity/principal.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { typesOfPublicValue } from '../../object/object-boxes.ts';
import type { Birth } from '../../object/provenance.ts';
import type { ApprovedAct, JobItem } from '../../operations/asynchronous/jobs.ts';
import type { Approvals } from '../../operations/context.ts';

/** What an execution may do of what is under the two-person rule; nothing where there is none. */
export interface ExecutionApproval {
  /** Whether an act was approved, for an item of the message. */
  permits(item: RequestItem, act: ApprovedAct): boolean;
  /** Why an act is refused that was not. */
  readonly refusal: string;
}

/** Births of values that come from no stored object: new random ones, and what the client has sent itself. */
const ownBirths: ReadonlySet<Birth> = new Set<Birth>(['made', 'registered', 'imported']);

const unapproved: ExecutionApproval = {
  permits: () => false,
  refusal: 'send the request with the Asynchronous Indicator, and it waits until one approves it',
};

/** The two-person rule for one batch item. */
export class ItemApprovals implements Approvals {
  readonly #item: RequestItem;
  readonly #principal: Pick<Principal, 'needsApproval'>;
  readonly #approval: ExecutionApproval;

  constructor(item: RequestItem, principal: Pick<Principal, 'needsApproval'>, approval = unapproved) {
    [this.#item, this.#principal, this.#approval] = [item, principal, approval];
  }

  require(
    operation: ApprovableOperation,
    { id, version }: { readonly id: string; readonly version?: number },
  ) {
    // What the message itself has made is nobody's loss.
    if (version !== 0) this.#require({ operation, object: id });
  }

  requireDisclosure(object: Parameters<Approvals['requireDisclosure']>[0]): void {
    const { id, type, version } = object;
    const operation = this.#item.operation === 'Export' ? 'Export' : 'Get';
    if (typesOfPublicValue.has(type) || !this.#isUnderRule(operation)) return;
    if (version !== 0) this.#require({ operation, object: id, value: digestOf(object) });
    else if (ownBirths.has(object.provenance.born)) this.#require({ operation, object: null });
    else throw new ApprovalMissingError(operation, remedyOfDerived);
  }

  #isUnderRule(operation: ApprovableOperation): boolean {
    return this.#principal.needsApproval?.(operation) === true;
  }

  #require(act: ApprovedAct): void {
    if (!this.#isUnderRule(act.operation) || this.#approval.permits(this.#item, act)) return;
    throw new ApprovalMissingError(act.operation, this.#approval.refusal);
  }
}

/** Whoever approves would not see of which stored objects the value is. */
const remedyOfDerived = 'ask for it in a later message, because its value comes from other objects';

/** Digest of a value that leaves; it is kept in sealed records alone. */
function digestOf({ value }: Pick<ManagedObject, 'value'>): string {
  if (value === undefined) throw new TypeError('no value leaves');
  const encoded = encodeManagedObject(value);
  try {
    return hash('sha256', encoded);
  } finally {
    encoded.fill(0);
  }
}

/** Returns the approval of a job: for what an administrator has seen of each item, and nothing else. */
export function approvalOf(
  items: readonly { readonly requestItem: RequestItem; readonly item: Pick<JobItem, 'acts'> }[],
): ExecutionApproval {
  const approved = new Map(
    items.map(({ requestItem, item: { acts = [] } }) => [requestItem, new Set(acts.map(nameAct))]),
  );
  return {
    permits: (item, act) => approved.get(item)?.has(nameAct(act)) === true,
    refusal: 'the approval of the request does not include it',
  };
}

const nameAct = ({ operation, object, value }: ApprovedAct): string =>
  JSON.stringify([operation, object, value]);

/** Permits everything, and collects what would have needed an approval. */
export class CollectedActs implements ExecutionApproval {
  readonly #acts = new Map<RequestItem, Map<string, ApprovedAct>>();
  readonly refusal = '';

  permits(item: RequestItem, act: ApprovedAct): boolean {
    const acts = this.#acts.get(item) ?? new Map<string, ApprovedAct>();
    this.#acts.set(item, acts.set(nameAct(act), act));
    return true;
  }

  /** Returns the acts of an item, each once. */
  of(item: RequestItem): readonly ApprovedAct[] {
    return [...(this.#acts.get(item)?.values() ?? [])];
  }
}
