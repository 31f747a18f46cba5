import type { Version } from '../../../codec/version.ts';
import type { Node } from '../../../codec/wire/node.ts';
import type { ApprovableOperation } from '../../../src/common/client-approvals.ts';
import { SetAttribute } from '../../../src/operations/attributes/set-attribute.ts';
import { Archive } from '../../../src/operations/lifecycle/archive.ts';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../src/operations/lifecycle/revoke.ts';
import type { AnyOperation } from '../../../src/operations/operation.ts';
import { Export } from '../../../src/operations/transfer/export.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { type ListedWaitingJob, WaitingJobs } from '../../../src/protocol/jobs/waiting-jobs.ts';
import { enumerated, item, type RequestItem } from '../../client.ts';
import { payloadOf } from '../operations/ask.ts';
import { symmetric } from '../operations/transfer/wrapping-keys.ts';
import type { TestService } from '../service.ts';

/** Requests under the two-person rule, and the administrator who decides about them. */

/** How a message says whether it may be answered later. */
export const headers: Readonly<Record<string, readonly Node[]>> = {
  synchronous: [],
  prohibited: [enumerated('AsynchronousIndicator', 3)],
  optional: [enumerated('AsynchronousIndicator', 2)],
  mandatory: [enumerated('AsynchronousIndicator', 1)],
};
export const allowed: readonly Node[] = [item('AsynchronousIndicator', 'Boolean', true)];

/** Puts operations of the client under the rule. */
export function underRule(service: TestService, ...operations: readonly ApprovableOperation[]): void {
  service.sender = { ...service.sender, needsApproval: (operation) => operations.includes(operation) };
}

export const asked = (operation: AnyOperation, request: object, version: Version = '2.1'): RequestItem => ({
  operation: operation.name,
  payload: payloadOf(version, operation, request),
});

/** A request for what an entry of the rule is about. */
export interface RuledRequest {
  readonly rule: ApprovableOperation;
  readonly item: (id: string) => RequestItem;
}

const keyOf = (byte: number) => symmetric(new Uint8Array(16).fill(byte));

export const ruledRequests: Readonly<Record<string, RuledRequest>> = {
  Destroy: { rule: 'Destroy', item: (UniqueIdentifier) => asked(Destroy, { UniqueIdentifier }) },
  Import: {
    rule: 'Destroy',
    item: (UniqueIdentifier) =>
      asked(Import, {
        ...{ UniqueIdentifier, ObjectType: 'SymmetricKey', ReplaceExisting: true },
        ...{ Attributes: [], Object: keyOf(7) },
      }),
  },
  Get: { rule: 'Get', item: (UniqueIdentifier) => asked(Get, { UniqueIdentifier }) },
  Export: { rule: 'Export', item: (UniqueIdentifier) => asked(Export, { UniqueIdentifier }) },
  Revoke: {
    rule: 'Revoke',
    item: (UniqueIdentifier) =>
      asked(Revoke, { UniqueIdentifier, RevocationReason: { RevocationReasonCode: 'KeyCompromise' } }),
  },
  SetAttribute: {
    rule: 'Revoke',
    item: (UniqueIdentifier) =>
      asked(SetAttribute, {
        UniqueIdentifier,
        NewAttribute: { name: 'DeactivationDate', value: 2_000_000_000 },
      }),
  },
  Archive: { rule: 'Archive', item: (UniqueIdentifier) => asked(Archive, { UniqueIdentifier }) },
};

/** What an administrator does. */
export class Administrator {
  readonly #service: TestService;

  constructor(service: TestService) {
    this.#service = service;
  }

  get #jobs(): WaitingJobs {
    return new WaitingJobs(this.#service.store, this.#service.vault);
  }

  list(): Promise<readonly ListedWaitingJob[]> {
    return this.#jobs.list();
  }

  /** Returns the only request that waits. */
  async only(): Promise<ListedWaitingJob> {
    const listed = await this.list();
    const [first] = listed;
    if (first === undefined || listed.length > 1) throw new Error(`${listed.length} requests wait`);
    return first;
  }

  /** Approves the only request that waits; nothing runs it yet. */
  async approve(): Promise<void> {
    const { id } = await this.only();
    if ((await this.#jobs.approve(id, 'anna')) === undefined) throw new Error('it does not wait');
  }

  async reject(): Promise<void> {
    const { id } = await this.only();
    if ((await this.#jobs.reject(id)) === undefined) throw new Error('it does not wait');
  }
}
