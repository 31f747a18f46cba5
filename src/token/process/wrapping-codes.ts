import { ckr } from '../cryptoki.ts';
import { TokenFailure } from '../messages.ts';
import { codeOf, refusedCodes, sessionCodes } from './library.ts';

/** What the return values of wrapping and unwrapping say about the method, the bytes and the token. */

/** What was unwrapped has not the form that `KeyWrapper.wrap` gives it. */
export class RejectedError extends Error {
  override readonly name = 'RejectedError';
  readonly code = 'REJECTED';

  constructor() {
    super('what was unwrapped has another form');
  }
}

/** The token has found that the bytes are not what it had wrapped. */
const rejectedCodes: ReadonlySet<number> = new Set([
  ckr.dataInvalid,
  ckr.dataLenRange,
  ckr.encryptedDataInvalid,
  ckr.encryptedDataLenRange,
  ckr.aeadDecryptFailed,
  ckr.wrappedKeyInvalid,
  ckr.wrappedKeyLenRange,
]);

/** Some tokens say the same for altered bytes as for a defect: SoftHSM2 has CKR_GENERAL_ERROR for both. */
const ambiguousCodes: ReadonlySet<number> = new Set([ckr.generalError, ckr.functionFailed]);

/** The token has no such mechanism, or not for this key. */
export const notOfferedCodes: ReadonlySet<number> = new Set([
  ckr.functionNotSupported,
  ckr.keyTypeInconsistent,
  ckr.keyFunctionNotPermitted,
  ckr.mechanismInvalid,
  ckr.mechanismParamInvalid,
]);

const lostCodes: ReadonlySet<number> = new Set([
  ...refusedCodes,
  ...sessionCodes,
  ckr.hostMemory,
  ckr.slotIdInvalid,
  ckr.deviceError,
  ckr.deviceRemoved,
  ckr.tokenNotPresent,
]);

/** Whether the bytes were at fault: `yes`, `no`, or `maybe` when the token says the same for a defect. */
export function isRejection(error: unknown): 'yes' | 'no' | 'maybe' {
  if (error instanceof RejectedError) return 'yes';
  const code = codeOf(error);
  if (code === undefined) return 'no';
  if (rejectedCodes.has(code)) return 'yes';
  return ambiguousCodes.has(code) ? 'maybe' : 'no';
}

/** Whether another method may do at the start what this one does not: session and token are not at fault. */
export function isImpossible(error: unknown): boolean {
  if (error instanceof TokenFailure) return error.kind === 'request';
  return error instanceof RejectedError || isCallRefusal(error);
}

/** Whether it is a return value that speaks of the key and the call, and not of a lost session or token. */
export function isCallRefusal(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && !lostCodes.has(code);
}

/** Whether the token has the format, but not in this way or not for this key. */
export function isNotOffered(error: unknown): boolean {
  if (error instanceof TokenFailure) return error.kind === 'request';
  return notOfferedCodes.has(codeOf(error) ?? 0);
}
