import { renameSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { replaceFile } from '../../../common/durable-file.ts';
import { describeFileError, maxBytesOf, readTextFile } from '../../../common/regular-file.ts';

/** How far a sink has come, as it stands in the file. */
export interface SinkCursor {
  /** The number that comes next in each chain; undefined for a sink that gets no entries. */
  readonly chains: ReadonlyMap<string, number> | undefined;
  /** Milliseconds since 1970: when the oldest entry that waits has arrived; undefined when none waits. */
  readonly since: number | undefined;
  /** Checkpoints that wait. */
  readonly checkpoints: readonly string[];
}

export interface CursorFileObserver {
  /** The file cannot be used; it was renamed, and every sink gets all that the log has. */
  cursorsUnusable(event: { readonly file: string; readonly reason: string }): void;
  /** The file could not be written; the first time, and the first time after a success. */
  cursorsNotSaved(event: { readonly file: string; readonly reason: string }): void;
}

const format = 1;
const intervalMilliseconds = 1_000;

/**
 * The file in which the positions of all sinks are kept. It is written atomically and durably, at most once a
 * second, without stopping the event loop. What was delivered after the last write is delivered again after a
 * crash.
 */
export class CursorFile {
  readonly #file: string;
  readonly #observer: CursorFileObserver;
  readonly #interval: number;
  #snapshot: (() => ReadonlyMap<string, SinkCursor>) | undefined;
  #isDirty = false;
  #isFailing = false;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: string, observer: CursorFileObserver, interval = intervalMilliseconds) {
    this.#file = file;
    this.#observer = observer;
    this.#interval = interval;
  }

  /**
   * Reads the file: the cursors by the name of the sink, none for a file that does not exist, and undefined
   * for one that cannot be used. That one is renamed, so that nothing is lost.
   */
  load(): ReadonlyMap<string, SinkCursor> | undefined {
    try {
      return parseCursors(readTextFile(this.#file, 'sinkCursors'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
      const reason = describeFileError(error) ?? 'it is torn or was altered';
      this.#observer.cursorsUnusable({ file: this.#file, reason });
      this.#keepUnusable();
      return undefined;
    }
  }

  /** Requests that the file is written soon; `snapshot` is called then. */
  save(snapshot: () => ReadonlyMap<string, SinkCursor>): void {
    this.#snapshot = snapshot;
    this.#isDirty = true;
    this.#timer ??= setTimeout(() => void this.flush(), this.#interval).unref();
  }

  /** Writes what was requested; resolves when it is durable, or could not be written. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    await this.#writing;
  }

  async #write(): Promise<void> {
    if (!this.#isDirty || this.#snapshot === undefined) return;
    this.#isDirty = false;
    try {
      await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
      await replaceFile(this.#file, formatCursors(this.#snapshot()), { isNameDurable: true });
      this.#isFailing = false;
    } catch (error) {
      this.#isDirty = true;
      const reason = describeFileError(error) ?? (error as Error).message;
      if (!this.#isFailing) this.#observer.cursorsNotSaved({ file: this.#file, reason });
      this.#isFailing = true;
    }
  }

  #keepUnusable(): void {
    try {
      renameSync(this.#file, `${this.#file}.unusable`);
    } catch {
      // It stays where it is, and the next write replaces it.
    }
  }
}

function formatCursors(cursors: ReadonlyMap<string, SinkCursor>): string {
  const sinks = Object.fromEntries(
    [...cursors].map(([name, { chains, since, checkpoints }]) => [
      name,
      {
        ...(chains === undefined ? {} : { chains: Object.fromEntries(chains) }),
        ...(since === undefined ? {} : { since }),
        checkpoints,
      },
    ]),
  );
  const text = JSON.stringify({ format, sinks });
  if (text.length > maxBytesOf('sinkCursors')) throw new RangeError('there is more than the file may have');
  return text;
}

/** @throws {SyntaxError} for a text that `formatCursors` does not write. */
function parseCursors(text: string): ReadonlyMap<string, SinkCursor> {
  const content: unknown = JSON.parse(text);
  if (!isObject(content) || content['format'] !== format || !isObject(content['sinks']))
    throw new SyntaxError('another format');
  return new Map(Object.entries(content['sinks']).map(([name, cursor]) => [name, parseCursor(cursor)]));
}

function parseCursor(cursor: unknown): SinkCursor {
  if (!isObject(cursor)) throw new SyntaxError('not a cursor');
  const { chains, since, checkpoints } = cursor;
  const isValid =
    (chains === undefined || (isObject(chains) && Object.values(chains).every(isCount))) &&
    (since === undefined || isCount(since)) &&
    Array.isArray(checkpoints) &&
    checkpoints.every((each) => typeof each === 'string');
  if (!isValid) throw new SyntaxError('not a cursor');
  const positions = chains === undefined ? undefined : new Map(Object.entries(chains) as [string, number][]);
  return { chains: positions, since, checkpoints };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
