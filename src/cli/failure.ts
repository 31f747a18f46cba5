import { ConfigError } from '../config/index.ts';

/** A command that cannot do what it was asked: exit code 1. The message is one line: what, where, what to do. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
  readonly code: string = 'COMMAND';
}

/** A command line that is not understood: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'USAGE';
}

/** Errors whose message was written for the person at the keyboard, by class name so that no room is loaded for it. */
const spoken = new Set([
  'CommandError',
  'CertificateRefusedError',
  'StoreUnavailableError',
  'SchemaTooNewError',
  'VaultUnavailableError',
  'SealBrokenError',
  'RootKeyRefused',
  'WireError',
  'NoRevocationListError',
]);

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

/** The lines that a failed command prints, each complete in itself. Never a stack. */
export function failureLines(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.problems;
  if (!(error instanceof Error)) return [String(error)];
  if (error instanceof UsageError || spoken.has(error.name)) return [firstLine(error.message)];
  const { code, path } = error as NodeJS.ErrnoException;
  const reason = code === undefined ? undefined : systemReasons[code];
  if (reason !== undefined && path !== undefined) return [`${path}: ${reason}`];
  return [`unexpected failure: ${firstLine(error.message)} (set KMIPD_DEBUG=1 to see where)`];
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
