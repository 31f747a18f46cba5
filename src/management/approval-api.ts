import type { ApprovalRequest, ApprovalState } from '../identity/approval.ts';

/** The methods of the management service about requests for approval. */

/** Which calls need a second administrator. */
export interface ApprovalRule {
  /** Methods under the rule, as the operator has named them; none: the rule is off. */
  readonly methods: readonly string[];
  /** How long a request waits. */
  readonly seconds: number;
}

/** A request as administrators see it: everything that was asked for but what is secret. */
export interface ApprovalSummary extends Omit<ApprovalRequest, 'credentialId' | 'result'> {
  /**
   * Of the client that asks, in the place of an administrator: `requester` is its name then, `method` has the
   * operations under the rule, and `params` the items of its message and the objects.
   */
  readonly client?: RequestingClient | undefined;
  /** Plain JSON. */
  readonly params: unknown;
}

/** A client that waits for an approval. */
export interface RequestingClient {
  readonly group: string;
  /** When it asked; empty where it had none. */
  readonly role: string;
  /** The client that has shown its ticket; absent when it has sent the request itself. */
  readonly bearer?: string | undefined;
}

/** What became of a request. */
export interface ApprovalOutcome {
  readonly state: ApprovalState;
  readonly decidedBy: string | null;
  /** Of the method, where it is done. */
  readonly result: unknown;
  /** Why it has failed; null: it has not. */
  readonly problem: string | null;
}

interface Numbered {
  readonly id: string;
}

export interface ApprovalApi {
  /** Those that have not expired, decided ones of administrators too, and those of clients that wait. */
  'approval.list': { readonly params: object; readonly result: readonly ApprovalSummary[] };
  /**
   * Approves a request of another administrator and runs it, with its parameters; or one of a client, whose
   * job is run then.
   */
  'approval.approve': {
    readonly params: Numbered;
    readonly result: { readonly request: ApprovalSummary; readonly result: unknown };
  };
  /** Rejects a request, or withdraws one's own. */
  'approval.reject': { readonly params: Numbered; readonly result: { readonly request: ApprovalSummary } };
  /** What became of one's own request. */
  'approval.outcome': { readonly params: Numbered; readonly result: ApprovalOutcome };
}
