import { joinBytes, splitBytes } from '../common/bytes.ts';
import { readJson, writeJson } from '../common/json.ts';
import { Secret } from '../common/secret.ts';

/** Kind of the records of requests for approval; the id is the request's, and the record is of no group. */
export const approvalKind = 'approval';

/**
 * `executing`: approved, and the method has not ended, or the process that ran it has; `failed`: approved,
 * and the method has refused.
 */
export type ApprovalState = 'pending' | 'executing' | 'done' | 'failed' | 'rejected';

/** A call that one administrator has asked for and another one has to approve. */
export interface ApprovalRequest {
  readonly id: string;
  readonly method: string;
  /** As they were asked for, without the secret of one-time passwords. */
  readonly params: unknown;
  readonly requester: string;
  /** Of the requester, as `credentialIdOf`. */
  readonly credentialId: string;
  /** POSIX seconds; after the second it is as if it had never been asked for. */
  readonly askedAt: number;
  readonly expiresAt: number;
  readonly state: ApprovalState;
  /** The administrator who has approved or rejected it. */
  readonly decidedBy?: string;
  /** Of the method, once it is done. */
  readonly result?: unknown;
  /** Why it has failed: one line for the operator. */
  readonly problem?: string;
}

/** Encodes the content of an `approval` record: JSON, and a secret of the parameters behind it. */
export function writeApproval(request: ApprovalRequest, secret: Uint8Array): Uint8Array {
  return joinBytes(writeJson(request), secret);
}

/** Decodes the content of an `approval` record; the caller overwrites the secret, which is a copy. */
export function readApproval(content: Uint8Array): {
  readonly request: ApprovalRequest;
  readonly secret: Secret;
} {
  const [json, secret] = splitBytes(content);
  return { request: readJson(json), secret: Secret.copyOf(secret) };
}
