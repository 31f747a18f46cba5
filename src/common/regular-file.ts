import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { concatBytes } from './bytes.ts';
import { allocateSecretBytes, Secret } from './secret.ts';

/**
 * Reads the files that operators name. Only regular files of bounded size are read, because a directory, a
 * FIFO or a device may stand in their place: no read waits for a writer, and none fills the memory.
 */

const kibibyte = 1_024;
const mebibyte = 1_024 * kibibyte;

/** What files contain, and how many bytes one may have. */
const fileKinds = {
  configuration: { name: 'a configuration', maxBytes: mebibyte },
  /** PEM and DER; the bundles of operating systems have a quarter of that. */
  certificates: { name: 'certificates and keys', maxBytes: 4 * mebibyte },
  password: { name: 'a password', maxBytes: 64 * kibibyte },
  /** Of a sink of the audit log. */
  credential: { name: 'a private key or token', maxBytes: 64 * kibibyte },
  /** Of the command `decode`, whose user decides about the size of a message. */
  message: { name: 'messages', maxBytes: 256 * mebibyte },
  /** What kmipd notes for itself in a state directory: a process id, a fingerprint. */
  note: { name: 'a note of kmipd', maxBytes: kibibyte },
  /** What a state directory remembers of its databases. */
  anchors: { name: 'the states of databases that were seen', maxBytes: mebibyte },
  /** 24 bytes a row. */
  inventory: { name: 'an inventory of rows', maxBytes: 1_024 * mebibyte },
  /** Of a token; it has the URI. */
  refusedLogin: { name: 'a note of kmipd about a login', maxBytes: 8 * kibibyte },
  pins: { name: 'the keyrings that were used', maxBytes: 64 * kibibyte },
  /** How far each sink of the audit log has come, with checkpoints that wait. */
  sinkCursors: { name: 'the positions of sinks', maxBytes: 16 * mebibyte },
  /** The key that signs checkpoints of the audit log, sealed. */
  signingKey: { name: 'a signing key', maxBytes: 8 * kibibyte },
  /** The public keys of former days, 300 bytes each. */
  signingKeys: { name: 'public signing keys', maxBytes: 16 * mebibyte },
  rootSettings: { name: 'settings of the root', maxBytes: 64 * kibibyte },
} as const;

export type FileKind = keyof typeof fileKinds;

/** Returns the bytes that a file of the kind may have. */
export const maxBytesOf = (kind: FileKind): number => fileKinds[kind].maxBytes;

/** Is thrown for a file that can be looked up, but not read as a whole. The message is one line. */
export class UnusableFileError extends Error {
  override readonly name = 'UnusableFileError';
  readonly code = 'UNUSABLE_FILE';
  readonly path: string;
  /** The message without the path. */
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(`${path}: ${reason}`);
    this.path = path;
    this.reason = reason;
  }
}

/** Explanations of the system's errors about files, by their code. */
const systemReasons: Readonly<Record<string, string>> = {
  EAGAIN: 'nothing can be read there now; name a regular file instead',
  EACCES: 'permission denied; run kmipd as the user who owns it, or change its mode',
  EPERM: 'not permitted; run kmipd as the user who owns it',
  ENOENT: 'there is no such file or directory',
  ENOTDIR: 'a part of this path is a file, not a directory',
  EISDIR: 'this is a directory, not a file',
  EEXIST: 'this exists already',
  ELOOP: 'this symbolic link leads to itself',
  ENAMETOOLONG: 'this path is too long',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EIO: 'the disk failed',
  EMFILE: 'too many open files; raise the limit (ulimit -n)',
};

/** Returns why a file cannot be used, for the operator and without its path; undefined for other errors. */
export function describeFileError(error: unknown): string | undefined {
  if (error instanceof UnusableFileError) return error.reason;
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return systemReasons[String(error.code)];
}

/** Returns what stands at a path instead of a file; undefined for a regular file. */
export function findTypeProblem(stats: Stats): string | undefined {
  if (stats.isFile()) return undefined;
  const type = stats.isDirectory()
    ? 'directory'
    : stats.isFIFO()
      ? 'FIFO'
      : stats.isSocket()
        ? 'socket'
        : 'device';
  return `this is a ${type}, not a file; name a regular file instead`;
}

/** Returns what is wrong when others than its owner can use a file, with the remedy; undefined for none. */
export function describeExposure({ mode }: Pick<Stats, 'mode'>): string | undefined {
  if ((mode & 0o077) === 0) return undefined;
  return `mode ${(mode & 0o777).toString(8).padStart(4, '0')}, others can read it: chmod 600 it`;
}

/**
 * Opens a regular file for reading, without waiting, and returns its descriptor. Nothing else is opened,
 * because to open a device can have effects.
 * @throws {UnusableFileError} when it is no regular file; the system's error, with `code` and `path`.
 */
export function openRegularFile(path: string): number {
  requireRegular(path, statSync(path));
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    // Another file may have taken the place meanwhile.
    requireRegular(path, fstatSync(descriptor));
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function requireRegular(path: string, stats: Stats): void {
  const problem = findTypeProblem(stats);
  if (problem !== undefined) throw new UnusableFileError(path, problem);
}

/**
 * Reads a regular file.
 * @throws {UnusableFileError} when it is none, or has more bytes than its kind may have.
 * @throws the system's error, with `code` and `path`.
 */
export function readRegularFile(path: string, kind: FileKind): Uint8Array {
  return withRegularFile(path, (descriptor) => readToEnd(descriptor, path, kind));
}

/** Opens a regular file for the moment of a call. @throws as `openRegularFile` */
export function withRegularFile<T>(path: string, use: (descriptor: number) => T): T {
  const descriptor = openRegularFile(path);
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Reads a regular file as UTF-8, as `readRegularFile` does; a byte order mark is removed. */
export function readTextFile(path: string, kind: FileKind): string {
  return new TextDecoder().decode(readRegularFile(path, kind));
}

/**
 * Reads an open file, pipe or terminal to its end, which need not come; `path` names it in errors.
 * @throws {UnusableFileError} when it has more bytes than its kind may have.
 * @throws the system's error, with `code` and `path`.
 */
export function readToEnd(descriptor: number, path: string, kind: FileKind): Uint8Array {
  const { maxBytes } = fileKinds[kind];
  const chunks: Uint8Array[] = [];
  for (let total = 0; ; ) {
    const chunk = new Uint8Array(64 * kibibyte);
    const count = readChunk(descriptor, chunk, path);
    if (count === 0) return concatBytes(chunks);
    total += count;
    if (total > maxBytes) throw tooLarge(path, kind);
    chunks.push(chunk.subarray(0, count));
  }
}

/**
 * Reads an open file or pipe to its end into memory of its own, as `readToEnd` does; nothing of it stays
 * elsewhere.
 * @throws as `readToEnd`
 */
export function readSecretToEnd(descriptor: number, path: string, kind: FileKind): Secret {
  const buffer = allocateSecretBytes(fileKinds[kind].maxBytes + 1);
  try {
    let length = 0;
    for (let count = -1; count !== 0 && length < buffer.length; length += count)
      count = readChunk(descriptor, buffer.subarray(length), path);
    if (length === buffer.length) throw tooLarge(path, kind);
    return Secret.copyOf(buffer.subarray(0, length));
  } finally {
    buffer.fill(0);
  }
}

function tooLarge(path: string, kind: FileKind): UnusableFileError {
  const { name, maxBytes } = fileKinds[kind];
  return new UnusableFileError(
    path,
    `this has more than the ${maxBytes} bytes allowed for ${name}; is it the right file?`,
  );
}

function readChunk(descriptor: number, chunk: Uint8Array, path: string): number {
  try {
    return readSync(descriptor, chunk);
  } catch (error) {
    // Errors of calls with a descriptor do not say which file it is.
    throw Object.assign(error as Error, { path });
  }
}
