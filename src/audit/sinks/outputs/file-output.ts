import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { describeFileError, findTypeProblem } from '../../../common/regular-file.ts';
import type { SinkEvent } from '../formats/event.ts';
import { SinkDeliveryError, type SinkOutput } from './output.ts';

const lineFeed = 0x0a;

/** Bits of a mode for other users, and that by which the group may write. */
const exposed = 0o027;

/** How the lines of this file begin, by the formats of sinks. */
const beginnings = ['{', 'CEF:0|'];

/** Appends events to a file, one line each. What stands in the file is neither changed nor removed. */
export class FileOutput implements SinkOutput {
  readonly #path: string;
  readonly #format: (event: SinkEvent) => string;
  #file: OpenFile | undefined;
  #mustReopen = false;

  /** `format` returns the line of an event without its end. */
  constructor(path: string, format: (event: SinkEvent) => string) {
    this.#path = path;
    this.#format = format;
  }

  /** Resolves once the lines are on the disk. */
  async send(events: readonly SinkEvent[]): Promise<void> {
    try {
      const { handle, endsTorn } = await this.#current();
      const lines = events.map((event) => `${this.#format(event)}\n`).join('');
      // What an attempt has left that was cut off becomes a line of its own; its entries follow as a whole.
      await writeAll(handle, new TextEncoder().encode(endsTorn ? `\n${lines}` : lines));
      await handle.datasync();
      if (endsTorn) this.#file = { handle, endsTorn: false };
    } catch (error) {
      this.reopen();
      throw error instanceof SinkDeliveryError ? error : this.#failure(error);
    }
  }

  /** Every success is confirmed. */
  watchLoss(): void {}

  /** The next attempt opens the file of that name then, so that the former one can be moved away. */
  reopen(): void {
    this.#mustReopen = true;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.handle.close();
  }

  async #current(): Promise<OpenFile> {
    const file = this.#file;
    // A file that was removed would take lines that nobody can read any more.
    const isUsable = file !== undefined && !this.#mustReopen && (await file.handle.stat()).nlink > 0;
    if (isUsable) return file;
    // An error of a file that is given up does not matter: its lines were durable, or are written again.
    await this.close().catch(() => {});
    this.#mustReopen = false;
    this.#file = await openLog(this.#path);
    return this.#file;
  }

  #failure(error: unknown): SinkDeliveryError {
    const reason =
      describeFileError(error) ?? String((error as NodeJS.ErrnoException).code ?? 'it cannot be written');
    return new SinkDeliveryError(`${this.#path}: ${reason}`, { cause: error });
  }
}

interface OpenFile {
  readonly handle: FileHandle;
  /** Whether the last line has no end. */
  readonly endsTorn: boolean;
}

/**
 * Opens a file to append to, and creates it with mode 0600. Neither symbolic links nor anything but a regular
 * file is opened, without waiting; a file with other content is refused, because lines would destroy it.
 */
async function openLog(path: string): Promise<OpenFile> {
  const present = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (present?.isSymbolicLink()) throw refused(path, 'this is a symbolic link; name the file itself');
  if (present !== undefined) requireRegular(path, findTypeProblem(present));
  const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
  const handle = await open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0o600);
  try {
    // Another file may have taken the place meanwhile.
    const stats = await handle.stat();
    requireRegular(path, findTypeProblem(stats));
    if ((stats.mode & exposed) !== 0)
      throw refused(path, 'others can change or read this file: chmod 640 it, or 600');
    return { handle, endsTorn: stats.size > 0 && (await endsTorn(handle, path, stats.size)) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function endsTorn(handle: FileHandle, path: string, size: number): Promise<boolean> {
  const first = new Uint8Array(Math.min(size, 8));
  await handle.read(first, 0, first.length, 0);
  const beginning = new TextDecoder().decode(first);
  const isLog = beginnings.some((each) => beginning.startsWith(each) || each.startsWith(beginning));
  // A first line that was cut off at its first byte leaves an empty one.
  if (!isLog && !beginning.startsWith('\n'))
    throw refused(path, 'this file has other content than lines of the audit log; name another file');
  const last = new Uint8Array(1);
  await handle.read(last, 0, 1, size - 1);
  return last[0] !== lineFeed;
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten;
}

function requireRegular(path: string, problem: string | undefined): void {
  if (problem !== undefined) throw refused(path, problem);
}

const refused = (path: string, reason: string) => new SinkDeliveryError(`${path}: ${reason}`);
