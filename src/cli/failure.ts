import { describeFileError } from '../common/regular-file.ts';
import { ConfigError } from '../config/index.ts';

/** Is thrown when a command fails: exit code 1. The message is one line with problem, place and remedy. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code = 'COMMAND';
}

/** Is thrown for a command line that cannot be parsed: exit code 2. The message is one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'USAGE';
}

/**
 * Codes of the errors whose messages are written for operators. Their classes are not imported, so that no
 * command loads a module for its error class alone.
 */
const operatorErrorCodes: ReadonlySet<unknown> = new Set([
  'COMMAND',
  'USAGE',
  'CERTIFICATE_REFUSED',
  'STORE_UNAVAILABLE',
  'SCHEMA_TOO_NEW',
  'FIRST_DESIGN',
  'VAULT_UNAVAILABLE',
  'VALUE_TOKEN_UNAVAILABLE',
  'VALUE_ROOT_MISSING',
  'SEAL_BROKEN',
  'ANCHOR_UNREADABLE',
  'AUDIT_ALTERED',
  'AUDIT_UNAVAILABLE',
  'LANE_FORGED',
  'WIRE',
  'NO_REVOCATION_LIST',
  'CHANGED_MEANWHILE',
  'MANAGEMENT',
  'ACCESS_DENIED',
  'LOGIN_REFUSED',
  'APPROVAL_PENDING',
  'REQUEST',
]);

/** Returns the lines that a failed command prints, each of which is complete in itself; never a stack. */
export function failureLines(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.problems;
  if (!(error instanceof Error)) return [String(error)];
  // An error while things are closed must not hide the one that has closed them.
  if (error instanceof SuppressedError)
    return [error.suppressed, error.error].flatMap((each) => failureLines(each));
  const { path } = error as NodeJS.ErrnoException;
  const forOperator = describeOperatorError(error);
  if (forOperator !== undefined) return [forOperator.message];
  const reason = describeFileError(error);
  if (reason !== undefined && path !== undefined) return [`${path}: ${reason}`];
  if (reason !== undefined) return [`${firstLine(error.message)}: ${reason}`];
  return [`unexpected failure: ${firstLine(error.message)} (set KMIPD_DEBUG=1 to see where)`];
}

/** Returns code and message, one line, of an error whose message is written for operators. */
export function describeOperatorError(
  error: unknown,
): { readonly code: string; readonly message: string } | undefined {
  const { code } = error as { code?: unknown };
  if (!(error instanceof Error) || !operatorErrorCodes.has(code)) return undefined;
  // What clients read gives no reason; the error of the token in it does.
  if (code === 'VALUE_TOKEN_UNAVAILABLE' && error.cause !== undefined)
    return describeOperatorError(error.cause) ?? { code, message: firstLine(error.message) };
  return { code: String(code), message: firstLine(error.message) };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
