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
  /** Plain JSON. */
  readonly params: unknown;
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
  /** Those that have not expired, decided ones too. */
  'approval.list': { readonly params: object; readonly result: readonly ApprovalSummary[] };
  /** Approves a request of another administrator and runs it, with its parameters. */
  'approval.approve': {
    readonly params: Numbered;
    readonly result: { readonly request: ApprovalSummary; readonly result: unknown };
  };
  /** Rejects a request, or withdraws one's own. */
  'approval.reject': { readonly params: Numbered; readonly result: { readonly request: ApprovalSummary } };
  /** What became of one's own request. */
  'approval.outcome': { readonly params: Numbered; readonly result: ApprovalOutcome };
}
