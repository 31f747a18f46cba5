import { writeSync } from 'node:fs';

/** Bytes that wait for a reader that is slower than the log. */
const maxPendingBytes = 1024 * 1024;
/** Pause before a reader that was too slow is tried again. */
const retryMilliseconds = 50;

/** Writes bytes and returns how many; throws the error of the system. */
export type WriteBytes = (bytes: Uint8Array) => number;

/**
 * Writes lines to a file or pipe and never waits: pino's own destination sleeps, with the event loop, until
 * a full disk has space or a reader reads. Lines that cannot be written are lost; a line says how many.
 */
export class LogOutput {
  readonly #writeBytes: WriteBytes;
  /** Lines to be written, the first perhaps without its beginning. */
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #lost = 0;
  /** Whether the last byte written is in the middle of a line. */
  #isInsideLine = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(writeBytes: WriteBytes = (bytes) => writeSync(1, bytes)) {
    this.#writeBytes = writeBytes;
  }

  /** Takes one line with its end. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#pendingBytes + bytes.length > maxPendingBytes) {
      this.#lost += 1;
      return;
    }
    if (this.#lost > 0 && this.#pending.length === 0) {
      const end = this.#isInsideLine ? '\n' : '';
      const msg = `${this.#lost} lines of the log were lost`;
      const notice = JSON.stringify({ level: 'warn', time: new Date().toISOString(), msg });
      if (!this.#attempt(Buffer.from(`${end}${notice}\n`))) {
        this.#lost += 1;
        return;
      }
      this.#lost = 0;
    }
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.flush();
  }

  /** Writes what waits, as far as that is possible now. */
  flush(): void {
    for (let line = this.#pending[0]; line !== undefined; line = this.#pending[0]) {
      let count: number;
      try {
        count = this.#writeBytes(line);
      } catch (error) {
        this.#giveUp(error as NodeJS.ErrnoException);
        return;
      }
      if (count === 0) return this.#giveUp({ code: 'EAGAIN' });
      this.#pendingBytes -= count;
      this.#isInsideLine = count < line.length;
      if (this.#isInsideLine) this.#pending[0] = line.subarray(count);
      else this.#pending.shift();
    }
  }

  /** A slow reader (EAGAIN) is tried again; after any other error the lines are lost. */
  #giveUp({ code }: Pick<NodeJS.ErrnoException, 'code'>): void {
    if (code === 'EAGAIN') {
      this.#retry ??= setTimeout(() => {
        this.#retry = undefined;
        this.flush();
      }, retryMilliseconds).unref();
      return;
    }
    this.#lost += this.#pending.length;
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  /** Writes bytes completely or returns false. */
  #attempt(bytes: Uint8Array): boolean {
    try {
      for (let rest = bytes; rest.length > 0; ) {
        const count = this.#writeBytes(rest);
        if (count === 0) return false;
        rest = rest.subarray(count);
        this.#isInsideLine = rest.length > 0;
      }
      return true;
    } catch {
      return false;
    }
  }
}
