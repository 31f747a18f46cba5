import type { MethodName, ParamsOf } from './api.ts';
import type { Caller } from './caller.ts';
import { isChange } from './changing-methods.ts';
import { AccessDeniedError, ApprovalPendingError, LoginRefusedError, ManagementError } from './errors.ts';
import { withoutSecrets } from './plain-params.ts';

/** What became of a call. */
export type CallOutcome =
  /** It is about to run; only of methods that may change something. */
  | { readonly kind: 'begun' }
  /** The result is plain JSON without anything secret. */
  | { readonly kind: 'done'; readonly result: unknown }
  /** By the role, by the login, or by the method; `reason` says of a login what its caller is not told. */
  | {
      readonly kind: 'refused';
      readonly code: string;
      readonly message: string;
      readonly reason?: string | undefined;
    }
  /** Stored as the request of that identifier: another administrator has to approve it. */
  | { readonly kind: 'pending'; readonly request: string }
  | { readonly kind: 'failed'; readonly error: unknown };

/** The method by which an administrator logs in. */
export const loginMethod = 'service.login';

/** Parameters of a login, without what proves it. */
export interface LoginSubject {
  readonly name: string;
}

/** A method that is observed. */
export type ObservedMethod = MethodName | typeof loginMethod;
export type ObservedParams = ParamsOf<MethodName> | LoginSubject;

/**
 * Observes every call and every login that has the right form, refused ones too, when it has ended and before
 * it is answered, and those that may change something before they run, too; the call fails when the observer
 * rejects. The parameters are those that were asked for, without what is secret or could be guessed at. Until
 * a login has succeeded, its caller is the nameless one.
 */
export type CallObserver = (
  caller: Caller,
  method: ObservedMethod,
  params: ObservedParams,
  outcome: CallOutcome,
) => Promise<void>;

/** Runs a call and has it observed. Resolves and rejects as `work`. */
export async function observeCall<T>(
  observe: CallObserver,
  caller: Caller,
  [method, params]: readonly [ObservedMethod, ObservedParams],
  work: () => Promise<T>,
): Promise<T> {
  const shown = withoutSecrets(params) as ObservedParams;
  if (isChange(method, params)) await observe(caller, method, shown, { kind: 'begun' });
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await observe(caller, method, shown, describeFailure(error));
    throw error;
  }
  await observe(caller, method, shown, { kind: 'done', result });
  return result;
}

function describeFailure(error: unknown): CallOutcome {
  if (error instanceof ApprovalPendingError) return { kind: 'pending', request: error.request };
  if (error instanceof LoginRefusedError) {
    const { code, message, reason } = error;
    return { kind: 'refused', code, message, reason };
  }
  if (error instanceof AccessDeniedError || error instanceof ManagementError)
    return { kind: 'refused', code: error.code, message: error.message };
  return { kind: 'failed', error };
}
