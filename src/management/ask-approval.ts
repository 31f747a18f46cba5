import { randomBytes } from 'node:crypto';
import type { Secret } from '../common/secret.ts';
import type { ApprovalRequest } from '../identity/approval.ts';
import {
  ApprovalDirectory,
  maxPendingOfRequester,
  maxPendingRequests,
} from '../protocol/authentication/approval-directory.ts';
import type { NewCredential } from './administrator-api.ts';
import type { ManagementBackends, MethodName, ParamsOf } from './api.ts';
import type { Caller } from './caller.ts';
import { AccessDeniedError, ApprovalPendingError, ManagementError } from './errors.ts';
import { requireMethodPermission } from './roles.ts';
import { secretReceiver } from './secret-receiver.ts';

/**
 * Stores a call as a request for approval.
 * @throws {ApprovalPendingError} once it is stored
 * @throws {AccessDeniedError} when the caller may not call the method, or is nobody in particular
 * @throws {ManagementError} when there are too many requests
 */
export async function askApproval<M extends MethodName>(
  { store, vault, approval }: ManagementBackends,
  caller: Caller,
  method: M,
  params: ParamsOf<M>,
): Promise<never> {
  requireMethodPermission(caller.role, method, params);
  const { name: requester, credentialId } = caller;
  if (requester === undefined || credentialId === undefined)
    throw new AccessDeniedError(
      `${method} is under the two-person rule: one administrator asks (--as NAME) and another one approves`,
    );
  const directory = new ApprovalDirectory(store, vault);
  const requests = await directory.list();
  requireCapacity(requests, requester);
  await directory.removeSurplus(requests);
  const { stored, secret } = openSecret(params);
  try {
    const askedAt = Math.floor(Date.now() / 1000);
    const request = {
      ...{ id: randomBytes(6).toString('hex'), method, params: stored, requester, credentialId, askedAt },
      ...{ expiresAt: askedAt + approval.seconds, state: 'pending' as const },
    };
    await directory.add(request, secret?.bytes ?? new Uint8Array());
    throw new ApprovalPendingError(request.id, request.expiresAt);
  } finally {
    secret?.wipe();
  }
}

/** A share of each requester keeps one of them from keeping the others from asking. */
function requireCapacity(requests: readonly ApprovalRequest[], requester: string): void {
  const pending = requests.filter(({ state }) => state === 'pending');
  if (pending.filter((each) => each.requester === requester).length >= maxPendingOfRequester)
    throw new ManagementError(
      `${maxPendingOfRequester} requests of yours wait for approval; have some approved, or withdraw them by kmipd approval reject`,
    );
  if (pending.length >= maxPendingRequests)
    throw new ManagementError(
      `${maxPendingRequests} requests wait for approval; approve or reject some of kmipd approval list first`,
    );
}

/**
 * Takes the secret of one-time passwords out of parameters: it is encrypted for this process, which may be
 * another one when the request is approved.
 * @throws {ManagementError} when it is not
 */
function openSecret(params: object): { readonly stored: object; readonly secret: Secret | undefined } {
  const { credential } = params as { readonly credential?: NewCredential };
  if (credential?.totp === undefined) return { stored: params, secret: undefined };
  const secret = secretReceiver().decrypt(credential.totp.secret);
  if (secret === undefined) throw new ManagementError('what was sent is not encrypted for this kmipd');
  const totp = { ...credential.totp, secret: '' };
  return { stored: { ...params, credential: { ...credential, totp } }, secret };
}
