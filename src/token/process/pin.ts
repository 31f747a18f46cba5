import { closeSync, fstatSync, readSync } from 'node:fs';
import { describeExposure, describeFileError, openRegularFile } from '../../common/regular-file.ts';
import { copySecret } from '../../common/secret.ts';
import { ckr, tokenFlags } from '../cryptoki.ts';
import { TokenFailure, type TokenLoginRequest } from '../messages.ts';
import { codeOf, toFailure } from './library.ts';

/** The longest PIN in bytes; PKCS #11 leaves it to the token. */
const maxPinBytes = 255;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * Reads a PIN, the one line of a file, without the end of the line. The caller overwrites it.
 * @throws {TokenFailure} when others can read the file and it must be private, or when it has no PIN.
 */
export function readPin(file: string, mustBePrivate: boolean): Uint8Array {
  const content = new Uint8Array(maxPinBytes + 3);
  let length: number;
  try {
    const descriptor = openRegularFile(file);
    try {
      const exposure = describeExposure(fstatSync(descriptor));
      if (mustBePrivate && exposure !== undefined)
        throw new TokenFailure('token', `the PIN file ${file} has ${exposure}`);
      length = readSync(descriptor, content);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    content.fill(0);
    if (error instanceof TokenFailure) throw error;
    const reason = describeFileError(error) ?? (error as NodeJS.ErrnoException).code ?? 'it cannot be read';
    throw new TokenFailure('token', `the PIN file ${file}: ${reason}`);
  }
  if (content[length - 1] === lineFeed) length -= 1;
  if (content[length - 1] === carriageReturn) length -= 1;
  const pin = copySecret(content.subarray(0, length));
  content.fill(0);
  if (length >= 1 && length <= maxPinBytes && pin.every((byte) => byte >= 0x20 && byte !== 0x7f)) return pin;
  pin.fill(0);
  throw new TokenFailure('token', `the PIN file ${file} is not one line of 1 to ${maxPinBytes} bytes`);
}

/**
 * Refuses a login that may lock the PIN.
 * @throws {TokenFailure} of kind `refused`.
 */
export function requireLoginPermitted(
  flags: number,
  { mayLockPin, isOutcomeUnknown }: Pick<TokenLoginRequest, 'mayLockPin' | 'isOutcomeUnknown'>,
): void {
  if ((flags & tokenFlags.userPinLocked) !== 0) throw refuse('the PIN is locked at the token');
  if (mayLockPin) return;
  if ((flags & tokenFlags.userPinFinalTry) !== 0)
    throw refuse('one more failed login would lock the PIN at the token');
  if (isOutcomeUnknown && (flags & tokenFlags.userPinCountLow) !== 0)
    throw refuse('the login before ended without an answer, and the token has counted a failed one');
}

/**
 * Return values of C_Login after which it may be tried again: session or token were lost before the PIN
 * counted. Every other one may stand for a wrong PIN, because libraries differ in what they say of one, and
 * many tokens have no flag that tells whether they have counted it.
 */
const uncountedCodes: ReadonlySet<number> = new Set([
  ckr.hostMemory,
  ckr.deviceError,
  ckr.deviceRemoved,
  ckr.sessionClosed,
  ckr.sessionHandleInvalid,
  ckr.tokenNotPresent,
]);

/**
 * Returns what the daemon is told about a failed login, which is `refused` whenever a further one may cost an
 * attempt. `readFlags` returns the flags of the token.
 */
export function explainLogin(error: unknown, readFlags: () => number): TokenFailure {
  const failure = toFailure(error);
  if (!uncountedCodes.has(codeOf(error) ?? ckr.generalError)) return refuse(failure.message);
  const { userPinLocked, userPinFinalTry, userPinCountLow } = tokenFlags;
  try {
    if ((readFlags() & (userPinLocked | userPinFinalTry | userPinCountLow)) !== 0)
      return refuse(`${failure.message}, and the token counts a failed login`);
  } catch {
    // Without its flags the first error says more.
  }
  return failure;
}

function refuse(why: string): TokenFailure {
  return new TokenFailure('refused', why);
}
