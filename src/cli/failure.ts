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
  'VAULT_UNAVAILABLE',
  'SEAL_BROKEN',
  'WIRE',
  'NO_REVOCATION_LIST',
]);

/** Explanations of the system's errors about files, by their code. */
const systemReasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied; run kmipd as the user who owns it, or change its mode',
  EPERM: 'not permitted; run kmipd as the user who owns it',
  ENOENT: 'there is no such file or directory',
  ENOTDIR: 'a part of this path is a file, not a directory',
  EISDIR: 'this is a directory, not a file',
  EEXIST: 'this exists already',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EIO: 'the disk failed',
  EMFILE: 'too many open files; raise the limit (ulimit -n)',
};

/** Returns the lines that a failed command prints, each of which is complete in itself; never a stack. */
export function failureLines(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.problems;
  if (!(error instanceof Error)) return [String(error)];
  const { code, path } = error as NodeJS.ErrnoException;
  if (operatorErrorCodes.has(code)) return [firstLine(error.message)];
  const reason = code === undefined ? undefined : systemReasons[code];
  if (reason !== undefined && path !== undefined) return [`${path}: ${reason}`];
  if (reason !== undefined) return [`${firstLine(error.message)}: ${reason}`];
  return [`unexpected failure: ${firstLine(error.message)} (set KMIPD_DEBUG=1 to see where)`];
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
