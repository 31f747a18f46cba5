import { Secret } from '../../common/secret.ts';
import { encryptSecret } from '../../common/secret-transfer.ts';
import { credentialIdOf, findCredentialProblem, wipeAdministrator } from '../../identity/administrator.ts';
import type { ApprovalRequest } from '../../identity/approval.ts';
import { AdministratorDirectory } from '../../protocol/authentication/administrator-directory.ts';
import { ApprovalDirectory } from '../../protocol/authentication/approval-directory.ts';
import type { NewCredential } from '../administrator-api.ts';
import type { ManagementBackends, MethodCall, MethodName, MethodsOf, ParamsOf } from '../api.ts';
import type { ApprovalSummary } from '../approval-api.ts';
import { type CallObserver, observeCall } from '../call-observer.ts';
import type { Caller } from '../caller.ts';
import { AccessDeniedError, ManagementError } from '../errors.ts';
import { withoutSecrets } from '../plain-params.ts';
import { requireMethodPermission } from '../roles.ts';
import { secretReceiver } from '../secret-receiver.ts';
import { approveClientRequest, listClientRequests, rejectClientRequest } from './client-approvals.ts';

/**
 * The methods about requests for approval.
 * @param call runs a method for a caller, without asking for an approval
 * @param observe observes that
 */
export const createApprovalMethods = (call: MethodCall, observe: CallObserver): MethodsOf<'approval'> => ({
  'approval.list': async (backends) => [
    ...(await directoryOf(backends).list()).map(summarise),
    ...(await listClientRequests(backends)),
  ],
  'approval.approve': (backends, { id }, caller) => approve(backends, id, caller, { call, observe }),
  async 'approval.reject'(backends, { id }, caller) {
    const name = requireNamed(caller);
    const reject = (request: ApprovalRequest): ApprovalRequest => {
      requirePending(request);
      if (request.requester !== name) requireOther(caller, request);
      return { ...request, state: 'rejected', decidedBy: name };
    };
    const request = await directoryOf(backends).change(id, reject, summarise);
    return { request: request ?? (await rejectClientRequest(backends, id, name)) ?? refuseUnknown(id) };
  },
  async 'approval.outcome'(backends, { id }, { name, credentialId }) {
    const found = await directoryOf(backends).find(id);
    if (found === undefined || found.requester !== name || found.credentialId !== credentialId)
      return refuseUnknown(id);
    const { state, decidedBy = null, result = null, problem = null } = found;
    return { state, decidedBy, result, problem };
  },
});

const directoryOf = ({ store, vault }: ManagementBackends) => new ApprovalDirectory(store, vault);

function summarise({ credentialId: _, result: __, ...request }: ApprovalRequest): ApprovalSummary {
  return { ...request, params: withoutSecrets(request.params) };
}

function refuseUnknown(id: string): never {
  throw new ManagementError(`there is no request ${id}, or it has expired; see kmipd approval list`);
}

function requireNamed({ name }: Caller): string {
  if (name !== undefined) return name;
  throw new AccessDeniedError('requests are approved and rejected by administrators only: give --as NAME');
}

function requirePending({ id, state, decidedBy }: ApprovalRequest): void {
  if (state !== 'pending')
    throw new ManagementError(`the request ${id} is decided: ${state} by ${decidedBy}`);
}

/** Refuses who has asked for it, by another name too, and whose role may not do it alone. */
function requireOther(
  { name, credentialId, role }: Caller,
  { id, method, params, requester, credentialId: asking }: ApprovalRequest,
): void {
  if (name === requester || credentialId === asking)
    throw new AccessDeniedError(`the request ${id} is your own; another administrator has to approve it`);
  requireMethodPermission(role, method as MethodName, params as ParamsOf<MethodName>);
}

interface Execution {
  readonly call: MethodCall;
  readonly observe: CallObserver;
}

async function approve(backends: ManagementBackends, id: string, caller: Caller, execution: Execution) {
  const name = requireNamed(caller);
  const directory = directoryOf(backends);
  const found = await directory.find(id);
  if (found === undefined) {
    const request = await approveClientRequest(backends, id, { ...caller, name });
    return { request: request ?? refuseUnknown(id), result: null };
  }
  requirePending(found);
  requireOther(caller, found);
  const requester = { ...(await findRequester(backends, found)), connection: caller.connection };
  // Before the method runs: whatever becomes of this process, no request is executed twice.
  const begin = (request: ApprovalRequest): ApprovalRequest => {
    requirePending(request);
    requireOther(caller, request);
    return { ...request, state: 'executing', decidedBy: name };
  };
  const params = await directory.change(id, begin, (request, secret) => restoreSecret(request, secret));
  if (params === undefined) return refuseUnknown(id);
  const end: EndRequest = (change) => directory.change(id, (each) => ({ ...each, ...change }), summarise);
  const approved: Caller = { ...requester, approvedBy: name, request: id };
  const method = found.method as MethodName;
  const { request, result } = await execute(backends, approved, [method, params], execution, end);
  return { request: request ?? summarise({ ...found, state: 'done', decidedBy: name }), result };
}

/** Stores how the execution of a request has ended. */
type EndRequest = (change: Partial<ApprovalRequest>) => Promise<ApprovalSummary | undefined>;

/** Runs what was approved, which is observed as a call of the requester. Rejects as the method does. */
async function execute(
  backends: ManagementBackends,
  approved: Caller,
  [method, params]: readonly [MethodName, ParamsOf<MethodName>],
  { call, observe }: Execution,
  end: EndRequest,
) {
  let isBegun = false;
  let request: ApprovalSummary | undefined;
  const run = async () => {
    isBegun = true;
    const result = await call(backends, approved, method, params).catch(async (error: unknown) => {
      const isForOperator = error instanceof ManagementError || error instanceof AccessDeniedError;
      await end({ state: 'failed', problem: isForOperator ? error.message : 'it failed unexpectedly' });
      throw error;
    });
    request = await end({ state: 'done', result });
    return result;
  };
  const result = await observeCall(observe, approved, [method, params], run).catch(async (error: unknown) => {
    if (!isBegun) await end({ state: 'failed', problem: 'it was not begun: it could not be recorded' });
    throw error;
  });
  return { request, result };
}

/**
 * Returns the requester as the caller of what it has asked for, with its present role.
 * @throws {ManagementError} when it could not ask for it any more
 */
async function findRequester(
  { store, vault }: ManagementBackends,
  { id, requester, credentialId, method, params }: ApprovalRequest,
): Promise<Omit<Caller, 'connection'>> {
  const found = await new AdministratorDirectory(store, vault).find(requester);
  try {
    const isSame = found !== undefined && credentialIdOf(found.credential) === credentialId;
    if (!isSame || found.isDisabled || findCredentialProblem(found.credential, new Date()) !== undefined)
      throw new ManagementError(
        `the request ${id} cannot be approved: ${requester} is disabled, removed, or has another credential`,
      );
    requireMethodPermission(found.role, method as MethodName, params as ParamsOf<MethodName>);
    const proof = 'totp' in found.credential ? 'password' : 'certificate';
    return { name: requester, role: found.role, proof, credentialId };
  } finally {
    if (found !== undefined) wipeAdministrator(found);
  }
}

/** Returns the parameters as this process takes them, with the secret of one-time passwords. */
function restoreSecret({ params }: ApprovalRequest, secret: Uint8Array): ParamsOf<MethodName> {
  const { credential } = params as { readonly credential?: NewCredential };
  if (credential?.totp === undefined) return params as ParamsOf<MethodName>;
  using copy = Secret.copyOf(secret);
  const totp = { ...credential.totp, secret: encryptSecret(copy, secretReceiver().publicKey) };
  return { ...(params as object), credential: { ...credential, totp } } as ParamsOf<MethodName>;
}
