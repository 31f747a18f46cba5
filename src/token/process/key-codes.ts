import { ckr } from '../cryptoki.ts';
import { keyReturnValues } from '../keys/key-cryptoki.ts';
import { codeOf } from './library.ts';
import { isCallRefusal, isRejection, notOfferedCodes } from './wrapping-codes.ts';

/** What a failed call about the key of a client speaks of. */
export type CallFailure =
  /** The mechanism, its parameters, or this kind of key: the token does not offer that. */
  | 'unsupported'
  /** The data. */
  | 'rejected'
  /** The data or a defect: some tokens say the same of both. The token still answers. */
  | 'unclear'
  /** This call alone, such as one that makes a key in a token that is full. The token still answers. */
  | 'refused'
  /** Session, login, token or library: these end the process or its session. */
  | 'lost';

const unsupportedCodes: ReadonlySet<number> = new Set([
  ...notOfferedCodes,
  ckr.attributeTypeInvalid,
  ...Object.values(keyReturnValues),
]);

/**
 * Says what a failed call speaks of, the same for all calls that clients cause: if others than those that are
 * lost ended the process, one client could take the token away from all by a call that it refuses.
 * `ask` asks the token about the key, and throws when it does not answer: most return values may as well tell
 * of a defect.
 */
export function classifyCallFailure(error: unknown, ask: () => void): CallFailure {
  if (unsupportedCodes.has(codeOf(error) ?? 0)) return 'unsupported';
  const rejection = isRejection(error);
  if (rejection === 'yes') return 'rejected';
  if (!isCallRefusal(error) || !doesAnswer(ask)) return 'lost';
  return rejection === 'maybe' ? 'unclear' : 'refused';
}

function doesAnswer(ask: () => void): boolean {
  try {
    ask();
    return true;
  } catch {
    return false;
  }
}
