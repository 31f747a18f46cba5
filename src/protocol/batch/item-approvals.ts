import type { RequestItem } from '../../../codec/envelope.ts';
import type { ApprovableOperation } from '../../common/client-approvals.ts';
import { ApprovalMissingError } from '../../common/errors.ts';
import type { Principal } from '../../identity/principal.ts';
import { publicTypes } from '../../object/protection.ts';
import type { Birth } from '../../object/provenance.ts';
import type { ApprovedAct } from '../../operations/asynchronous/jobs.ts';
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
    if (publicTypes.includes(type) || type === 'Template') return;
    const operation = this.#item.operation === 'Export' ? 'Export' : 'Get';
    if (version === 0 && !ownBirths.has(object.provenance.born)) this.#refuseDerived(operation);
    this.#require({ operation, object: version === 0 ? null : id });
  }

  /** Whoever approves would not see of which stored objects the value is. */
  #refuseDerived(operation: ApprovableOperation): void {
    if (this.#principal.needsApproval?.(operation) !== true) return;
    throw new ApprovalMissingError(
      operation,
      'ask for it in a later message, because its value comes from other objects',
    );
  }

  #require(act: ApprovedAct): void {
    if (this.#principal.needsApproval?.(act.operation) !== true) return;
    if (this.#approval.permits(this.#item, act)) return;
    throw new ApprovalMissingError(act.operation, this.#approval.refusal);
  }
}

/** Returns the approval of a job: for the acts that an administrator has seen, and no other. */
export function approvalOf(acts: readonly ApprovedAct[]): ExecutionApproval {
  const approved = new Set(acts.map(nameAct));
  return {
    permits: (_item, act) => approved.has(nameAct(act)),
    refusal: 'the approval of the request does not include it',
  };
}

const nameAct = ({ operation, object }: ApprovedAct): string => JSON.stringify([operation, object]);

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
